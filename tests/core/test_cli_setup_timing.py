"""Answers about times, as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from syncline.cli.setup.timing import known, not_before, value

KOLKATA = datetime(2026, 10, 27, 16, 43, 45, tzinfo=ZoneInfo("Asia/Kolkata"))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("2026-11-01", ""),
        ("2026-11-01T00:00:00", ""),
        ("2026-10-27T16:43:45", ""),
        ("2026-10-27T11:13:45+00:00", ""),
        ("2026-10-27T16:43:44", "the earliest valid moment is 2026-10-27T16:43:45+05:30"),
        ("2026-10-27T11:13:44+00:00", "more than 30 days back"),
        ("1 November", "'1 November' is no moment like 2026-11-01T00:00:00"),
    ],
)
def test_a_moment_is_meant_in_the_zone_of_the_source_and_may_not_be_too_early(answer: str, why: str) -> None:
    said = not_before(KOLKATA)(answer)
    assert said == why if not why else why in said


def test_a_source_without_a_zone_means_utc() -> None:
    check = not_before(datetime(2026, 10, 27, tzinfo=UTC))
    assert check("2026-10-27T00:00:00") == ""
    assert check("2026-10-26T23:59:59") != ""


@pytest.mark.parametrize(
    ("key", "answer", "meant"),
    [
        ("on", "Monday, friday,", ["monday", "friday"]),
        ("day", "31", 31),
        ("day", "last", "last"),
        ("day", "²", "²"),
        ("time", "09:30", "09:30"),
    ],
)
def test_an_answer_becomes_what_a_schedule_holds(key: str, answer: str, meant: object) -> None:
    assert value(key, answer) == meant


def test_a_zone_that_is_misspelt_is_answered_with_the_nearest() -> None:
    assert known("Asia/Kolkata") == ""
    assert "did you mean 'Asia/Kolkata'?" in known("kolkata")
