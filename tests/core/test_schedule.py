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
from syncline.schedule import WEEKDAYS, jittered, latest_due, next_due, outlook, problems, upcoming
from syncline.schedule import walls as times

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
        ({"frequency": "cron", "cron": "5-5 * * * *"}, ["cron"]),
        ({"frequency": "cron", "cron": "0 9 * * MON-mon"}, ["cron"]),
        ({"frequency": "cron", "cron": "*/90 * * * *"}, ["cron"]),
        ({"frequency": "cron", "cron": "0 0-23/24 * * *"}, ["cron"]),
        ({"frequency": "cron", "cron": "*/59 22-2 * * 0-7"}, []),
        ({"frequency": "daily", "time": "09:30", "jitter": "90s"}, []),
        ({"frequency": "once", "jitter": "24h"}, []),
        ({"frequency": "once", "jitter": "25h"}, ["jitter"]),
        ({"frequency": "daily", "time": "09:30", "jitter": "24h"}, ["jitter"]),
        ({"frequency": "daily", "time": "09:30", "jitter": "0s"}, ["jitter"]),
        ({"frequency": "daily", "time": "09:30", "jitter": 5}, ["jitter"]),
        ({"frequency": "daily", "time": "nine", "jitter": "5m"}, ["time"]),
        ({"frequency": "weekly", "time": "09:30", "on": ["monday", "friday"], "jitter": "24h"}, []),
        ({"frequency": "weekly", "time": "09:30", "on": ["sunday", "monday"], "jitter": "24h"}, ["jitter"]),
        ({"frequency": "monthly", "time": "09:30", "day": "last", "jitter": "24h"}, []),
        ({"frequency": "cron", "cron": "*/5 * * * *", "jitter": "5m"}, ["jitter"]),
        ({"frequency": "cron", "cron": "*/5 * * * *", "jitter": "299s"}, []),
        ({"frequency": "cron", "cron": "0 1,23 * * *", "jitter": "2h"}, ["jitter"]),
        ({"frequency": "cron", "cron": "0 0 29 2 *", "jitter": "24h"}, []),
        ({"frequency": "once"}, []),
    ],
)
def test_every_problem_is_told_at_its_key(schedule: dict[str, object], found: list[str]) -> None:
    assert [key for key, _ in problems(schedule)] == found


SCHEDULES = st.one_of(
    st.builds(lambda time: {"frequency": "daily", "time": time}, TIMES),
    st.builds(lambda time, on: {"frequency": "weekly", "time": time, "on": sorted(on)}, TIMES,
              st.sets(st.sampled_from(WEEKDAYS), min_size=1)),
    st.builds(lambda time, day: {"frequency": "monthly", "time": time, "day": day}, TIMES,
              st.integers(1, 31) | st.just("last")),
    st.sampled_from([
        "30 2 * * *", "*/20 0-4 * * *", "15 * * * *", "0 9 1,15 * mon", "0 9 l * *", "0 9 * * fri#2",
        "10,40 22-3 * * 0", "0 0 29 2 *", "0 0 1 1 *",
    ]).map(lambda cron: {"frequency": "cron", "cron": cron}),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(SCHEDULES, MOMENTS, st.sampled_from(ZONES), st.integers(1, 20), st.integers(-1, 1))
def test_the_last_due_instant_is_where_the_upcoming_ones_stop(
    schedule: dict[str, object], after: datetime, zone: str, n: int, off: int
) -> None:
    *_, last, following = islice(upcoming(schedule, after, zone), n + 1)
    until = last + timedelta(seconds=off)
    before = next_due(schedule, after, zone)
    if off < 0 and n == 1:
        assert latest_due(schedule, after, until, zone) is None
        return
    assert before is not None
    found = latest_due(schedule, after, until, zone)
    assert found is not None
    assert before <= found <= until
    assert next_due(schedule, found, zone) == (last if off < 0 else following)


def test_a_year_of_downtime_costs_no_more_than_a_minute_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    real = times.before

    def counted(*given: object) -> object:
        nonlocal asked
        for wall in real(*given):  # type: ignore[arg-type]  # given are walls of any kind
            asked += 1
            yield wall

    monkeypatch.setattr(times, "before", counted)
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    every = {"frequency": "cron", "cron": "* * * * *"}
    assert latest_due(every, now - timedelta(days=365), now, "Europe/Berlin") == now
    assert asked == 1


def test_a_once_is_due_one_time_reckoned_from_its_creation() -> None:
    created = datetime(2026, 2, 1, 10, tzinfo=UTC)
    due = datetime(2026, 2, 2, 9, 30, tzinfo=UTC)
    schedule = {"frequency": "once", "time": "09:30"}
    assert next_due(schedule, created, "UTC") == due
    assert latest_due(schedule, created, due - timedelta(seconds=1), "UTC") is None
    assert latest_due(schedule, created, due + timedelta(days=9), "UTC") == due
    assert next_due({"frequency": "once"}, created, "UTC") is None
    assert latest_due({"frequency": "once"}, created, created, "UTC") == created
    assert latest_due({"frequency": "once"}, created, created + timedelta(days=9), "UTC") == created


@given(st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1), MOMENTS, st.sampled_from(ZONES))
def test_jitter_depends_on_sync_and_due_instant_alone(sync: str, due: datetime, zone: str) -> None:
    schedule = {"frequency": "daily", "time": "09:30", "jitter": "5m"}
    starts = jittered(schedule, sync, due)
    assert due <= starts <= due + timedelta(minutes=5)
    elsewhere = jittered(dict(schedule), sync, due.astimezone(ZoneInfo(zone)))
    assert elsewhere.astimezone(UTC) == starts  # moments of two zones are never equal while a clock goes back
    assert jittered({"frequency": "daily", "time": "09:30"}, sync, due) == due


