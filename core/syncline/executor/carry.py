"""What a run carries over, once it has its lease: the records of its source, dead letters, or an undo."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from .. import window as windows
from ..assembly import Assembly
from ..batch import ID, ROW
from ..clock import Clock
from ..ledger import DeadLetter, Ledger, RunRecord, SyncRecord
from ..pipeline import numbered
from ..pipeline.extract import Extraction
from ..pipeline.screen import recall
from ..plugin import End, Ending
from .departure import Departure
from .guarding import Guard
from .memory import Turn, match_of, people_of
from .progress import Progress
from .returning import Returning
from .undoing import Undoing
from .work import Batches, Work


@dataclass(frozen=True)
class Carry:
    """The work of one run, by what it is about."""

    ledger: Ledger
    sync: SyncRecord
    run: RunRecord
    assembly: Assembly
    progress: Progress
    stop: threading.Event
    clock: Clock

    def out(self, letters: Callable[[], list[DeadLetter]]) -> End:
        """All of it; how the read ended. `letters` are those that a retry was asked for. Raises what ends the run."""
        run, assembly = self.run, self.assembly
        if run.action is not None:
            assembly.take_out_by(run.action)
        assembly.sink.prepare(assembly.mapped)
        recorded = list(self.ledger.leads(run.id)) if run.resumed else []
        again = letters() if run.trigger == "retry" and not run.resumed else []
        work = self._work(recorded, again)
        if run.trigger == "retry":
            return self._letters(work, again)
        if run.undoes is not None:
            return self._undo(work)
        return self._records(work, recorded)

    def _work(self, recorded: Sequence[pl.DataFrame], again: Sequence[DeadLetter]) -> Work:
        turn = Turn(self.ledger, self.run, self.progress, self.stop, self.clock)
        asked = [letter.id for letter in again]
        people = people_of(self.ledger, self.sync, self.assembly, keep=True, again=asked, turn=turn)
        match = match_of(self.ledger, self.assembly, people, recorded)
        return Work(self.ledger, self.run, self.assembly, people, match, self.progress, self.stop, self.clock)

    def _letters(self, work: Work, again: Sequence[DeadLetter]) -> End:
        """Dead letters, through the rules and the gate of today."""
        work.flow(returning=lambda: numbered(again, self.ledger.next_row(self.run), work.pipeline.fields))
        self.ledger.settle_dead_letter([letter.id for letter in again], self.run.id, "taken")
        return work.ended()

    def _undo(self, work: Work) -> End:
        """What can be taken back of an earlier run."""
        undoing = Undoing(self.ledger, self.sync, self.run, self.assembly, self._guard(), self.stop)
        with work.sending() as (journal, delivery):
            undoing.carry_out(undoing.proposal(work.people, work.match), journal, delivery)
        return work.ended()

    def _records(self, work: Work, recorded: Sequence[pl.DataFrame]) -> End:
        """The records of the source, and the letters that are due."""
        guard = self._guard()
        extraction = self._extraction(recorded)
        due = Returning(self.ledger, self.sync.id, self.assembly.sink, run=self.run, recorded=recorded)

        def returning() -> Batches:
            if extraction.end.ending is Ending.STOPPED_EARLY:  # nobody knows who would have come anew
                return ()
            return due.batches(self.ledger.next_row(self.run), work.pipeline.fields)

        departure = Departure(self.ledger, self.sync, self.run, self.assembly, guard, self.stop)
        with contextlib.closing(work.pipeline.shaped(extraction)) as shaped:
            work.flow(
                due.watched(shaped), returning=returning, guarded=guard.screen, end=lambda: extraction.end,
                then=lambda journal: departure.carry_over(extraction.whole(), journal),
            )  # fmt: skip
        return extraction.end

    def _guard(self) -> Guard:
        return Guard(self.ledger, self.sync, self.run, self.assembly.spec.guards, self.stop)

    def _extraction(self, recorded: Sequence[pl.DataFrame]) -> Extraction:
        """What the run has still to read."""
        run, assembly = self.run, self.assembly
        recall(assembly.rules, recorded)
        window, same = windows.restored(run.window, assembly.spec)
        since = run.cursor if same and not any(rule.whole_fetch for rule in assembly.rules) else None
        return Extraction(
            assembly.source,
            assembly.source.partitions(window),
            since=since,
            recorded=self._read_before(recorded),
            behind_cursor=self.ledger.rows_read(run, behind_cursor=since is not None) if same else 0,
            stop=self.stop,
        )

    def _read_before(self, recorded: Sequence[pl.DataFrame]) -> pl.DataFrame | None:
        """What the run has recorded before it was broken off; of leads that returned, the IDs are no records read."""
        if not recorded:
            return None
        rows = [pl.DataFrame(schema={ROW: pl.UInt64}), *(each[[ROW]] for each in self.ledger.recorded(self.run))]
        ids = pl.when(pl.col(ROW).is_in(pl.concat(rows)[ROW].implode())).then(pl.col(ID)).alias(ID)
        return pl.concat(recorded).with_columns(ids)
