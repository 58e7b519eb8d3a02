"""Foreign text is harmless on a terminal, in JSON and in a spreadsheet."""

from __future__ import annotations

import json
import time
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline.console.text import cell, clock, duration, escaped, listing, moment, neutral, plural, schedule

NASTY = "\x00\x07\x08\t\n\r\x1b\x7f\x85\x9b\u200b\u200e\u2028\u202a\u202e\u2066\u2069\ufeff\U000e0041"


@given(st.text() | st.text(alphabet=NASTY))
def test_neutral_text_steers_nothing_and_hides_nothing(text: str) -> None:
    shown = neutral(text)
    assert not any(unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs") for each in shown)
    assert not any(
        unicodedata.bidirectional(each) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        for each in shown
    )
    assert neutral(shown) == shown


@pytest.mark.parametrize("name", ["Zoë O'Brien", "Nguyễn Thị", "नेहा", "فاطمة", "李伟", "👩‍💻", "می‌خواهم", "a\u00a0b"])
def test_names_of_people_stay_as_they_are(name: str) -> None:
    assert neutral(name) == name


def test_what_is_neutralised_can_be_seen() -> None:
    assert neutral("a\x1b[2Jb\u202ec\x7f") == "a␛[2Jb<U+202E>c␡"


@given(st.text() | st.text(alphabet=NASTY))
def test_escaped_json_means_the_same_and_steers_nothing(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    shown = escaped(json.dumps({"name": text}, ensure_ascii=False))
    assert json.loads(shown) == {"name": text}
    assert not any(each in NASTY for each in shown)


@given(st.text())
def test_no_cell_of_a_csv_is_a_formula(text: str) -> None:
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert cell(text) in (text, "'" + text)


def test_a_missing_value_is_an_empty_cell() -> None:
    assert cell(None) == ""
    assert cell("=1+1") == "'=1+1"
    assert cell("\n=1+1") == "'\n=1+1"
    assert cell("＝1+1") == "'＝1+1"


@given(st.floats(min_value=0, max_value=1e6))
def test_a_duration_is_short(seconds: float) -> None:
    assert len(duration(seconds)) <= len("277 h 46 min")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_clock_shows_the_date_unless_it_is_today() -> None:
    assert len(clock(time.time() + 3 * 86400)) == len("2026-11-26 14:05")
    assert clock(datetime.now().astimezone().replace(hour=12, minute=0).timestamp()) == "12:00"


def test_small_words() -> None:
    assert plural(1, "spec") == "1 spec"
    assert plural(1200, "spec") == "1,200 specs"
    assert listing({"a": 3, "b": 0, "c": 1200}) == "a 3, c 1,200"
    assert moment(None) == ""
    assert moment(datetime(2026, 11, 23, 9, 30, tzinfo=UTC)).startswith("2026-11-2")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (None, "only by hand"),
        ({"frequency": "once"}, "once (in the zone of the source)"),
        ({"frequency": "daily", "time": "09:30", "timezone": "Asia/Kolkata"}, "every day at 09:30 (Asia/Kolkata)"),
        (
            {"frequency": "weekly", "time": "09:30", "on": ["monday", "friday"], "timezone": "UTC", "catch_up": "none"},
            "every Monday and Friday at 09:30 (UTC); a missed run is left out",
        ),
        (
            {"frequency": "monthly", "time": "06:00", "day": "last", "timezone": "UTC"},
            "on the last day of each month at 06:00 (UTC)",
        ),
        (
            {"frequency": "monthly", "time": "06:00", "day": 31, "timezone": "UTC"},
            "on day 31 of each month at 06:00 (UTC)",
        ),
        ({"frequency": "cron", "cron": "*/15 * * * *", "timezone": "UTC"}, "cron */15 * * * * (UTC)"),
    ],
)
def test_schedules_in_words(keys: dict[str, object] | None, words: str) -> None:
    assert schedule(keys) == words
