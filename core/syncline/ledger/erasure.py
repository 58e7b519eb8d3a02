"""Forgetting: one person on demand, row detail by age."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import sqlalchemy as sa

from ..batch import ADDRESS, ID, KEY, key_of
from . import key_index, open_batch
from .database import Database
from .frames import DETAIL, hashes, pack_outcomes, unpack_outcomes
from .suppression import suppress
from .tables import audience, batches, dead_letters, deliveries, members, runs


def forget(database: Database, address: str) -> dict[str, int]:
    """See `Ledger.forget`."""
    key = key_of(address)
    with database.write() as connection:
        counts = {
            table.name: connection.execute(table.delete().where(table.c.key == key)).rowcount
            for table in (members, audience, dead_letters)
        }
        counts["outcomes"] = counts["payloads"] = 0
        for run_id, parts in connection.execute(sa.select(runs.c.id, key_index.parts_of_run())).all():
            for seq in key_index.batches_with(connection, run_id, key, parts):
                rows, payloads = _blank(connection, run_id, seq, key)
                counts["outcomes"] += rows
                counts["payloads"] += payloads
            key_index.drop(connection, run_id, key, parts)
        suppress(database, connection, [key], "forgotten")
    database.scrub()
    return counts


def _blank(connection: sa.Connection, run_id: str, seq: int, key: str) -> tuple[int, int]:
    """Blot the person out of one batch: (rows of outcomes, rows of payload). Counts and row numbers stay."""
    here = (batches.c.run_id == run_id) & (batches.c.seq == seq)
    row = connection.execute(sa.select(batches).where(here)).one()
    if row.outcomes is None:
        return 0, 0
    outcomes = unpack_outcomes(row.outcomes)
    theirs = (pl.col(KEY) == key).fill_null(value=False)
    n = outcomes.filter(theirs).height
    if not n:
        return 0, 0
    blank = [pl.when(theirs).then(None).otherwise(pl.col(name)).alias(name) for name in (ADDRESS, KEY, ID, DETAIL)]
    outcomes = outcomes.with_columns(blank)
    values = {"outcomes": pack_outcomes(outcomes)}
    if row.hashes is not None:
        values["hashes"] = hashes(outcomes.get_column(KEY).to_list())
    sent = 0
    if row.payload is not None:
        payload, sent = open_batch.without(row.payload, key)
        values["payload"] = payload
        theirs_here = (deliveries.c.run_id == run_id) & (deliveries.c.seq == seq)
        connection.execute(deliveries.update().where(theirs_here, deliveries.c.answered).values(detail=None))
    connection.execute(batches.update().where(here).values(**values))
    return n, sent


def prune(database: Database, retention_days: float) -> int:
    """See `Ledger.prune`."""
    before = database.now() - timedelta(days=retention_days)
    with database.write() as connection:
        old = sa.select(runs.c.id).where(runs.c.finished_at < before)
        here = batches.c.run_id.in_(old) & batches.c.outcomes.is_not(None)
        pruned = connection.execute(batches.update().where(here).values(outcomes=None, hashes=None)).rowcount
        connection.execute(key_index.key_index.delete().where(key_index.key_index.c.run_id.in_(old)))
    return pruned
