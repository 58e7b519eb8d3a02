"""SQL in specs: one value per row, no queries, no files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from syncline import sql

FRAME = pl.DataFrame({"Name.first_name": ["Ann", None], "Name.last_name": ["Lee", "Roy"], "Age": [30, None]})


def values(text: str) -> list[object]:
    """What the expression makes of each row."""
    return FRAME.select(sql.expression(text).alias("v")).to_series().to_list()


def test_concat_ws_leaves_nulls_out() -> None:
    assert values('concat_ws(\' \', "Name.first_name", "Name.last_name")') == ["Ann Lee", "Roy"]


def test_the_bars_make_null_of_null() -> None:
    assert values('"Name.first_name" || "Name.last_name"') == ["AnnLee", None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('upper("Name.last_name")', ["LEE", "ROY"]),
        ("coalesce(\"Name.first_name\", 'nobody')", ["Ann", "nobody"]),
        ("case when Age > 18 then 'adult' else 'unknown' end", ["adult", "unknown"]),
        ("\"Name.last_name\" in ('Lee', 'Kim')", [True, False]),
        ("\"Name.last_name\" like 'L%' and Age is not null", [True, False]),
        ("replace(\"Name.last_name\", 'e', 'select')", ["Lselectselect", "Roy"]),
        ("'it''s ' || \"Name.last_name\"", ["it's Lee", "it's Roy"]),
    ],
)
def test_what_sql_users_expect(text: str, expected: list[object]) -> None:
    assert values(text) == expected


def test_the_columns_are_known() -> None:
    text = "case when Age > 1 then \"Name.first_name\" else concat_ws('', \"Name.last_name\", 'Age2') end"
    assert sql.columns_of(text) == {"Age", "Name.first_name", "Name.last_name"}


READING = [
    "read_csv('{file}')",
    "(select * from read_csv('{file}'))",
    "(SeLeCt * fRoM read_csv('{file}'))",
    "Age in (select 1 from read_csv('{file}'))",
    "Age in (from read_csv('{file}'))",
    "(from read_csv('{file}'))",
    "( from read_csv('{file}'))",
    "(\n\tfrom\n read_csv('{file}'))",
    "exists(select 1 from read_csv('{file}'))",
    "exists(from read_csv('{file}'))",
    "Age > (select max(a) from read_parquet('{file}'))",
    "Age > any (select a from read_json('{file}'))",
    "(with x as (select * from read_csv('{file}')) select * from x)",
    "(table read_csv('{file}'))",
    "'a' /* ' */ || (select * from read_csv('{file}')) || /* ' */ 'b'",
    "'a' -- '\n || (select * from read_csv('{file}')) --'",
    "E'\\' || (select * from read_csv(\\'{file}\\')) || \\''",
    "$$ a $$ || (select * from read_csv('{file}'))",
    "`'` || (select * from read_csv('{file}')) || `'`",
    "\"'\" || (select * from read_csv('{file}')) || \"'\"",
    "case when true then (select * from read_csv('{file}')) end",
    "concat(Age, (((select * from read_csv('{file}')))))",
    "Age union select * from read_csv('{file}')",
    "Age; select * from read_csv('{file}')",
    "array(select * from read_csv('{file}'))",
    "(values (1))",
]


@pytest.mark.parametrize("text", READING)
def test_nothing_reads_a_file(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    honest = pl.sql_expr

    def watched(given: str) -> pl.Expr:
        reached.append(given)
        return honest(given)

    monkeypatch.setattr(pl, "sql_expr", watched)
    file = tmp_path / "people.csv"
    file.write_text("secret\n1\n")
    with pytest.raises(ValueError, match=r".") as raised:
        sql.expression(text.replace("{file}", str(file)))
    assert "secret" not in str(raised.value)
    assert all("from" not in each.lower() for each in reached), "Polars opens files while it parses"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("max(Age)", "aggregate"),
        ("count(*)", "aggregate"),
        ("first(Age)", "aggregate"),
        ("quantile_cont(Age, 0.5)", "aggregate"),
        ("sum(Age) over (partition by Age)", "many rows"),
        ("row_number() over (order by Age)", "many rows"),
        ("unnest(Age)", "several rows"),
        ("columns('.*')", "several columns"),
        ("*", "not a valid SQL"),
        ("", "empty"),
        ("Age b", "AS"),
        ("upper(Age) as x", "AS"),
        ("Name.first_name", "double quotes"),
        ("foo(Age)", "unsupported function 'foo'"),
        ("'a", "never closed"),
        ("Age -- all", "comments"),
        ("$1", "not allowed"),
        ("a" + " + a" * 5000, "longer than"),
        ("(" * 1500 + "a" + ")" * 1500, "not a valid SQL"),
    ],
)
def test_what_is_refused_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("*", r"\*")):
        sql.expression(text)


def test_a_misspelt_column_is_named_with_the_nearest() -> None:
    assert sql.check("upper(Emial)", ["Email", "Age"]) == "'Emial' is not a known field; did you mean \"Email\"?"


def test_any_column_will_do_where_none_is_known() -> None:
    assert sql.check("upper(Emial)", None) == ""


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abAge'\"().,*=|+- \n;$\\/selctfromNULL0123456789", max_size=60))
@example("'" * 9)
@example("not " * 900 + "Age")
@example("a" + "+a" * 1999)
def test_any_text_is_an_expression_or_a_fault_and_nothing_else(text: str) -> None:
    message = sql.check(text, None)
    assert message == "" or message.strip()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("generate_series(1, 1000000000)", "a series of numbers"),
        ("range(1, 1000000000)", "a series of numbers"),
        ("array_to_string(range(1, 1000000000), 'x')", "a series of numbers"),
        ("lpad(Name, 1000000000, 'x')", "up to 1,000"),
        ("rpad(Name, 1001, 'x')", "up to 1,000"),
        ("lpad(Name, Age, 'x')", "up to 1,000"),
        ("replace(" * 4 + "Name" + ", 'a', 'aaaaaaaaaa')" * 4, "1,000 times"),
        ("replace(Name, '', '" + "a" * 1001 + "')", "1,000 times"),
        ("regexp_replace(" * 3 + "Name" + ", '.*', '$0$0$0$0$0', 'g')" * 3, "1,000 times"),
        ("replace(replace(Name, 'a', \"Other\"), 'b', 'cc')", "1,000 times"),
        ("array_to_string(string_to_array(" * 4 + "Name" + ", ''), 'xxxxxxxxx')" * 4, "1,000 times"),
    ],
)
def test_a_short_expression_cannot_fill_the_memory(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sql.expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "lpad(cast(Age as varchar), 10, '0')",
        "replace(replace(replace(\"Name.last_name\", 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue')",
        "regexp_replace(\"Name.last_name\", '[^0-9]', '', 'g')",
        "replace(concat(\"Name.last_name\", ' NAME'), 'NAME', \"Name.first_name\")",
        "array_to_string(string_to_array(\"Name.last_name\", ' '), '-')",
    ],
)
def test_what_people_do_with_texts_stays_possible(text: str) -> None:
    assert len(values(text)) == FRAME.height


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(x+x+)+y", "a{1000}"])
def test_a_pattern_takes_no_more_time_than_its_text_is_long(pattern: str) -> None:
    frame = pl.DataFrame({"a": ["a" * 100_000]})
    assert frame.select(sql.expression(f"regexp_like(a, '{pattern}')")).height == 1


def test_a_pattern_that_would_grow_beyond_reason_is_refused_when_it_is_used() -> None:
    with pytest.raises(pl.exceptions.ComputeError, match="size limit"):
        FRAME.select(sql.expression("regexp_like(\"Name.last_name\", '((a{1000}){1000}){1000}')"))
