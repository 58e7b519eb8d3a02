"""What is to come of one sync, for `schedule`: its next runs in its zone, and why there may be none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ..errors import SpecError
from ..schedule import Firing, Turn, outlook
from ..spec.retrieval import notes
from .invocation import Invocation
from .survey import LEFT, leaves, reckoned, state_of, unknown_sync

if TYPE_CHECKING:
    from ..ledger import SyncRecord
    from ..spec import Loaded, Spec

DEAD = ("inactive", "completed")
"""States in which no run ever comes, so that nobody is asked for a zone."""


@dataclass(frozen=True)
class Coming:
    """What `schedule` says. `zone` is None where there is no schedule, or nobody to ask for the zone; `origin` says
    where it came from. `halted` says why none of the `firings` will run, "" if they will."""

    name: str
    now: datetime
    start: datetime
    schedule: Mapping[str, Any] | None
    state: str | None
    halted: str
    zone: str | None = None
    origin: str = ""
    firings: list[Firing] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def coming(invocation: Invocation, sync: str, *, n: int, start: datetime | None) -> Coming:
    """The next `n` runs of the sync with this name or spec file after `start` (None: now).

    A `start` without an offset is meant in the zone of the sync. Raises `SpecError` when the sync, or its zone, is not
    to be found out; what a source raises that is asked for its zone.
    """
    spec, loaded = invocation.named(sync)
    ledger = invocation.ledger(beside=spec.path.parent if spec else None)
    record = ledger.sync(spec.name if spec else sync)
    if spec is None and record is None:
        raise unknown_sync(sync, invocation.folder())
    raw = spec.raw if spec else record.spec if record else {}
    now = ledger.now()
    state, reason = state_of(record, raw)
    halted = f"{state}: {reason}" if state not in ("active", None) else ""
    if not halted and spec is None and leaves(loaded):
        halted = f"left out: {LEFT}"
    schedule = raw.get("schedule")
    told = Coming(
        name=spec.name if spec else sync,
        now=now,
        start=start or now,
        schedule=schedule,
        state=state,
        halted=halted,
        notes=notes(raw, now, created=record.created_at if record else None),
    )
    if not schedule:
        return told
    zone, origin = _zone(schedule, record, state, lambda: _asked(invocation, spec, loaded))
    if zone is None:
        return replace(told, origin=origin)
    since = told.start if told.start.tzinfo else told.start.replace(tzinfo=ZoneInfo(zone))
    since = reckoned(schedule, record, since)
    firings, turns = outlook(schedule, since, zone, n)
    return replace(told, start=since, zone=zone, origin=origin, firings=firings, turns=turns)


def _zone(
    schedule: Mapping[str, Any], record: SyncRecord | None, state: str | None, ask: Callable[[], tuple[str, str]]
) -> tuple[str | None, str]:
    """The zone, and where it came from; the source is asked only if need be."""
    if schedule.get("timezone"):
        return str(schedule["timezone"]), "from the schedule"
    if known := getattr(record, "zone", None):
        return str(known), "from the source, as the ledger remembers"
    return (None, "not known") if state in DEAD else ask()


def _asked(invocation: Invocation, spec: Spec | None, loaded: Loaded) -> tuple[str, str]:
    """The zone of the source, through the network."""
    if spec is None:
        raise SpecError(
            "the schedule is in the zone of the source, and there is no spec here that says how to ask it",
            mend="name the spec file, or say `timezone` in its schedule",
        )
    from ..assembly import Assembly
    from ..budget import Budgets, MemoryStore

    invocation.logs()
    executor = invocation.executor(read_only=True, beside=spec.path.parent)
    spent, parked = executor.ledger.spent()
    runtime = executor.runtime(Budgets(MemoryStore(spent, parked), stop=executor.stop, clock=executor.clock))
    with Assembly(invocation.bind(spec, loaded), runtime) as assembly:
        found = assembly.zone()
        if found is None:
            return "UTC", "neither the schedule nor the source names one"
        return found, f"from the source {assembly.source.name}"
