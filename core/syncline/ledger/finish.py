"""The end of a run, in one transaction: what is in flight becomes unknown and stays to be retried."""

from __future__ import annotations

import polars as pl
import sqlalchemy as sa

from ..batch import ROW
from ..decision import Outcome
from . import holds, key_index, open_batch
from .database import Database
from .firings import settle
from .frames import DETAIL, OUTCOME, REASON
from .letters import Desk, bury
from .locks import write_people
from .open_batch import BatchState
from .records import RunRecord
from .runs import by_id, fence
from .syncs import Becomes, change, locked
from .tables import batches, leases, runs, syncs


def finish(
    database: Database,
    run: RunRecord,
    *,
    status: str,
    message: str,
    watermark: str | None,
    scope: str | None,
    after: float,
    becomes: Becomes,
) -> RunRecord:
    """See `Ledger.finish_run`."""
    with database.write() as connection:
        sync = locked(connection, run.sync_id)
        fence(database, connection, run)
        write_people(database, connection)
        left = open_batch.load(connection, run.id)
        for batch in left:
            _give_up(connection, Desk(database, run, None), batch)
        open_batch.fold(connection, run.id, [batch.counts for batch in left])
        if database.keeps_detail:
            key_index.build(connection, run.id)
        else:
            connection.execute(batches.update().where(batches.c.run_id == run.id).values(outcomes=None, hashes=None))
        end = {"status": status, "message": message, "finished_at": database.now()}
        connection.execute(runs.update().where(runs.c.id == run.id).values(**end))
        given = {name: value for name, value in (("watermark", watermark), ("scope", scope)) if value is not None}
        if given:
            connection.execute(syncs.update().where(syncs.c.id == run.sync_id).values(**given))
        holds.settle(connection, run, status)
        settle(database, connection, sync, run, status=status, message=message, after=after)
        if state := becomes(sync):
            change(database, connection, sync, *state)
        connection.execute(leases.delete().where(leases.c.sync_id == run.sync_id))
        ended = by_id(connection, run.id)
    database.tokens.discard(run.token)
    return ended


def _give_up(connection: sa.Connection, desk: Desk, batch: BatchState) -> None:
    rows = sorted(batch.rows - batch.answered)
    lost = [row in batch.sent for row in rows]
    reasons = ["answer_lost" if each else "not_sent" for each in lost]
    results = pl.DataFrame({ROW: rows, REASON: reasons}, schema={ROW: pl.UInt64, REASON: pl.String}).with_columns(
        pl.lit(Outcome.UNKNOWN.value).alias(OUTCOME),
        pl.lit(None, dtype=pl.String).alias(DETAIL),
        pl.lit(None, dtype=pl.String).alias("code"),
    )
    if rows:
        batch.answer(results)
        bury(connection, desk, batch.payload, results)
    open_batch.close(connection, desk.run.id, batch)
