"""What the ledger knows of runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl
import sqlalchemy as sa

from ..decision import Counts
from . import (
    finish,
    open_batch,
    questions,
    runs,
    streak,
)
from .database import Database
from .journal import Journal
from .records import Firing, OpenBatch, RunRecord, SyncRecord
from .streak import Standing, Streak
from .syncs import Becomes
from .tables import batches


class OfRuns:
    """What the ledger knows of runs. A part of `Ledger`."""

    _database: Database

    def start_run(
        self,
        sync: SyncRecord,
        *,
        trigger: str,
        window: str,
        allowed: Collection[str] = ("active",),
        firing: Firing | None = None,
    ) -> RunRecord:
        """Take the lease of the sync and start a run, or take up the one that was cut off (`resumed`, its own window).

        `firing` is what a new run carries out. `Busy` while a run that is alive holds the lease, or when the firing
        went to another process meanwhile; `NotRunnable` when the state is not among `allowed`.
        """
        return runs.start(self._database, sync, trigger=trigger, window=window, allowed=allowed, firing=firing)

    def heartbeat(self, run: RunRecord) -> None:
        """Keep the lease; `LeaseLost` when it was lost. An open journal does this by itself."""
        runs.heartbeat(self._database, run)

    def occupy(self, run: RunRecord, place: str) -> str | None:
        """From now on, until its end, the run has the place (an account and a list) for itself: None. As long as the
        run of another sync has it, that is alive: the name of that sync, and nothing is changed."""
        return runs.occupy(self._database, run, place)

    def let_go(self, run: RunRecord) -> None:
        """The run goes on no longer here, whether it ended or not: one that did not is taken up by the next start."""
        runs.let_go(self._database, run)

    def set_calls(self, run: RunRecord, source: int, sink: int) -> None:
        """So many requests were made in all; `LeaseLost` when the run is no longer ours."""
        runs.set_calls(self._database, run, source=source, sink=sink)

    def finish_run(
        self,
        run: RunRecord,
        *,
        status: str,
        message: str = "",
        watermark: str | None = None,
        scope: str | None = None,
        after: float = 0.0,
        becomes: Becomes = lambda sync: None,
    ) -> RunRecord:
        """End the run and give the lease back. What is in flight becomes unknown: answer_lost if sent, else not_sent,
        each with a dead letter. The watermark and the scope of the sync move only if given.

        The firing of the run ends with it: done; or, when the run failed, waiting for the next try, `after` seconds
        at least; or, when it was interrupted, waiting for whoever comes next. `becomes` is told of the sync as it is,
        and says which state it comes into at the same instant.
        """
        return finish.finish(
            self._database,
            run,
            status=status,
            message=message,
            watermark=watermark,
            scope=scope,
            after=after,
            becomes=becomes,
        )

    def runs(self, sync_id: int | None, limit: int | None = None) -> list[RunRecord]:
        """Runs of one sync or of all, newest first, with the counts of this instant."""
        return runs.listed(self._database, sync_id, limit)

    def run(self, name: str) -> RunRecord:
        """The run with this ID or unique beginning of one, or `last`; `SpecError` when there is none or several."""
        return runs.found(self._database, name)

    def streak(self, run_id: str) -> Streak:
        """The failures of the sync since its last good run, those before this run."""
        return streak.before(self._database, run_id)

    def counts_before(self, run_id: str, limit: int) -> list[Counts]:
        """The counts of the good runs before this one, newest first."""
        return streak.counts_before(self._database, run_id, limit)

    def standings(self) -> list[Standing]:
        """Each sync with its state and its last good end."""
        return streak.standings(self._database)

    def journal(self, run: RunRecord, *, account: str = "", target: str = "", remember: bool = True) -> Journal:
        """The journal of a run that we hold; without `remember` no members and no audience are written."""
        return Journal(self._database, run, account=account, target=target, remember=remember)

    def open_batches(self, run: RunRecord) -> list[OpenBatch]:
        """What a cut-off run left open, in order."""
        with self._database.read() as connection:
            return [batch.as_open() for batch in open_batch.load(connection, run.id)]

    def recorded(self, run: RunRecord) -> Iterator[pl.DataFrame]:
        """All leads that the run has read from its source, batch by batch: `#id`, `#row`, `#address`, `#key`. What
        returned as a dead letter is not among them."""
        return questions.recorded(self._database, run.id)

    def next_batch(self, run: RunRecord) -> int:
        """The number of the next batch; the first is 0, and none may be left out."""
        return self._highest(run, batches.c.seq + 1)

    def next_row(self, run: RunRecord) -> int:
        """The number of the next row; the first is 0."""
        return self._highest(run, batches.c.end_row)

    def rows_read(self, run: RunRecord, *, behind_cursor: bool = False) -> int:
        """How many rows the run has read from its source and recorded, in all or beyond its cursor."""
        mine = batches.c.run_id == run.id
        first_open = sa.select(sa.func.coalesce(sa.func.min(batches.c.seq), 1 << 31)).where(mine, batches.c.open)
        query = sa.select(batches.c.counts).where(mine, ~batches.c.returned)
        if behind_cursor:
            query = query.where(batches.c.seq >= first_open.scalar_subquery())
        with self._database.read() as connection:
            return sum(Counts.from_plain(counts).total for counts in connection.scalars(query))

    def _highest(self, run: RunRecord, column: sa.ColumnElement[int]) -> int:
        with self._database.read() as connection:
            found = connection.execute(sa.select(sa.func.max(column)).where(batches.c.run_id == run.id)).scalar()
        return int(found or 0)
