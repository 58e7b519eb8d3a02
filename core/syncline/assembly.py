"""The instances of one run: connections, source, transforms, rules and sink, made from a bound spec."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any

import msgspec

from .errors import Fatal
from .pipeline import Pipeline
from .pipeline.match import Match
from .pipeline.shape import Shape
from .plugin import Connection, Runtime
from .schedule import is_zone
from .sharing import Shared
from .spec import Bound, ConnectionUse


class Assembly:
    """Use as a context manager: at its end, connections that nobody else uses are closed. `connections` are shared with
    others, or a runtime for connections of its own; without them there is no network."""

    def __init__(self, bound: Bound, connections: Shared | Runtime | None) -> None:
        self.spec = bound.spec
        self._shared = Shared(connections) if isinstance(connections, Runtime) else connections
        self._stack = ExitStack()
        self._connections: dict[str, Connection[Any]] = {}
        try:
            self._make(bound)
        except BaseException:
            self._stack.close()
            raise

    def _make(self, bound: Bound) -> None:
        self._bound = bound
        self.source = bound.source_class(bound.source_config, self._connection(bound.source_connection))
        self.sink = bound.sink_class(bound.sink_config, self._connection(bound.sink_connection))
        self.transforms = [transform(config) for transform, config in bound.transforms]
        self.rules = [rule(config) for rule, config in bound.rules]
        self.key_field = bound.sink_class.address_field(bound.sink_config)
        added = [name for transform in self.transforms for name in transform.adds() if not name.startswith("_")]
        self.mapped = list(dict.fromkeys([*self.spec.mapped, *added]))

    def __enter__(self) -> Assembly:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def connections(self) -> dict[str, Connection[Any]]:
        """The connections in use, by their names in connections.yaml."""
        return self._connections

    @property
    def account(self) -> str:
        """The remote account that the sink writes to: what an audience and a suppression belong to."""
        connection = self.sink.connection
        return connection.account if isinstance(connection, Connection) else f"{self.sink.name}:{self.spec.name}"

    def zone(self) -> str | None:
        """The zone of the source, through the network; None: it has none. `Fatal` for one that is not known here."""
        name = self.source.zone()
        if name is not None and not is_zone(name):
            raise Fatal(
                f"the source {self.source.name} says that its time zone is {name!r}, which is not known here",
                mend="give the source a zone with an IANA name, like Asia/Kolkata",
            )
        return name

    @property
    def unique(self) -> bool:
        """Whether a rule makes sure that no person comes twice in a run."""
        return any(rule.name == "file_duplicate" for rule in self.rules)

    def take_out_by(self, action: str) -> None:
        """From now on the sink takes people out by this action, whatever its config says of `on_delete`."""
        config = msgspec.structs.replace(self._bound.sink_config, on_delete=action)
        self.sink = self._bound.sink_class(config, self._connection(self._bound.sink_connection))

    def shape(self) -> Shape:
        """The mapping and the transforms of the spec."""
        known = type(self.source).known_fields(self.source.config)
        return Shape(self.spec.mapping, self.transforms, self.key_field, optional=known)

    def pipeline(self, match: Match) -> Pipeline:
        """The stages, wired."""
        return Pipeline(self.shape(), self.rules, match, self.mapped)

    def _connection(self, use: ConnectionUse | None) -> Connection[Any] | None:
        if use is None or self._shared is None:
            return None
        if use.name not in self._connections:
            self._connections[use.name] = self._stack.enter_context(self._shared.lent(use))
        return self._connections[use.name]
