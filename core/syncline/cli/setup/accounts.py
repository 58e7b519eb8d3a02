"""The connections at hand while a sync is set up: those of connections.yaml, or a first one that is made up here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from ...errors import Fatal, SpecError
from ...plugin import Choice, Connection, Runtime
from ...secrets import is_reference
from ...spec import bind_connection, checker_of, connections_text, load_connections
from ..invocation import Invocation
from .answers import Answers
from .asking import Asker
from .files import write
from .keys import Key, keys_of

if TYPE_CHECKING:
    from ...executor import Executor

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
REFERENCES_ONLY = "a secret is given as a reference, ${env:NAME} or ${file:PATH}, never as the value"


class Accounts:
    """Use as a context manager: what was opened is closed at its end.

    `text` is what connections.yaml is to hold where there is none yet; None where there is one.
    """

    def __init__(self, invocation: Invocation, asker: Asker, answers: Answers, folder: Path) -> None:
        self._invocation = invocation
        self._asker = asker
        self._answers = answers
        self._checker = checker_of(invocation.registry)
        self.path = invocation.options.connections or folder / "connections.yaml"
        self.text: str | None = None
        self.held = load_connections(self.path, self._checker)
        self._open: dict[str, Connection[Any]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Accounts:
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def fitting(self, accepted: tuple[str, ...]) -> list[str]:
        """The names of the connections whose type is one of those."""
        return [name for name, entry in self.held.entries.items() if entry.type in accepted]

    def type_of(self, name: str) -> str:
        """The type of a connection."""
        return self.held.entries[name].type

    @cached_property
    def _executor(self) -> Executor:
        return self._invocation.executor(read_only=True, beside=self.path.parent)

    @cached_property
    def runtime(self) -> Runtime:
        """What connections and samples are lent; no ledger is written."""
        from ...budget import Budgets, MemoryStore

        spent, parked = self._executor.ledger.spent()
        of = self._executor
        lent = of.runtime(Budgets(MemoryStore(spent, parked), stop=of.stop, clock=of.clock))
        if lent.state.exists():
            return lent
        return replace(lent, state=Path(self._stack.enter_context(TemporaryDirectory(prefix="syncline-"))))

    @cached_property
    def now(self) -> datetime:
        """The moment of the set-up."""
        return self._executor.ledger.now()

    def opened(self, name: str) -> Connection[Any]:
        """The connection at work, its credentials tested. Raises `SpecError` for a reference that cannot be resolved,
        and `Fatal` when the other side lets nobody in."""
        if name not in self._open:
            use = bind_connection(name, self._invocation.registry, self.held, self._invocation.redactor)
            made = use.plugin(use.config, self.runtime)
            self._stack.callback(made.close)
            self._test(name, made)
            self._open[name] = made
        return self._open[name]

    # ---------------------------------------------------------------------------------------- the first connection

    def need(self, types: tuple[str, ...]) -> None:
        """See that there is at least one connection of one of the types; make the first one up if there is no
        file. Raises `SpecError` when there is a file without any."""
        if not self.path.exists():
            self._make(types)
            return
        if more := [f"{key}={value}" for key, value in self._answers.connection.items() if key != "name"]:
            raise click.UsageError(f"--connection {more[0]}: {self.path} is there already, and only read; edit it")
        if not self.fitting(types):
            faults = tuple(fault for each in self.held.faulty.values() for fault in each) or self.held.faults
            if faults:
                raise SpecError(faults=faults)
            raise SpecError(
                f"no connection in {self.path} is of the type {' or '.join(types)}",
                where="connections",
                mend="add one; docs/reference/connections.md shows the keys of each",
            )

    def _make(self, types: tuple[str, ...]) -> None:
        asker, given = self._asker, dict(self._answers.connection)
        asker.note(f"There is no {self.path} yet. It names the accounts that syncs use; secrets never stand in it.")
        offers = {offer.name: offer for offer in self._invocation.registry.offers("connection") if offer.name in types}
        choices = [Choice(name, detail=offer.summary) for name, offer in offers.items()]
        wanted = given.pop("type", None)
        flag = "--connection type=TYPE"
        chosen = (
            asker.choose("Which account?", choices, flag=flag)
            if wanted is None
            else asker.given(wanted, choices, "--connection type")
        )
        assert chosen is not None  # noqa: S101 - it is not optional
        proposed = chosen.value.partition("_")[0]
        name = given.pop("name", None) or asker.text(
            "Name of the connection", flag="--connection NAME", proposed=proposed, check=_name
        )
        if why := _name(name):
            raise click.UsageError(f"--connection: {why}")
        keys = self._keys(chosen.value, name, given)
        notes = {key: "a reference: the value itself stays outside" for key, each in keys.items() if is_reference(each)}
        self.text = connections_text(name, chosen.value, keys, notes)
        self.held = load_connections(self.path, self._checker, self.text)
        if self.held.faults:
            raise SpecError(faults=self.held.faults)
        self._resolvable(name)

    def _keys(self, type: str, name: str, given: Mapping[str, str]) -> dict[str, Any]:
        """The answers for the keys that a connection needs, and for those with a list of values."""
        known = {key.name: key for key in keys_of(self._checker.schema, "connection", type)}
        if strange := [key for key in given if key not in known]:
            raise click.UsageError(f"--connection: {type} has no key {strange[0]!r} ({', '.join(known)})")
        values: dict[str, Any] = {}
        for key in known.values():
            flag = f"--connection {key.name}=…"
            if key.name in given:
                if why := _secret(key)(given[key.name]):
                    raise click.UsageError(f"{flag}: {why}")
                values[key.name] = key.value(given[key.name])
            elif key.required:
                proposed = f"${{env:{name.upper().replace('-', '_')}_{key.name.upper()}}}"
                values[key.name] = self._asker.text(key.question, flag=flag, proposed=proposed, check=_secret(key))
            elif key.choices:
                chosen = self._asker.choose(key.question, key.choices, flag=flag, optional=True)
                if chosen is not None:
                    values[key.name] = chosen.value
        return values

    def _resolvable(self, name: str) -> None:
        """Where a reference leads nowhere yet, the file is written and that is all for now."""
        try:
            bind_connection(name, self._invocation.registry, self.held, self._invocation.redactor)
        except SpecError as error:
            unset = "; ".join(fault.message for fault in error.faults)
            if (
                not self._asker.asks
                or self._answers.printed
                or not self._asker.confirm(
                    f"The account cannot be asked yet: {unset}.\nWrite {self.path} now, and go on when they are set?"
                )
            ):
                raise
            write(self.path, self.text or "")
            raise Fatal(
                f"{self.path} is written, and no sync yet",
                why=unset,
                mend="then run `syncline init` again",
            ) from None

    def _test(self, name: str, connection: Connection[Any]) -> None:
        found = list(connection.check())
        bad = [each for each in found if not each.ok]
        if bad and len(bad) == len(found):
            raise Fatal(
                f"the connection {name} does not work",
                where=str(self.path),
                why=f"{bad[0].subject}: {bad[0].found}",
                mend=bad[0].mend,
            )
        for each in bad:
            self._asker.warn(f"connection {name}: {each.subject}: {each.found}; {each.mend}")


def _name(answer: str) -> str:
    return "" if NAME.fullmatch(answer) else "a name is made of letters, digits, - and _"


def _secret(key: Key) -> Callable[[str], str]:
    return lambda answer: REFERENCES_ONLY if key.secret and not is_reference(answer) else ""
