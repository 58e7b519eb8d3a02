"""Fault 14: spring forward, fall back, a leap day, a schedule edited while it is due, three days down."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fault_place import Place, obeys_the_law
from moved_clock import MovedClock
from serving import Desk


@pytest.mark.parametrize(
    ("start", "schedule", "coming"),
    [
        pytest.param(
            "2026-03-28T12:00:00",
            {"frequency": "daily", "time": "02:30"},
            ["2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"],
            id="a time that spring skips runs at the next moment that there is",
        ),
        pytest.param(
            "2026-10-24T12:00:00",
            {"frequency": "daily", "time": "02:30"},
            ["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"],
            id="a time that autumn repeats runs once",
        ),
        pytest.param(
            "2026-10-25T00:20:00",
            {"frequency": "cron", "cron": "*/30 * * * *"},
            ["2026-10-25T00:30:00.000Z", "2026-10-25T01:00:00.000Z", "2026-10-25T01:30:00.000Z"],
            id="every half hour goes on through the repeated hour",
        ),
        pytest.param(
            "2027-03-01T00:00:00",
            {"frequency": "cron", "cron": "0 9 29 2 *"},
            ["2028-02-29T08:00:00.000Z", "2032-02-29T08:00:00.000Z"],
            id="the leap day comes in leap years",
        ),
        pytest.param(
            "2027-01-30T12:00:00",
            {"frequency": "monthly", "day": 31, "time": "09:00"},
            ["2027-01-31T08:00:00.000Z", "2027-02-28T08:00:00.000Z"],
            id="the thirty-first of February is its last day",
        ),
    ],
)
def test_a_change_of_the_calendar_neither_skips_nor_doubles_a_run(
    place: Place, start: str, schedule: dict[str, Any], coming: list[str]
) -> None:
    place.clock = MovedClock.at(start, place.folder / "clock")
    place.write(schedule=schedule | {"timezone": "Europe/Berlin"})
    told = place.document("schedule", place.spec.name, "--next", str(len(coming)))
    assert [run["due"] for run in told["runs"]] == coming


def checked(desk: Desk, name: str) -> None:
    """The sums hold for every run of the sync, as the command line tells them."""
    for run in desk.document("history", name)["runs"]:
        lines = desk.syncline("leads", run["run"], "--json").stdout.splitlines()
        obeys_the_law(run, [json.loads(line) for line in lines])


def test_three_days_down_are_one_run_and_a_schedule_edited_while_due_is_kept_to(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    schedule = {"frequency": "daily", "time": "09:30", "timezone": "UTC"}
    desk.spec("sign-ups", schedule=schedule)
    served = desk.serving(str(desk.specs))
    desk.clock.move_to("2026-11-02T09:30:05")
    desk.eventually(lambda: desk.ended("sign-ups", 1), "the run of the first day")
    desk.end(served)
    desk.clock.move_to("2026-11-05T12:00:00")
    desk.spec("sign-ups", schedule=schedule | {"time": "13:00"})
    desk.serving(str(desk.specs))
    desk.eventually(lambda: len(desk.runs("sign-ups")) >= 1 and desk.sync("sign-ups").revision >= 2, "the edit")
    desk.clock.move_to("2026-11-05T13:00:05")
    desk.eventually(lambda: desk.ended("sign-ups", 2), "the run of the fourth day")
    due = [f"{firing['due']:%Y-%m-%dT%H:%M}" for firing in desk.firings("sign-ups") if firing["state"] == "done"]
    assert due[-1] == "2026-11-05T13:00"
    assert len(desk.runs("sign-ups")) <= 3
    checked(desk, "sign-ups")
