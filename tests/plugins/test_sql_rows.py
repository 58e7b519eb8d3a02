"""Rows of a table of SQLite: what the sink says of each, however the batches before were made up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest
from syncline.plugin import ACCEPTED
from syncline_sql import Sql
from syncline_sql.config import SqlConfig
from syncline_sql.sink import UNCHANGED, UPDATED


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "leads.db"


@pytest.fixture
def sink(file: Path) -> Iterator[Sql]:
    made = Sql(SqlConfig(url=f"sqlite:///{file}", table="leads", key="email"))
    made.provide(["email", "name"])
    yield made
    made.end(whole=True)


def leads(**names: str) -> pl.DataFrame:
    return pl.DataFrame({"email": [f"{each}@example.com" for each in names], "name": list(names.values())})


def held(file: Path) -> dict[str, str]:
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT email, name FROM leads").fetchall()
    connection.close()
    return {email.partition("@")[0]: name for email, name in rows}


def delivered(sink: Sql, *batches: pl.DataFrame) -> list[Sequence[object]]:
    return [sink.deliver(batch) for batch in batches]


def test_after_batches_of_new_rows_each_known_one_is_still_told_apart(sink: Sql, file: Path) -> None:
    told = delivered(
        sink,
        leads(anna="Anna", ben="Ben"),
        leads(cem="Cem", dina="Dina"),
        leads(emil="Emil", anna="Anna", ben="Benjamin"),
        leads(fay="Fay"),
        leads(cem="Cem", dina="Dina B."),
    )
    assert told == [[ACCEPTED] * 2, [ACCEPTED] * 2, [ACCEPTED, UNCHANGED, UPDATED], [ACCEPTED], [UNCHANGED, UPDATED]]
    people = {"anna": "Anna", "ben": "Benjamin", "cem": "Cem", "dina": "Dina B.", "emil": "Emil", "fay": "Fay"}
    assert held(file) == people


def test_a_table_that_is_not_to_be_updated_is_not_after_batches_of_new_rows(file: Path) -> None:
    sink = Sql(SqlConfig(url=f"sqlite:///{file}", table="leads", key="email", on_duplicate="skip"))
    sink.provide(["email", "name"])
    told = delivered(sink, leads(anna="Anna"), leads(ben="Ben"), leads(anna="Hannah", cem="Cem"))
    sink.end(whole=True)
    assert told == [[ACCEPTED], [ACCEPTED], [UNCHANGED, ACCEPTED]]
    assert held(file) == {"anna": "Anna", "ben": "Ben", "cem": "Cem"}


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_the_file_is_left_as_it_was_found(file: Path, mode: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE leads (email TEXT PRIMARY KEY, name TEXT)")
    connection.close()
    sink = Sql(SqlConfig(url=f"sqlite:///{file}", table="leads", key="email"))
    delivered(sink, leads(anna="Anna"), leads(ben="Ben"))
    sink.end(whole=True)
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,)
    connection.close()
    assert held(file) == {"anna": "Anna", "ben": "Ben"}
