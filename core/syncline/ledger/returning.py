"""What people and runs ask of dead letters: who waits, who returns when, and what became of the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from ..batch import ID, KEY
from ..clock import iso
from .asking import asked_again
from .backoff import ATTEMPTS, UNKNOWN_CODE
from .database import Database
from .tables import dead_letters

OPEN: dict[str, Any] = {
    "id": pl.Int64,
    "run_id": pl.String,
    KEY: pl.String,
    ID: pl.String,
    "code": pl.String,
    "message": pl.String,
    "return_at": pl.Datetime("us", "UTC"),
}


HELD_BACK = pl.Schema({KEY: pl.String, "refused": pl.Int64, "refused_code": pl.String, "refused_detail": pl.String})


@dataclass(frozen=True)
class Waiting:
    """The open letters of a sync: `rejected` and `unknown` ones; of these, `returning` come back by themselves, the
    first at `next_at`, and `exhausted` were tried so often that they no longer do."""

    rejected: int = 0
    unknown: int = 0
    returning: int = 0
    exhausted: int = 0
    next_at: datetime | None = None

    @property
    def all(self) -> int:
        """Every open letter."""
        return self.rejected + self.unknown


@dataclass(frozen=True)
class Remains:
    """The letters of one run: how many are open by code, unknown ones under `unknown`; and of the others how many were
    settled, by run and why."""

    open: Mapping[str, int] = field(default_factory=dict)
    settled: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def rejected(self) -> dict[str, int]:
        """The open ones that were refused, by code."""
        return {code: n for code, n in self.open.items() if code != UNKNOWN_CODE}

    @property
    def unknown(self) -> int:
        """The open ones whose fate is not known."""
        return self.open.get(UNKNOWN_CODE, 0)


@asked_again
def held_back(database: Database, sync_id: int, besides: Collection[int]) -> pl.DataFrame:
    """See `Ledger.held_back`."""
    now = database.now()
    waits, spent = dead_letters.c.return_at > now, dead_letters.c.attempts >= ATTEMPTS
    mine = _open(sync_id) & (dead_letters.c.code != UNKNOWN_CODE) & dead_letters.c.key.is_not(None)
    names = ("id", "key", "fingerprint", "code", "attempts", "return_at")
    query = sa.select(*(dead_letters.c[name] for name in names)).where(mine, waits | spent)
    with database.read() as connection:
        rows = connection.execute(query.order_by(dead_letters.c.id)).all()
    found = {
        each.key: (each.key, each.fingerprint, each.code, _said(each.attempts, each.return_at))
        for each in rows
        if each.id not in set(besides)
    }
    return pl.DataFrame(list(found.values()), schema=HELD_BACK, orient="row")


def _said(attempts: int, return_at: datetime | None) -> str:
    times = f"refused {'once' if attempts == 1 else f'{attempts} times'} as it is"
    return f"{times}; it is sent again from {iso(return_at)}" if return_at else f"{times}; it waits for a retry"


@asked_again
def open_letters(database: Database, sync_id: int) -> pl.DataFrame:
    """See `Ledger.open_letters`."""
    columns = (dead_letters.c.id, dead_letters.c.run_id, dead_letters.c.key.label(KEY))
    more = (dead_letters.c.source_id.label(ID), dead_letters.c.code, dead_letters.c.message)
    at = sa.type_coerce(dead_letters.c.return_at, sa.BigInteger).label("return_at")
    query = sa.select(*columns, *more, at).where(_open(sync_id)).order_by(dead_letters.c.id)
    with database.read() as connection:
        return database.listing(connection, query, OPEN)


@asked_again
def waiting(database: Database, sync_id: int) -> Waiting:
    """See `Ledger.letters`."""
    unknown = dead_letters.c.code == UNKNOWN_CODE
    returns = dead_letters.c.return_at.is_not(None)
    spent = ~unknown & ~returns & (dead_letters.c.attempts >= ATTEMPTS)
    first = sa.func.min(dead_letters.c.return_at, type_=dead_letters.c.return_at.type)
    query = sa.select(*(sa.func.count().filter(each) for each in (~unknown, unknown, returns, spent)), first)
    with database.read() as connection:
        row: Sequence[Any] = connection.execute(query.where(_open(sync_id))).one()
    return Waiting(row[0], row[1], row[2], row[3], row[4])


@asked_again
def remains(database: Database, run_id: str) -> Remains:
    """See `Ledger.remains`."""
    mine = dead_letters.c.run_id == run_id
    columns = (dead_letters.c.code, dead_letters.c.settled_by, dead_letters.c.settled_why)
    query = sa.select(*columns, sa.func.count()).where(mine).group_by(*columns).order_by(*columns)
    is_open: dict[str, int] = {}
    settled: dict[tuple[str, str], int] = {}
    with database.read() as connection:
        for code, by, why, n in connection.execute(query):
            if by is None:
                is_open[code] = n
            else:
                settled[by, why or ""] = settled.get((by, why or ""), 0) + n
    return Remains(is_open, settled)


@asked_again
def of_rows(database: Database, run_id: str, rows: Sequence[int]) -> dict[int, dict[str, Any]]:
    """See `Ledger.letters_of`."""
    names = ("code", "attempts", "return_at", "settled_by", "settled_why")
    mine = (dead_letters.c.run_id == run_id) & dead_letters.c.row.in_(rows)
    query = sa.select(dead_letters.c.row, *(dead_letters.c[name] for name in names)).where(mine)
    with database.read() as connection:
        return {each.row: {name: getattr(each, name) for name in names} for each in connection.execute(query)}


def _open(sync_id: int) -> sa.ColumnElement[bool]:
    return (dead_letters.c.sync_id == sync_id) & dead_letters.c.settled_by.is_(None)
