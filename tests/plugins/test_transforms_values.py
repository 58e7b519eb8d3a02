"""map_values, concat, split, parse_date, format_phone, hash."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syncline import SpecError, Transform
from syncline_rules.dates import ParseDate, ParseDateConfig
from syncline_rules.phone import FormatPhone, FormatPhoneConfig
from syncline_rules.pseudonym import Hash, HashConfig
from syncline_rules.reshape import Concat, ConcatConfig, MapValues, MapValuesConfig, Split, SplitConfig


def only(transform: Transform[Any], *values: str | None) -> list[str | None]:
    return transform.apply(pl.DataFrame({"f": pl.Series(values, dtype=pl.String)}))["f"].to_list()


def test_values_are_translated_and_others_stay() -> None:
    rule = MapValues(MapValuesConfig(field="f", values={"de": "Germany", "x": None}))
    assert only(rule, "de", "DE", "x", None) == ["Germany", "DE", None, None]


def test_with_a_default_any_other_value_becomes_it() -> None:
    rule = MapValues(MapValuesConfig(field="f", values={"de": "Germany"}, default="elsewhere"))
    assert only(rule, "de", "DE", None) == ["Germany", "elsewhere", "elsewhere"]
    assert only(MapValues(MapValuesConfig(field="f", values={"de": "Germany"}, default=None)), "de", "x") == [
        "Germany",
        None,
    ]


def test_numbers_booleans_and_lists_are_translated_by_their_text() -> None:
    frame = pl.DataFrame({"ok": [True, False, None], "n": [1, 2, 3], "tags": [["a", "b"], [], None]})
    frame = MapValues(MapValuesConfig(field="ok", values={"true": "yes"}, default="no")).apply(frame)
    frame = MapValues(MapValuesConfig(field="n", values={"2": "two"})).apply(frame)
    frame = MapValues(MapValuesConfig(field="tags", values={"a": "A"})).apply(frame)
    assert frame["ok"].to_list() == ["yes", "no", "no"]
    assert frame["n"].to_list() == ["1", "two", "3"]
    assert frame["tags"].to_list() == [["A", "b"], [], None]


def test_concat_leaves_out_what_is_missing_or_blank() -> None:
    frame = pl.DataFrame({"a": ["x", None, " ", None], "b": ["y", "y", "y", None], "n": [1, 2, None, None]})
    joined = Concat(ConcatConfig(fields=("a", "b", "n"), into="all", separator=", ")).apply(frame)
    assert joined["all"].to_list() == ["x, y, 1", "y, 2", "y", None]
    assert joined.drop("all").equals(frame)


def test_concat_may_write_into_a_field_that_is_there() -> None:
    frame = pl.DataFrame({"a": ["x"], "b": ["y"]})
    assert Concat(ConcatConfig(fields=("a", "b"), into="a")).apply(frame).to_dicts() == [{"a": "x y", "b": "y"}]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text("ab -", max_size=8)), min_size=1))
def test_split_puts_the_rest_into_the_last_part(values: list[str | None]) -> None:
    frame = pl.DataFrame({"f": pl.Series(values, dtype=pl.String)})
    parts = Split(SplitConfig(field="f", separator="-", into=("x", "y"))).apply(frame)
    for value, first, rest in zip(values, parts["x"], parts["y"], strict=True):
        expected = [None, None] if value is None else [*value.split("-", 1), None][:2]
        assert [first, rest] == expected


def test_split_takes_what_is_not_text_as_text() -> None:
    frame = pl.DataFrame({"d": [date(2026, 11, 23)]})
    parts = Split(SplitConfig(field="d", separator="-", into=("y", "m", "d"))).apply(frame)
    assert parts.to_dicts() == [{"y": "2026", "m": "11", "d": "23"}]


def test_split_into_one_field_twice_is_a_fault_of_the_spec() -> None:
    with pytest.raises(SpecError, match="twice"):
        Split(SplitConfig(field="f", into=("a", "a")))


def test_dates_without_a_format_are_read_as_iso_8601() -> None:
    values = [
        "2026-11-23",
        "2026-11-23T09:30:00",
        "2026-11-23 09:30",
        "2026-11-23T09:30:00Z",
        "2026-11-23T09:30:00.5+0530",
        "x",
        None,
    ]
    assert only(ParseDate(ParseDateConfig(field="f")), *values) == [
        "2026-11-23",
        "2026-11-23T09:30:00",
        "2026-11-23T09:30:00",
        "2026-11-23T09:30:00+00:00",
        "2026-11-23T04:00:00+00:00",
        None,
        None,
    ]


def test_formats_are_tried_in_order_and_the_first_that_fits_counts() -> None:
    rule = ParseDate(ParseDateConfig(field="f", formats=("%d.%m.%Y", "%d-%b-%Y %H:%M:%S", "%m/%d/%Y")))
    assert only(rule, " 23.11.2026", "23-Nov-2026 09:30:00", "11/23/2026", "2026-11-23", "31.02.2026") == [
        "2026-11-23",
        "2026-11-23T09:30:00",
        "2026-11-23",
        None,
        None,
    ]


def test_what_is_in_none_of_the_formats_may_be_kept() -> None:
    rule = ParseDate(ParseDateConfig(field="f", formats=("%d.%m.%Y",), unparsable="keep"))
    assert only(rule, "soon", "01.02.2026", None) == ["soon", "2026-02-01", None]


def test_a_time_without_an_offset_is_in_the_zone_given() -> None:
    rule = ParseDate(ParseDateConfig(field="f", zone="Asia/Kolkata"))
    assert only(rule, "2026-11-23T09:30:00", "2026-11-23T00:00:00Z", "2026-11-23") == [
        "2026-11-23T09:30:00+05:30",
        "2026-11-23T05:30:00+05:30",
        "2026-11-23",
    ]


def test_a_skipped_hour_is_no_time_and_of_a_doubled_hour_the_earlier_is_meant() -> None:
    rule = ParseDate(ParseDateConfig(field="f", zone="Europe/Berlin"))
    assert only(rule, "2026-03-29T02:30:00", "2026-10-25T02:30:00") == [None, "2026-10-25T02:30:00+02:00"]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"zone": "Mars/Base"}, "IANA"), ({"formats": ("%Q",)}, "strptime"), ({"formats": ("%d.%m.",)}, "whole date")],
)
def test_a_zone_or_format_that_is_none_is_a_fault_of_the_spec(options: dict[str, object], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        ParseDate(ParseDateConfig(field="f", **options))  # type: ignore[arg-type]  # options of the test


def test_typed_dates_and_lists_stay_as_they_are() -> None:
    frame = pl.DataFrame({"f": [date(2026, 1, 1)], "t": [datetime(2026, 1, 1, tzinfo=UTC)], "l": [["2026-01-01"]]})
    for name in frame.columns:
        assert ParseDate(ParseDateConfig(field=name)).apply(frame).equals(frame)


def test_phone_numbers_become_e164_and_what_is_none_stays() -> None:
    rule = FormatPhone(FormatPhoneConfig(fields=("f",), region="GB"))
    values = ["020 7946 0958", "+44 20 7946 0958", "+49 30 901820", "ask reception", "12", "", None]
    assert only(rule, *values) == ["+442079460958", "+442079460958", "+4930901820", "ask reception", "12", "", None]


def test_without_a_region_only_international_numbers_are_known() -> None:
    assert only(FormatPhone(FormatPhoneConfig(fields=("f",))), "020 7946 0958", "+44 20 7946 0958") == [
        "020 7946 0958",
        "+442079460958",
    ]


def test_the_country_may_stand_in_a_field() -> None:
    frame = pl.DataFrame(
        {
            "p": ["020 7946 0958", "030 901820", *["020 7946 0958"] * 2],
            "c": [" gb", "DE", None, "Narnia"],
            "n": [1, 2, 3, 4],
        }
    )
    rule = FormatPhone(FormatPhoneConfig(fields=("p", "n"), region="GB", region_field="c"))
    formatted = rule.apply(frame)
    assert formatted["p"].to_list() == ["+442079460958", "+4930901820", "+442079460958", "+442079460958"]
    assert formatted["n"].equals(frame["n"])
    assert rule.needs() == ("p", "n", "c")


def test_a_region_without_numbers_is_a_fault_of_the_spec() -> None:
    with pytest.raises(SpecError, match="UK"):
        FormatPhone(FormatPhoneConfig(fields=("f",), region="UK"))


def test_hashes_are_those_of_the_standard_library() -> None:
    expected = hashlib.sha256(b"anna@example.com").hexdigest()
    assert only(Hash(HashConfig(fields=("f",))), "anna@example.com", None, "anna@example.com") == [
        expected,
        None,
        expected,
    ]
    salted = hmac.new(b"pepper", b"anna@example.com", "sha512").hexdigest()
    assert only(Hash(HashConfig(fields=("f",), algorithm="sha512", salt="pepper")), "anna@example.com") == [salted]


def test_the_salt_is_not_shown_and_is_a_secret_in_the_schema() -> None:
    assert "pepper" not in repr(HashConfig(fields=("f",), salt="pepper"))


def test_numbers_and_dates_are_hashed_by_their_text() -> None:
    frame = Hash(HashConfig(fields=("n", "d"))).apply(pl.DataFrame({"n": [7], "d": [date(2026, 1, 1)]}))
    assert frame.row(0) == (hashlib.sha256(b"7").hexdigest(), hashlib.sha256(b"2026-01-01").hexdigest())
