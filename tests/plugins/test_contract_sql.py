"""The sink for tables keeps every promise of a sink, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgresql_server import Server
from syncline.testing import SinkContract
from syncline_sql import Sql

COLUMNS = ("email", "Name", 'odd "column"')


class OfTables(SinkContract):
    plugin = Sql
    mapped = COLUMNS

    def teardown_method(self) -> None:
        super().teardown_method()
        self.tidy_up()

    def tidy_up(self) -> None:
        """Whatever is left of the check."""


class TestSqlite(OfTables):
    def setup_method(self) -> None:
        self.kept = tempfile.TemporaryDirectory()
        self.file = Path(self.kept.name) / "leads.db"
        self.config = {"url": f"sqlite:///{self.file}", "table": "our leads"}
        super().setup_method()

    def tidy_up(self) -> None:
        self.kept.cleanup()

    def people(self) -> Mapping[str, Mapping[str, Any]]:
        if not self.file.exists():
            return {}
        connection = sqlite3.connect(self.file)
        try:
            there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'our leads'").fetchone()
            rows = connection.execute('SELECT * FROM "our leads"').fetchall() if there else []
        finally:
            connection.close()
        return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}

    def refuse(self, address: str) -> None:
        connection = sqlite3.connect(self.file)
        connection.execute(
            'CREATE TRIGGER banned BEFORE INSERT ON "our leads" WHEN NEW.email = '
            f"'{address}' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        connection.close()


class TestPostgresql(OfTables):
    @pytest.fixture(autouse=True)
    def database(self, postgresql: Server) -> Iterator[None]:
        with postgresql.fresh_database() as url:
            self.url_of = url
            self.config = {"url": url, "table": "public.our leads"}
            yield

    def people(self) -> Mapping[str, Mapping[str, Any]]:
        with psycopg.connect(self.url_of) as connection:
            there = connection.execute("SELECT to_regclass('public.\"our leads\"')").fetchone()
            rows = connection.execute('SELECT * FROM "our leads"').fetchall() if there and there[0] else []
        return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}

    def refuse(self, address: str) -> None:
        with psycopg.connect(self.url_of) as connection:
            check = f"ALTER TABLE \"our leads\" ADD CONSTRAINT banned CHECK (email <> '{address}')"
            connection.execute(check)  # type: ignore[arg-type]  # made of an invented address
