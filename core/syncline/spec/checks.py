"""What the JSON Schema cannot say of a spec: that its parts fit each other and the plugins they name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from .. import schedule, sql
from ..errors import Fault, SynclineError
from ..plugin import Config, Rule, Sink, Source, Transform
from ..secrets import REFERENCE
from . import retrieval, template
from .checker import Checker
from .connections import Connections
from .conversion import Misfit, config_of
from .document import Document, Path_
from .entries import LISTS, Entry, entries_of


class Checks:
    """The checks of one spec. `faults` grows; `identity` is there once `run` is through.

    A check is left out where an earlier fault already lies in what it would look at.
    """

    def __init__(self, checker: Checker, document: Document, connections: Connections, faults: list[Fault]) -> None:
        self._checker = checker
        self._document = document
        self._connections = connections
        self._spec: Mapping[str, Any] = document.value
        self._faulty = {fault.path.partition(".")[0].partition("[")[0] for fault in faults}
        self.faults = faults
        self.identity: dict[str, Any] = {}

    def run(self) -> None:
        """All checks, in the order of the spec."""
        source = self._end("source", Source)
        sink = self._end("sink", Sink)
        if self._sound("retrieve"):
            self._retrieve()
        if self._sound("mapping"):
            self._mapping(*self._known(source, "source"))
            self._targets(sink)
        fields = self._fields(sink) if self._sound("mapping") else None
        added, codes = self._uses("transforms", fields)
        fields = None if fields is None or added is None else fields + added
        _, codes = self._uses("ignore", fields)
        if self._sound("schedule"):
            for key, message in schedule.problems(self._spec["schedule"]):
                self._add(("schedule", key) if key else ("schedule",), message)
        if self._spec.get("replaces") is not None and self._spec["replaces"] == self._spec.get("name"):
            self._add(("replaces",), "a sync cannot replace itself; name the earlier one")
        self._tests(fields, codes)
        self._references()

    # ------------------------------------------------------------------------------------------ the two ends

    def _end(self, section: str, base: type[Source[Any]] | type[Sink[Any]]) -> tuple[Any, Config | None] | None:
        """The class of one end, and its config where it can be made without references."""
        if not self._sound(section):
            return None
        options = dict(self._spec[section])
        name, connection = options.pop("type"), options.pop("connection", None)
        if why := self._checker.unknown(section, name):
            self._add((section, "type"), why)
            return None
        plugin = self._checker.registry.get(section, name, base)
        if connection is not None:
            self._connection(section, connection, plugin.connections)
        config = self._config(plugin.Config, options, (section,))
        values = vars_of(config) if config is not None else {}
        self.identity[f"{section}.type"] = name
        for key in plugin.identity:
            self.identity[f"{section}.{key}"] = options.get(key, values.get(key))
        return plugin, config

    def _connection(self, section: str, name: str, accepted: Sequence[str]) -> None:
        path, held = (section, "connection"), self._connections
        if name in held.entries:
            kind = held.entries[name].type
            if kind not in accepted:
                message = f"connection {name!r} is of type {kind!r}; this {section} needs {' or '.join(accepted)}"
                self._add(path, message)
        elif name in held.faulty:
            self.faults.extend(held.faulty[name])
        elif held.document is None and held.faults:
            self.faults.extend(held.faults)
        elif held.document is None:
            self._add(path, f"there is no {held.path} that could hold the connection {name!r}")
        else:
            names = [*held.entries, *held.faulty]
            self._add(
                path, f"{name!r} is not in {held.path} ({', '.join(names) or 'it is empty'}){_did_you(name, names)}"
            )

    def _config(self, cls: type[Config], options: Mapping[str, Any], where: Path_) -> Config | None:
        try:
            return config_of(cls, options)
        except Misfit as misfit:
            if not REFERENCE.search(str(options)):
                self._add((*where, *misfit.path), misfit.message)
            return None

    def _known(self, end: tuple[Any, Config | None] | None, kind: str) -> tuple[Collection[str] | None, str]:
        """The fields that an end surely has, or None; and what to call it."""
        if end is None or end[1] is None:
            return None, kind
        plugin, config = end
        known = self._asked(lambda: plugin.known_fields(config), (kind, "type"))
        return known, f"{kind} {plugin.name!r}"

    # --------------------------------------------------------------------------------------------- the fields

    def _retrieve(self) -> None:
        retrieve = self._spec["retrieve"]
        if isinstance(retrieve, dict):
            try:
                sound = datetime.fromisoformat(retrieve["after"]).year in retrieval.YEARS
            except ValueError:
                sound = False
            if not sound:
                self._add(("retrieve", "after"), "must be a moment like 2026-11-01T00:00:00 (ISO 8601)")

    def _mapping(self, known: Collection[str] | None, name: str) -> None:
        for target, origin in self._spec["mapping"].items():
            path: Path_ = ("mapping", target)
            if isinstance(origin, str):
                self._source_field(path, origin, known, name)
            elif "field" in origin:
                self._source_field((*path, "field"), origin["field"], known, name)
            elif "sql" in origin:
                self._sql((*path, "sql"), origin["sql"], known)
            elif "template" in origin:
                self._template((*path, "template"), origin["template"], known, name)

    def _source_field(self, path: Path_, field: str, known: Collection[str] | None, name: str) -> None:
        if known is not None and not _has(known, field):
            self._add(path, f"{field!r} is not a field of the {name} ({', '.join(known)}){_did_you(field, known)}")

    def _sql(self, path: Path_, text: str, known: Collection[str] | None) -> None:
        message = sql.check(text, None)
        if not message and known is not None:
            parts = {each for each in sql.columns_of(text) if "." in each and _has(known, each)}
            message = sql.check(text, parts.union(known))
        if message:
            self._add(path, message)

    def _template(self, path: Path_, text: str, known: Collection[str] | None, name: str) -> None:
        if REFERENCE.search(text):
            return  # told by _references
        try:
            fields = template.fields(text)
        except ValueError as error:
            self._add(path, str(error))
            return
        for field in sorted(fields):
            self._source_field(path, field, known, name)

    def _targets(self, sink: tuple[Any, Config | None] | None) -> None:
        if sink is None or sink[1] is None:
            return
        plugin, config = sink
        targets = self._spec["mapping"]
        address = self._asked(lambda: plugin.address_field(config), ("sink", "type"))
        if address is not None and address not in targets:
            close = get_close_matches(address, list(targets), 1)
            mend = f"is {close[0]!r} meant?" if close else f"add {address!r} to the mapping"
            message = f"{address!r} is missing: the sink {plugin.name!r} knows people by it; {mend}"
            self._add(("mapping",), message, at_key=True)
            targets = [target for target in targets if target not in close]
        known, name = self._known(sink, "sink")
        for target in targets:
            if known is not None and not target.startswith("_") and target != address and target not in known:
                message = f"not a field of the {name} ({', '.join(known)}){_did_you(target, known)}"
                self._add(("mapping", target), message, at_key=True)

    # ---------------------------------------------------------------------------------- transforms and rules

    def _fields(self, sink: tuple[Any, Config | None] | None) -> list[str]:
        """The mapped fields; the address is among them, for its absence is told once."""
        fields = list(self._spec["mapping"])
        if sink is not None and sink[1] is not None:
            address = self._asked(lambda: sink[0].address_field(sink[1]), ("sink", "type"))
            fields += [address] if address is not None and address not in fields else []
        return fields

    def _uses(self, section: str, fields: Sequence[str] | None) -> tuple[list[str] | None, Collection[str] | None]:
        """Check the entries of `transforms` or `ignore`; the fields that they add, and the reasons they can give
        (None: not all are known)."""
        if section in self._faulty:
            return None, None
        added: list[str] = []
        codes: dict[str, None] = {}
        whole = True
        for entry in entries_of(self._spec, section):
            made = self._made(LISTS[section], entry, None if fields is None else [*fields, *added])
            if isinstance(made, Transform):
                added += self._asked(made.adds, entry.path) or ()
            elif made is not None:
                codes.update(dict.fromkeys(self._asked(made.declared, entry.path) or ()))
            whole = whole and made is not None
        return (added, codes) if whole else (None, None)

    def _made(self, kind: str, entry: Entry, fields: Sequence[str] | None) -> Transform[Any] | Rule[Any] | None:
        if why := self._checker.unknown(kind, entry.name):
            self._add(entry.path, why)
            return None
        plugin: Any = self._checker.registry.offer(kind, entry.name).plugin
        config = self._config(plugin.Config, entry.config, entry.path)
        if config is None or not self._expressions(f"{kind}.{entry.name}", entry, fields):
            return None
        made: Transform[Any] | Rule[Any] | None = self._asked(lambda: plugin(config), entry.path)
        if made is not None and fields is not None:
            name = "" if entry.path[-1] == entry.name else f"{entry.name}: "
            for field in self._asked(made.needs, entry.path) or ():
                if field not in fields:
                    message = f"{field!r} is not a mapped field ({', '.join(fields)}){_did_you(field, fields)}"
                    self._add(entry.path, name + message)
        return made

    def _expressions(self, definition: str, entry: Entry, fields: Sequence[str] | None) -> bool:
        """Check the options that hold SQL; whether all of them are sound."""
        sound = True
        for key, option in self._checker.schema["$defs"][definition].get("properties", {}).items():
            text = entry.config.get(key)
            if option.get("x-sql") and isinstance(text, str) and (message := sql.check(text, fields)):
                self._add((*entry.path, key), message)
                sound = False
        return sound

    # ------------------------------------------------------------------------------------------------ the rest

    def _tests(self, fields: Sequence[str] | None, codes: Collection[str] | None) -> None:
        if not self._sound("tests"):
            return
        names: dict[str, int] = {}
        for n, test in enumerate(self._spec.get("tests", ())):
            path: Path_ = ("tests", n)
            if names.setdefault(test["name"], n) != n:
                self._add((*path, "name"), "another test has this name; a name tells them apart")
            code = test["expect"].get("ignored")
            if codes is not None and code is not None and code not in codes:
                message = f"{code!r} is no reason of this spec's rules ({', '.join(codes) or 'it has none'})"
                self._add((*path, "expect", "ignored"), message + _did_you(code, codes))
            for target in test["expect"].get("lead", ()):
                sent = [each for each in fields or () if not each.startswith("_")]
                if fields is not None and target not in sent:
                    message = f"not a field that is sent ({', '.join(sent)}){_did_you(target, sent)}"
                    self._add((*path, "expect", "lead", target), message, at_key=True)

    def _references(self) -> None:
        """A reference is resolved in the options of plugins and in constants; elsewhere it would be sent as it is."""
        message = "a reference (${…}) cannot stand here; only in a plugin's options, `value` and `default`"
        for path in self._document.values:
            value = self._document.at(path)
            if not (isinstance(value, str) and REFERENCE.search(value)):
                continue
            plain = path[0] in ("source", "sink") and path[-1] not in ("type", "connection")
            if plain or path[0] in (*LISTS, "tests") or path[-1] in ("value", "default"):
                continue
            self._add(path, message)

    def _asked(self, question: Callable[[], Any], where: Path_) -> Any:
        """A plugin's answer; what it raises is a fault of the spec that uses it."""
        try:
            return question()
        except (SynclineError, ValueError) as error:
            self._add(where, str(error))
        except Exception as error:  # noqa: BLE001 - a stranger's plugin may raise anything
            self._add(where, f"the plugin failed: {type(error).__name__}: {error}")
        return None

    def _sound(self, section: str) -> bool:
        """Whether the section is there, and nothing was found in it before."""
        return self._spec.get(section) is not None and section not in self._faulty

    def _add(self, path: Path_, message: str, *, at_key: bool = False) -> None:
        self.faults.append(self._document.fault(path, message, at_key=at_key))


def vars_of(config: Config) -> dict[str, Any]:
    """The values of a config by key."""
    return {name: getattr(config, name) for name in config.__struct_fields__}


def _has(known: Iterable[str], field: str) -> bool:
    """Whether the field, or the field it is a part of, is known."""
    return any(field == each or field.startswith(f"{each}.") for each in known)


def _did_you(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, list(names), 1)
    return f"; did you mean {close[0]!r}?" if close else ""
