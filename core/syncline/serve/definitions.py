"""Where a run loop has its specs from: a folder that it follows, or what was applied to the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..errors import SpecError
from ..ledger import SyncRecord
from ..registry import Registry
from ..secrets import Redactor
from ..spec import Bound, bind, checker_of, load_connections, spec_of_raw


@dataclass(frozen=True)
class Step:
    """What one look at the files brought: syncs that are served now, names whose files have faults and that are served
    as the ledger knows them, names that are served no longer, whether there is more to take in at once, whether it
    is still waited for the first files, and whether the connections are other ones than before."""

    adopted: list[SyncRecord] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    more: bool = False
    waiting: bool = False
    reconnected: bool = False


class Definitions(Protocol):
    """The specs that are served. Only `bound` is called by other threads than the loop's."""

    def step(self) -> Step:
        """Look for changes, and take in a part of them that does not hold the loop up for long."""

    def serves(self, name: str) -> bool:
        """Whether this sync is run here."""

    def bound(self, sync: SyncRecord) -> Bound:
        """The revision of the sync that the ledger has, ready to run. Raises `SpecError` with its faults."""

    def troubles(self) -> list[str]:
        """What is wrong with the files right now, one line each."""


class Applied:
    """Everything that was applied to the ledger; connections come from one file, which is read at the start.

    Raises `SpecError` when that file has faults.
    """

    def __init__(self, connections: Path, registry: Registry, redactor: Redactor) -> None:
        self._folder = connections.parent
        self._registry = registry
        self._redactor = redactor
        self._connections = load_connections(connections, checker_of(registry))
        if self._connections.faults:
            raise SpecError(faults=self._connections.faults)

    def step(self) -> Step:
        """There are no files to follow."""
        return Step()

    def serves(self, name: str) -> bool:
        """All of them."""
        return True

    def bound(self, sync: SyncRecord) -> Bound:
        """See `Definitions`."""
        path = self._folder / f"{sync.name}.yaml"
        spec = spec_of_raw(sync.spec, path, checker_of(self._registry), self._connections)
        return bind(spec, self._registry, self._connections, self._redactor)

    def troubles(self) -> list[str]:
        """Nothing can go wrong with files after the start."""
        return []
