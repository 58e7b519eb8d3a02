"""The answers as a spec with its comments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ...spec import Draft
from .ends import End
from .mapping import Pairs

HEAD = "Written by `syncline init`, to be edited. What each key means: docs/how-to/write-a-spec.md"
NOTES: Mapping[str, str] = {
    "name": "the identity of the sync: kept for ever",
    "source": "where records come from",
    "source.connection": "see connections.yaml",
    "retrieve": "all, since_last_fetch, or {after: 2026-11-01T00:00:00}",
    "mapping": "sink field: where it comes from",
    "transforms": "in this order, over the mapped fields",
    "transforms.trim": "no blanks at the ends of any text",
    "ignore": "who is kept out, in this order",
    "ignore.defaults": "empty, invalid, group, double, opted-out and bounced addresses",
    "sink": "where leads go",
    "schedule": "when `syncline serve` runs it",
}


@dataclass(frozen=True)
class Said:
    """Every answer. `zone` is that of the source; a `schedule` without `timezone` is meant in it."""

    name: str
    description: str
    source: End
    sink: End
    pairs: Pairs
    retrieve: Any
    schedule: Mapping[str, Any] | None
    zone: str | None


def draft_of(said: Said, transforms: Collection[str]) -> Draft:
    """The spec. Texts are trimmed where the installed `transforms` can."""
    left = ", ".join(said.pairs.unmapped)
    return Draft(
        name=said.name,
        description=said.description,
        source=said.source.section(),
        retrieve=said.retrieve,
        mapping=said.pairs.mapping,
        transforms=["trim"] if "trim" in transforms else [],
        ignore=["defaults"],
        sink=said.sink.section(),
        schedule=said.schedule,
        notes=dict(NOTES)
        | {f"{end.kind}.{key}": text for end in (said.source, said.sink) for key, text in end.notes.items()}
        | {f"mapping.{said.pairs.key_field}": "the address: people are known by it"},
        below={
            "": [HEAD],
            "source": _unsaid(said.source),
            "mapping": [f"not mapped: {left}"] if left else [],
            "sink": _unsaid(said.sink),
            "schedule": _zone(said),
        },
    )


def _unsaid(end: End) -> list[str]:
    return [f"more keys: {', '.join(end.unsaid)} (`syncline plugins {end.type}`)"] if end.unsaid else []


def _zone(said: Said) -> list[str]:
    if said.schedule is None:
        return ["no schedule: it runs by hand only, `syncline run`"]
    return [] if "timezone" in said.schedule else [f"in the zone of the source, {said.zone}"]
