"""Guarding: what a guard holds in one run is put on record, and the run ends held; what was approved goes, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from ..batch import KEY
from ..errors import SynclineError
from ..ledger import Ledger, RunRecord, SyncRecord
from ..pipeline.guard import PLAN, Decided, Tally, changes, judged, removals, screened
from ..pipeline.match import REASON
from ..spec.guards import Guards


class Held(SynclineError):
    """A guard holds a part of this run."""

    exit_code = 6


@dataclass
class Guard:
    """The guard of one run. What waits is collected, and `close` ends the run with it."""

    ledger: Ledger
    sync: SyncRecord
    run: RunRecord
    limits: Guards
    stop: threading.Event
    tallies: dict[str, Tally] = field(default_factory=dict)
    _waiting: list[pl.DataFrame] = field(default_factory=list)
    _empty: bool = False
    _used: bool = False

    # ------------------------------------------------------------------------------------------------- the verdicts

    def screen(self, decided: Iterator[Decided]) -> Iterator[Decided]:
        """The batches of a run over records, without changes that have to wait; as they come, if there is no limit."""
        if self.limits.changes is None:
            return decided
        earlier = list(self.ledger.leads(self.run.id, outcome="duplicate")) if self.run.resumed else []
        return screened(decided, lambda plan: self._changes(plan, earlier), stopped=self.stop.is_set)

    def removals(self, leaving: pl.DataFrame, of: int) -> pl.DataFrame:
        """Of members (`#key`, source_id) those who may be taken out; nobody who was not approved while changes wait."""
        plan = removals(leaving)
        waiting, tally = self._judged("removals", plan, of)
        if self._waiting and not waiting.height:
            approved = self._approved().filter(pl.col("kind") == "removal")
            waiting = plan.join(approved.select(KEY), on=KEY, how="anti")
        self._let_wait("removals", waiting, tally)
        return leaving.join(waiting.select(KEY), on=KEY, how="anti", maintain_order="left")

    def nobody(self, leaving: pl.DataFrame, of: int) -> None:
        """The read was empty: nobody is taken out, whatever was approved."""
        self._empty = True
        self._let_wait("removals", removals(leaving), Tally(leaving.height, of, self.limits.removals))

    def all_or_nothing(self, leaving: pl.DataFrame, updates: pl.DataFrame, of: int) -> None:
        """For a run that only removes and changes, an undo: raises `Held` where a part of it has to wait, for then all
        of it does. `updates` are leads to be sent."""
        plans = {"removals": removals(leaving), "changes": changes(updates)}
        verdicts = {name: self._judged(name, plan, of) for name, plan in plans.items()}
        if any(waiting.height for waiting, _ in verdicts.values()):
            for name, (_, tally) in verdicts.items():
                self._let_wait(name, plans[name], tally)
        self.close()

    def close(self) -> None:
        """Put on record what waits. Raises `Held` when anything does."""
        if not self._waiting:
            return
        plan = pl.concat(self._waiting)
        numbers = {name: tally.document() for name, tally in self.tallies.items()}
        self.ledger.hold(self.run, {"removals": None, "changes": None} | numbers, plan, empty=self._empty)
        raise self._held(plan)

    # --------------------------------------------------------------------------------------------------- the parts

    def _changes(self, plan: pl.DataFrame, earlier: list[pl.DataFrame]) -> pl.DataFrame:
        """Changes that wait. Of a run that was broken off, what it held before is held, and what it let pass passed."""
        known = self.ledger.members(self.sync.id).filter(~pl.col("removed")).height
        waiting, tally = self._judged("changes", plan, known)
        held = pl.concat([frame.filter(pl.col(REASON) == "held") for frame in earlier]) if earlier else None
        if held is not None and held.height:
            waiting = plan.join(self._approved().select("kind", KEY, "mark"), on=["kind", KEY, "mark"], how="anti")
        elif self.run.resumed and self.ledger.next_batch(self.run):
            waiting = plan.clear()
        self._let_wait("changes", waiting, tally)
        return waiting

    def _judged(self, name: str, plan: pl.DataFrame, of: int) -> tuple[pl.DataFrame, Tally]:
        limit = self.limits.removals if name == "removals" else self.limits.changes
        waiting, tally = judged(plan, of, limit, self._approved())
        over = limit is not None and limit.is_over(tally.leads, of)
        if over and tally.approved and not self._used:
            self.ledger.use_approval(self.run)
            self._used = True
        return waiting, tally

    def _approved(self) -> pl.DataFrame:
        return self.ledger.approved(self.sync.id, undoes=self.run.undoes, run_id=self.run.id)

    def _let_wait(self, name: str, waiting: pl.DataFrame, tally: Tally) -> None:
        self.tallies[name] = tally
        if waiting.height:
            self._waiting.append(waiting.cast(dict(PLAN)))  # type: ignore[arg-type]  # a schema is a mapping

    def _held(self, plan: pl.DataFrame) -> Held:
        counts = dict(plan.group_by("kind").len().iter_rows())
        n, m = counts.get("removal", 0), counts.get("change", 0)
        told = [f"{n:,} {'removal' if n == 1 else 'removals'}"] if n else []
        told += [f"{m:,} {'change' if m == 1 else 'changes'}"] if m else []
        waits = f"{' and '.join(told)} {'waits' if n + m == 1 else 'wait'}"
        if self._empty:
            return Held(
                f"the source had no record at all, and an empty read never removes anybody: {waits}",
                mend="look whether the source is whole; `on_delete: keep` in the sink keeps everybody for good",
            )
        why = "; ".join(_why(name, tally) for name, tally in self.tallies.items() if tally.leads)
        return Held(
            waits, why=why,
            mend=f"see whether that is meant, and then: `syncline approve {self.run.id}`",
        )  # fmt: skip


def _why(name: str, tally: Tally) -> str:
    """`40 of 60 leads of the last good run are gone; more than 20 leads and more than 20 %`."""
    word = "would be removed" if name == "removals" else "would change"
    approved = f", {tally.approved:,} of them approved" if tally.approved else ""
    over = f", {tally.limit}" if tally.tripped else ""
    return f"{tally.leads:,} of {tally.of:,} {word}{approved}{over}"
