"""When Kubernetes starts a CronJob: its five fields walked over the wall clock of a zone.

Kubernetes walks months, days, hours and minutes forward until all fields match, the hours and minutes by adding real
time. So it starts twice at a time that happens twice, and not at all at one that a clock change skips; around a change
at midnight or of half an hour it has quirks of its own. The walk here takes the same steps, so that it has the same
ones (robfig/cron v3, which the controller of CronJobs uses).
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
"""Minute, hour, day of month, month, day of week (Sunday is 0)."""
YEARS = 5
"""Kubernetes gives up on a schedule that matches no moment of so many years."""
_HOUR, _MINUTE, _SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


@dataclass(frozen=True)
class Cron:
    """The five fields as numbers. `days_alone` says whether day of month and day of week must both match; where both
    are restricted, one of them is enough."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both: bool

    @classmethod
    def of(cls, text: str) -> Cron:
        """A cron of stars, numbers, ranges and lists."""
        fields = text.split()
        minutes, hours, days, months, weekdays = (_numbers(*each) for each in zip(fields, BOUNDS, strict=True))
        return cls(minutes, hours, days, months, weekdays, both="*" in (fields[2], fields[4]))

    def on(self, local: datetime) -> bool:
        """Whether the day matches."""
        day, weekday = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return (day and weekday) if self.both else (day or weekday)


def _numbers(field: str, bounds: tuple[int, int]) -> frozenset[int]:
    if field == "*":
        return frozenset(range(bounds[0], bounds[1] + 1))
    found: set[int] = set()
    for part in field.split(","):
        low, _, high = part.partition("-")
        found.update(range(int(low), int(high or low) + 1))
    return frozenset(found)


def starts(cron: Cron, start: datetime, zone: zoneinfo.ZoneInfo) -> Iterator[datetime]:
    """The instants (aware, UTC) after `start` at which Kubernetes starts the job, in order."""
    last: datetime | None = start.astimezone(UTC)
    while last is not None:
        last = _Walk(cron, zone, last).next()
        if last is not None:
            yield last


class _Walk:
    """One search for the next start. `moment` is an instant; `local` what the clock on the wall shows then."""

    def __init__(self, cron: Cron, zone: zoneinfo.ZoneInfo, after: datetime) -> None:
        self._cron = cron
        self._zone = zone
        self._moment = after.replace(microsecond=0) + _SECOND
        self._stepped = False
        """Whether a field was moved on: then the smaller ones are at their beginning."""
        self._limit = self._local.year + YEARS

    @property
    def _local(self) -> datetime:
        return self._moment.astimezone(self._zone).replace(tzinfo=None)

    def next(self) -> datetime | None:
        """The instant, or None when none is near enough."""
        while self._local.year <= self._limit:
            if self._month() and self._day() and self._hour() and self._minute() and self._second():
                return self._moment
        return None

    # Each of these moves its field on until it matches; False when it wrapped around, which may unsettle a larger one.

    def _month(self) -> bool:
        while self._local.month not in self._cron.months:
            local = self._local if self._stepped else self._local.replace(day=1, hour=0, minute=0, second=0)
            self._stepped = True
            self._moment = self._instant(_next_month(local))
            if self._local.month == 1:
                return False
        return True

    def _day(self) -> bool:
        while not self._cron.on(self._local):
            if not self._stepped:
                self._moment = self._instant(self._local.replace(hour=0, minute=0, second=0))
            self._stepped = True
            self._moment = self._instant(self._local + timedelta(days=1))
            hour = self._local.hour
            if hour:
                self._moment += _HOUR * (24 - hour if hour > 12 else -hour)
            if self._local.day == 1:
                return False
        return True

    def _hour(self) -> bool:
        while self._local.hour not in self._cron.hours:
            if not self._stepped:
                self._moment = self._instant(self._local.replace(minute=0, second=0))
            self._stepped = True
            self._moment += _HOUR
            if self._local.hour == 0:
                return False
        return True

    def _minute(self) -> bool:
        while self._local.minute not in self._cron.minutes:
            if not self._stepped:
                self._moment = self._moment.replace(second=0)
            self._stepped = True
            self._moment += _MINUTE
            if self._local.minute == 0:
                return False
        return True

    def _second(self) -> bool:
        if self._moment.second == 0:
            return True
        self._stepped = True
        self._moment = self._moment.replace(second=0) + _MINUTE
        return False

    def _instant(self, wall: datetime) -> datetime:
        """The instant of a wall-clock time, as Go's time.Date finds it: by the offset that is in force where the first
        guess lands."""
        guess = wall.replace(tzinfo=UTC)
        return guess - self._offset(guess - self._offset(guess))

    def _offset(self, instant: datetime) -> timedelta:
        return instant.astimezone(self._zone).utcoffset() or timedelta()


def _next_month(local: datetime) -> datetime:
    """The same day of the next month, or as many days after its end as it lacks."""
    first = (local.replace(day=1) + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=local.day - 1)
