"""The two ends of a sync: their types, their connections and their keys, with what the account offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from ...errors import Fatal, SpecError, SynclineError
from ...plugin import Choice, Sink, Source
from ...registry import Registry
from ...secrets import is_reference, resolve
from ...spec import bind_options, checker_of
from ..invocation import Invocation
from .accounts import Accounts
from .asking import Asker
from .choosing import nearest
from .keys import Key, keys_of


@dataclass(frozen=True)
class End:
    """One end as it will stand in the spec. `notes` are words on its keys; `unsaid` the keys left at their default."""

    kind: str
    type: str
    connection: str | None
    keys: Mapping[str, Any]
    notes: Mapping[str, str] = field(default_factory=dict)
    unsaid: tuple[str, ...] = ()

    def section(self) -> dict[str, Any]:
        """The section of the spec."""
        connection = {} if self.connection is None else {"connection": self.connection}
        return {"type": self.type} | connection | dict(self.keys)


class Ends:
    """Asks for a source or a sink."""

    def __init__(self, invocation: Invocation, asker: Asker, accounts: Accounts, folder: Path) -> None:
        self._registry = invocation.registry
        self._redactor = invocation.redactor
        self._asker = asker
        self._accounts = accounts
        self._folder = folder

    def asked(self, kind: str, given: Mapping[str, str], connection: str | None) -> End:
        """All of one end. `given` are the keys that flags say, `connection` the one they name for both ends."""
        left = dict(given)
        chosen = self._type(kind, left.pop("type", None))
        accepted = plugin_of(self._registry, kind, chosen).connections
        name = self._connection(kind, accepted, left.pop("connection", connection)) if accepted else None
        return self._keys(kind, chosen, name, left)

    def made(self, end: End) -> Any:
        """The source or sink itself. Raises `SpecError` for keys that do not fit."""
        plugin = plugin_of(self._registry, end.kind, end.type)
        config, why = bind_options(plugin, end.keys, self._folder, self._redactor)
        if config is None:
            raise SpecError(why, where=end.kind, mend=f"`syncline plugins {end.type}` shows the keys")
        made: Any = plugin
        return made(config, self._accounts.opened(end.connection) if end.connection else None)

    def _type(self, kind: str, given: str | None) -> str:
        fitting = usable(self._registry, self._accounts, kind)
        if given is not None:
            self._registry.offer(kind, given)
            return self._asker.given(given, fitting, f"--{kind}").value
        choices = [each for each in fitting if plugin_of(self._registry, kind, each.value).offered]
        if not choices:
            raise Fatal(f"no {kind} is installed that these connections fit", mend="`syncline plugins` lists what is")
        if len(choices) == 1:
            self._asker.note(f"{kind}: {choices[0].value}, the only one that fits")
            return choices[0].value
        return _chosen(self._asker.choose(f"Which {kind}?", choices, flag=f"--{kind} TYPE"))

    def _connection(self, kind: str, accepted: Sequence[str], given: str | None) -> str:
        names = self._accounts.fitting(tuple(accepted))
        choices = [Choice(name, detail=self._accounts.type_of(name)) for name in names]
        if given is not None:
            return self._asker.given(given, choices, f"--{kind} connection").value
        if len(names) == 1:
            self._asker.note(f"{kind} connection: {names[0]}, the only one that fits")
            return names[0]
        return _chosen(self._asker.choose(f"Connection of the {kind}", choices, flag=f"--{kind} connection=NAME"))

    def _keys(self, kind: str, type: str, connection: str | None, given: Mapping[str, str]) -> End:
        plugin = plugin_of(self._registry, kind, type)
        known = keys_of(checker_of(self._registry).schema, kind, type)
        names = [key.name for key in known]
        if strange := [key for key in given if key not in names]:
            hint = nearest([Choice(name) for name in names], strange[0])
            raise click.UsageError(f"--{kind}: {type} has no key {strange[0]!r}{hint}")
        values: dict[str, Any] = {key.name: key.value(given[key.name]) for key in known if key.name in given}
        notes: dict[str, str] = {}
        live = self._accounts.opened(connection) if connection else None
        for key in known:
            before = {each.name: values[each.name] for each in known if each.name in values and each is not key}
            choices = self._choices(plugin, key, before, live)
            answer = self._answer(f"--{kind} {key.name}", plugin, key, given.get(key.name), before, choices)
            if answer is not None:
                values[key.name] = key.value(answer.value)
                notes[key.name] = answer.label if answer.label not in ("", answer.value) else key.description
        ordered = {name: values[name] for name in names if name in values}
        return End(kind, type, connection, ordered, notes, tuple(name for name in names if name not in ordered))

    def _choices(
        self, plugin: type[Source[Any]] | type[Sink[Any]], key: Key, before: Mapping[str, Any], live: Any
    ) -> Sequence[Choice] | None:
        """What the account offers; None where it offers nothing, or may not be asked."""
        try:
            return plugin.choices(key.name, resolve(dict(before), self._redactor, folder=self._folder), live)
        except SynclineError as error:
            self._asker.warn(f"{key.name} cannot be listed: {error}")
            return None

    def _answer(
        self,
        flag: str,
        plugin: type[Source[Any]] | type[Sink[Any]],
        key: Key,
        given: str | None,
        before: Mapping[str, Any],
        choices: Sequence[Choice] | None,
    ) -> Choice | None:
        """The answer for one key, with its label; None for a key that stays as it is."""
        asker = self._asker
        if given is not None:
            if choices is None or is_reference(given):
                return Choice(given)
            return asker.given(given, choices, flag)
        if choices is None and not key.required:
            return None
        listed = key.choices if choices is None else choices
        if choices is not None and not choices and key.required:
            raise Fatal(
                f"the account shows nothing that {key.name} could be",
                where=flag.removeprefix("--").replace(" ", "."),
                mend="create it there, or let the user of the connection see it",
            )
        if key.required and len(listed) == 1:
            asker.note(f"{key.title}: {listed[0].value}, the only one")
            return listed[0]
        if listed:
            return asker.choose(key.question, listed, flag=f"{flag}=…", optional=not key.required)
        if not key.required:
            return None

        def fault(answer: str) -> str:
            _, why = bind_options(plugin, {**before, key.name: key.value(answer)}, self._folder, self._redactor)
            return why if why.startswith(f"{key.name}: ") else ""

        return Choice(asker.text(key.question, flag=f"{flag}=…", check=fault))


def plugin_of(registry: Registry, kind: str, type: str) -> type[Source[Any]] | type[Sink[Any]]:
    """The class of one end."""
    return registry.get("source", type, Source) if kind == "source" else registry.get("sink", type, Sink)


def usable(registry: Registry, accounts: Accounts, kind: str) -> list[Choice]:
    """The installed sources or sinks that need no connection, or for which there is one."""
    found = []
    for offer in registry.offers(kind):
        accepted = plugin_of(registry, kind, offer.name).connections
        if not accepted or accounts.fitting(accepted):
            found.append(Choice(offer.name, detail=offer.summary))
    return found


def _chosen(choice: Choice | None) -> str:
    assert choice is not None  # noqa: S101 - for the type checker: only an optional question has no answer
    return choice.value
