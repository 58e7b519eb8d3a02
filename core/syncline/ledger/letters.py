"""Dead letters: leads that did not arrive, with the payload they had, until a later run takes care of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from ..batch import ID, KEY, ROW
from ..decision import Outcome
from . import open_batch
from .database import Database
from .frames import DETAIL, OUTCOME, REASON, pack, unpack
from .records import DeadLetter, RunRecord
from .tables import dead_letters, runs, syncs

UNKNOWN_CODE = "unknown"
NOT_SENT = "not_sent"


@dataclass(frozen=True)
class Desk:
    """Where the answers of one run go. `list_id` is the row of the target list, None: people are not remembered."""

    database: Database
    run: RunRecord
    list_id: int | None


def bury(connection: sa.Connection, desk: Desk, payload: pl.DataFrame, failed: pl.DataFrame) -> None:
    """A dead letter for each row of `failed`, with its payload; it takes the place of older ones of the same person."""
    now = desk.database.now()
    mine = payload.join(failed.select(ROW), on=ROW, how="semi")
    places = {row: place for place, row in enumerate(mine.get_column(ROW).to_list())}
    known = _taken_over(connection, desk, set(mine.get_column(KEY).drop_nulls().to_list()))
    letters = []
    for row, outcome, reason, detail, code in failed.select(ROW, OUTCOME, REASON, DETAIL, "code").iter_rows():
        letter = mine.slice(places[row], 1)
        key = letter.get_column(KEY).item()
        attempts, first_at = known.get(key, (0, now))
        unknown = outcome == Outcome.UNKNOWN.value
        letters.append(
            {
                "sync_id": desk.run.sync_id,
                "run_id": desk.run.id,
                "row": row,
                "key": key,
                "source_id": letter.get_column(ID).item(),
                "code": UNKNOWN_CODE if unknown else code or reason,
                "message": (reason if unknown else detail) or "",
                "attempts": attempts + 1,
                "first_at": first_at,
                "last_at": now,
                "payload": pack(letter),
            }
        )
    connection.execute(dead_letters.insert(), letters)


def _taken_over(connection: sa.Connection, desk: Desk, keys: Collection[str]) -> dict[str, tuple[int, datetime]]:
    """Settle the open letters of these people, and say of each how many attempts there were, and since when."""
    query = (
        sa.select(
            dead_letters.c.key,
            sa.func.max(dead_letters.c.attempts),
            sa.func.min(dead_letters.c.first_at, type_=dead_letters.c.first_at.type),
        )
        .where(_open_of(desk, keys))
        .group_by(dead_letters.c.key)
    )
    known = {key: (int(attempts), first_at) for key, attempts, first_at in connection.execute(query)}
    if known:
        settle_keys(connection, desk, known)
    return known


def has_open(connection: sa.Connection, desk: Desk) -> bool:
    """Whether the sync has any open letter."""
    mine = (dead_letters.c.sync_id == desk.run.sync_id) & dead_letters.c.settled_by.is_(None)
    return connection.scalar(sa.select(dead_letters.c.id).where(mine).limit(1)) is not None


def settle_keys(connection: sa.Connection, desk: Desk, keys: Collection[str]) -> None:
    """Whatever letters of these people were open, this run took care of them."""
    connection.execute(dead_letters.update().where(_open_of(desk, keys)).values(settled_by=desk.run.id))


def _open_of(desk: Desk, keys: Collection[str]) -> sa.ColumnElement[bool]:
    mine = (dead_letters.c.sync_id == desk.run.sync_id) & dead_letters.c.settled_by.is_(None)
    return mine & desk.database.among(dead_letters.c.key, sorted(keys))


def unsure(database: Database, sync_id: int, besides: Collection[int]) -> pl.DataFrame:
    """See `Ledger.unsure`."""
    lost = (
        (dead_letters.c.code == UNKNOWN_CODE) & (dead_letters.c.message != NOT_SENT) & dead_letters.c.key.is_not(None)
    )
    with database.read() as connection:
        fillers = _fillers(connection, sync_id)
        open_ones = dead_letters.c.sync_id.in_(fillers) & dead_letters.c.settled_by.is_(None)
        query = sa.select(dead_letters.c.id, dead_letters.c.key, dead_letters.c.run_id).where(open_ones, lost)
        rows = connection.execute(query.order_by(dead_letters.c.id)).all()
        found = _under_way(connection, [each for each in fillers if each != sync_id])
    found |= {row.key: row.run_id for row in rows if row.id not in set(besides)}
    return pl.DataFrame(list(found.items()), schema={KEY: pl.String, "unsure": pl.String}, orient="row")


def _fillers(connection: sa.Connection, sync_id: int) -> list[int]:
    """The sync, and all others that fill the same list."""
    mine, others = syncs.alias(), syncs.alias()
    same = (others.c.account == mine.c.account) & (others.c.target == mine.c.target) & (others.c.target != "")
    query = sa.select(others.c.id).select_from(mine.join(others, (others.c.id == mine.c.id) | same))
    return list(connection.scalars(query.where(mine.c.id == sync_id)))


def _under_way(connection: sa.Connection, sync_ids: Collection[int]) -> dict[str, str]:
    """Whom runs of these syncs, not ended so far, have sent without an answer: key → run."""
    going = runs.c.sync_id.in_(sync_ids) & (runs.c.status == "running")
    found: dict[str, str] = {}
    for run_id in connection.scalars(sa.select(runs.c.id).where(going)).all():
        for batch in open_batch.load(connection, run_id):
            sent = batch.payload.filter(pl.col(ROW).is_in(pl.Series(sorted(batch.sent), dtype=pl.UInt64).implode()))
            found |= dict.fromkeys(sent.get_column(KEY).drop_nulls(), run_id)
    return found


def listed(database: Database, *conditions: sa.ColumnElement[bool], limit: int | None) -> list[DeadLetter]:
    """Open letters, oldest first."""
    wanted = [dead_letters.c[name] for name in DeadLetter.__dataclass_fields__]
    query = sa.select(*wanted).where(dead_letters.c.settled_by.is_(None), *conditions)
    with database.read() as connection:
        rows = connection.execute(query.order_by(dead_letters.c.id).limit(limit)).all()
    return [DeadLetter(**(dict(row._mapping) | {"payload": unpack(row.payload)})) for row in rows]
