"""When a sync is due: pure functions over a schedule's keys; croniter stays behind them.

Wall-clock times in an IANA zone. A time that a clock change skips runs at the next valid instant; a time that happens
twice runs once, the first time. A cron that fires more than once an hour, or every hour, keeps running through a
repeated hour; one that fires every hour drops the hour that does not exist.
"""

from __future__ import annotations

import calendar
import heapq
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Any

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NEEDS: Mapping[str, tuple[str, ...]] = {
    "once": (),
    "daily": ("time",),
    "weekly": ("time", "on"),
    "monthly": ("time", "day"),
    "cron": ("cron",),
}
"""For each frequency, the keys it must have."""
MAY: Mapping[str, tuple[str, ...]] = {"once": ("time",)}
"""Keys that a frequency may have besides."""
ALWAYS = ("frequency", "timezone", "catch_up")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_CHANCE = re.compile(r"(?<![a-z])[hr](?![a-z])", re.IGNORECASE)
_BACK = timedelta(hours=4)
"""How far the wall clock may jump back in one change, generously."""


def problems(schedule: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with the keys of a schedule: (key, message); key "" for the schedule as a whole."""
    frequency = str(schedule.get("frequency"))
    if frequency not in NEEDS:
        return [("frequency", f"must be one of {', '.join(NEEDS)}")]
    needs, may = NEEDS[frequency], MAY.get(frequency, ())
    foreign = [key for key in schedule if key not in (*needs, *may, *ALWAYS)]
    found = [("", f"{key} is missing") for key in needs if schedule.get(key) is None]
    found += [
        (key, f"only for frequency {' or '.join(owners(key))}" if owners(key) else "unknown key") for key in foreign
    ]
    checks = {"time": _time, "on": _weekdays, "day": _day, "cron": _cron, "timezone": _zone, "catch_up": _catch_up}
    for key, check in checks.items():
        value = schedule.get(key)
        if value is not None and key not in foreign and (message := check(value)):
            found.append((key, message))
    return found


def owners(key: str) -> list[str]:
    """The frequencies that have this key, where not all of them do."""
    return [name for name, keys in NEEDS.items() if key in (*keys, *MAY.get(name, ()))]


def upcoming(schedule: Mapping[str, Any], start: datetime, zone: str) -> Iterator[datetime]:
    """The instants (aware, UTC) after `start` at which the schedule is due, in order, each once; endless, but for
    frequency once: that is due at its time, or at `start` itself where it has none.

    `zone` is used where the schedule names none. The schedule must be without `problems`; `start` must be aware.
    """
    local = zoneinfo.ZoneInfo(schedule.get("timezone") or zone)
    start = start.astimezone(UTC)
    frequency = schedule["frequency"]
    if frequency == "once":
        yield from _once(schedule, start, local)
        return
    instants = _cron_instants(schedule["cron"], start, local) if frequency == "cron" else _daily(schedule, start, local)
    last = start
    for instant in instants:
        if instant > last:
            last = instant
            yield instant


def _once(schedule: Mapping[str, Any], start: datetime, zone: zoneinfo.ZoneInfo) -> Iterator[datetime]:
    if schedule.get("time") is None:
        yield start
        return
    daily = {"frequency": "daily", "time": schedule["time"]}
    yield next(instant for instant in _daily(daily, start, zone) if instant > start)


def _daily(schedule: Mapping[str, Any], start: datetime, zone: zoneinfo.ZoneInfo) -> Iterator[datetime]:
    hour, minute = map(int, schedule["time"].split(":"))
    day = start.astimezone(zone).date() - timedelta(days=1)
    while True:
        if _on(schedule, day):
            yield _instant(datetime(day.year, day.month, day.day, hour, minute), zone)
        day += timedelta(days=1)


def _on(schedule: Mapping[str, Any], day: date) -> bool:
    if schedule["frequency"] == "weekly":
        return WEEKDAYS[day.weekday()] in schedule["on"]
    if schedule["frequency"] == "monthly":
        last = calendar.monthrange(day.year, day.month)[1]
        return day.day == (last if schedule["day"] == "last" else min(schedule["day"], last))
    return True


def _cron_instants(cron: str, start: datetime, zone: zoneinfo.ZoneInfo) -> Iterator[datetime]:
    """Instants of a cron, in order; those shortly before `start` included."""
    walls = _walls(cron, start.astimezone(zone).replace(tzinfo=None) - _BACK)
    minute, hour = cron.split()[:2]
    if hour != "*" and minute.isdigit():
        for wall in walls:
            yield _instant(wall, zone)
    ahead: list[datetime] = []
    for wall in walls:
        skipped = _real(wall, 0, zone) is None
        if skipped and hour == "*":
            continue
        instants = {_instant(wall, zone)} if skipped else {_real(wall, fold, zone) or start for fold in (0, 1)}
        while ahead and ahead[0] < min(instants):
            yield heapq.heappop(ahead)
        for instant in instants:
            heapq.heappush(ahead, instant)


def _walls(cron: str, start: datetime) -> Iterator[datetime]:
    """The wall-clock times of a cron after `start`."""
    from croniter import croniter

    times = croniter(cron, start, max_years_between_matches=30)
    while True:
        yield times.get_next(datetime)


def _real(wall: datetime, fold: int, zone: zoneinfo.ZoneInfo) -> datetime | None:
    """The instant of a wall-clock time, or None when the zone skips it."""
    instant = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    return instant if instant.astimezone(zone).replace(tzinfo=None, fold=0) == wall else None


def _instant(wall: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """The first instant of a wall-clock time; where the zone skips it, the moment of the change."""
    found = _real(wall, 0, zone)
    if found is not None:
        return found
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _time(value: Any) -> str:
    return "" if isinstance(value, str) and _TIME.fullmatch(value) else 'must be a time of day, like "09:30"'


def _weekdays(value: Any) -> str:
    good = isinstance(value, list | tuple) and value and all(each in WEEKDAYS for each in value)
    return "" if good else f"must be a list of {', '.join(WEEKDAYS)}"


def _day(value: Any) -> str:
    good = value == "last" or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 31)
    return "" if good else "must be a day from 1 to 31, or last"


def _catch_up(value: Any) -> str:
    return "" if value in ("one", "none") else "must be one or none"


def _zone(value: Any) -> str:
    if not isinstance(value, str):
        return "must be an IANA zone, like Asia/Kolkata"
    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        names = sorted(zoneinfo.available_timezones())
        close = [each for each in names if each.endswith(f"/{value.title()}")] or get_close_matches(value, names, 1)
        hint = f"; did you mean {close[0]!r}?" if close else "; IANA zones look like Asia/Kolkata or UTC"
        return f"{value!r} is not a known time zone{hint}"
    return ""


def _cron(value: Any) -> str:
    from croniter import CroniterError

    if not isinstance(value, str) or len(value.split()) != 5:
        return "must have five fields: minute, hour, day of month, month, day of week"
    if _CHANCE.search(value):
        return "is not a valid cron (R and H leave the moment to chance)"
    try:
        next(_walls(value, datetime(2026, 1, 1)))
    except (CroniterError, ValueError, OverflowError) as error:
        return f"is not a valid cron ({error})"
    return ""
