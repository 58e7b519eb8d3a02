"""What Creator's texts become: dates in any format and zone, typed columns, composites, lists."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline import Fatal, Window
from syncline_creator_source import CreatorConfig
from syncline_creator_source.criteria import criteria_of, start_of
from syncline_creator_source.dates import Dates
from syncline_creator_source.fieldtypes import form_fields
from syncline_creator_source.frames import all_columns, frame_of

PATTERNS = [
    "dd-MMM-yyyy",
    "MMM dd,yyyy",
    "yyyy-MM-dd",
    "dd/MM/yyyy",
    "MM/dd/yy",
    "d MMMM yyyy",
    "M.d.yyyy",
    "EEE, dd MMM yyyy",
]
ZONES = ["Asia/Kolkata", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]
INDIA = Dates("dd-MMM-yyyy", "Asia/Kolkata")
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2060, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))


def config(**more: Any) -> CreatorConfig:
    return msgspec.convert({"owner": "o", "application": "a", "report": "r"} | more, CreatorConfig)


@given(st.sampled_from(PATTERNS), st.sampled_from(ZONES), MOMENTS)
def test_a_literal_read_back_is_the_moment_or_the_earlier_of_two(pattern: str, zone: str, moment: datetime) -> None:
    dates = Dates(pattern, zone)
    text = dates.literal(moment)
    assert text[0] == text[-1] == "'"
    back = dates.datetimes(pl.Series("t", [text[1:-1]]))
    assert back is not None
    local = moment.astimezone(ZoneInfo(zone))
    assert back.item() == local.replace(fold=0).astimezone(UTC)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("dd-MMM-yyyy", "04-Oct-2023"),
        ("MMM dd,yyyy", "Oct 04,2023"),
        ("d 'of' MMMM yy", "4 of October 23"),
        ("yyyy-MM-dd", "2023-10-04"),
    ],
)
def test_dates_are_read_in_the_application_s_format(pattern: str, text: str) -> None:
    read = Dates(pattern, "UTC").dates(pl.Series("t", [text, None]))
    assert read is not None
    assert read.to_list() == [date(2023, 10, 4), None]


@pytest.mark.parametrize("text", ["04-Oct-2023 18:05:09", "04-Oct-2023 18:05", "04-Oct-2023 06:05:09 PM"])
def test_clocks_of_24_and_of_12_hours_are_read(text: str) -> None:
    read = INDIA.datetimes(pl.Series("t", [text]))
    assert read is not None
    assert read.item().replace(second=0) == datetime(2023, 10, 4, 12, 35, tzinfo=UTC)


def test_a_local_time_that_happens_twice_is_the_earlier_and_one_that_never_happens_the_hour_after() -> None:
    read = Dates("yyyy-MM-dd", "Europe/Berlin").datetimes(
        pl.Series("t", ["2026-10-25 02:30:00", "2026-03-29 02:30:00"])
    )
    assert read is not None
    assert read.to_list() == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)]


@pytest.mark.parametrize("pattern", ["", "dd-QQQ-yyyy", "dd 'open"])
def test_a_date_format_that_is_not_understood_is_named(pattern: str) -> None:
    with pytest.raises(Fatal, match="date format"):
        Dates(pattern, "UTC").literal(datetime.now(UTC))


def test_a_time_zone_that_is_not_known_is_named() -> None:
    with pytest.raises(Fatal, match="Mars/Olympus"):
        Dates("dd-MMM-yyyy", "Mars/Olympus").literal(datetime.now(UTC))


ROWS: list[dict[str, Any]] = [
    {
        "ID": "1", "Name": {"first_name": "Ann", "last_name": "", "zc_display_value": "Ann"}, "Age": "42",
        "Rate": "1.50", "Flag": "true", "Born": "04-Oct-1990", "Seen": "04-Oct-2023 18:05:09", "Tags": ["a", "b"],
        "Empty": "",
        "Subform": [{"ID": "7", "zc_display_value": "one"}, {"ID": "8", "zc_display_value": "two"}],
        "Added_Time": "04-Oct-2023 12:35:24",
    },
    {
        "ID": "2", "Name": "", "Age": "", "Rate": "", "Flag": "false", "Born": "", "Seen": "", "Tags": [], "Empty": "",
        "Subform": "", "Added_Time": "",
    },
]  # fmt: skip
TYPES = {"Age": "number", "Rate": "decimal", "Flag": "boolean", "Born": "date", "Seen": "datetime", "Tags": "list"}


def test_values_are_typed_by_the_form() -> None:
    frame = frame_of(ROWS, all_columns(ROWS), TYPES, INDIA)
    assert frame.to_dicts() == [
        {
            "ID": "1", "Name": "Ann", "Name.first_name": "Ann", "Name.last_name": None, "Name.zc_display_value": "Ann",
            "Age": 42, "Rate": 1.5, "Flag": True, "Born": date(1990, 10, 4),
            "Seen": datetime(2023, 10, 4, 12, 35, 9, tzinfo=UTC), "Tags": ["a", "b"], "Empty": None,
            "Subform": ["one", "two"], "Added_Time": datetime(2023, 10, 4, 7, 5, 24, tzinfo=UTC),
        },
        {
            "ID": "2", "Name": None, "Name.first_name": None, "Name.last_name": None, "Name.zc_display_value": None,
            "Age": None, "Rate": None, "Flag": False, "Born": None, "Seen": None, "Tags": [], "Empty": None,
            "Subform": None, "Added_Time": None,
        },
    ]  # fmt: skip


def test_without_a_form_everything_but_the_time_columns_is_text() -> None:
    frame = frame_of(ROWS, ["Age", "Flag", "Born", "Added_Time"], {}, INDIA)
    assert frame.dtypes == [pl.String, pl.String, pl.String, pl.Datetime("us", "UTC")]


def test_a_value_that_does_not_fit_its_type_is_kept_as_text() -> None:
    rows = [{"Age": "42"}, {"Age": "about 40"}]
    assert frame_of(rows, ["Age"], TYPES, INDIA)["Age"].to_list() == ["42", "about 40"]


def test_lists_keep_their_texts_to_the_letter() -> None:
    for lists in ([["a", "b, c"], [], None], [["a\x1fb", "c"], [], None]):
        frame = frame_of([{"Tags": each} for each in lists], ["Tags"], {}, INDIA)
        assert frame["Tags"].to_list() == lists


def test_parts_that_no_record_has_are_null_and_parts_of_lists_are_lists() -> None:
    frame = frame_of(ROWS, ["Name.middle", "Nope.x", "Subform.ID"], {}, INDIA)
    assert frame.to_dicts() == [
        {"Name.middle": None, "Nope.x": None, "Subform.ID": ["7", "8"]},
        {"Name.middle": None, "Nope.x": None, "Subform.ID": None},
    ]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from(["A", "B", "Added_Time"]), JSON), min_size=1, max_size=5))
def test_any_json_becomes_a_frame_with_every_row_and_column(rows: list[dict[str, Any]]) -> None:
    columns = all_columns(rows)
    frame = frame_of(rows, columns, {"A": "number", "B": "datetime"}, INDIA)
    assert frame.shape == (len(rows), len(columns))


def test_form_fields_that_are_not_understood_are_text() -> None:
    fields = form_fields(
        [{"link_name": "A", "type": 999}, {"type": 1}, "x", {"link_name": "B", "type": 11, "choices": None}]
    )
    assert {name: field.type for name, field in fields.items()} == {"A": "text", "B": "datetime"}


NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def window(**more: Any) -> Window:
    return Window(created=NOW, now=NOW, **more)


def test_the_window_s_criteria_name_both_times_in_the_application_s_zone() -> None:
    start = start_of(window(), config())
    assert start == NOW - timedelta(days=30)
    text = criteria_of(start, config(), INDIA)
    assert text == "Added_Time >= '21-Oct-2026 15:30:00' || Modified_Time >= '21-Oct-2026 15:30:00'"
    own = config(criteria=' A == "1" || B == "2" ')
    assert criteria_of(start, own, INDIA) == f'({text}) && (A == "1" || B == "2")'
    assert criteria_of(None, own, INDIA) == 'A == "1" || B == "2"'


def test_the_watermark_goes_before_after_and_after_before_the_lookback() -> None:
    mark, after = NOW - timedelta(days=2), NOW - timedelta(days=9)
    assert start_of(window(watermark=mark.isoformat(), after=after), config()) == mark - timedelta(hours=1)
    assert start_of(window(after=after), config(lookback="unlimited")) == after
    assert start_of(window(), config(lookback="12h")) == NOW - timedelta(hours=12)
    assert start_of(window(), config(lookback="unlimited")) is None


@pytest.mark.parametrize("lookback", ["31d", "721h", "30", "0d", "forever", "1d\n"])
def test_a_lookback_beyond_thirty_days_or_of_another_shape_is_a_fault(lookback: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="lookback"):
        config(lookback=lookback)


@pytest.mark.parametrize("key", ["owner", "application", "report"])
@pytest.mark.parametrize("name", ["", "a/b", "a b", "../x", "a?b"])
def test_a_link_name_is_no_path(key: str, name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=key):
        config(**{key: name})
