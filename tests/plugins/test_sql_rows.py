"""Rows of a table: what the sink says of each, however the batches before were made up."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from syncline.plugin import ACCEPTED, Result
from syncline_sql import Sql
from syncline_sql.config import SqlConfig
from syncline_sql.sink import UNCHANGED, UPDATED


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "leads.db"


@pytest.fixture
def url(ledger_url: str) -> str:
    """Of an empty database, of SQLite and of PostgreSQL."""
    return ledger_url


def leads(**names: str) -> pl.DataFrame:
    return pl.DataFrame({"email": [f"{each}@example.com" for each in names], "name": list(names.values())})


def held(url: str) -> dict[str, str]:
    connect = sqlite3.connect if url.startswith("sqlite") else psycopg.connect
    connection: Any = connect(url.removeprefix("sqlite:///"))
    rows = connection.execute("SELECT email, name FROM leads").fetchall()
    connection.close()
    return {email.partition("@")[0]: name for email, name in rows}


def delivered(config: SqlConfig, *batches: pl.DataFrame) -> list[Sequence[Result]]:
    sink = Sql(config)
    sink.provide(["email", "name"])
    told = [sink.deliver(batch) for batch in batches]
    sink.end(whole=True)
    return told


def test_after_batches_of_new_rows_each_known_one_is_still_told_apart(url: str) -> None:
    told = delivered(
        SqlConfig(url=url, table="leads", key="email"),
        leads(anna="Anna", ben="Ben"),
        leads(cem="Cem", dina="Dina"),
        leads(emil="Emil", anna="Anna", ben="Benjamin"),
        leads(fay="Fay"),
        leads(gul="Gul"),
        leads(cem="Cem", dina="Dina B."),
        leads(cem="Cem"),
    )
    new = [ACCEPTED]
    assert told == [new * 2, new * 2, [ACCEPTED, UNCHANGED, UPDATED], new, new, [UNCHANGED, UPDATED], [UNCHANGED]]
    people = {"anna": "Anna", "ben": "Benjamin", "cem": "Cem", "dina": "Dina B.", "emil": "Emil", "fay": "Fay"}
    assert held(url) == people | {"gul": "Gul"}


def test_a_table_that_is_not_to_be_updated_is_not_after_batches_of_new_rows(url: str) -> None:
    told = delivered(
        SqlConfig(url=url, table="leads", key="email", on_duplicate="skip"),
        leads(anna="Anna"),
        leads(ben="Ben"),
        leads(anna="Hannah", cem="Cem"),
    )
    assert told == [[ACCEPTED], [ACCEPTED], [UNCHANGED, ACCEPTED]]
    assert held(url) == {"anna": "Anna", "ben": "Ben", "cem": "Cem"}


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_file_of_sqlite_is_left_as_it_was_found(file: Path, mode: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE leads (email TEXT PRIMARY KEY, name TEXT)")
    connection.close()
    delivered(SqlConfig(url=f"sqlite:///{file}", table="leads", key="email"), leads(anna="Anna"), leads(ben="Ben"))
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,)
    connection.close()
    assert held(f"sqlite:///{file}") == {"anna": "Anna", "ben": "Ben"}
