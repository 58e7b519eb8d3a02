"""The state of one sandbox: a SQLite file that several server processes may serve at the same time."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from syncline_zoho_sandbox import schema
from syncline_zoho_sandbox.settings import Settings

T = TypeVar("T")
FILE_NAME = "zoho.sqlite"


class Store:
    """One connection to the state.

    Every request is one write transaction. What rarely changes is kept in memory and read again when the `revision`
    in the file has moved, be it by this process or by another one.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            directory / FILE_NAME, timeout=60, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        # The state is thrown away with the sandbox: durability against a power cut is not worth a millisecond here.
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-65536"):
            self._connection.execute(f"PRAGMA {pragma}")
        self.open_calls: Counter[str] = Counter()  # by product, in this process only
        self._kept: dict[str, object] = {}
        self._revision = -1
        self._offset = 0.0
        self.execute = self._connection.execute
        self.executemany = self._connection.executemany

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become visible together; an exception takes them back."""
        self.execute("BEGIN IMMEDIATE")
        try:
            self._look()
            yield
        except BaseException:
            self.execute("ROLLBACK")
            self._kept.clear()
            raise
        self.execute("COMMIT")

    def create(self, fill: Callable[["Store"], None]) -> bool:
        """Make the tables and let *fill* fill them, unless the state exists already. True if it was made now."""
        self.execute("BEGIN IMMEDIATE")
        try:
            fresh = self.execute("SELECT 1 FROM sqlite_master WHERE name = 'state'").fetchone() is None
            if fresh:
                for statement in schema.TABLES.split(";"):
                    self.execute(statement)
                fill(self)
            elif self.value("SELECT version FROM state") != schema.VERSION:
                raise RuntimeError("this state was made by another version of the sandbox: delete its directory")
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")
        return fresh

    def erase(self) -> None:
        """Drop every table; inside a transaction, before `fill` is called again."""
        names = [row[0] for row in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            self.execute(f'DROP TABLE "{name}"')
        for statement in schema.TABLES.split(";"):
            self.execute(statement)
        self._kept.clear()

    def now(self) -> float:
        """The sandbox's clock: seconds since 1970, moved by whoever tests the passing of time."""
        return time.time() + self._offset

    def touch(self) -> None:
        """Tell every process that something kept in memory has changed."""
        self.execute("UPDATE state SET revision = revision + 1")
        self._look()

    def kept(self, name: str, load: Callable[[], T]) -> T:
        """The value of *load*, remembered until the next `touch` of any process."""
        if name not in self._kept:
            self._kept[name] = load()
        return cast(T, self._kept[name])

    @property
    def settings(self) -> Settings:
        return self.kept("settings", lambda: Settings().changed(json.loads(self.value("SELECT settings FROM state"))))

    def value(self, query: str, *parameters: object) -> Any:
        """The first column of the first row, or None."""
        row = self.execute(query, parameters).fetchone()
        return None if row is None else row[0]

    def _look(self) -> None:
        revision, self._offset = self.execute("SELECT revision, clock_offset FROM state").fetchone()
        if revision != self._revision:
            self._revision = revision
            self._kept.clear()
