"""What the flags of `init` say: each answer as a person would have given it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click


@dataclass(frozen=True)
class Answers:
    """Everything that was said beforehand; what was not is None, or absent.

    `connection`, `source` and `sink` hold keys as in the YAML, all texts; `maps` the texts of --map as given;
    `schedule` the keys of a schedule, or nothing for `by_hand`.
    """

    name: str | None = None
    description: str | None = None
    connection: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)
    sink: Mapping[str, str] = field(default_factory=dict)
    maps: Sequence[str] = ()
    retrieve: str | None = None
    frequency: str | None = None
    schedule: Mapping[str, Any] = field(default_factory=dict)
    output: str | None = None
    yes: bool = False
    force: bool = False

    @property
    def path(self) -> Path | None:
        """The file that --output names; None where it names none."""
        return None if self.output is None or self.printed else Path(self.output)

    @property
    def printed(self) -> bool:
        """--output -: the spec goes to standard output, and no file is written."""
        return self.output == "-"


def answers_of(
    *,
    connection: Sequence[str],
    source: Sequence[str],
    sink: Sequence[str],
    on: str | None,
    day: str | None,
    **plain: Any,
) -> Answers:
    """The flags as `Answers`. Raises `click.UsageError` for one that is not KEY=VALUE."""
    given = [*connection, *source, *sink, on or "", day or "", *plain["maps"], *map(str, plain.values())]
    if any(not is_text(each) for each in given):
        raise click.UsageError("an option holds bytes that are not valid Unicode")
    times = {key: plain.pop(key) for key in ("time", "cron", "timezone")}
    schedule: dict[str, Any] = {key: value for key, value in times.items() if value is not None}
    if on is not None:
        schedule["on"] = [each.strip().lower() for each in on.split(",") if each.strip()]
    if day is not None:
        schedule["day"] = int(day) if day.isascii() and day.isdigit() else day
    return Answers(
        connection=keys_of("--connection", connection, "name"),
        source=keys_of("--source", source, "type"),
        sink=keys_of("--sink", sink, "type"),
        schedule=schedule,
        **plain,
    )


def is_text(given: str) -> bool:
    """Whether it can be written to a file: bytes that were no text cannot."""
    return not any("\ud800" <= each <= "\udfff" for each in given)


def keys_of(flag: str, given: Iterable[str], bare: str) -> dict[str, str]:
    """`["creator", "report=all"]` → `{bare: "creator", "report": "all"}`."""
    keys: dict[str, str] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals:
            key, value = bare, each
        key, value = key.strip(), value.strip()
        if not key or not value:
            raise click.UsageError(f"{flag} takes KEY=VALUE, or the {bare} alone; one of the two is empty")
        if key in keys:
            raise click.UsageError(f"{flag} gives {key} twice")
        keys[key] = value
    return keys
