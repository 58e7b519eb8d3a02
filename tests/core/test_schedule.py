"""When a sync is due: wall-clock times in zones that change their clocks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syncline.schedule import WEEKDAYS, problems, upcoming

ZONES = [
    "UTC", "Asia/Kolkata", "Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Dublin", "America/New_York",
    "America/Los_Angeles", "America/Sao_Paulo", "America/Santiago", "America/Havana", "America/Caracas",
    "America/St_Johns", "America/Asuncion", "America/Nuuk", "Australia/Sydney", "Australia/Lord_Howe",
    "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Easter", "Asia/Tehran",
    "Asia/Amman", "Asia/Gaza", "Asia/Beirut", "Asia/Pyongyang", "Asia/Kathmandu", "Africa/Casablanca", "Africa/Cairo",
    "Africa/Juba", "Antarctica/Troll", "Atlantic/Azores", "Europe/Istanbul", "Europe/Chisinau", "America/Scoresbysund",
]  # fmt: skip
MOMENTS = st.datetimes(datetime(2008, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
NIGHT = st.builds(
    "{:02}:{:02}".format, st.sampled_from([22, 23, 0, 1, 2, 3, 4]), st.sampled_from([0, 10, 15, 30, 45, 59])
)


@cache
def changes(zone: str) -> list[datetime]:
    """Moments up to a day before each change of the clock of a zone."""
    days = [datetime(2008, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(27 * 365)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [day for day, (before, after) in zip(days, pairwise(offsets), strict=False) if before != after]


@st.composite
def around_changes(draw: st.DrawFn) -> tuple[datetime, str, str]:
    """A moment shortly before a clock changes, a time of that night, and the zone."""
    zone = draw(st.sampled_from([zone for zone in ZONES if changes(zone)]))
    start = draw(st.sampled_from(changes(zone))) - timedelta(hours=draw(st.integers(0, 30)))
    return start, draw(NIGHT), zone


def local(schedule: Mapping[str, object], start: str, zone: str, n: int) -> list[str]:
    """The next `n` instants, as the clock of the zone shows them."""
    moment = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    found = islice(upcoming(schedule, moment, zone), n)
    return [each.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M%z") for each in found]


def valid(wall: datetime, zone: str) -> bool:
    """Whether the clock of the zone ever shows this time."""
    there = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone))
    return there.replace(tzinfo=None, fold=0) == wall


@settings(max_examples=300, deadline=None)
@given(around_changes() | st.tuples(MOMENTS, TIMES, st.sampled_from(ZONES)))
def test_a_daily_sync_runs_on_each_day_once_at_its_time_or_at_the_next_valid_moment(
    case: tuple[datetime, str, str],
) -> None:
    start, time, zone = case
    found = list(islice(upcoming({"frequency": "daily", "time": time}, start, zone), 8))
    assert all(earlier < later for earlier, later in pairwise([start, *found]))
    hour, minute = map(int, time.split(":"))
    for instant in found:
        shown = instant.astimezone(ZoneInfo(zone))
        if shown.strftime("%H:%M") == time and shown.second == 0:
            assert shown.fold == 0
            continue
        before = (instant - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
        gap = shown.replace(tzinfo=None, fold=0) - before.replace(tzinfo=None, fold=0)
        assert gap > timedelta(minutes=1), "only right after a change of the clock"
        skipped = [
            day
            for day in (before.date(), shown.date(), before.date() + timedelta(days=1))
            if not valid(datetime(day.year, day.month, day.day, hour, minute), zone)
        ]
        assert skipped, "only for a time that the change skipped"


@settings(max_examples=150, deadline=None)
@given(around_changes())
def test_no_day_is_left_out(case: tuple[datetime, str, str]) -> None:
    start, time, zone = case
    found = list(islice(upcoming({"frequency": "daily", "time": time}, start, zone), 10))
    assert all(later - earlier <= timedelta(hours=26) for earlier, later in pairwise([start, *found]))


@settings(max_examples=100, deadline=None)
@given(start=MOMENTS, zone=st.sampled_from(ZONES), on=st.sets(st.sampled_from(WEEKDAYS), min_size=1))
def test_a_weekly_sync_runs_on_its_days_only(start: datetime, zone: str, on: set[str]) -> None:
    schedule = {"frequency": "weekly", "time": "12:00", "on": sorted(on)}
    for instant in islice(upcoming(schedule, start, zone), 6):
        shown = instant.astimezone(ZoneInfo(zone))
        assert WEEKDAYS[shown.weekday()] in on or shown.strftime("%H:%M") != "12:00"


@settings(max_examples=40, deadline=None)
@given(around_changes(), st.sampled_from([5, 10, 15, 30]))
def test_a_sub_hourly_cron_never_pauses(case: tuple[datetime, str, str], step: int) -> None:
    start, _, zone = case
    start = start.replace(second=0, microsecond=0)
    found = list(islice(upcoming({"frequency": "cron", "cron": f"*/{step} * * * *"}, start, zone), 200))
    longest = max(later - earlier for earlier, later in pairwise([start, *found]))
    assert longest <= timedelta(minutes=max(step, 30))


@settings(max_examples=100, deadline=None)
@given(around_changes())
def test_a_cron_at_one_time_of_day_is_a_daily_schedule(case: tuple[datetime, str, str]) -> None:
    start, time, zone = case
    hour, minute = map(int, time.split(":"))
    cron = {"frequency": "cron", "cron": f"{minute} {hour} * * *"}
    daily = {"frequency": "daily", "time": time}
    assert list(islice(upcoming(cron, start, zone), 5)) == list(islice(upcoming(daily, start, zone), 5))


def test_a_skipped_time_runs_at_the_next_valid_moment() -> None:
    found = local({"frequency": "daily", "time": "02:30"}, "2026-03-28T00:00", "Europe/Berlin", 3)
    assert found == ["03-28 02:30+0100", "03-29 03:00+0200", "03-30 02:30+0200"]


def test_a_repeated_time_runs_once() -> None:
    found = local({"frequency": "daily", "time": "02:30"}, "2026-10-24T12:00", "Europe/Berlin", 2)
    assert found == ["10-25 02:30+0200", "10-26 02:30+0100"]


def test_a_repeated_time_of_a_cron_runs_once() -> None:
    found = local({"frequency": "cron", "cron": "30 2 * * *"}, "2026-10-24T12:00", "Europe/Berlin", 2)
    assert found == ["10-25 02:30+0200", "10-26 02:30+0100"]


def test_a_sub_hourly_cron_keeps_running_through_a_repeated_hour() -> None:
    found = local({"frequency": "cron", "cron": "*/30 1-3 * * *"}, "2026-10-25T01:00", "Europe/Berlin", 7)
    assert [each[6:] for each in found] == [
        "01:30+0200", "02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100", "03:00+0100", "03:30+0100",
    ]  # fmt: skip


def test_an_hourly_cron_drops_the_hour_that_does_not_exist() -> None:
    found = local({"frequency": "cron", "cron": "30 * * * *"}, "2026-03-29T01:00", "Europe/Berlin", 2)
    assert found == ["03-29 01:30+0100", "03-29 03:30+0200"]


def test_a_day_that_a_zone_skipped_runs_at_the_start_of_the_next() -> None:
    found = local({"frequency": "daily", "time": "09:30"}, "2011-12-29T12:00", "Pacific/Apia", 2)
    assert found == ["12-31 00:00+1400", "12-31 09:30+1400"]


@pytest.mark.parametrize(("day", "shown"), [(31, "02-28"), ("last", "02-28"), (30, "02-28"), (28, "02-28")])
def test_a_day_that_the_month_lacks_means_its_last(day: int | str, shown: str) -> None:
    found = local({"frequency": "monthly", "time": "09:30", "day": day}, "2026-02-01T00:00", "UTC", 1)
    assert found == [f"{shown} 09:30+0000"]


def test_once_is_due_at_its_next_time_and_never_again() -> None:
    assert local({"frequency": "once", "time": "09:30"}, "2026-02-01T10:00", "UTC", 9) == ["02-02 09:30+0000"]


def test_once_without_a_time_is_due_at_once() -> None:
    assert local({"frequency": "once"}, "2026-02-01T10:00", "UTC", 9) == ["02-01 10:00+0000"]


def test_the_zone_of_the_schedule_goes_before_that_of_the_source() -> None:
    schedule = {"frequency": "daily", "time": "09:30", "timezone": "Asia/Kolkata"}
    assert local(schedule, "2026-02-01T00:00", "UTC", 1) == ["02-01 04:00+0000"]


@pytest.mark.parametrize(
    ("schedule", "found"),
    [
        ({}, ["frequency"]),
        ({"frequency": "daily"}, [""]),
        ({"frequency": "daily", "time": "24:00"}, ["time"]),
        ({"frequency": "daily", "time": 930}, ["time"]),
        ({"frequency": "weekly", "time": "09:30", "on": ["someday"]}, ["on"]),
        ({"frequency": "monthly", "time": "09:30", "day": 0}, ["day"]),
        ({"frequency": "monthly", "time": "09:30", "day": True}, ["day"]),
        ({"frequency": "cron", "cron": "0 0 30 2 *"}, ["cron"]),
        ({"frequency": "cron", "cron": "H * * * *"}, ["cron"]),
        ({"frequency": "cron", "cron": "0 9 * * *", "time": "09:30"}, ["time"]),
        ({"frequency": "daily", "time": "09:30", "timezone": "../etc/passwd"}, ["timezone"]),
        ({"frequency": "daily", "time": "09:30", "timezone": 5}, ["timezone"]),
        ({"frequency": "daily", "time": "09:30", "catch_up": "all"}, ["catch_up"]),
        ({"frequency": "cron", "cron": "0 9 29 2 mon"}, []),
        ({"frequency": "once"}, []),
    ],
)
def test_every_problem_is_told_at_its_key(schedule: dict[str, object], found: list[str]) -> None:
    assert [key for key, _ in problems(schedule)] == found
