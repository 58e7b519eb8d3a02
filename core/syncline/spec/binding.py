"""Binds a spec to its plugins: references resolved, options typed. The last step before instances are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import Fault, SpecError
from ..plugin import Config, Connection, Plugin, Rule, Sink, Source, Transform
from ..registry import Registry
from ..secrets import Redactor, is_reference, resolve
from .connections import Connections
from .conversion import Misfit, config_of
from .document import Document, Path_
from .entries import entries_of
from .model import Mapped, Part, Spec

SQLITE = "sqlite:///"


@dataclass(frozen=True)
class ConnectionUse:
    """A connection that a spec names: its `name` in connections.yaml, its class and its config."""

    name: str
    plugin: type[Connection[Any]]
    config: Config


@dataclass(frozen=True)
class Bound:
    """A spec with everything that is needed to make the instances of a run."""

    spec: Spec
    source_class: type[Source[Any]]
    source_config: Config
    source_connection: ConnectionUse | None
    transforms: tuple[tuple[type[Transform[Any]], Config], ...]
    rules: tuple[tuple[type[Rule[Any]], Config], ...]
    sink_class: type[Sink[Any]]
    sink_config: Config
    sink_connection: ConnectionUse | None

    @property
    def lookback(self) -> str | None:
        """How far back the source reads at first, for those that say so."""
        found = getattr(self.source_config, "lookback", None)
        return found if isinstance(found, str) else None


def bind(spec: Spec, registry: Registry, connections: Connections, redactor: Redactor | None) -> Bound:
    """Resolve and convert. Without a `redactor` references stay as they are, which takes no secrets.

    Raises `SpecError` with all faults: a reference that cannot be resolved, options that do not fit once it is;
    `PluginError` when a plugin is not there. No message holds what a reference resolves to.
    """
    binding = _Binding(registry, connections, redactor)
    source = registry.get("source", spec.source.type, Source)
    sink = registry.get("sink", spec.sink.type, Sink)
    own = spec.document
    source_config = binding.config(source, spec.source.config, own, ("source",))
    source_connection = binding.connection(spec.source)
    mapping = tuple(binding.mapped(each, own) for each in spec.mapping)
    transforms, rules = [], []
    for entry in entries_of(spec.raw, "transforms"):
        transform = registry.get("transform", entry.name, Transform)
        transforms.append((transform, binding.config(transform, entry.config, own, entry.path)))
    for entry in entries_of(spec.raw, "ignore"):
        rule = registry.get("rule", entry.name, Rule)
        rules.append((rule, binding.config(rule, entry.config, own, entry.path)))
    sink_config = binding.config(sink, spec.sink.config, own, ("sink",))
    sink_connection = binding.connection(spec.sink)
    if binding.faults:
        raise SpecError(faults=tuple(dict.fromkeys(binding.faults)))
    return Bound(
        replace(spec, mapping=mapping),
        source,
        source_config,
        source_connection,
        tuple(transforms),
        tuple(rules),
        sink,
        sink_config,
        sink_connection,
    )


def bind_connection(name: str, registry: Registry, connections: Connections, redactor: Redactor) -> ConnectionUse:
    """One connection by itself, before there is a spec. Raises as `bind` does; `KeyError` for a name without entry."""
    binding = _Binding(registry, connections, redactor)
    found = binding.connection(Part("", name, {}))
    if binding.faults or found is None:
        raise SpecError(faults=tuple(binding.faults))
    return found


def bind_options(
    plugin: type[Plugin[Any]], options: Mapping[str, Any], folder: Path, redactor: Redactor
) -> tuple[Config | None, str]:
    """The typed config of an end, before there is a spec; or None and why the options do not fit."""
    try:
        resolved = resolve(dict(options), redactor, folder=folder)
        return config_of(plugin.Config, resolved | placed(plugin, resolved, dict.fromkeys(plugin.paths, folder))), ""
    except Misfit as misfit:
        where = ".".join(map(str, misfit.path))
        return None, redactor.clean(f"{where}: {misfit.message}" if where else misfit.message)
    except SpecError as error:
        return None, str(error)


def placed(plugin: type[Plugin[Any]], options: Mapping[str, Any], folders: Mapping[str, Path]) -> dict[str, str]:
    """Those options that are paths, each from its folder on; of URLs, the path of an SQLite file."""
    found = {key: options[key] for key in plugin.paths if isinstance(options.get(key), str)}
    return {key: _from(folders[key], text) for key, text in found.items()}


def _from(folder: Path, text: str) -> str:
    if text.startswith(SQLITE):
        return f"{SQLITE}{folder / text.removeprefix(SQLITE)}"
    return text if "://" in text or is_reference(text) else str(folder / text)


class _Binding:
    """One `bind` on its way; collects the faults."""

    def __init__(self, registry: Registry, connections: Connections, redactor: Redactor | None) -> None:
        self._registry = registry
        self._connections = connections
        self._redactor = redactor
        self.faults: list[Fault] = []

    def config(self, plugin: type[Plugin[Any]], options: Mapping[str, Any], document: Document, path: Path_) -> Config:
        """The typed config; after a fault a bare one, which nobody will see."""
        before = len(self.faults)
        hidden: list[str] = []
        resolved = self._resolved(dict(options), document, path, hidden)
        folders = {key: document.folder((*path, key)) for key in plugin.paths if key in resolved}
        resolved |= placed(plugin, resolved, folders)
        if len(self.faults) == before:
            try:
                return config_of(plugin.Config, resolved, hidden)
            except Misfit as misfit:
                message = self._redactor.clean(misfit.message) if self._redactor else misfit.message
                self.faults.append(document.fault((*path, *misfit.path), message))
        return Config()

    def connection(self, part: Part) -> ConnectionUse | None:
        """The connection that one end names."""
        if part.connection is None:
            return None
        entry, document = self._connections.entries[part.connection], self._connections.document
        assert document is not None  # noqa: S101 - entries come out of it
        plugin = self._registry.get("connection", entry.type, Connection)
        config = self.config(plugin, entry.config, document, ("connections", entry.name))
        return ConnectionUse(entry.name, plugin, config)

    def mapped(self, mapped: Mapped, document: Document) -> Mapped:
        """The mapping entry with the references of its constants resolved."""
        path: Path_ = ("mapping", mapped.target)
        changes = {
            key: self._resolved(text, document, (*path, key), [])
            for key, text in (("value", mapped.value), ("default", mapped.default))
            if is_reference(text)
        }
        return replace(mapped, **changes) if changes else mapped

    def _resolved(self, value: Any, document: Document, path: Path_, hidden: list[str]) -> Any:
        """The value with its references resolved; what they resolve to is added to `hidden`."""
        if isinstance(value, dict):
            return {key: self._resolved(each, document, (*path, key), hidden) for key, each in value.items()}
        if isinstance(value, list):
            return [self._resolved(each, document, (*path, n), hidden) for n, each in enumerate(value)]
        if self._redactor is None or not is_reference(value):
            return value
        try:
            found = resolve(value, self._redactor, folder=document.folder(path))
        except SpecError as error:
            self.faults.append(document.fault(path, str(error)))
            return value
        hidden.append(found)
        return found
