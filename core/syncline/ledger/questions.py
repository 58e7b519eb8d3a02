"""What people ask: who ended how in a run, and what became of one person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa

from ..batch import ADDRESS, ID, KEY, ROW
from . import key_index
from .asking import asked_again
from .database import Database
from .frames import DETAIL, FORMER, OUTCOME, OUTCOMES, REASON, unpack, unpack_closed, unpack_outcomes
from .open_batch import ANSWERS, with_answers
from .tables import batches, deliveries, runs

AT_ONCE = 50_000
"""Leads that are looked through together: many small batches, or a few large ones."""


def leads(
    database: Database, run_id: str, outcome: str | None, reason: str | None, *, read_only: bool = False
) -> Iterator[pl.DataFrame]:
    """See `Ledger.leads`; `read_only`: those that were read from the source, not those that returned."""
    wanted = _batches_with(database, run_id, outcome, reason, read_only)
    given = ((OUTCOME, outcome), (REASON, reason))
    asked = [pl.col(name) == value for name, value in given if value is not None]
    for seqs in _pieces(wanted):
        frame = _together(database, run_id, seqs)
        if asked and frame.height:
            frame = frame.filter(*asked)
        if frame.height:
            yield frame.sort(ROW)


@asked_again
def _batches_with(
    database: Database, run_id: str, outcome: str | None, reason: str | None, read_only: bool
) -> list[tuple[int, int]]:
    """The batches of a run that have leads of this outcome and reason, and how many leads each has."""
    mine = batches.c.run_id == run_id
    query = sa.select(batches.c.seq, batches.c.counts).where(mine & ~batches.c.returned if read_only else mine)
    with database.read() as connection:
        found = connection.execute(query.order_by(batches.c.seq))
        return [(seq, sum(counts.values())) for seq, counts in found if _counted(counts, outcome, reason)]


def _pieces(wanted: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Batches that are looked through together."""
    piece: list[int] = []
    size = 0
    for seq, leads in wanted:
        piece.append(seq)
        size += leads
        if size >= AT_ONCE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


@asked_again
def _together(database: Database, run_id: str, seqs: Sequence[int]) -> pl.DataFrame:
    """The outcomes of these batches as one frame."""
    with database.read() as connection:
        frames = list(_read(connection, run_id, seqs))
    return pl.concat(frames) if frames else pl.DataFrame()


def _counted(counts: dict[str, int], outcome: str | None, reason: str | None) -> bool:
    """Whether a batch with these counts has any lead that is asked for."""
    return any(
        (outcome is None or key.partition("/")[0] == outcome) and (reason is None or key.partition("/")[2] == reason)
        for key in counts
    )


def _read(connection: sa.Connection, run_id: str, seqs: Sequence[int]) -> Iterator[pl.DataFrame]:
    """The outcomes of these batches as they are now; pruned ones are passed over."""
    here = (batches.c.run_id == run_id) & batches.c.seq.in_(seqs) & batches.c.outcomes.is_not(None)
    query = sa.select(batches.c.seq, batches.c.open, batches.c.outcomes).where(here)
    rows = {each.seq: each for each in connection.execute(query)}
    closed = [rows[seq].outcomes for seq in seqs if seq in rows and not rows[seq].open]
    if closed:
        yield unpack_closed(*closed)
    for seq in seqs:
        if seq in rows and rows[seq].open:
            outcomes = with_answers(unpack_outcomes(rows[seq].outcomes), _answers(connection, run_id, seq))
            yield outcomes.select(OUTCOMES.names())


def _answers(connection: sa.Connection, run_id: str, seq: int) -> list[pl.DataFrame]:
    columns = (deliveries.c.row, deliveries.c.outcome, deliveries.c.reason, deliveries.c.detail)
    here = (deliveries.c.run_id == run_id) & (deliveries.c.seq == seq) & deliveries.c.answered
    rows = [tuple(row) for row in connection.execute(sa.select(*columns).where(here))]
    return [pl.DataFrame(rows, schema=ANSWERS, orient="row")] if rows else []


def recorded(database: Database, run_id: str) -> Iterator[pl.DataFrame]:
    """See `Ledger.recorded`."""
    for frame in leads(database, run_id, None, None, read_only=True):
        yield frame.select(ID, ROW, ADDRESS, KEY)


@asked_again
def former(database: Database, run_id: str) -> pl.DataFrame:
    """See `Ledger.former`."""
    query = sa.select(batches.c.former).where(batches.c.run_id == run_id, batches.c.former.is_not(None))
    schema = {KEY: pl.String, FORMER: pl.String}
    with database.read() as connection:
        frames = [unpack(blob).select(KEY, FORMER) for blob in connection.scalars(query.order_by(batches.c.seq))]
    found = pl.concat([pl.DataFrame(schema=schema), *frames]).filter(pl.col(KEY).is_not_null())
    return found.unique(KEY, keep="first", maintain_order=True)


@asked_again
def trace(database: Database, sync_id: int, key: str, limit: int) -> list[dict[str, Any]]:
    """See `Ledger.trace`."""
    found: list[dict[str, Any]] = []
    with database.read() as connection:
        for run_id, started_at, seqs in key_index.runs_with(connection, key, runs.c.sync_id == sync_id):
            for frame in _read(connection, run_id, seqs):
                for row in frame.filter(pl.col(KEY) == key).sort(ROW, descending=True).iter_rows(named=True):
                    entry = {"run": run_id, "started_at": started_at, "row": row[ROW], "source_id": row[ID]}
                    found.append(entry | {name: row[name] for name in (OUTCOME, REASON, DETAIL)})
            if len(found) >= limit:
                break
    return found[:limit]
