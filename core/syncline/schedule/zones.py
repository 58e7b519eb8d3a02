"""What the clocks of a zone show, and when they are changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_NONE = timedelta(0)


@cache
def zone_of(name: str) -> ZoneInfo:
    """The zone of this name; the library's own memory forgets all but eight that are in use."""
    return ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Whether there is a zone of this name."""
    try:
        zone_of(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def wall_of(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock shows at an instant, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def real(wall: datetime, fold: int, zone: ZoneInfo) -> datetime | None:
    """The instant at which the clock shows this time (fold 1: for the second time, if there is one), or None when the
    zone skips it."""
    instant = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    return instant if wall_of(instant, zone) == wall else None


def first(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant of a wall-clock time; where the zone skips it, the moment of the change."""
    found = real(wall, 0, zone)
    if found is not None:
        return found
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return _moment_of_change(before, after, zone)


def repeated(instant: datetime, zone: ZoneInfo) -> timedelta:
    """How far the clock is turned back around an instant whose time of day happens twice; else nothing."""
    local = instant.astimezone(zone)
    early, late = local.replace(fold=0).utcoffset() or _NONE, local.replace(fold=1).utcoffset() or _NONE
    return max(early - late, _NONE)


@dataclass(frozen=True)
class Change:
    """A change of the clocks: at the instant `at` (UTC), what they would have shown (`before`) and what they show
    (`after`), both without a zone."""

    at: datetime
    before: datetime
    after: datetime

    @property
    def forward(self) -> bool:
        """Whether times of day are skipped; else some happen twice."""
        return self.after > self.before


def changes(zone: str, start: datetime, end: datetime) -> Iterator[Change]:
    """The changes of the clocks after `start` and up to `end`, in order."""
    there = zone_of(zone)
    known, end = start.astimezone(UTC), end.astimezone(UTC)
    offset = known.astimezone(there).utcoffset() or _NONE
    while known < end:
        later = min(known + DAY, end)
        found = later.astimezone(there).utcoffset() or _NONE
        if found != offset:
            at = _moment_of_change(known, later, there)
            shown = at.replace(tzinfo=None)
            yield Change(at, shown + offset, shown + found)
        known, offset = later, found


def _moment_of_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The one moment between two instants at which the offset changes, to the second."""
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