def test_jitter_is_spread_evenly_over_syncs_and_over_firings() -> None:
    schedule = {"frequency": "daily", "time": "09:30", "jitter": "10m"}
    due = datetime(2026, 11, 23, 4, tzinfo=UTC)
    over_syncs = [jittered(schedule, f"sync-{n}", due) - due for n in range(1000)]
    over_days = [
        jittered(schedule, "one", due + n * timedelta(days=1)) - due - n * timedelta(days=1) for n in range(1000)
    ]
    for late in (over_syncs, over_days):
        minutes = [sum(timedelta(minutes=n) <= each < timedelta(minutes=n + 1) for each in late) for n in range(10)]
        assert min(minutes) > 60
        assert max(minutes) < 140


def test_what_a_change_of_the_clocks_does_is_said_of_each_run() -> None:
    start = datetime(2027, 3, 27, 12, tzinfo=UTC)
    firings, (turn,) = outlook({"frequency": "daily", "time": "02:30"}, start, "Europe/Berlin", 2)
    assert [each.note for each in firings] == ["instead of 02:30", ""]
    assert f"{turn.words}: {turn.effect}" == "clocks go forward 02:00 → 03:00: 02:30 does not exist, runs at 03:00"
    start = datetime(2027, 10, 31, tzinfo=UTC)
    firings, (turn,) = outlook({"frequency": "daily", "time": "02:30"}, start, "Europe/Berlin", 2)
    assert [each.note for each in firings] == ["the first 02:30", ""]
    assert f"{turn.words}: {turn.effect}" == "clocks go back 03:00 → 02:00: 02:30 happens twice, runs the first time"
    firings, (turn,) = outlook({"frequency": "cron", "cron": "*/30 * * * *"}, start, "Europe/Berlin", 4)
    assert [each.note for each in firings] == ["the first 02:30", "the second 02:00", "the second 02:30", ""]
    assert turn.effect == "02:00 and 02:30 happen twice, runs each time"


def test_a_change_that_touches_no_time_of_the_schedule_is_named_without_an_effect() -> None:
    start = datetime(2027, 3, 27, 12, tzinfo=UTC)
    firings, (turn,) = outlook({"frequency": "daily", "time": "09:30"}, start, "Europe/Berlin", 2)
    assert turn.effect == ""
    assert [each.note for each in firings] == ["", ""]


def test_a_day_that_a_zone_left_out_is_named_with_its_dates() -> None:
    start = datetime(2011, 12, 29, 20, tzinfo=UTC)
    _, (turn,) = outlook({"frequency": "daily", "time": "09:30"}, start, "Pacific/Apia", 2)
    assert turn.words == "clocks go forward 2011-12-30 00:00 → 2011-12-31 00:00"
