"""A table of SQLite."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from syncline import Fatal, Retriable

from .table import PLACE, Refusal, conflict, quoted, table_name

if TYPE_CHECKING:
    import polars as pl

BUSY_SECONDS = 30.0
CACHE = "PRAGMA cache_size = -65536"
"""64 MB, in KiB: with less, the index of a large table is read again and again."""

PAGES = "PRAGMA page_size = 16384"
"""Of a new file, in bytes: the keys of a batch are all over the index, and with larger pages that is fewer of them."""


class SqliteTable:
    """See `Table`. The file is made for its owner alone, if it is not there."""

    def __init__(self, path: str, table: str) -> None:
        self._path = path
        self._table = table
        with self._translated():
            if not Path(path).exists():
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute(CACHE)
            self._connection.execute(PAGES)
            if self._journal_mode() == "delete":
                self._connection.execute("PRAGMA journal_mode = PERSIST")  # each transaction makes none anew
        self._all_new = False
        """Whether none of the last rows was there."""

    def columns(self) -> list[str] | None:
        """See `Table`."""
        schema, _, name = self._table.rpartition(".")
        with self._translated():
            asked = f"PRAGMA {quoted(schema) + '.' if schema else ''}table_info({quoted(name)})"
            return [row[1] for row in self._connection.execute(asked)] or None

    def is_key(self, column: str) -> bool:
        """See `Table`."""
        name = self._table.rpartition(".")[2]
        with self._translated():
            info = self._connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
            if [row[1] for row in info if row[5]] == [column]:
                return True
            indexes = self._connection.execute(f"PRAGMA index_list({quoted(name)})").fetchall()
            unique = [row[1] for row in indexes if row[2] and not row[4]]
            parts = [self._connection.execute(f"PRAGMA index_info({quoted(each)})").fetchall() for each in unique]
        return any([row[2] for row in part] == [column] for part in parts)

    def create(self, columns: Sequence[str], key: str) -> None:
        """See `Table`."""
        parts = [f"{quoted(name)} TEXT{' NOT NULL PRIMARY KEY' if name == key else ''}" for name in columns]
        with self._translated():
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table_name(self._table)} ({', '.join(parts)})")

    def known(self, rows: pl.DataFrame, key: str) -> pl.DataFrame:
        """See `Table`."""
        import polars as pl

        columns = [name for name in rows.columns if name != PLACE]
        keys = msgspec.json.encode(rows[key].to_list()).decode()
        as_text = ", ".join(f"CAST({quoted(name)} AS TEXT)" for name in columns)
        query = (
            f"SELECT {as_text} FROM {table_name(self._table)} WHERE {quoted(key)} IN (SELECT value FROM json_each(?))"  # noqa: S608 - the names are quoted
        )
        with self._translated():
            found = self._connection.execute(query, (keys,)).fetchall()
        held = pl.DataFrame(found, schema=dict.fromkeys(columns, pl.String), orient="row")
        both = rows.join(held, on=key, how="inner", suffix="#held", nulls_equal=False)
        same = [pl.col(name).eq_missing(pl.col(f"{name}#held")) for name in columns if name != key]
        return both.select(PLACE, pl.all_horizontal(pl.lit(True), *same).alias("same"))

    def upsert(self, rows: pl.DataFrame, key: str, *, update: bool) -> pl.DataFrame:
        """See `Table`. Where the last rows were all new, these are taken for new first: none has to be looked for."""
        import polars as pl

        columns = [name for name in rows.columns if name != PLACE]
        names, marks = ", ".join(map(quoted, columns)), ", ".join("?" * len(columns))
        insert = f"INSERT INTO {table_name(self._table)} ({names}) VALUES ({marks})"  # noqa: S608 - the names are quoted
        with self._translated():
            if self._all_new and self._added(insert, rows.select(columns), key):
                return rows.clear().select(PLACE, pl.lit(value=True).alias("same"))
            with self._transaction():
                known = self.known(rows, key)
                left = rows.join(known.filter("same"), on=PLACE, how="anti", maintain_order="left")
                self._connection.executemany(
                    f"{insert} {conflict(columns, key, update=update)}", left.select(columns).rows()
                )
        self._all_new = known.is_empty()
        return known

    def close(self) -> None:
        """See `Table`."""
        with suppress(sqlite3.Error):  # an empty journal may stay: it says that there is nothing to be done
            if self._journal_mode() == "persist":
                self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()

    def _added(self, insert: str, rows: pl.DataFrame, key: str) -> bool:
        """Whether none of the rows was there; if one was, nothing is changed."""
        with suppress(_KnownError), self._transaction():
            added = self._connection.executemany(f"{insert} {conflict((), key, update=False)}", rows.rows()).rowcount
            if added < rows.height:
                raise _KnownError
            return True
        return False

    def _journal_mode(self) -> str:
        return str(self._connection.execute("PRAGMA journal_mode").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise Refusal(error.sqlite_errorname.removeprefix("SQLITE_"), _short(error)) from None
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise Retriable("the database is busy", where=self._path) from None
            raise Fatal("the database cannot be used", where=self._path, why=str(error)) from None
        except (sqlite3.DatabaseError, OSError) as error:
            why = os.strerror(error.errno or 0) if isinstance(error, OSError) else str(error)
            raise Fatal("the database cannot be used", where=self._path, why=why) from None


class _KnownError(Exception):
    """Rows that were taken for new are not."""


def _short(error: sqlite3.Error) -> str:
    """`NOT NULL constraint failed: leads.name`: the constraint, and no value."""
    return str(error)
