"""When a CronJob starts, against when a sync is due: it is rendered where both are the same, and refused elsewhere."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from syncline.render.cluster import Cron, starts
from syncline.render.cron import crontab
from syncline.schedule import WEEKDAYS, upcoming

NOW = datetime(2026, 11, 26, 8, 30, 15, 250000, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    "UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "America/Santiago", "America/Havana", "Africa/Cairo",
    "Asia/Beirut", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Chatham", "America/St_Johns", "Europe/Dublin",
]  # fmt: skip


def local(cron: str, start: str, zone: str, n: int) -> list[str]:
    """The next starts, as the clock on the wall shows them."""
    there = ZoneInfo(zone)
    begin = datetime.fromisoformat(start).replace(tzinfo=there)
    return [f"{each.astimezone(there):%m-%d %H:%M %z}" for each in islice(starts(Cron.of(cron), begin, there), n)]


# ----------------------------------------------------------------------------------------- what Kubernetes does


@pytest.mark.parametrize(
    ("cron", "start", "zone", "expected"),
    [
        # A time that is skipped is left out, and one that happens twice comes twice.
        ("30 2 * * *", "2026-03-28T12:00", "Europe/Berlin", ["03-30 02:30 +0200", "03-31 02:30 +0200"]),
        ("30 2 * * *", "2026-10-24T12:00", "Europe/Berlin", ["10-25 02:30 +0200", "10-25 02:30 +0100"]),
        # Either day is enough where both are restricted.
        ("0 0 13 * 5", "2026-11-01T12:00", "UTC", ["11-06 00:00 +0000", "11-13 00:00 +0000"]),
        ("0 0 31 * *", "2026-11-01T12:00", "UTC", ["12-31 00:00 +0000", "01-31 00:00 +0000"]),
        ("0 0 29 2 *", "2026-11-01T12:00", "UTC", ["02-29 00:00 +0000", "02-29 00:00 +0000"]),
        # Where the clocks of a zone go back by half an hour, its hours are counted from the half hour on.
        ("0 2 * * *", "2026-04-04T12:00", "Australia/Lord_Howe", ["04-06 02:00 +1030", "04-07 02:00 +1030"]),
        # Where midnight is skipped, the day begins at one.
        ("30 1 * * *", "2026-09-05T12:00", "America/Santiago", ["09-06 01:30 -0300", "09-07 01:30 -0300"]),
        ("0 0 * * *", "2026-09-05T12:00", "America/Santiago", ["09-07 00:00 -0300", "09-08 00:00 -0300"]),
        ("0 1 6 * *", "2026-09-04T12:00", "America/Santiago", ["09-06 01:00 -0300", "10-06 01:00 -0300"]),
        # … or the walk over the days misses it altogether, where midnight is taken for one o'clock.
        ("0 5 * * 0", "2027-03-23T12:00", "Asia/Beirut", ["04-04 05:00 +0300", "04-11 05:00 +0300"]),
    ],
)
def test_kubernetes_walks_the_wall_clock(cron: str, start: str, zone: str, expected: list[str]) -> None:
    assert local(cron, start, zone, 2) == expected


def test_a_date_that_never_comes_ends_the_walk() -> None:
    assert local("0 0 30 2 *", "2026-01-01T00:00", "UTC", 1) == []


@given(
    fields=st.tuples(st.integers(0, 59), st.integers(0, 23), st.integers(1, 28), st.integers(1, 12)),
    seconds=st.integers(0, 10**8),
)
def test_without_clock_changes_a_start_is_the_next_minute_that_matches(
    fields: tuple[int, int, int, int], seconds: int
) -> None:
    minute, hour, day, month = fields
    start = NOW + timedelta(seconds=seconds)
    found = next(starts(Cron.of(f"{minute} {hour} {day} {month} *"), start, ZoneInfo("UTC")))
    assert (found.minute, found.hour, found.day, found.month, found.second) == (minute, hour, day, month, 0)
    assert timedelta() < found - start <= timedelta(days=366)


# -------------------------------------------------------------------------------------------- what is rendered


@pytest.mark.parametrize(
    ("schedule", "cron"),
    [
        ({"frequency": "daily", "time": "09:30"}, "30 9 * * *"),
        ({"frequency": "weekly", "time": "00:05", "on": ["sunday", "friday", "saturday"]}, "5 0 * * 0,5-6"),
        ({"frequency": "weekly", "time": "00:05", "on": list(WEEKDAYS)}, "5 0 * * *"),
        ({"frequency": "monthly", "time": "09:30", "day": 28}, "30 9 28 * *"),
        ({"frequency": "cron", "cron": "*/20 8-18/5 1-7,15 jan-mar mon-FRI"}, "0,20,40 8,13,18 1-7,15 1-3 1-5"),
        ({"frequency": "cron", "cron": "7/25 * * * 5-7"}, "7,32,57 * * * 0,5-6"),
        ({"frequency": "cron", "cron": "0 6 1-31 1-12 0-6"}, "0 6 * * *"),
    ],
)
def test_a_schedule_becomes_five_plain_fields(schedule: dict[str, Any], cron: str) -> None:
    assert crontab(schedule | {"timezone": "Asia/Kolkata"}, NOW) == (cron, [])


@pytest.mark.parametrize(
    ("schedule", "key", "why"),
    [
        ({"frequency": "once", "timezone": "UTC"}, "frequency", "cannot run once"),
        ({"frequency": "daily", "time": "09:30"}, "", "names no timezone"),
        ({"frequency": "daily", "time": "09:30", "timezone": "UTC", "jitter": "5m"}, "jitter", "knows no jitter"),
        ({"frequency": "monthly", "time": "09:30", "day": "last", "timezone": "UTC"}, "day", "the last day of a month"),
        ({"frequency": "monthly", "time": "09:30", "day": 29, "timezone": "UTC"}, "day", "months that lack this day"),
        ({"frequency": "cron", "cron": "0 0 L * *", "timezone": "UTC"}, "cron", "does not take 'l' as day of month"),
        ({"frequency": "cron", "cron": "0 0 * * fri#2", "timezone": "UTC"}, "cron", "'fri#2' as day of week"),
        ({"frequency": "cron", "cron": "0 22-4 * * *", "timezone": "UTC"}, "cron", "'22-4' as hour"),
        ({"frequency": "daily", "time": "02:30", "timezone": "Europe/Berlin"}, "time", "leave out 03:00+02:00"),
        ({"frequency": "daily", "time": "23:30", "timezone": "America/Santiago"}, "time", "once more at 23:30-04:00"),
        ({"frequency": "cron", "cron": "0 */2 * * *", "timezone": "Europe/Berlin"}, "cron", "leave out 03:00+02:00"),
        ({"frequency": "weekly", "time": "05:00", "on": ["sunday"], "timezone": "Asia/Beirut"}, "time", "out 05:00"),
    ],
)  # fmt: skip
def test_what_a_cron_job_cannot_keep_is_told_at_its_key(schedule: dict[str, Any], key: str, why: str) -> None:
    ((told, message),) = crontab(schedule, NOW)[1]
    assert told == key
    assert why in message


def test_a_weekday_on_which_the_clocks_never_change_is_kept() -> None:
    weekly = {"frequency": "weekly", "time": "02:30", "timezone": "Europe/Berlin"}
    assert crontab(weekly | {"on": ["monday"]}, NOW) == ("30 2 * * 1", [])
    assert crontab(weekly | {"on": ["sunday"]}, NOW)[1]


SCHEDULES = st.one_of(
    st.builds(dict, frequency=st.just("daily"), time=st.times().map(lambda each: f"{each:%H:%M}")),
    st.builds(
        dict,
        frequency=st.just("weekly"),
        time=st.times().map(lambda each: f"{each:%H:%M}"),
        on=st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True),
    ),
    st.builds(
        dict,
        frequency=st.just("monthly"),
        time=st.times().map(lambda each: f"{each:%H:%M}"),
        day=st.integers(1, 31) | st.just("last"),
    ),
    st.builds(
        dict,
        frequency=st.just("cron"),
        cron=st.builds(
            "{} {} {} {} {}".format,
            st.sampled_from(["*", "0", "*/15", "5,35", "30"]),
            st.sampled_from(["*", "2", "*/2", "0-3", "23"]),
            st.sampled_from(["*", "1", "*/3", "15,28"]),
            st.sampled_from(["*", "mar", "10-11"]),
            st.sampled_from(["*", "sun", "1-5", "0,6"]),
        ),
    ),
)


@settings(max_examples=25, deadline=None)
@given(schedule=SCHEDULES, zone=st.sampled_from(ZONES), day=st.integers(0, 3 * 365))
@example(schedule={"frequency": "daily", "time": "00:30"}, zone="Asia/Beirut", day=120)
@example(schedule={"frequency": "cron", "cron": "* 23 1 * sun"}, zone="Australia/Lord_Howe", day=834)
def test_what_is_rendered_starts_exactly_when_the_sync_is_due(schedule: dict[str, Any], zone: str, day: int) -> None:
    schedule = schedule | {"timezone": zone}
    cron, told = crontab(schedule, NOW)
    if told:
        return
    start = NOW + timedelta(days=day)
    end = start + timedelta(days=random.Random(day).randrange(1, 400))
    due = list(islice(takewhile(lambda each: each < end, upcoming(schedule, start, zone)), 300))
    started = list(islice(takewhile(lambda each: each < end, starts(Cron.of(cron), start, ZoneInfo(zone))), 300))
    assert started == due
