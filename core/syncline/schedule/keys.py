"""The keys of a schedule, and what can be wrong with them."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from itertools import islice, pairwise
from typing import Any

from . import walls
from .walls import WEEKDAYS
from .zones import is_zone

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
ALWAYS = ("frequency", "timezone", "catch_up", "jitter")
"""Keys of every frequency."""
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_CHANCE = re.compile(r"(?<![a-z])[hr](?![a-z])", re.IGNORECASE)
_JITTER = re.compile(r"[1-9]\d{0,5}[smh]")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_DAY = timedelta(days=1)
_SOME_DAY = datetime(2026, 1, 1)
_FIELDS = (("minute", 60), ("hour", 24), ("day of month", 31), ("month", 12), ("day of week", 7))
_ENOUGH = 200
"""So many times of a cron show the shortest distance between two of them: the minutes of an hour and their last gap."""


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
    checks = {
        "time": _time,
        "on": _weekdays,
        "day": _day,
        "cron": _cron,
        "timezone": _zone,
        "catch_up": _catch_up,
        "jitter": _jitter,
    }
    for key, check in checks.items():
        value = schedule.get(key)
        if value is not None and key not in foreign and (message := check(value)):
            found.append((key, message))
    if schedule.get("jitter") is not None and not found:
        found += [("jitter", message) for message in [_too_long(schedule)] if message]
    return found


def owners(key: str) -> list[str]:
    """The frequencies that have this key, where not all of them do."""
    return [name for name, keys in NEEDS.items() if key in (*keys, *MAY.get(name, ()))]


def seconds(duration: str) -> int:
    """The length of a duration like 90s, 5m or 2h."""
    return int(duration[:-1]) * _UNITS[duration[-1]]


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
    if is_zone(value):
        return ""
    names = sorted(zoneinfo.available_timezones())
    close = [each for each in names if each.endswith(f"/{value.title()}")] or get_close_matches(value, names, 1)
    hint = f"; did you mean {close[0]!r}?" if close else "; IANA zones look like Asia/Kolkata or UTC"
    return f"{value!r} is not a known time zone{hint}"


def _cron(value: Any) -> str:
    from croniter import CroniterBadDateError, CroniterError

    if not isinstance(value, str) or len(value.split()) != 5:
        return "must have five fields: minute, hour, day of month, month, day of week"
    if _CHANCE.search(value):
        return "is not a valid cron (R and H leave the moment to chance)"
    try:
        next(walls.after({"frequency": "cron", "cron": value}, _SOME_DAY))
    except CroniterBadDateError:
        day, weekday = value.split()[2], value.split()[4]
        if "#" in weekday and day != "*":
            return "a weekday that is counted (#) and a day of the month do not go together; leave the one or the other"
        return "never comes: there is no such date"
    except (CroniterError, ValueError, OverflowError) as error:
        return f"is not a valid cron ({error})"
    traps = (_trap(*each) for each in zip(_FIELDS, value.split(), strict=True))
    return next((message for message in traps if message), "")


def _trap(field: tuple[str, int], text: str) -> str:
    """What croniter takes, but not for what it says: a range of one is everything, a step starts anew at each turn."""
    name, size = field
    for part in text.lower().split(","):
        values, _, step = part.partition("/")
        low, dash, high = values.partition("-")
        if dash and low == high:
            return f"{part!r} in the field {name} is a range of one; write {low!r}"
        if step and int(step) >= size:
            return f"{part!r} in the field {name}: a step starts anew at each turn, so it is less than {size}"
    return ""


def _jitter(value: Any) -> str:
    if not isinstance(value, str) or not _JITTER.fullmatch(value):
        return "must be a duration like 90s, 5m or 2h"
    return "" if seconds(value) <= _DAY.total_seconds() else "may be 24h at most"


def _too_long(schedule: Mapping[str, Any]) -> str:
    """A firing must not be put off until the next one is due."""
    if schedule["frequency"] == "once":
        return ""
    times = islice(walls.after(schedule, _SOME_DAY), _ENOUGH)
    shortest = min((later - earlier for earlier, later in pairwise(times)))
    if seconds(schedule["jitter"]) < shortest.total_seconds():
        return ""
    return f"must be shorter than the time between two runs, which is {_duration(shortest)} at least"


def _duration(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
