"""The sink `sql`: leads become rows of a table, one for each address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from syncline import ACCEPTED, Check, Fatal, Field, Result, ResultKind, Sink, SpecError, SynclineError, texts

from .config import SqlConfig
from .table import PLACE, Refusal, Table

if TYPE_CHECKING:
    import polars as pl

UPDATED = Result(ResultKind.ACCEPTED, already="updated")
UNCHANGED = Result(ResultKind.ACCEPTED, already="unchanged")
NO_KEY = Result(ResultKind.REFUSED, "no_key", "the key of the table is empty")
ABSENT = Result(ResultKind.RETRYABLE)


class Sql(Sink[SqlConfig]):
    """Rows of a table of SQLite or PostgreSQL, one for each address: new leads are added, known ones updated.

    Each batch is one transaction. A lead is sent at least once, and sending it again changes nothing: after a crash,
    too, every lead stands in the table exactly once.
    """

    name = "sql"
    offered = False
    Config = SqlConfig
    identity = ("url", "table")
    paths = ("url",)
    key_field = "email"
    batch_size = 1_000_000
    concurrency = 1
    repeatable = True

    def __init__(self, config: SqlConfig, connection: Any = None) -> None:
        super().__init__(config, connection)
        self._opened: Table | None = None

    @classmethod
    def address_field(cls, config: SqlConfig) -> str:
        """The field that `key` names."""
        return config.key

    @property
    def _table(self) -> Table:
        if self._opened is None:
            self._opened = opened(self.config.url, self.config.table)
        return self._opened

    def check(self, mapped: Sequence[str]) -> Iterator[Check]:
        """That the database answers, and that the table has the columns and the key, or will be made."""
        try:
            held = self._table.columns()
            self._suits(held, mapped)
        except SynclineError as error:
            yield Check(self.config.table, False, str(error))
            return
        finally:
            self.end(whole=False)
        yield Check(self.config.table, True, f"{len(held)} columns" if held else "it will be made")

    def fields(self) -> Sequence[Field] | None:
        """The columns; None where the table is not there, for then any will do."""
        held = self._table.columns()
        return None if held is None else [Field(name, required=name == self.config.key) for name in held]

    def remembers(self) -> bool:
        """False: the table itself says what is in it."""
        return False

    def cost(self, leads: int) -> int:
        """None: a database has no call budget."""
        return 0

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        """All as text; the database reads it as its column's type."""
        return texts(frame, mapped)

    def provide(self, mapped: Sequence[str]) -> None:
        """Make the table, if it is not there."""
        held = self._table.columns()
        if held is None:
            self._table.create(list(mapped), self.config.key)
        else:
            self._suits(held, mapped)

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        """Add and change the rows, in one transaction."""
        import polars as pl

        key = self.config.key
        own = [name for name in leads.columns if name.startswith("#")]
        rows = leads.drop(own).with_row_index(PLACE)
        empty = rows[key].is_null() | (rows[key] == "")
        results = [ACCEPTED] * rows.height
        for place in rows[PLACE].filter(empty):
            results[place] = NO_KEY
        keyed = rows.filter(~empty)
        for place in keyed[PLACE].filter(~keyed[key].is_first_distinct()):
            results[place] = UPDATED
        last = keyed.filter(pl.col(key).is_last_distinct())
        first = keyed.filter(pl.col(key).is_first_distinct()).select(key, pl.col(PLACE).alias("first"))
        for place, result in self._upserted(last.join(first, on=key, maintain_order="left")):
            results[place] = result
        return results

    def confirm(self, leads: pl.DataFrame) -> Sequence[Result]:
        """Those that the table holds as they were sent have arrived."""
        own = [name for name in leads.columns if name.startswith("#")]
        rows = leads.drop(own).with_row_index(PLACE)
        known = self._table.known(rows, self.config.key).filter("same")
        there = set(known[PLACE])
        return [ACCEPTED if place in there else ABSENT for place in range(leads.height)]

    def end(self, *, whole: bool) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def describe(self) -> dict[str, str]:
        """The table; the URL may hold a password."""
        return {"table": self.config.table, "database": self.config.url.partition(":")[0]}

    def _upserted(self, rows: pl.DataFrame) -> Iterator[tuple[int, Result]]:
        """The result of each row that is not plainly new, by its place. What the database refuses is halved until it is
        known which rows it is."""
        if not rows.height:
            return
        try:
            known = self._table.upsert(rows.drop("first"), self.config.key, update=self.config.on_duplicate == "update")
        except Refusal as refusal:
            if rows.height == 1:
                yield rows["first"][0], Result(ResultKind.REFUSED, refusal.code, refusal.message)
                return
            half = rows.height // 2
            yield from self._upserted(rows[:half])
            yield from self._upserted(rows[half:])
            return
        changes = UPDATED if self.config.on_duplicate == "update" else UNCHANGED
        for place, same in known.join(rows.select(PLACE, "first"), on=PLACE).select("first", "same").iter_rows():
            yield place, UNCHANGED if same else changes

    def _suits(self, held: Sequence[str] | None, mapped: Sequence[str]) -> None:
        if held is None:
            return
        if missing := [name for name in mapped if name not in held]:
            raise Fatal(
                f"the table {self.config.table} has no column {', '.join(map(repr, missing))}",
                why=f"it has {', '.join(held)}",
                mend="add the column, or map the field to another name",
            )
        if not self._table.is_key(self.config.key):
            raise Fatal(
                f"the column {self.config.key!r} of the table {self.config.table} is not unique",
                mend="make it the primary key, or give it a unique index",
            )


def opened(url: str, table: str) -> Table:
    """The table of the database that the URL names."""
    if url.startswith("sqlite:///"):
        from .sqlite import SqliteTable

        return SqliteTable(url.removeprefix("sqlite:///"), table)
    if url.startswith(("postgresql://", "postgres://")):
        from .postgresql import PostgresqlTable

        return PostgresqlTable(url, table)
    raise SpecError("sink.url is neither sqlite:///PATH nor postgresql://…", mend="for example sqlite:///leads.db")
