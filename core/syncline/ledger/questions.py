"""What people ask: who ended how in a run, and what became of one person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import sqlalchemy as sa

from ..batch import KEY, ROW
from . import key_index
from .database import Database
from .frames import DETAIL, OUTCOME, OUTCOMES, REASON, unpack, unpack_outcomes
from .open_batch import ANSWERS, with_answers
from .records import DeadLetter
from .tables import batches, dead_letters, deliveries, runs

CHUNK = 64


def leads(database: Database, run_id: str, outcome: str | None, reason: str | None) -> Iterator[pl.DataFrame]:
    """See `Ledger.leads`."""
    with database.read() as connection:
        wanted = [
            seq
            for seq, counts in connection.execute(
                sa.select(batches.c.seq, batches.c.counts).where(batches.c.run_id == run_id).order_by(batches.c.seq)
            )
            if _counted(counts, outcome, reason)
        ]
    for place in range(0, len(wanted), CHUNK):
        for frame in _outcomes(database, run_id, wanted[place : place + CHUNK]):
            if outcome is not None:
                frame = frame.filter(pl.col(OUTCOME) == outcome)  # noqa: PLW2901  # narrowed in two steps
            if reason is not None:
                frame = frame.filter(pl.col(REASON) == reason)  # noqa: PLW2901  # narrowed in two steps
            if frame.height:
                yield frame


def _counted(counts: dict[str, int], outcome: str | None, reason: str | None) -> bool:
    """Whether a batch with these counts has any lead that is asked for."""
    return any(
        (outcome is None or key.partition("/")[0] == outcome) and (reason is None or key.partition("/")[2] == reason)
        for key in counts
    )


def _outcomes(database: Database, run_id: str, seqs: list[int]) -> Iterator[pl.DataFrame]:
    """The outcomes of these batches as they are now; batches whose detail was pruned are passed over."""
    with database.read() as connection:
        here = (batches.c.run_id == run_id) & batches.c.seq.in_(seqs) & batches.c.outcomes.is_not(None)
        query = sa.select(batches.c.seq, batches.c.open, batches.c.outcomes).where(here).order_by(batches.c.seq)
        rows = connection.execute(query).all()
        answers = {each.seq: _answers(connection, run_id, each.seq) for each in rows if each.open}
    for each in rows:
        frame = unpack_outcomes(each.outcomes)
        yield with_answers(frame, answers.get(each.seq, [])).select(OUTCOMES.names())


def _answers(connection: sa.Connection, run_id: str, seq: int) -> list[pl.DataFrame]:
    columns = (deliveries.c.row, deliveries.c.outcome, deliveries.c.reason, deliveries.c.detail)
    here = (deliveries.c.run_id == run_id) & (deliveries.c.seq == seq) & deliveries.c.answered
    rows = [tuple(row) for row in connection.execute(sa.select(*columns).where(here))]
    return [pl.DataFrame(rows, schema=ANSWERS, orient="row")] if rows else []


def recorded(database: Database, run_id: str) -> Iterator[pl.DataFrame]:
    """See `Ledger.recorded`."""
    for frame in leads(database, run_id, None, None):
        yield frame.select("#id", ROW, "#address", KEY)


def trace(database: Database, sync_id: int, key: str, limit: int) -> list[dict[str, Any]]:
    """See `Ledger.trace`."""
    with database.read() as connection:
        query = sa.select(runs.c.id, runs.c.started_at, key_index.parts_of_run().label("parts"))
        query = query.where(runs.c.sync_id == sync_id).order_by(runs.c.started_at.desc(), runs.c.id.desc())
        history = connection.execute(query).all()
    found: list[dict[str, Any]] = []
    for run in history:
        with database.read() as connection:
            seqs = key_index.batches_with(connection, run.id, key, run.parts)
        for frame in _outcomes(database, run.id, seqs) if seqs else ():
            for row in frame.filter(pl.col(KEY) == key).sort(ROW, descending=True).iter_rows(named=True):
                entry = {"run": run.id, "started_at": run.started_at, "row": row[ROW], "source_id": row["#id"]}
                found.append(entry | {name: row[name] for name in (OUTCOME, REASON, DETAIL)})
        if len(found) >= limit:
            break
    return found[:limit]


def letters(database: Database, *conditions: sa.ColumnElement[bool], limit: int | None = None) -> list[DeadLetter]:
    """Dead letters that nobody took care of yet, oldest first."""
    wanted = [dead_letters.c[name] for name in DeadLetter.__dataclass_fields__]
    query = sa.select(*wanted).where(dead_letters.c.settled_by.is_(None), *conditions)
    with database.read() as connection:
        rows = connection.execute(query.order_by(dead_letters.c.id).limit(limit)).all()
    return [DeadLetter(**(dict(row._mapping) | {"payload": unpack(row.payload)})) for row in rows]
