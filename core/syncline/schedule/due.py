"""The instants at which a schedule is due: its wall-clock times, brought into the life of a zone."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from . import walls, zones
from .keys import seconds

_RANGE = 1 << 64


def upcoming(schedule: Mapping[str, Any], start: datetime, zone: str) -> Iterator[datetime]:
    """The instants (aware, UTC) after `start` at which the schedule is due, in order, each once; endless, but for
    frequency once: that is due at its time, or at `start` itself where it has none.

    `zone` is used where the schedule names none. The schedule must be without `problems`; `start` must be aware.
    """
    start = start.astimezone(UTC)
    if schedule["frequency"] == "once":
        due = next_due(schedule, start, zone)
        yield start if due is None else due
        return
    last = start
    for instant in _instants(schedule, start, _zone(schedule, zone)):
        if instant > last:
            last = instant
            yield instant


def next_due(schedule: Mapping[str, Any], after: datetime, zone: str) -> datetime | None:
    """The first instant after `after` at which the schedule is due; see `upcoming`.

    A `once` is due one time, reckoned from its creation: give that as `after`. None for one that has no time: it was
    due at its creation.
    """
    if schedule["frequency"] != "once":
        return next(upcoming(schedule, after, zone))
    return None if schedule.get("time") is None else next(upcoming(_daily(schedule), after, zone))


def latest_due(schedule: Mapping[str, Any], after: datetime, until: datetime, zone: str) -> datetime | None:
    """The last instant after `after`, and not after `until`, at which the schedule was due; None when there is none.

    Costs the same however long ago `after` is. A `once` is reckoned from its creation, as by `next_due`; one that has
    no time was due at `after` itself.
    """
    after, until = after.astimezone(UTC), until.astimezone(UTC)
    if schedule["frequency"] == "once":
        due = next_due(schedule, after, zone) or after
        return due if due <= until else None
    there = _zone(schedule, zone)
    shown, repeated = zones.wall_of(until, there), zones.repeated(until, there)
    latest = _latest(schedule, shown, until, there)
    if repeated:  # times that the clock showed before it was turned back, and has not shown again
        latest = max(latest, _latest(schedule, shown + repeated, until, there))
    return latest if latest > after else None


def jittered(schedule: Mapping[str, Any], sync: str, due: datetime) -> datetime:
    """When the firing that is due at `due` starts: later by a part of `jitter` that is spread evenly over syncs and
    firings, and the same in every process."""
    if not schedule.get("jitter"):
        return due
    import hashlib

    text = f"{sync}\n{due.astimezone(UTC).isoformat()}"
    part = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / _RANGE
    return due + timedelta(seconds=round(seconds(schedule["jitter"]) * part, 3))


def _zone(schedule: Mapping[str, Any], zone: str) -> ZoneInfo:
    return zones.zone_of(schedule.get("timezone") or zone)


def _daily(schedule: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**schedule, "frequency": "daily"}


def _runs_through(schedule: Mapping[str, Any]) -> bool:
    return schedule["frequency"] == "cron" and walls.runs_through(schedule["cron"])


def _instants(schedule: Mapping[str, Any], start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """In order; some before `start` and some double."""
    shown = zones.wall_of(start, zone)
    if not _runs_through(schedule):
        for wall in walls.after(schedule, shown):
            yield zones.first(wall, zone)
    ahead: list[datetime] = []
    for wall in walls.after(schedule, shown - zones.repeated(start, zone)):
        instants = _all_of(schedule, wall, zone)
        while ahead and instants and ahead[0] < instants[0]:
            yield heapq.heappop(ahead)
        for instant in instants:
            heapq.heappush(ahead, instant)


def _all_of(schedule: Mapping[str, Any], wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """All instants at which a time of the schedule is due, in order."""
    early, late = zones.real(wall, 0, zone), zones.real(wall, 1, zone)
    if early is None or late is None:
        dropped = _runs_through(schedule) and walls.every_hour(schedule["cron"])
        return [] if dropped else [zones.first(wall, zone)]
    return [early, late] if late > early and _runs_through(schedule) else [early]


def _latest(schedule: Mapping[str, Any], shown: datetime, until: datetime, zone: ZoneInfo) -> datetime:
    """The last instant up to `until` of the latest time up to `shown` that has one."""
    for wall in walls.before(schedule, shown):
        passed = [instant for instant in _all_of(schedule, wall, zone) if instant <= until]
        if passed:
            return passed[-1]
    raise AssertionError("a schedule has no first time")
