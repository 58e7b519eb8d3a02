"""Schedules against the clocks of 50 zones: a minute-by-minute walk through every change of five years is the judge."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from itertools import islice, pairwise, takewhile
from operator import eq
from zoneinfo import ZoneInfo

import pytest
from syncline.schedule import WEEKDAYS, changes, latest_due, next_due, upcoming

ZONES = [
    "UTC", "Asia/Kolkata", "Asia/Tokyo", "Asia/Kathmandu", "Asia/Tehran", "Asia/Jerusalem", "Asia/Beirut", "Asia/Gaza",
    "Asia/Hebron", "Asia/Amman", "Asia/Almaty", "Asia/Yangon", "Australia/Sydney", "Australia/Adelaide",
    "Australia/Lord_Howe", "Australia/Eucla", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Norfolk", "Pacific/Apia",
    "Pacific/Kiritimati", "Pacific/Easter", "Pacific/Marquesas", "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun",
    "Africa/Lagos", "Antarctica/Troll", "Antarctica/Vostok", "Antarctica/Casey", "Atlantic/Azores", "Europe/Berlin",
    "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Chisinau", "Europe/Istanbul", "America/New_York",
    "America/Los_Angeles", "America/St_Johns", "America/Havana", "America/Santiago", "America/Asuncion",
    "America/Sao_Paulo", "America/Nuuk", "America/Scoresbysund", "America/Miquelon", "America/Tijuana",
    "America/Port-au-Prince", "America/Phoenix",
]  # fmt: skip
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
ODD = [
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),  # a whole day left out
    ("Pacific/Kwajalein", datetime(1993, 8, 21, 12, tzinfo=UTC)),
    ("America/Caracas", datetime(2007, 12, 9, 7, tzinfo=UTC)),  # half an hour back, for good
    ("Asia/Pyongyang", datetime(2018, 5, 4, 15, tzinfo=UTC)),  # half an hour forward, at midnight
    ("Asia/Kathmandu", datetime(1985, 12, 31, 18, 30, tzinfo=UTC)),  # a quarter of an hour
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),  # midnight does not exist
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, tzinfo=UTC)),  # the last hour of a day comes twice
    ("Africa/Cairo", datetime(2014, 7, 31, 22, tzinfo=UTC)),  # the second shift forward of one summer
    ("Antarctica/Casey", datetime(2018, 3, 10, 17, tzinfo=UTC)),  # three hours
    ("Europe/London", datetime(1947, 4, 13, 1, tzinfo=UTC)),  # summer time on top of summer time
]
MINUTE, REACH = timedelta(minutes=1), timedelta(hours=7)
Keys = Mapping[str, object]


@dataclass(frozen=True)
class Walk:
    """A zone minute by minute around a change of its clocks: the instants, and what the clock shows at each."""

    zone: str
    instants: list[datetime]
    walls: list[datetime]

    @property
    def first(self) -> datetime:
        """The first instant."""
        return self.instants[0]

    @property
    def last(self) -> datetime:
        """The last instant."""
        return self.instants[-1]

    def once(self, wanted: Callable[[datetime], bool]) -> list[datetime]:
        """For each wanted time the first instant at which the clock has come so far."""
        found, reached = [], self.walls[0]
        for instant, wall in zip(self.instants, self.walls, strict=True):
            while reached < wall:
                reached += MINUTE
                if wanted(reached):
                    found.append(instant)
        return sorted(set(found))

    def through(self, wanted: Callable[[datetime], bool], *, skipped: bool) -> list[datetime]:
        """Whenever the clock shows a wanted time; with `skipped` also when it jumped over one."""
        found = [instant for instant, wall in zip(self.instants[1:], self.walls[1:], strict=True) if wanted(wall)]
        for n, (before, after) in enumerate(pairwise(self.walls), start=1):
            jumped = [before + MINUTE * k for k in range(1, int((after - before) / MINUTE))]
            if skipped and any(map(wanted, jumped)):
                found.append(self.instants[n])
        return sorted(set(found))

    def due(self, schedule: Keys) -> list[datetime]:
        """What the code under test says of the same time."""
        return list(takewhile(lambda instant: instant <= self.last, upcoming(schedule, self.first, self.zone)))


def walk(zone: str, around: datetime) -> Walk:
    there = ZoneInfo(zone)
    instants = [around - REACH + MINUTE * n for n in range(int(2 * REACH / MINUTE))]
    return Walk(zone, instants, [each.astimezone(there).replace(tzinfo=None, fold=0) for each in instants])


@cache
def walks(zone: str) -> list[Walk]:
    """Around each change of the clocks of a zone."""
    there, step = ZoneInfo(zone), timedelta(hours=4)
    moments = [START + step * n for n in range(int((END - START) / step))]
    offsets = [each.astimezone(there).utcoffset() for each in moments]
    found = [moment for moment, (before, after) in zip(moments, pairwise(offsets), strict=False) if before != after]
    return [walk(zone, moment + step / 2) for moment in found]


def every_walk() -> Iterator[Walk]:
    for zone in ZONES:
        yield from walks(zone)
    for zone, moment in ODD:
        yield walk(zone, moment)


def at(wanted: time) -> Callable[[datetime], bool]:
    return lambda wall: wall.time() == wanted


def text(wanted: time) -> str:
    return f"{wanted:%H:%M}"


def test_the_zones_are_fifty_and_their_changes_many() -> None:
    assert len(set(ZONES)) == 50
    assert len(list(every_walk())) > 250
    assert {len(walks(zone)) for zone in ("UTC", "Asia/Kolkata", "Pacific/Apia")} == {0}


@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_schedule_fires_once_for_each_day_in_order_and_never_in_a_skipped_hours_past(zone: str) -> None:
    there = ZoneInfo(zone)
    for wanted in (time(2, 30), time(0, 0)):
        start = datetime.combine(date(2023, 12, 31), time(12), tzinfo=there)
        found = list(islice(upcoming({"frequency": "daily", "time": text(wanted)}, start, zone), 5 * 366))
        for n, instant in enumerate(found):
            meant = datetime.combine(date(2024, 1, 1) + timedelta(days=n), wanted)
            shown = instant.astimezone(there)
            wall = shown.replace(tzinfo=None, fold=0)
            if wall == meant:
                assert shown.fold == 0, "the first of two"
            else:
                before = (instant - MINUTE).astimezone(there).replace(tzinfo=None, fold=0)
                assert before < meant < wall, "only right after the change that skipped it"
        assert all(earlier < later for earlier, later in pairwise(found))


def test_around_every_change_a_daily_time_is_due_when_the_clock_first_comes_so_far() -> None:
    for each in every_walk():
        times = {wall.time() for wall in each.walls if wall.minute in (0, 15, 30, 59)}
        for wanted in times:
            assert each.due({"frequency": "daily", "time": text(wanted)}) == each.once(at(wanted)), (each.zone, wanted)


def test_around_every_change_weeks_months_and_crons_of_one_time_follow_the_same_rule() -> None:
    for each in every_walk():
        for wanted in {wall.time() for wall in each.walls[30::97]}:
            days = {wall.date() for wall in each.walls}
            day = max(days)
            weekly = {"frequency": "weekly", "time": text(wanted), "on": [WEEKDAYS[day.weekday()]]}
            monthly = {"frequency": "monthly", "time": text(wanted), "day": day.day}
            cron = {"frequency": "cron", "cron": f"{wanted.minute} {wanted.hour} * * {(day.weekday() + 1) % 7}"}
            judged = each.once(partial(eq, datetime.combine(day, wanted)))
            for schedule in (weekly, monthly, cron):
                assert each.due(schedule) == judged, (each.zone, schedule)


THROUGH: list[tuple[str, Callable[[datetime], bool], bool]] = [
    ("*/20 * * * *", lambda wall: wall.minute % 20 == 0, False),
    ("10 * * * *", lambda wall: wall.minute == 10, False),
    ("*/15 0-3 * * *", lambda wall: wall.minute % 15 == 0 and wall.hour <= 3, True),
    ("5,50 */2 * * *", lambda wall: wall.minute in (5, 50) and wall.hour % 2 == 0, True),
]


@pytest.mark.parametrize(("cron", "wanted", "skipped"), THROUGH, ids=[each[0] for each in THROUGH])
def test_around_every_change_a_cron_of_several_minutes_or_every_hour_runs_through(
    cron: str, wanted: Callable[[datetime], bool], skipped: bool
) -> None:
    for each in every_walk():
        found = each.due({"frequency": "cron", "cron": cron})
        assert found == each.through(wanted, skipped=skipped), each.zone


@pytest.mark.parametrize("cron", ["30 0-5 * * *", "0 */2 * * *", "59 1,2,23 * * *"])
def test_around_every_change_a_cron_of_some_hours_fires_once_for_each_of_them(cron: str) -> None:
    minute, hours = cron.split()[:2]
    at_hours = {"0-5": range(6), "*/2": range(0, 24, 2), "1,2,23": (1, 2, 23)}[hours]
    for each in every_walk():
        judged = each.once(lambda wall: wall.minute == int(minute) and wall.hour in at_hours)
        assert each.due({"frequency": "cron", "cron": cron}) == judged, each.zone


def test_a_cron_of_every_minute_misses_none_and_doubles_none() -> None:
    for zone in ("Europe/Berlin", "Australia/Lord_Howe", "Antarctica/Troll", "America/Sao_Paulo"):
        around = [walk(name, moment) for name, moment in ODD if name == zone] or walks(zone)[:2]
        for each in around:
            assert each.due({"frequency": "cron", "cron": "* * * * *"}) == each.instants[1:]


def test_around_every_change_the_last_and_the_next_due_instant_are_those_of_the_walk() -> None:
    schedules: list[tuple[Keys, Callable[[Walk], list[datetime]]]] = [
        ({"frequency": "daily", "time": "02:30"}, lambda each: each.once(at(time(2, 30)))),
        ({"frequency": "cron", "cron": THROUGH[2][0]}, lambda each: each.through(THROUGH[2][1], skipped=True)),
        ({"frequency": "cron", "cron": THROUGH[1][0]}, lambda each: each.through(THROUGH[1][1], skipped=False)),
    ]
    for n, each in enumerate(every_walk()):
        for schedule, judge in schedules:
            due = judge(each)
            for minute in range(n % 37, len(each.instants), 61):
                now = each.instants[minute] + timedelta(seconds=n % 2 * 20)
                passed = bisect_right(due, now)
                last = due[passed - 1] if passed else None
                assert latest_due(schedule, each.first, now, each.zone) == last, (each.zone, schedule, now)
                if passed < len(due):
                    assert next_due(schedule, now, each.zone) == due[passed], (each.zone, schedule, now)


def test_changes_are_named_to_the_minute() -> None:
    for each in every_walk():
        jumps = [
            (instant, before + MINUTE, after)
            for instant, (before, after) in zip(each.instants[1:], pairwise(each.walls), strict=True)
            if after - before != MINUTE
        ]
        found = [(change.at, change.before, change.after) for change in changes(each.zone, each.first, each.last)]
        assert found == jumps, each.zone
        assert [change.forward for change in changes(each.zone, each.first, each.last)] == [
            after > before for _, before, after in jumps
        ]
