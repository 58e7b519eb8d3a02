"""The times of day of a schedule, forwards and backwards: without a zone, as if no clock were ever changed."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST = 30
"""So many years may lie between two matches of a cron; one that leaves out more never matches."""
_MINUTE = timedelta(minutes=1)
_ALL = ["*"]


def after(schedule: Mapping[str, Any], start: datetime) -> Iterator[datetime]:
    """The times after `start`, in order, endless."""
    start = start.replace(second=0, microsecond=0)
    if schedule["frequency"] == "cron":
        return _cron(schedule["cron"], start, forwards=True)
    return (wall for wall in _days(schedule, start.date(), 1) if wall > start)


def before(schedule: Mapping[str, Any], end: datetime) -> Iterator[datetime]:
    """The times up to `end`, `end` included, the latest first."""
    end = end.replace(second=0, microsecond=0)
    if schedule["frequency"] == "cron":
        return _cron(schedule["cron"], end + _MINUTE, forwards=False)
    return (wall for wall in _days(schedule, end.date(), -1) if wall <= end)


@lru_cache(maxsize=4096)
def every_hour(cron: str) -> bool:
    """Whether it fires in each hour of a day."""
    return _fields(cron)[1] == _ALL


@lru_cache(maxsize=4096)
def runs_through(cron: str) -> bool:
    """Whether it fires more than once an hour, or every hour, so that a repeated hour is no reason to pause."""
    minutes, hours = _fields(cron)[:2]
    return minutes == _ALL or len(minutes) > 1 or hours == _ALL


def _fields(cron: str) -> list[list[Any]]:
    from croniter import croniter

    fields: list[list[Any]] = croniter.expand(cron)[0]
    return fields


def _cron(cron: str, start: datetime, *, forwards: bool) -> Iterator[datetime]:
    """Without `start` itself."""
    from croniter import croniter

    times = croniter(cron, start, max_years_between_matches=LONGEST)
    step = times.get_next if forwards else times.get_prev
    while True:
        yield step(datetime)


def _days(schedule: Mapping[str, Any], start: date, step: int) -> Iterator[datetime]:
    """The times from the day (or month) of `start` on, day by day or month by month in the direction of `step`."""
    hour, minute = map(int, schedule["time"].split(":"))
    at = time(hour, minute)
    if schedule["frequency"] == "monthly":
        for day in _monthly(schedule["day"], start, step):
            yield datetime.combine(day, at)
    on = [WEEKDAYS.index(name) for name in schedule["on"]] if schedule["frequency"] == "weekly" else range(7)
    day = start
    while True:
        if day.weekday() in on:
            yield datetime.combine(day, at)
        day += timedelta(days=step)


def _monthly(day: Any, start: date, step: int) -> Iterator[date]:
    months = start.year * 12 + start.month - 1
    while True:
        year, month = divmod(months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        yield date(year, month + 1, last if day == "last" else min(day, last))
        months += step
