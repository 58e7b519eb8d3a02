"""What the ledger knows of runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import polars as pl
import sqlalchemy as sa

from ..decision import Counts
from . import (
    finish,
    holds,
    open_batch,
    questions,
    runs,
    streak,
)
from .asking import asked_again
from .database import Database
from .journal import Journal
from .records import Firing, OpenBatch, RunRecord, SyncRecord, Undoing
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
        undoing: Undoing | None = None,
    ) -> RunRecord:
        """Take the lease of the sync and start a run, or take up the one that was cut off (`resumed`, its own window).

        `firing` is what a new run carries out. `Busy` while a run that is alive holds the lease, or when the firing
        went to another process meanwhile; `NotRunnable` when the state is not among `allowed`,
        or when what it is `undoing` was undone.
        """
        return runs.start(
            self._database, sync, trigger=trigger, window=window, allowed=allowed, firing=firing, undoing=undoing
        )

    def heartbeat(self, run: RunRecord) -> None:
        """Keep the lease; `LeaseLost` when it was lost. An open journal does this by itself."""
        runs.heartbeat(self._database, run)

    def occupy(self, run: RunRecord, place: str) -> str | None:
        """From now on, until its end, the run has the place (an account and a list) for itself: None. As long as the
        run of another sync has it, that is alive: the name of that sync, and nothing is changed."""
        return runs.occupy(self._database, run, place)

    def rest(self, run: RunRecord, message: str) -> RunRecord:
        """Say why nobody works on the run just now; it has no end, and the next start takes it up again."""
        return runs.rest(self._database, run, message)

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

    def hold(self, run: RunRecord, numbers: Mapping[str, Any], leads: pl.DataFrame, *, empty: bool) -> None:
        """Put on record what a guard holds in this run: its `numbers`, and its leads (kind, `#key`, source_id, mark).
        `empty`: the read was empty, so it cannot be approved."""
        holds.hold(self._database, run, numbers, leads, empty=empty)

    def held_leads(self, run_id: str) -> pl.DataFrame:
        """The leads that a run holds, without those who were forgotten: kind, `#key`, source_id, mark."""
        return holds.leads_of(self._database, run_id)

    def approve(self, run_id: str) -> RunRecord:
        """The plan of this run may be carried out, once; to say so twice is to say it once.

        `SpecError` when it holds nothing, `NotRunnable` when its plan is used or void, or cannot be approved.
        """
        return holds.approve(self._database, run_id)

    def approved(self, sync_id: int, *, undoes: str | None = None, run_id: str | None = None) -> pl.DataFrame:
        """The leads that a run of this sync (which `undoes` another one) may remove or change though a guard holds it:
        those of approved plans, and of plans that the run `run_id` uses already."""
        return holds.approved(self._database, sync_id, undoes, run_id)

    def holding(self, sync_id: int) -> RunRecord | None:
        """The newest run of the sync whose plan waits, or is approved and not carried out."""
        return holds.holding(self._database, sync_id)

    def use_approval(self, run: RunRecord) -> None:
        """From now on what was approved is this run's, and nobody else's; if the run fails, it is approved again."""
        holds.use(self._database, run)

    def former(self, run_id: str) -> pl.DataFrame:
        """What the leads that a run updated held before: `#key`, former (JSON of fields; null: nobody knows)."""
        return questions.former(self._database, run_id)

    @asked_again
    def refuse_undone(self, run_id: str) -> None:
        """Raise `NotRunnable` when the run was undone."""
        with self._database.read() as connection:
            runs.refuse_undone(connection, run_id)

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

    @asked_again
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

    @asked_again
    def rows_read(self, run: RunRecord, *, behind_cursor: bool = False) -> int:
        """How many rows the run has read from its source and recorded, in all or beyond its cursor."""
        mine = batches.c.run_id == run.id
        first_open = sa.select(sa.func.coalesce(sa.func.min(batches.c.seq), 1 << 31)).where(mine, batches.c.open)
        query = sa.select(batches.c.counts).where(mine, ~batches.c.returned)
        if behind_cursor:
            query = query.where(batches.c.seq >= first_open.scalar_subquery())
        with self._database.read() as connection:
            return sum(Counts.from_plain(counts).total for counts in connection.scalars(query))

    @asked_again
    def _highest(self, run: RunRecord, column: sa.ColumnElement[int]) -> int:
        with self._database.read() as connection:
            found = connection.execute(sa.select(sa.func.max(column)).where(batches.c.run_id == run.id)).scalar()
        return int(found or 0)
