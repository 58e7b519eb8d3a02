"""trim, letter case, replace, title_case: what they change, and what they leave alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syncline import SpecError, Transform
from syncline.batch import BLANKS
from syncline_rules.fields import NamedFields, SomeFields
from syncline_rules.names import TitleCase, title
from syncline_rules.text import Lowercase, Replace, ReplaceConfig, Trim, Uppercase

MIXED = pl.DataFrame(
    {
        "#address": [" A@example.com ", None],
        "name": [" Ann\u200b", None],
        "tags": [[" x ", None], None],
        "born": [date(2000, 1, 2), None],
        "n": [1, None],
        "odd": [[1], None],
    }
)
NAMED = NamedFields(fields=("name", "tags", "born", "n", "odd"))
ALL: list[Transform[Any]] = [
    Trim(SomeFields()),
    Lowercase(NAMED),
    Uppercase(NAMED),
    TitleCase(NAMED),
    Replace(ReplaceConfig(fields=NAMED.fields, find="n", with_="m")),
]


def only(transform: Transform[Any], *values: str | None) -> list[str | None]:
    return transform.apply(pl.DataFrame({"f": pl.Series(values, dtype=pl.String)}))["f"].to_list()


@pytest.mark.parametrize("transform", ALL, ids=lambda each: each.name)
def test_what_is_not_text_stays_as_it_is_and_so_do_the_engines_columns(transform: Transform[Any]) -> None:
    changed = transform.apply(MIXED)
    untouched = ["#address", "born", "n", "odd"]
    assert changed.schema == MIXED.schema
    assert changed.select(untouched).equals(MIXED.select(untouched))
    assert changed["name"][1] is None


@pytest.mark.parametrize("transform", ALL, ids=lambda each: each.name)
def test_an_empty_frame_passes(transform: Transform[Any]) -> None:
    assert transform.apply(MIXED.clear()).schema == MIXED.schema


def test_trim_takes_all_text_fields_and_the_texts_in_lists() -> None:
    trimmed = Trim(SomeFields()).apply(MIXED)
    assert trimmed["name"][0] == "Ann"
    assert trimmed["tags"][0].to_list() == ["x", None]


def test_trim_takes_only_the_fields_named() -> None:
    frame = pl.DataFrame({"a": [" x "], "b": [" x "]})
    assert Trim(SomeFields(fields=("a",))).apply(frame).row(0) == ("x", " x ")
    assert Trim(SomeFields(fields=("a",))).needs() == ("a",)


@settings(deadline=None)
@given(st.text(st.sampled_from(BLANKS), max_size=4), st.sampled_from(["a", "a\u00a0b", "é", "", "a \t b"]))
def test_trim_takes_every_blank_from_both_ends_and_none_from_inside(blanks: str, text: str) -> None:
    assert only(Trim(SomeFields()), blanks + text + blanks) == [text]


def test_letter_case_knows_other_scripts() -> None:
    assert only(Lowercase(NamedFields(fields=("f",))), "ÉLAN ИВАН") == ["élan иван"]
    assert only(Uppercase(NamedFields(fields=("f",))), "straße иван") == ["STRASSE ИВАН"]


def test_replace_takes_the_text_as_it_stands_unless_told_that_it_is_a_pattern() -> None:
    assert only(Replace(ReplaceConfig(fields=("f",), find="a.b", with_="$1")), "a.b axb") == ["$1 axb"]
    pattern = ReplaceConfig(fields=("f",), find=r"(\d+) ?%", with_="$1 percent", regex=True)
    assert only(Replace(pattern), "10% and 20 %") == ["10 percent and 20 percent"]


def test_a_pattern_that_is_none_is_a_fault_of_the_spec() -> None:
    with pytest.raises(SpecError, match=r"replace\.find is not a valid regular expression"):
        Replace(ReplaceConfig(fields=("f",), find="(", regex=True))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("anna smith", "Anna Smith"),
        ("ANNA SMITH", "Anna Smith"),
        ("aNNA sMITH", "Anna Smith"),
        ("o'brien", "O'Brien"),
        ("O’BRIEN", "O’Brien"),
        ("O'Brien", "O'Brien"),
        ("anne-marie", "Anne-Marie"),
        ("ANNE-MARIE", "Anne-Marie"),
        ("d'angelo", "D'Angelo"),
        ("children's", "Children's"),
        ("i'm", "I'm"),
        ("mcdonald", "McDonald"),
        ("MCDONALD", "McDonald"),
        ("McDonald", "McDonald"),
        ("DiCaprio", "DiCaprio"),
        ("leonardo DiCaprio", "Leonardo DiCaprio"),
        ("LUDWIG VAN BEETHOVEN", "Ludwig van Beethoven"),
        ("ludwig van der rohe", "Ludwig van der Rohe"),
        ("Ludwig Van Dyke", "Ludwig Van Dyke"),
        ("van der berg", "Van der Berg"),
        ("van", "Van"),
        ("anh le", "Anh Le"),
        ("ÉLODIE", "Élodie"),
        ("łukasz", "Łukasz"),
        ("jose\u0301 garci\u0301a", "Jose\u0301 Garci\u0301a"),
        ("иван петров", "Иван Петров"),
        ("straße", "Straße"),
        ("用户", "用户"),
        ("  anna  b. ", "  Anna  B. "),
        ("", ""),
        ("r2d2 unit", "R2D2 Unit"),
        ("mc", "Mc"),
        ("mack", "Mack"),
    ],
)
def test_title_case_writes_names_as_people_write_them(before: str, after: str) -> None:
    assert only(TitleCase(NamedFields(fields=("f",))), before, None) == [after, None]


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("abzAZéÉßøÿµ '-’vanmcO.1 "), max_size=14), min_size=1, max_size=30))
def test_the_columnar_way_gives_what_the_careful_way_gives(names: list[str]) -> None:
    assert only(TitleCase(NamedFields(fields=("f",))), *names) == [title(each) for each in names]
