"""A table of PostgreSQL: rows are copied beside it, then taken over at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from syncline import Fatal, Lost, Retriable

from .table import PLACE, Refusal, conflict, quoted, table_name

if TYPE_CHECKING:
    import polars as pl

PATIENCE: dict[str, Any] = {
    "connect_timeout": 15, "keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
}  # fmt: skip
NULL = r"\N"
STAGE = '"syncline stage"'
LOOKED_UP = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
"""Rows are looked up by the index of their key. Left to itself the server reads the whole table for each batch, once it
thinks that there are many rows: that grows with the square."""


class PostgresqlTable:
    """See `Table`."""

    def __init__(self, url: str, table: str) -> None:
        self._where = _shown(url)
        self._table = table
        with self._translated():
            self._connection = psycopg.connect(url, autocommit=True, **PATIENCE)
        self._staged: tuple[str, ...] | None = None
        self._all_new = False
        """Whether none of the last rows was there."""

    def columns(self) -> list[str] | None:
        """See `Table`."""
        asked = (
            "SELECT a.attname FROM pg_attribute a WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0"
            " AND NOT a.attisdropped ORDER BY a.attnum"
        )
        with self._translated():
            return [row[0] for row in self._connection.execute(asked, (table_name(self._table),))] or None

    def is_key(self, column: str) -> bool:
        """See `Table`."""
        asked = (
            "SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
            " WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL"
            " AND i.indnkeyatts = 1 AND a.attname = %s"
        )
        with self._translated():
            return self._connection.execute(asked, (table_name(self._table), column)).fetchone() is not None

    def create(self, columns: Sequence[str], key: str) -> None:
        """See `Table`."""
        parts = [f"{quoted(name)} text{' PRIMARY KEY' if name == key else ''}" for name in columns]
        with self._translated():
            self._run(f"CREATE TABLE IF NOT EXISTS {table_name(self._table)} ({', '.join(parts)})")

    def known(self, rows: pl.DataFrame, key: str) -> pl.DataFrame:
        """See `Table`."""
        with self._translated(), self._connection.transaction():
            self._stage(rows)
            return self._known(rows, key)

    def upsert(self, rows: pl.DataFrame, key: str, *, update: bool) -> pl.DataFrame:
        """See `Table`. Where the last rows were all new, these are taken for new first: none has to be looked for."""
        import polars as pl

        columns = [name for name in rows.columns if name != PLACE]
        names = ", ".join(map(quoted, columns))
        insert = f"INSERT INTO {table_name(self._table)} ({names}) SELECT {names} FROM {STAGE}"  # noqa: S608 - quoted
        with self._translated(writes=True), self._connection.transaction():
            self._stage(rows)
            if self._all_new and self._added(insert, rows.height, key):
                return rows.clear().select(PLACE, pl.lit(value=True).alias("same"))
            known = self._known(rows, key)
            same = known["same"].sum()
            if 0 < same < rows.height:
                alike = f"t.{quoted(key)} = s.{quoted(key)} AND {_alike(columns, key)}"
                self._run(f"DELETE FROM {STAGE} s USING {table_name(self._table)} t WHERE {alike}")  # noqa: S608 - quoted
            if same < rows.height:
                self._run(f"{insert} {conflict(columns, key, update=update)}")
        self._all_new = known.is_empty()
        return known

    def close(self) -> None:
        """See `Table`."""
        self._connection.close()

    def _added(self, insert: str, rows: int, key: str) -> bool:
        """Whether none of the staged rows was there; if one was, nothing is changed."""
        with self._connection.transaction():
            added = self._run(f"{insert} {conflict((), key, update=False)}").rowcount == rows
            if not added:
                raise psycopg.Rollback
        return added

    def _stage(self, rows: pl.DataFrame) -> None:
        """The rows in a table of this connection, with the types of the target's columns."""
        columns = tuple(rows.columns)
        names = ", ".join(map(quoted, columns))
        if self._staged != columns:
            own = ", ".join(quoted(name) for name in columns if name != PLACE)
            self._run(f"DROP TABLE IF EXISTS {STAGE}")
            columns_only = f"SELECT {own}, 0 AS {quoted(PLACE)} FROM {table_name(self._table)} LIMIT 0"  # noqa: S608 - quoted
            self._run(f"CREATE TEMP TABLE {STAGE} AS {columns_only}")
            self._staged = columns
        self._run(f"TRUNCATE {STAGE}")
        stream = BytesIO()
        rows.write_csv(stream, include_header=False, quote_style="non_numeric", null_value=NULL)
        with (
            self._connection.cursor() as cursor,
            cursor.copy(sql.SQL(f"COPY {STAGE} ({names}) FROM STDIN (FORMAT csv, NULL '{NULL}')")) as copy,
        ):
            copy.write(stream.getbuffer())

    def _known(self, rows: pl.DataFrame, key: str) -> pl.DataFrame:
        import polars as pl

        columns = [name for name in rows.columns if name != PLACE]
        query = (
            f"SELECT s.{quoted(PLACE)}, {_alike(columns, key)} FROM {STAGE} s"  # noqa: S608 - the names are quoted
            f" JOIN {table_name(self._table)} t ON t.{quoted(key)} = s.{quoted(key)}"
        )
        self._run(LOOKED_UP)
        found = self._run(query).fetchall()
        return pl.DataFrame(found, schema={PLACE: pl.UInt32, "same": pl.Boolean}, orient="row")

    def _run(self, text: str) -> psycopg.Cursor[Any]:
        return self._connection.execute(sql.SQL(text))

    @contextmanager
    def _translated(self, *, writes: bool = False) -> Iterator[None]:
        try:
            yield
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
            self._staged = None
            raise Refusal(error.sqlstate or "refused", _short(error)) from None
        except (psycopg.errors.TransactionRollback, psycopg.errors.LockNotAvailable) as error:
            self._staged = None
            raise Retriable("the database is busy", where=self._where, why=_short(error)) from None
        except psycopg.Error as error:
            if writes and self._connection.broken:
                raise Lost("the connection to the database broke", where=self._where) from None
            raise Fatal("the database cannot be used", where=self._where, why=_short(error)) from None


def _alike(columns: Sequence[str], key: str) -> str:
    """Whether the row of the stage and that of the table (`s` and `t`) are equal."""
    others = [name for name in columns if name != key]
    one = ", ".join(f"s.{quoted(name)}" for name in others)
    other = ", ".join(f"t.{quoted(name)}" for name in others)
    return f"ROW({one}) IS NOT DISTINCT FROM ROW({other})" if others else "true"


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"postgresql://{parts.hostname or ''}{parts.path}"


def _short(error: psycopg.Error) -> str:
    """Its kind, and the constraint or column: never the text, which repeats values."""
    told = [type(error).__name__, error.diag.constraint_name or error.diag.column_name or ""]
    return " ".join(part for part in told if part)
