"""One database, SQLite or PostgreSQL: transactions that either commit or leave nothing, and errors that people read."""

from __future__ import annotations

import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import StaticPool

from ..errors import Fatal, SpecError
from .asking import Overtaken
from .faults import fault_of

BUSY_SECONDS = 60.0
"""How long a step waits for a lock that somebody else holds, or for a connection."""
STILL_SECONDS = 30.0
"""How long a process may stand still in the middle of a step until PostgreSQL takes it back, so that others go on."""
MOST_CONNECTIONS = 10
"""Of a process to PostgreSQL; whoever needs one more waits, for every step is short."""
PATIENCE = {
    "connect_timeout": 15,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server that is gone, with the network or without a word, is noticed within a minute."""
_MODES = stat.S_IRUSR | stat.S_IWUSR


def parsed(url: str) -> sa.URL:
    """The URL with its driver; `SpecError` when it names no database that a ledger can live in."""
    try:
        parts = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parts = None
    kind = parts.get_backend_name() if parts is not None else ""
    if parts is not None and kind == "sqlite" and parts.database not in (None, "", ":memory:") and not parts.host:
        return parts.set(drivername="sqlite+pysqlite")
    if parts is not None and kind in ("postgresql", "postgres"):
        return parts.set(drivername="postgresql+psycopg")
    raise SpecError(
        "the ledger's URL is not understood",
        why="it is neither sqlite:///path nor postgresql://…",
        mend="for example --ledger sqlite:///.syncline/ledger.db",
    )


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite ledger; None for a server's."""
    parts = parsed(url)
    return Path(parts.database or "") if parts.get_backend_name() == "sqlite" else None


Maker = Callable[["Database"], "sa.Insert | sa.Update"]


class Prepared(NamedTuple):
    """A compiled statement: its text, its own parameters, and the order of all parameters (None: by name)."""

    text: str
    own: dict[str, Any]
    order: Sequence[str] | None


class Database:
    """`read()` and `write()` give a connection inside one transaction. Shared by all threads of a process."""

    def __init__(self, url: str, *, read_only: bool, now: Callable[[], datetime]) -> None:
        self._url = parsed(url)
        self.url = self._url.set(drivername=self._url.get_backend_name()).render_as_string(hide_password=True)
        self.read_only = read_only
        self.now = now
        self.sqlite = self._url.get_backend_name() == "sqlite"
        self.path = Path(self._url.database or "").absolute() if self.sqlite else None
        self.keeps_detail = True
        """Whether what became of each lead outlasts the run."""
        self.mark = secrets.token_hex(4)
        """Tells leases that were taken through this object from all others."""
        self.tokens: set[str] = set()
        """Those leases among them that are in use."""
        self._print: tuple[int, int] | None = None
        self._prepared: dict[tuple[Maker, tuple[str, ...]], Prepared] = {}
        # SQLite makes writers wait by sleeping and asking again; a lock lets those of one process take turns at once
        self._turn: AbstractContextManager[Any] = threading.RLock() if self.sqlite else nullcontext()
        self._engine: sa.Engine
        self._connect()

    # ------------------------------------------------------------------------------------------- transactions

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view of everything; never blocks a writer. Whoever reads is `asked_again`."""
        self._settle_mode()
        try:
            with self._translated(), self._readers.connect() as connection, connection.begin():
                yield connection
        except Exception:  # half of before and half of after may look like any damage
            self._insist_on_rest()
            raise
        self._insist_on_rest()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction: all of it when the block ends, nothing of it when it raises."""
        with self._turn, self._translated(), self._writers.connect() as connection, connection.begin():
            yield connection

    def lock(self, connection: sa.Connection, name: str, *, shared: bool = False) -> None:
        """Hold the lock `name` among all processes until this write ends (on SQLite every write is alone), alone or
        together with all others that hold it `shared`. For the order of locks see `locks`."""
        if not self.sqlite:
            kind = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
            connection.execute(sa.text(f"SELECT {kind}(hashtextextended(:name, 0))"), {"name": name})

    def among(self, column: sa.ColumnElement[Any], keys: Sequence[str]) -> sa.ColumnElement[bool]:
        """`column IN keys`, for any number of text keys."""
        document = msgspec.json.encode(list(keys)).decode()
        if self.sqlite:
            return column.in_(sa.select(sa.func.json_each(document).table_valued("value").c.value))
        rows = sa.func.json_array_elements_text(sa.cast(sa.literal(document, sa.Text), sa.JSON))
        return column.in_(sa.select(rows.column_valued("value")))

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows `on_conflict_do_…`, alike on both databases."""
        return sqlite.insert(table) if self.sqlite else postgresql.insert(table)

    def many(
        self, connection: sa.Connection, statement: Maker | sa.Insert | sa.Update, rows: pl.DataFrame, **fixed: Any
    ) -> None:
        """Execute once for each row; columns are named as the statement's parameters and hold values as stored, `fixed`
        are parameters that all rows share.

        Several times as fast as handing dicts to SQLAlchemy, which prepares the parameters of each row anew.
        A function that makes the `statement` is asked once for each set of parameters, so it always makes the same.
        """
        if rows.is_empty():
            return
        text, own, order = self._compiled(connection, statement, (*rows.columns, *fixed))
        shared = own | fixed
        if order is None:
            connection.exec_driver_sql(text, [shared | row for row in rows.to_dicts()])
            return
        names, rest = [*rows.columns, *shared], tuple(shared.values())
        if names != list(order):
            in_order = itemgetter(*map(names.index, order))
            connection.exec_driver_sql(text, [in_order(row + rest) for row in rows.rows()])
        else:
            connection.exec_driver_sql(text, rows.rows())

    def _compiled(
        self, connection: sa.Connection, statement: Maker | sa.Insert | sa.Update, names: tuple[str, ...]
    ) -> Prepared:
        if isinstance(statement, sa.Insert | sa.Update):
            compiled = statement.compile(dialect=connection.dialect, column_keys=names)
            own = {name: value for name, value in compiled.params.items() if name not in names}
            return Prepared(str(compiled), own, getattr(compiled, "positiontup", None))
        if (statement, names) not in self._prepared:
            self._prepared[statement, names] = self._compiled(connection, statement(self), names)
        return self._prepared[statement, names]

    def listing(self, connection: sa.Connection, query: sa.Select[Any], schema: dict[str, Any]) -> pl.DataFrame:
        """The rows of a query as a frame. The database packs each column into one JSON array, which is twice as fast
        as fetching rows. `query` yields text, numbers and booleans, named as in `schema`."""
        rows = query.subquery()
        pack = sa.func.json_group_array if self.sqlite else sa.func.json_agg
        numbers: dict[Any, Any] = {pl.Boolean: sa.Integer, pl.String: sa.Text}
        plain: list[sa.ColumnElement[Any]] = [
            sa.cast(rows.c[name], numbers.get(kind, sa.BigInteger)) for name, kind in schema.items()
        ]
        found = connection.execute(sa.select(*(sa.cast(pack(each), sa.Text) for each in plain))).one()
        columns = []
        for (name, kind), document in zip(schema.items(), found, strict=True):
            stored = pl.String if kind == pl.String else pl.Int64
            text = pl.Series(name, [document or "[]"], dtype=pl.String)
            columns.append(text.str.json_decode(pl.List(stored)).explode(empty_as_null=False).cast(kind))
        return pl.DataFrame(columns)

    def move_to_memory(self) -> None:
        """From now on this is a copy in memory, that may be changed; a server's ledger must be there in full."""
        if not self.sqlite:
            with self.read() as connection:
                empty = not sa.inspect(connection).get_table_names()
            if not empty:
                raise Fatal(
                    "this ledger has an older schema and was opened for reading only",
                    where=self.url,
                    mend="the next run of any sync brings it up to date",
                )
            self.sqlite, self.path = True, None
        copy = sa.create_engine("sqlite+pysqlite://", poolclass=StaticPool, hide_parameters=True)
        event.listen(copy, "connect", self._prepare_sqlite)
        event.listen(copy, "begin", _begin_sqlite)
        with self._translated():
            if self.path is not None:
                with self._engine.connect() as source, copy.connect() as target:
                    raw: Any = source.connection.driver_connection
                    raw.backup(target.connection.driver_connection)
                self._insist_on_rest()
            self._engine.dispose()
        self._print = None
        self._engine = self._readers = copy
        self._writers = copy.execution_options(syncline_writes=True)

    def scrub(self) -> None:
        """Make sure that what was deleted is gone from the disk as well."""
        if not self.sqlite:
            with (
                self._translated(),
                self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
            ):
                connection.exec_driver_sql("VACUUM")
            return
        with self._translated(), self._engine.connect() as connection:
            connection.connection.cursor().execute("VACUUM")
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    # ------------------------------------------------------------------------------------------- connecting

    def _connect(self) -> None:
        with self._translated():
            self._engine = self._sqlite_engine(self.path) if self.path else self._postgresql_engine()
        options: dict[str, Any] = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        self._readers = self._engine.execution_options(**options)
        self._writers = self._engine.execution_options(syncline_writes=True)

    def _sqlite_engine(self, path: Path) -> sa.Engine:
        if self.read_only:
            engine = self._sqlite_reader(path)
        else:
            make_private(path)
            engine = sa.create_engine(
                sa.URL.create("sqlite+pysqlite", database=str(path)),
                connect_args={"timeout": BUSY_SECONDS},
                max_overflow=-1,
                hide_parameters=True,
            )
        event.listen(engine, "connect", self._prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _sqlite_reader(self, path: Path) -> sa.Engine:
        """Reads without a byte written. A ledger that nobody has open is read as it lies (`immutable`), since SQLite
        would otherwise leave files beside it; with a writer about, its shared memory is there already."""
        if not path.exists():
            return sa.create_engine("sqlite+pysqlite://", poolclass=StaticPool, hide_parameters=True)
        self._print = None if _in_use(path) else _print_of(path)
        mode = "mode=ro" if self._print is None else "immutable=1"
        quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        return sa.create_engine(
            f"sqlite+pysqlite:///file:{quoted}?{mode}&uri=true",
            connect_args={"timeout": BUSY_SECONDS},
            max_overflow=-1,
            hide_parameters=True,
        )

    def _settle_mode(self) -> None:
        """A ledger read as it lies may have come into use meanwhile: then read it anew, with its locks."""
        if self._print is not None and self.path is not None:
            with self._translated():
                moved = _in_use(self.path) or _print_of(self.path) != self._print
            if moved:
                self._reconnect()

    def _insist_on_rest(self) -> None:
        """`Overtaken` when the ledger was written while it was read as it lies."""
        if self._print is not None and self.path is not None:
            with self._translated():
                moved = _print_of(self.path) != self._print
            if moved:
                self._reconnect()
                raise Overtaken(
                    "the ledger was written while it was read", where=self.url, mend="run the command again"
                )

    def _reconnect(self) -> None:
        self._engine.dispose()
        self._connect()

    def _prepare_sqlite(self, raw: Any, record: object) -> None:
        raw.isolation_level = None
        cursor = raw.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        if not self.read_only:
            cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            cursor.execute("PRAGMA page_size = 8192")  # of a new file; half the cost of the blobs of large batches
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA secure_delete = ON")
            cursor.execute("PRAGMA cache_size = -32000")
        cursor.close()

    def _postgresql_engine(self) -> sa.Engine:
        asked = self._url.query.get("options", ())
        options = [
            f"-c lock_timeout={int(BUSY_SECONDS * 1000)}",
            f"-c idle_in_transaction_session_timeout={int(STILL_SECONDS * 1000)}",
            *((asked,) if isinstance(asked, str) else asked),
            *(["-c default_transaction_read_only=on"] if self.read_only else []),
        ]
        return sa.create_engine(
            self._url,
            connect_args=PATIENCE | {"options": " ".join(options)},
            pool_pre_ping=True,
            pool_size=MOST_CONNECTIONS,
            max_overflow=0,
            pool_timeout=BUSY_SECONDS,
            hide_parameters=True,
        )

    # ------------------------------------------------------------------------------------------- faults

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise fault_of(error, self.url) from None
        except OSError as error:
            raise Fatal(
                "the ledger cannot be opened",
                where=self.url,
                why=os.strerror(error.errno) if error.errno else type(error).__name__,
                mend="check the folder, its permissions and the disk",
            ) from None


def make_private(path: Path) -> None:
    """The file, empty and for its owner alone, unless it is there; a folder made for it is private as well.

    SQLite gives its side files (-wal, -shm) the mode of the database.
    """
    missing = [each for each in (path.parent, *path.parent.parents) if not each.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _MODES)
    except FileExistsError:
        return
    os.fchmod(handle, _MODES)
    os.close(handle)


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("syncline_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _in_use(path: Path) -> bool:
    return path.with_name(path.name + "-wal").exists()


def _print_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
