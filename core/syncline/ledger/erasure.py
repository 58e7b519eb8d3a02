"""Forgetting: one person on demand, row detail by age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl
import sqlalchemy as sa

from ..batch import ADDRESS, ID, KEY, ROW, key_of
from . import key_index, tables
from .database import Database
from .frames import (
    DETAIL,
    FORMER,
    hash_of,
    hashes,
    may_hold,
    pack,
    pack_outcomes,
    pack_payload,
    unpack,
    unpack_outcomes,
    unpack_payload,
)
from .locks import forget_people, tidy_up
from .quotes import unquote
from .suppression import count_forgotten, suppress
from .tables import audience, batches, dead_letters, deliveries, held_leads, members, runs


def forget(database: Database, address: str) -> dict[str, int]:
    """See `Ledger.forget`."""
    key = key_of(address)
    with database.write() as connection:
        forget_people(database, connection)
        counts = {
            table.name: connection.execute(table.delete().where(table.c.key == key)).rowcount
            for table in (members, audience, dead_letters, held_leads)
        }
        counts["outcomes"] = counts["payloads"] = 0
        for run_id, _, seqs in key_index.runs_with(connection, key):
            found = {seq: _blank(connection, run_id, seq, key) for seq in seqs}
            counts["outcomes"] += sum(each.outcomes for each in found.values())
            counts["payloads"] += sum(each.payloads for each in found.values())
            key_index.drop(connection, run_id, key, [seq for seq, each in found.items() if not each.shared])
        count_forgotten(connection)
        suppress(database, connection, [key], "forgotten")
    counts["messages"] = unquote(database, key, address)
    database.scrub()
    return counts


@dataclass(frozen=True)
class _Blanked:
    """Rows of a batch that were blanked, and whether another person there has the same hash."""

    outcomes: int = 0
    payloads: int = 0
    shared: bool = False


def _blank(connection: sa.Connection, run_id: str, seq: int, key: str) -> _Blanked:
    """Blot the person out of one batch. Counts and row numbers stay."""
    here = (batches.c.run_id == run_id) & (batches.c.seq == seq)
    row = connection.execute(sa.select(batches).where(here)).one()
    if row.outcomes is None:
        return _Blanked()
    outcomes = unpack_outcomes(row.outcomes)
    theirs = (pl.col(KEY) == key).fill_null(value=False)
    rows = outcomes.filter(theirs).get_column(ROW).to_list()
    outcomes = blanked(outcomes, theirs, (ADDRESS, KEY, ID, DETAIL))
    left = hashes(outcomes.get_column(KEY))
    values: dict[str, bytes] = {"outcomes": pack_outcomes(outcomes)}
    if row.hashes is not None:
        values["hashes"] = left
    if row.former is not None:
        former = unpack(row.former)
        values["former"] = pack(blanked(former, theirs, [KEY, FORMER]))
    sent = 0
    if row.payload is not None:
        payload = unpack_payload(row.payload)
        sent = payload.filter(theirs).height
        values["payload"] = pack_payload(blanked(payload, theirs, [name for name in payload.columns if name != ROW]))
        answers = (deliveries.c.run_id == run_id) & (deliveries.c.seq == seq) & deliveries.c.row.in_(rows)
        connection.execute(deliveries.update().where(answers).values(detail=None))
    if rows:
        connection.execute(batches.update().where(here).values(**values))
    return _Blanked(len(rows), sent, may_hold(left, hash_of(key)))


def blanked(frame: pl.DataFrame, theirs: pl.Expr, names: Sequence[str]) -> pl.DataFrame:
    """The frame with null in the named columns of `theirs`, and no byte of what stood there.

    The columns are built anew from Python values: an expression would hide texts behind a null and keep their bytes.
    """
    gone = frame.select(theirs.alias("gone")).to_series().to_list()
    columns = []
    for name in names:
        values = frame.get_column(name).to_list()
        kept = [None if each else value for each, value in zip(gone, values, strict=True)]
        columns.append(pl.Series(name, kept, dtype=frame.schema[name]))
    return frame.with_columns(columns)


def prune(database: Database, retention_days: float) -> int:
    """See `Ledger.prune`."""
    before = database.now() - timedelta(days=retention_days)
    with database.write() as connection:
        tidy_up(database, connection)
        old = sa.select(runs.c.id).where(runs.c.finished_at < before)
        here = batches.c.run_id.in_(old) & batches.c.outcomes.is_not(None)
        pruned = connection.execute(
            batches.update().where(here).values(outcomes=None, hashes=None, former=None)
        ).rowcount
        connection.execute(tables.key_index.delete().where(tables.key_index.c.run_id.in_(old)))
        connection.execute(held_leads.delete().where(held_leads.c.run_id.in_(old)))
        ended = tables.firings.c.state.in_(("done", "skipped")) & (tables.firings.c.at < before)
        connection.execute(tables.firings.delete().where(ended))
    return pruned
