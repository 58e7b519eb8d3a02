"""Undoing: carries a proposal out in a run of its own: what is left first, then former values, then people out."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import polars as pl

from ..assembly import Assembly
from ..batch import ADDRESS, ID, KEY, ROW
from ..decision import Outcome
from ..errors import Fatal
from ..ledger import Journal, Ledger, RunRecord, SyncRecord
from ..pipeline import RECORDED
from ..pipeline.deliver import Delivery
from ..pipeline.match import DETAIL, OUTCOME, PLANNED_OUTCOME, PLANNED_REASON, REASON, Match
from ..pipeline.people import People
from ..pipeline.remove import remove
from .guarding import Guard
from .undo import UNDONE, Proposal, propose

BATCH = 1000


@dataclass(frozen=True)
class Undoing:
    """The undo of one run, in the run `run`; what was recorded before it was broken off is passed over."""

    ledger: Ledger
    sync: SyncRecord
    run: RunRecord
    assembly: Assembly
    guard: Guard
    stop: threading.Event

    def proposal(self, people: People, match: Match) -> Proposal:
        """What is to be done, within the guards. Raises `Held`."""
        undone = self.ledger.run(self.run.undoes or "")
        found = propose(self.ledger, self.sync, undone, self.assembly, people, match, self.run.action)
        done = pl.concat([pl.Series(KEY, [], pl.String), *(frame[KEY] for frame in self.ledger.recorded(self.run))])
        fresh = ~pl.col(KEY).is_in(done.drop_nulls().implode())
        found = Proposal(
            undone, found.action, found.removals.filter(fresh), found.restored.filter(fresh), found.left.filter(fresh),
            found.forgotten, found.of,
        )  # fmt: skip
        self.guard.all_or_nothing(found.removals, found.restored, found.of)
        return found

    def carry_out(self, proposal: Proposal, journal: Journal, delivery: Delivery) -> None:
        """Record and do it. Raises `Fatal` when somebody could not be taken out."""
        seq, row = self.ledger.next_batch(self.run), self.ledger.next_row(self.run)
        null = pl.lit(None, pl.String)
        for frame in proposal.left.iter_slices(BATCH):
            outcomes = _numbered(frame, row).with_columns(
                pl.lit(Outcome.IGNORED.value).alias(OUTCOME), null.alias(PLANNED_OUTCOME), null.alias(PLANNED_REASON)
            )
            journal.open_batch(seq, outcomes.select(RECORDED), outcomes.clear(), None)
            seq, row = seq + 1, row + frame.height
        for frame in proposal.restored.iter_slices(BATCH):
            to_send = _numbered(frame, row)
            outcomes = to_send.with_columns(
                pl.lit(Outcome.UNKNOWN.value).alias(OUTCOME), pl.lit("in_flight").alias(REASON), null.alias(DETAIL)
            )
            journal.open_batch(seq, outcomes.select(RECORDED), to_send, None)
            delivery.submit(seq, to_send)
            seq, row = seq + 1, row + frame.height
        delivery.finish()
        leaving = proposal.removals.select("source_id", ADDRESS, KEY, ID)
        left = remove(self.assembly.sink, journal, leaving, seq=seq, row=row, stop=self.stop, reason=UNDONE)
        if left and not self.stop.is_set():
            raise Fatal(
                f"{left} of {leaving.height} leads could not be taken out", mend="the undo may be started once more"
            )


def _numbered(frame: pl.DataFrame, row: int) -> pl.DataFrame:
    return frame.with_columns(pl.int_range(row, row + frame.height, dtype=pl.UInt64).alias(ROW))
