"""What a spec says, as frozen plain values: the one shape that all other parts of Syncline read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from .. import sql
from . import template
from .document import Document
from .guards import Guards

Mode = Literal["all", "since_last_fetch", "after"]
Frequency = Literal["once", "daily", "weekly", "monthly", "cron"]


@dataclass(frozen=True)
class Part:
    """One end of a sync: the plugin's `type`, the name of its connection, and the plugin's own keys, as written."""

    type: str
    connection: str | None
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Retrieve:
    """Which records a run reads. `after` is an ISO 8601 moment (mode `after` only); without an offset it is meant in
    the zone of the source."""

    mode: Mode
    after: str | None = None


@dataclass(frozen=True)
class Mapped:
    """Where one mapped field comes from: exactly one of `field`, `sql`, `value` and `template` is set.

    `value` and `default` are the text as written in the YAML. `default` applies to a missing, null or empty value.
    """

    target: str
    field: str | None = None
    sql: str | None = None
    value: str | None = None
    template: str | None = None
    default: str | None = None

    @property
    def needs(self) -> frozenset[str]:
        """The source fields that it reads."""
        if self.field is not None:
            return frozenset({self.field})
        if self.sql is not None:
            return sql.columns_of(self.sql)
        return frozenset(template.fields(self.template)) if self.template is not None else frozenset()

    @property
    def sent(self) -> bool:
        """Whether it goes to the sink; a leading underscore keeps a field for transforms and rules only."""
        return not self.target.startswith("_")


@dataclass(frozen=True)
class Use:
    """One transform or ignore rule, with its options as written."""

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Schedule:
    """When a sync runs: wall-clock times in `timezone` (None: the zone of the source). See `syncline.schedule`.

    `time` is "HH:MM", `on` English weekday names, `day` 1 to 31 or "last", `cron` five fields, `jitter` a duration
    like 90s, 5m or 2h.
    """

    frequency: Frequency
    time: str | None = None
    on: tuple[str, ...] = ()
    day: int | Literal["last"] | None = None
    cron: str | None = None
    timezone: str | None = None
    catch_up: Literal["one", "none"] = "one"
    jitter: str | None = None


@dataclass(frozen=True)
class SpecTest:
    """A test that the spec carries: `given` is a source record; `expect` is `{"ignored": code}` or `{"lead": {…}}`,
    the texts that would be sent (None: nothing is sent for that field). `line` is where it stands."""

    name: str
    given: Mapping[str, Any]
    expect: Mapping[str, Any]
    line: int


@dataclass(frozen=True)
class Spec:
    """One sync, as its file and the folder's defaults.yaml say it.

    `ignore` is the final, ordered list: `defaults` is expanded, and options of later entries are merged into the
    rule's place. `identity` is what makes it another sync when it changes. `raw` is the merged document with
    references unresolved: what revisions and diffs are made of.
    """

    path: Path
    name: str
    description: str
    source: Part
    retrieve: Retrieve
    mapping: tuple[Mapped, ...]
    transforms: tuple[Use, ...]
    ignore: tuple[Use, ...]
    sink: Part
    guards: Guards
    schedule: Schedule | None
    replaces: str | None
    enabled: bool
    protect: bool
    tests: tuple[SpecTest, ...]
    identity: Mapping[str, Any]
    raw: Mapping[str, Any]
    document: Document = field(repr=False, compare=False)
    """Where everything stands, for faults that show only later."""
    deployment: str | None = field(default=None, compare=False)
    """The name that the folder goes by in a ledger: see `settings.deployment_of`."""

    @cached_property
    def source_fields(self) -> tuple[str, ...]:
        """The source fields that the mapping reads, sorted; those inside SQL and templates included."""
        return tuple(sorted(frozenset().union(*(each.needs for each in self.mapping))))

    @property
    def mapped(self) -> tuple[str, ...]:
        """The fields that are sent, in the order of the mapping."""
        return tuple(each.target for each in self.mapping if each.sent)

    @property
    def all_targets(self) -> tuple[str, ...]:
        """All mapped fields, those with a leading underscore included."""
        return tuple(each.target for each in self.mapping)


@dataclass(frozen=True)
class ConnectionEntry:
    """One entry of connections.yaml, its references unresolved."""

    name: str
    type: str
    config: Mapping[str, Any]
