"""Dead letters: leads that did not arrive, with the payload they had, until a later run takes care of them.

A settled letter says which run took care of it and what became of the person there: `delivered`, `replaced` (by a newer
letter of the same person), `ignored/REASON`, `duplicate/REASON` (already there), `changed` (the record has another
address now) or `taken` (a lead without an address was taken up again). Its payload is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from ..batch import ID, KEY, LETTER, ROW
from ..decision import Outcome
from . import open_batch
from .asking import asked_again
from .backoff import NOT_SENT, UNKNOWN_CODE, returns_at
from .database import Database
from .frames import DETAIL, OUTCOME, REASON, pack, unpack
from .records import DeadLetter, RunRecord
from .tables import dead_letters, runs, syncs

FINGERPRINT = "#fingerprint"
PIECE = 1000
"""Most IDs in one statement."""


@dataclass(frozen=True)
class Desk:
    """Where the answers of one run go. `list_id` is the row of the target list, None: people are not remembered."""

    database: Database
    run: RunRecord
    list_id: int | None


def bury(connection: sa.Connection, desk: Desk, payload: pl.DataFrame, failed: pl.DataFrame) -> None:
    """A dead letter for each row of `failed`, with its payload; it takes the place of older ones of the same person.

    `failed` may say which refusals pass by themselves (`heals`); what was surely not sent counts as no attempt.
    """
    now = desk.database.now()
    mine = payload.join(failed.select(ROW), on=ROW, how="semi")
    places = {row: place for place, row in enumerate(mine.get_column(ROW).to_list())}
    known = _taken_over(connection, desk, mine)
    heals = pl.col("heals").fill_null(value=False) if "heals" in failed.columns else pl.lit(value=False)
    columns = (ROW, OUTCOME, REASON, DETAIL, "code")
    letters = []
    for row, outcome, reason, detail, code, may_heal in failed.select(*columns, heals).iter_rows():
        letter = mine.slice(places[row], 1)
        tried, first_at = known.get(row, (0, now))
        unknown = outcome == Outcome.UNKNOWN.value
        attempts = tried if reason == NOT_SENT and unknown else tried + 1
        letters.append(
            {
                "sync_id": desk.run.sync_id,
                "run_id": desk.run.id,
                "row": row,
                "key": letter.get_column(KEY).item(),
                "source_id": letter.get_column(ID).item(),
                "code": UNKNOWN_CODE if unknown else code or reason,
                "message": (reason if unknown else detail) or "",
                "attempts": attempts,
                "first_at": first_at,
                "last_at": now,
                "return_at": returns_at(now, attempts, unknown=reason if unknown else None, heals=may_heal),
                "fingerprint": letter.get_column(FINGERPRINT).item() if FINGERPRINT in letter.columns else None,
                "payload": pack(letter.drop(LETTER, strict=False)),
            }
        )
    connection.execute(dead_letters.insert(), letters)


def _taken_over(connection: sa.Connection, desk: Desk, mine: pl.DataFrame) -> dict[int, tuple[int, datetime]]:
    """Settle the open letters of these people, and the letters that these rows were: by row, how many attempts there
    were, and since when."""
    keys = mine.get_column(KEY).drop_nulls().unique().to_list()
    by_key = _attempts(connection, dead_letters.c.key, _open_of(desk, keys))
    came = _letters_in(mine)
    by_id = _attempts(connection, dead_letters.c.id, dead_letters.c.id.in_(came.values()))
    settle_keys(connection, desk, by_key, "replaced")
    _settle(connection, desk, dead_letters.c.id.in_(by_id), "replaced")
    rows = mine.select(ROW, KEY).iter_rows()
    found = {row: by_key.get(key) or by_id.get(came.get(row)) for row, key in rows}
    return {row: each for row, each in found.items() if each is not None}


def _attempts(
    connection: sa.Connection, by: sa.Column[Any], which: sa.ColumnElement[bool]
) -> dict[Any, tuple[int, datetime]]:
    first = sa.func.min(dead_letters.c.first_at, type_=dead_letters.c.first_at.type)
    query = sa.select(by, sa.func.max(dead_letters.c.attempts), first).where(which).group_by(by)
    return {each: (int(attempts), first_at) for each, attempts, first_at in connection.execute(query)}


def _letters_in(frame: pl.DataFrame) -> dict[int, int]:
    """Row → the letter that it was."""
    if LETTER not in frame.columns:
        return {}
    return dict(frame.select(ROW, LETTER).drop_nulls().iter_rows())


def settle_leads(connection: sa.Connection, desk: Desk, leads: pl.DataFrame, why: str) -> None:
    """This run took care of these leads: so of whatever letters of these people were open, and those that they were."""
    settle_keys(connection, desk, leads.get_column(KEY).drop_nulls().to_list(), why)
    if came := _letters_in(leads):
        _settle(connection, desk, dead_letters.c.id.in_(came.values()), why)


def has_open(connection: sa.Connection, desk: Desk) -> bool:
    """Whether the sync has any open letter."""
    mine = (dead_letters.c.sync_id == desk.run.sync_id) & dead_letters.c.settled_by.is_(None)
    return connection.scalar(sa.select(dead_letters.c.id).where(mine).limit(1)) is not None


def settle_keys(connection: sa.Connection, desk: Desk, keys: Collection[str | None], why: str) -> None:
    """Whatever letters of these people were open, this run took care of them."""
    if keys:
        _settle(connection, desk, _open_of(desk, [key for key in keys if key is not None]), why)


def settle_ids(connection: sa.Connection, run_id: str, ids: Collection[int], why: str) -> None:
    """This run took care of these letters."""
    wanted = sorted(ids)
    for place in range(0, len(wanted), PIECE):
        mine = dead_letters.c.id.in_(wanted[place : place + PIECE]) & dead_letters.c.settled_by.is_(None)
        connection.execute(dead_letters.update().where(mine).values(settled_by=run_id, settled_why=why, payload=None))


def _settle(connection: sa.Connection, desk: Desk, which: sa.ColumnElement[bool], why: str) -> None:
    mine = which & dead_letters.c.settled_by.is_(None)
    connection.execute(dead_letters.update().where(mine).values(settled_by=desk.run.id, settled_why=why, payload=None))


def _open_of(desk: Desk, keys: Collection[str]) -> sa.ColumnElement[bool]:
    mine = (dead_letters.c.sync_id == desk.run.sync_id) & dead_letters.c.settled_by.is_(None)
    return mine & desk.database.among(dead_letters.c.key, sorted(keys))


def keep(connection: sa.Connection, desk: Desk, rows: Mapping[str, int]) -> None:
    """These people came again as they were refused, and were not sent: their letters are this run's from now on."""
    own = {"run_id", "row", "id"}
    columns = [column for column in dead_letters.c if column.name not in own]
    for key, row in sorted(rows.items()):
        mine = _open_of(desk, [key])
        copy = sa.select(sa.literal(desk.run.id), sa.literal(row), *columns).where(mine)
        found = connection.execute(sa.select(dead_letters.c.id).where(mine)).scalars().all()
        names = ["run_id", "row", *(column.name for column in columns)]
        connection.execute(dead_letters.insert().from_select(names, copy))
        _settle(connection, desk, dead_letters.c.id.in_(found), "replaced")


