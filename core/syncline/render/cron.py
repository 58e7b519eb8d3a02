"""A schedule as the cron of a CronJob: where it is exactly the same, and why not where it is not."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any

from ..schedule import WEEKDAYS, changes, upcoming
from .cluster import BOUNDS, Cron, starts

HORIZON = 10
"""Years in which every clock change is looked at."""
SAMPLE = 200
"""Firings that are compared besides, whatever the clocks do."""
EVERY_MONTH = 28
"""The last day that every month has."""
_AROUND = ((timedelta(hours=26), 300), (timedelta(hours=4), 600))
"""How long before a clock change the comparison begins, and how many firings it takes, but for those later than a day
after: a change of half an hour shifts where Kubernetes looks until the next midnight."""
_AFTER = timedelta(hours=26)
_NAMES: Mapping[int, tuple[str, ...]] = {
    3: ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    4: ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_PART = re.compile(r"(\*|\w+(?:-\w+)?)(?:/([0-9]+))?")
Told = tuple[str, str]
"""The key of the schedule that is in the way ("" for all of it), and the reason."""


def crontab(schedule: Mapping[str, Any], now: datetime) -> tuple[str, list[Told]]:
    """The cron, and what is in the way. Nothing means that a CronJob with this cron and the `timezone` of the schedule
    starts exactly when the sync is due, as far as clock changes are known for the coming years."""
    told: list[Told] = []
    if not schedule.get("timezone"):
        told.append(("", "names no timezone, and that of the source is not known here; write `timezone:`"))
    if schedule.get("jitter"):
        told.append(("jitter", "a CronJob starts on the minute; it knows no jitter"))
    cron = ""
    try:
        cron = _cron(schedule)
    except ValueError as error:
        told.append((_SUBJECT[schedule["frequency"]], str(error)))
    if not told and (message := _difference(schedule, cron, now)):
        told.append((_SUBJECT[schedule["frequency"]], message))
    return cron, told


_SUBJECT = {"once": "frequency", "daily": "time", "weekly": "time", "monthly": "day", "cron": "cron"}


def _cron(schedule: Mapping[str, Any]) -> str:
    """The five fields. `ValueError` where five fields cannot say it."""
    frequency = schedule["frequency"]
    if frequency == "once":
        raise ValueError("a CronJob starts again and again; it cannot run once")
    if frequency == "cron":
        parts = zip(schedule["cron"].lower().split(), range(5), strict=True)
        return " ".join(_written(_expanded(text, n), BOUNDS[n]) for text, n in parts)
    hour, minute = (int(each) for each in schedule["time"].split(":"))
    day, weekdays = "*", "*"
    if frequency == "weekly":
        weekdays = _written({(WEEKDAYS.index(each) + 1) % 7 for each in schedule["on"]}, BOUNDS[4])
    elif frequency == "monthly":
        if schedule["day"] == "last":
            raise ValueError("a CronJob cannot name the last day of a month")
        if schedule["day"] > EVERY_MONTH:
            raise ValueError(
                "a CronJob leaves out the months that lack this day, where the sync runs on their last day"
            )
        day = str(schedule["day"])
    return f"{minute} {hour} {day} * {weekdays}"


def _expanded(text: str, n: int) -> set[int]:
    """The numbers of one field, of what every cron takes: stars, numbers, names, ranges, steps and lists."""
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        low, high = _ends(match[1], n) if match else (1, 0)
        step = int(match[2] or 1) if match else 0
        if match and match[2] and match[1] != "*" and "-" not in match[1]:
            high = BOUNDS[n][1]
        if not step or not BOUNDS[n][0] <= low <= high <= BOUNDS[n][1] + (n == 4):
            raise ValueError(f"a CronJob does not take {part!r} as {_FIELDS[n]}; write out what it stands for")
        found.update(each % 7 if n == 4 else each for each in range(low, high + 1, step))
    return found


def _ends(text: str, n: int) -> tuple[int, int]:
    if text == "*":
        return BOUNDS[n]
    low, _, high = text.partition("-")
    return _number(low, n), _number(high or low, n)


def _number(text: str, n: int) -> int:
    names = _NAMES.get(n, ())
    if text in names:
        return names.index(text) + BOUNDS[n][0]
    return int(text) if text.isdecimal() else -1


def _written(numbers: Iterable[int], bounds: tuple[int, int]) -> str:
    """`*`, or a list of numbers and ranges."""
    runs: list[list[int]] = []
    for each in sorted(numbers):
        if runs and each == runs[-1][1] + 1:
            runs[-1][1] = each
        else:
            runs.append([each, each])
    if runs == [list(bounds)]:
        return "*"
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


# ------------------------------------------------------------------------------------------- the proof by comparison


def _difference(schedule: Mapping[str, Any], cron: str, now: datetime) -> str:
    """Where a CronJob would start at another moment than the sync is due; empty where it does not."""
    zone = zoneinfo.ZoneInfo(schedule["timezone"])
    job = Cron.of(cron)
    for change in _changes(zone.key, now):
        for before, most in _AROUND:
            start, end = change - before, change + _AFTER
            ours = _until(end, upcoming(schedule, start, zone.key), most)
            theirs = _until(end, starts(job, start, zone), most)
            if ours != theirs:
                return _told(zone, change, ours, theirs)
    end = now + timedelta(days=366 * HORIZON)
    ours, theirs = _until(end, upcoming(schedule, now, zone.key), SAMPLE), _until(end, starts(job, now, zone), SAMPLE)
    differing = [each for each in (*ours, *theirs) if (each in ours) != (each in theirs)]
    return f"a CronJob with {cron!r} would differ on {min(differing).astimezone(zone):%Y-%m-%d}" if differing else ""


def _until(end: datetime, instants: Iterable[datetime], most: int) -> list[datetime]:
    return list(takewhile(lambda each: each < end, islice(instants, most)))


@lru_cache(maxsize=64)
def _changes(zone: str, now: datetime) -> tuple[datetime, ...]:
    """The clock changes of the coming years; kept, because the specs of a folder share few zones."""
    return tuple(each.at for each in changes(zone, now, now + timedelta(days=366 * HORIZON)))


def _told(zone: zoneinfo.ZoneInfo, change: datetime, ours: Sequence[datetime], theirs: Sequence[datetime]) -> str:
    left_out = [each for each in ours if each not in theirs]
    added = [each for each in theirs if each not in ours]
    parts = [f"leave out {_clock(left_out[0], zone)}"] if left_out else []
    parts += [f"start once more at {_clock(added[0], zone)}"] if added else []
    day = change.astimezone(zone).date()
    return f"when the clocks of {zone.key} change on {day}, a CronJob would {' and '.join(parts)}"


def _clock(moment: datetime, zone: zoneinfo.ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="minutes")[11:]
