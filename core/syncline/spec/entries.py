"""The entries of `transforms` and `ignore`, in their final order, with `defaults` spelt out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..decision import DEFAULT_REASONS
from .document import Path_

LISTS: Mapping[str, str] = {"transforms": "transform", "ignore": "rule"}
"""The sections that list plugins, and the kind each lists."""


@dataclass(frozen=True)
class Entry:
    """One use of a transform or rule; `path` is where its options (or its name) stand in the spec."""

    name: str
    config: Mapping[str, Any]
    path: Path_


def entries_of(spec: Mapping[str, Any], section: str) -> list[Entry]:
    """The entries of a spec without faults. A default rule is there once: a later entry changes its options and
    leaves it in its place. Every other plugin comes where it stands, as often as it stands."""
    found: list[Entry] = []
    if section == "ignore" and section not in spec:
        return _spelt_out("defaults", (section,))
    for n, written in enumerate(spec.get(section, ())):
        for entry in _spelt_out(written, (section, n)):
            place = _place(found, entry) if section == "ignore" else None
            if place is None:
                found.append(entry)
            elif entry.config:
                merged = {**found[place].config, **entry.config}
                found[place] = replace(entry, config=merged)
    return found


def _spelt_out(written: str | Mapping[str, Any], path: Path_) -> list[Entry]:
    if isinstance(written, str):
        names = DEFAULT_REASONS if written == "defaults" and path[0] == "ignore" else (written,)
        return [Entry(name, {}, path) for name in names]
    return [Entry(name, options or {}, (*path, name)) for name, options in written.items()]


def _place(found: list[Entry], entry: Entry) -> int | None:
    """Where a default rule already stands."""
    if entry.name not in DEFAULT_REASONS:
        return None
    return next((n for n, each in enumerate(found) if each.name == entry.name), None)