def waiting_keys(connection: sa.Connection, sync_id: int) -> set[str]:
    """Whose letters are open."""
    mine = (dead_letters.c.sync_id == sync_id) & dead_letters.c.settled_by.is_(None)
    return set(connection.scalars(sa.select(dead_letters.c.key).where(mine, dead_letters.c.key.is_not(None))))


def overtaken(outcomes: pl.DataFrame, keys: Collection[str]) -> dict[str, list[str]]:
    """Of these people, those whom a batch decided on without sending: why → keys. That somebody stands twice in one
    fetch decides nothing."""
    here = outcomes.filter(pl.col(KEY).is_in(pl.Series(sorted(keys), dtype=pl.String).implode()))
    twice = (pl.col(OUTCOME) == Outcome.IGNORED.value) & (pl.col(REASON) == "file_duplicate")
    kinds = [Outcome.IGNORED.value, Outcome.DUPLICATE.value]
    found: dict[str, list[str]] = {}
    for key, outcome, reason in (
        here.filter(pl.col(OUTCOME).is_in(kinds) & ~twice).select(KEY, OUTCOME, REASON).iter_rows()
    ):
        found.setdefault(f"{outcome}/{reason}", []).append(key)
    return found


@asked_again
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


@asked_again
def listed(database: Database, *conditions: sa.ColumnElement[bool], limit: int | None) -> list[DeadLetter]:
    """Open letters, oldest first."""
    wanted = [dead_letters.c[name] for name in DeadLetter.__dataclass_fields__]
    query = sa.select(*wanted).where(dead_letters.c.settled_by.is_(None), *conditions)
    with database.read() as connection:
        rows = connection.execute(query.order_by(dead_letters.c.id).limit(limit)).all()
    return [DeadLetter(**(dict(row._mapping) | {"payload": unpack(row.payload)})) for row in rows]
