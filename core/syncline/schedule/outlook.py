"""What comes: the next firings of a schedule, and what the changes of the clocks make of its times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from . import walls
from .due import upcoming
from .zones import Change, changes, wall_of, zone_of

_MINUTE = timedelta(minutes=1)
_SHOWN = 3


@dataclass(frozen=True)
class Firing:
    """A firing that is due at `due` (UTC); `note` says what a change of the clocks has to do with it."""

    due: datetime
    note: str = ""


@dataclass(frozen=True)
class Turn:
    """A change of the clocks in sight; `effect` says what it does to the times of the schedule, "" for nothing."""

    change: Change
    effect: str = ""

    @property
    def words(self) -> str:
        """`clocks go forward 02:00 → 03:00`."""
        before, after = self.change.before, self.change.after
        where = "forward" if self.change.forward else "back"
        days = "" if before.date() == after.date() else f"{before:%Y-%m-%d} "
        then = "" if before.date() == after.date() else f"{after:%Y-%m-%d} "
        return f"clocks go {where} {days}{before:%H:%M} → {then}{after:%H:%M}"


def outlook(schedule: Mapping[str, Any], start: datetime, zone: str, n: int) -> tuple[list[Firing], list[Turn]]:
    """The next `n` firings after `start`, and the changes of the clocks up to the last of them; see `upcoming`."""
    name = schedule.get("timezone") or zone
    due = list(islice(upcoming(schedule, start, zone), n))
    if not due:
        return [], []
    found = list(changes(name, start, due[-1]))
    turns, notes = [], dict[datetime, str]()
    for change in found:
        times = _touched(schedule, change)
        turns.append(Turn(change, _effect(schedule, change, times)))
        notes |= dict(_notes(schedule, change, times, name, due))
    return [Firing(each, notes.get(each, "")) for each in due], turns


def _touched(schedule: Mapping[str, Any], change: Change) -> list[datetime]:
    """The times of the schedule that do not exist, or happen twice."""
    low, high = sorted((change.before, change.after))
    keys = {**schedule, "frequency": "daily"} if schedule["frequency"] == "once" else schedule
    if keys["frequency"] == "daily" and keys.get("time") is None:
        return []
    return list(takewhile(lambda wall: wall < high, walls.after(keys, low - _MINUTE)))


def _effect(schedule: Mapping[str, Any], change: Change, times: Sequence[datetime]) -> str:
    if not times:
        return ""
    named, one = _listed(times), len(times) == 1
    if change.forward:
        become = "left out" if _dropped(schedule) else f"runs at {change.after:%H:%M}"
        return f"{named} {'does' if one else 'do'} not exist, {become}"
    become = "runs each time" if _through(schedule) else "runs the first time"
    return f"{named} {'happens' if one else 'happen'} twice, {become}"


def _notes(
    schedule: Mapping[str, Any], change: Change, times: Sequence[datetime], zone: str, due: Sequence[datetime]
) -> Iterator[tuple[datetime, str]]:
    if change.forward:
        if times and not _dropped(schedule):
            yield change.at, f"instead of {_listed(times)}"
        return
    there = zone_of(zone)
    length = change.before - change.after
    for instant in due:
        shown = wall_of(instant, there)
        if shown in times and change.at - length <= instant < change.at:
            yield instant, f"the first {shown:%H:%M}"
        elif shown in times and change.at <= instant < change.at + length:
            yield instant, f"the second {shown:%H:%M}"


def _through(schedule: Mapping[str, Any]) -> bool:
    return schedule["frequency"] == "cron" and walls.runs_through(schedule["cron"])


def _dropped(schedule: Mapping[str, Any]) -> bool:
    return schedule["frequency"] == "cron" and walls.every_hour(schedule["cron"])


def _listed(times: Sequence[datetime]) -> str:
    """`02:00, 02:15 and 02:30`; `02:00, 02:01 … 02:59`; with the days where these differ."""
    pattern = "%H:%M" if times[0].date() == times[-1].date() else "%Y-%m-%d %H:%M"
    texts = [f"{each:{pattern}}" for each in times]
    if len(texts) > _SHOWN:
        return f"{texts[0]}, {texts[1]} … {texts[-1]}"
    *most, last = texts
    return f"{', '.join(most)} and {last}" if most else last
