"""connections.yaml: the remote accounts that specs name, checked against the connection types that are installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Fault
from ..folders import layers
from .checker import Checker
from .conversion import Misfit, config_of
from .document import Document, merged
from .model import ConnectionEntry
from .reading import parse, read


@dataclass(frozen=True)
class Connections:
    """The entries of one file that are without faults, and the faults of the others by their names.

    `document` is None where there is no such file or where it cannot be read.
    """

    path: Path
    document: Document | None = None
    entries: Mapping[str, ConnectionEntry] = field(default_factory=dict)
    faulty: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def load_connections(path: Path, checker: Checker, text: str | None = None) -> Connections:
    """Read and check a connections.yaml. One that does not exist has no entries and no faults.

    In an overlay its entries replace those of the same name in the connections.yaml of the base. `text` stands in for a
    file that is not written yet.
    """
    document: Document | None = None
    files = layers(path) if text is None else (path,)
    path = files[-1] if files else path
    for file in files:
        over, unreadable = read(file) if text is None else parse(text.encode(), str(path))
        if over is None:
            return Connections(path, faults=tuple(unreadable))
        both = document is not None and isinstance(document.value, dict) and isinstance(over.value, dict)
        document = merged(document, over) if document is not None and both else over
    if document is None:
        return Connections(path)
    faults = checker.connections(document)
    bad = {entry for entry in _names(document) if any(_about(fault, entry) for fault in faults)}
    entries, faulty = {}, {}
    for name in _names(document):
        if name in bad:
            faulty[name] = tuple(fault for fault in faults if _about(fault, name))
            continue
        options = dict(document.value["connections"][name])
        entry = ConnectionEntry(name, options.pop("type"), options)
        if fault := _misfit(entry, document, checker):
            faulty[name] = (fault,)
            faults.append(fault)
        else:
            entries[name] = entry
    return Connections(path, document, entries, faulty, tuple(sorted(faults)))


def _names(document: Document) -> list[str]:
    section = document.value.get("connections") if isinstance(document.value, dict) else None
    return list(section) if isinstance(section, dict) else []


def _about(fault: Fault, name: str) -> bool:
    entry = f"connections.{name}"
    return fault.path == entry or fault.path.startswith(f"{entry}.")


def _misfit(entry: ConnectionEntry, document: Document, checker: Checker) -> Fault | None:
    """What only the plugin's own config can tell; a value that is a reference may fit once it is resolved."""
    where = ("connections", entry.name)
    if why := checker.unknown("connection", entry.type):
        return document.fault((*where, "type"), why)
    plugin = checker.registry.offer("connection", entry.type).plugin
    try:
        config_of(plugin.Config, entry.config)
    except Misfit as misfit:
        if "${" in str(entry.config):
            return None
        return document.fault((*where, *misfit.path), misfit.message)
    return None
