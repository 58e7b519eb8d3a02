"""Runs one sync, from the lease to the last line of its history, whatever happens in between."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from .. import window as windows
from ..adoption import adopt
from ..assembly import Assembly
from ..budget import Budgets, MemoryStore
from ..clock import SYSTEM, Clock
from ..errors import Deactivate, Fatal, LeaseLost, QuotaSpent, Retriable, Stopped, SynclineError
from ..ledger import ASIDE, CARRIED_OUT, DeadLetter, Firing, Ledger, RunRecord, SyncRecord, not_runnable
from ..ledger import Undoing as Undoes
from ..observers import Observers
from ..pipeline.guard import Tally
from ..pipeline.match import Match
from ..pipeline.people import People
from ..plugin import End, Ending, Runtime, Window
from ..registry import Registry
from ..secrets import Redactor
from ..sharing import Shared
from ..spec import Bound
from ..window import scope_of
from .asked import Asked
from .carry import Carry
from .closing import Closing
from .departure import baseline
from .foresight import foretell
from .guarding import Held
from .heartbeat import alive
from .memory import match_of, people_of
from .progress import Progress, current
from .undo import Proposal, acting, propose, undoable

log = logging.getLogger("syncline")

ASIDE_STATES = ("active", "completed")
"""States in which dead letters may be sent again, and a run undone."""
DEFECTS = (Exception, SystemExit, pl.exceptions.PanicException)
"""What nobody raises on purpose: a plugin that ends the process, or a panic in Polars, is no reason to end all runs."""


class BrokenRun(SynclineError):
    """A run ended by a defect, ours or a plugin's; `run` is its record, the cause is chained."""

    def __init__(self, run: RunRecord) -> None:
        super().__init__(run.message, where=f"run {run.id}")
        self.run = run


class Resting(QuotaSpent):
    """A run that no call of the day is left for; `run` is its record. It has no end: the next start goes on with it."""

    def __init__(self, run: RunRecord, spent: QuotaSpent) -> None:
        super().__init__(spent.what, after=spent.after, where=spent.where, why=spent.why, mend=spent.mend)
        self.run = run


@dataclass
class Executor:
    """Runs syncs of one ledger. `stop` ends a run gracefully: calls in flight finish, the rest is left for later.

    Each run has a context of its own (`contextvars`), which its threads share: what an observer sets there when it is
    told that the run started, holds in the run and nowhere else.

    `cache` is a folder private to the user, where connections keep tokens; `clock` is that of the ledger. Runs that go
    side by side share their connections.
    """

    ledger: Ledger
    registry: Registry
    redactor: Redactor
    cache: Path
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Clock = SYSTEM

    def __post_init__(self) -> None:
        budgets = Budgets(self.ledger.budget_store(), stop=self.stop, waiting=self._waits, clock=self.clock)
        self._connections = Shared(self.runtime(budgets))

    def _waits(self, budget: str, until: float) -> None:
        """Tell that a call budget is waited for; by whichever run this thread belongs to."""
        (current.get() or Progress(self.observers)).waits(budget, until)

    @property
    def observers(self) -> Observers:
        """Everybody who is told of runs."""
        return Observers(self.registry)

    def run(self, bound: Bound, *, firing: Firing | None = None) -> RunRecord:
        """One run of the sync, or the rest of one that was broken off; by hand, or for a firing that was claimed.

        Raises `NotRunnable`, `Busy` and `SpecError` before a run exists; afterwards whatever ends the run is recorded
        in it, and the record is returned; `BrokenRun` when that was a defect, `LeaseLost` when another process took the
        run over, `Resting` when no call of the day is left. A retry that was broken off is no run over the records: it
        is finished first, and then the run starts.
        """
        sync = firing.sync if firing else adopt(self.ledger, self.observers, bound.spec)
        _refuse(sync, ("active",))
        while True:
            ended = self._once(bound, sync, "schedule" if firing else "manual", firing=firing)
            if ended.trigger not in ASIDE or ended.status not in CARRIED_OUT:
                return ended
            sync = self.ledger.sync(sync.name) or sync

    def retry(
        self, bound: Bound, run_id: str, *, code: str | None = None, limit: int | None = None, unknown: bool = False
    ) -> RunRecord:
        """A run over the dead letters of an earlier one, through the current rules and the opt-out gate.

        `code` takes only those refused with it; `unknown` those whose answer was lost or that were never sent, which
        are left alone otherwise. Raises `SpecError` when there is nothing to send again.
        """
        sync = adopt(self.ledger, self.observers, bound.spec)
        _refuse(sync, ASIDE_STATES)

        asked = Asked(self.ledger, sync.id, run_id, code, limit, unknown)
        while True:
            if not asked.left():
                raise asked.nothing()
            ended = self._once(bound, sync, "retry", letters=asked.left)
            if not ended.resumed or ended.status not in ("succeeded", "partial"):
                return ended

    def undo(self, bound: Bound, run: RunRecord, *, action: str | None = None) -> RunRecord:
        """A run that takes back what can be taken back of an earlier one: see `undo`.

        `action` is how people are taken out; None: as `on_delete` says, or else the mildest way of the sink. Raises
        `SpecError` for a run that cannot be undone, `NotRunnable` for one that was.
        """
        sync = adopt(self.ledger, self.observers, bound.spec)
        _refuse(sync, ASIDE_STATES)
        undoable(self.ledger, run)
        undoes = Undoes(run.id, acting(bound, action))
        while True:
            ended = self._once(bound, sync, "undo", undoing=undoes)
            if ended.undoes == run.id or ended.status not in CARRIED_OUT:
                return ended

    def proposal(self, bound: Bound, run: RunRecord, action: str | None) -> tuple[Proposal, dict[str, Tally]]:
        """What `undo` would do now, and what the guards would say; nothing is written (open the ledger read-only)."""
        spent, parked = self.ledger.spent()
        budgets = Budgets(MemoryStore(spent, parked), stop=self.stop)
        sync = self.ledger.sync(bound.spec.name)
        assert sync is not None  # noqa: S101 - it has run
        with Assembly(bound, self.runtime(budgets)) as assembly:
            if action is not None:
                assembly.take_out_by(action)
            assembly.sink.prepare(assembly.mapped)
            people = self.people(sync, assembly, keep=False)
            found = propose(self.ledger, sync, run, assembly, people, self.match(assembly, people), action)
            return found, found.tallies(assembly, self.ledger.approved(sync.id, undoes=run.id))

    def zone(self, bound: Bound) -> str:
        """The zone in which times without one are meant: the source's own, UTC for a source that has none."""
        with Assembly(bound, self._connections) as assembly:
            return assembly.zone() or "UTC"

    def deactivate(self, sync: SyncRecord, reason: str) -> None:
        """End a sync for good, outside any run."""
        if self.ledger.set_state(sync.id, "inactive", reason):
            self.observers.tell("syncline_state_changed", sync=sync.name, state="inactive", reason=reason)
            self.observers.tell("syncline_sync_deactivated", sync=sync.name, reason=reason)

    def runtime(self, budgets: Budgets) -> Runtime:
        """What connections are lent."""
        return Runtime(budgets, self.redactor, self.cache, self.ledger.state_folder, self.stop, self.clock)

    def people(self, sync: SyncRecord | None, assembly: Assembly, *, keep: bool) -> People:
        """What is known of people; `keep` False: a refreshed audience is not stored."""
        return people_of(self.ledger, sync, assembly, keep=keep)

    def match(self, assembly: Assembly, people: People, recorded: Sequence[pl.DataFrame] = ()) -> Match:
        """The stage that decides; `recorded` is what a run that is taken up again has decided before."""
        return match_of(self.ledger, assembly, people, recorded)

    # ------------------------------------------------------------------------------------------ the life of a run

    def _once(
        self,
        bound: Bound,
        sync: SyncRecord,
        trigger: str,
        *,
        firing: Firing | None = None,
        letters: Callable[[], list[DeadLetter]] = list,
        undoing: Undoes | None = None,
    ) -> RunRecord:
        """One run, in a context of its own; or the rest of one that was broken off."""
        with Assembly(bound, self._connections) as assembly:
            ended = copy_context().run(self._attempt, sync, trigger, assembly, letters, firing, undoing)
            if ended.status in CARRIED_OUT:
                self._note_zone(sync, assembly)
            return ended

    def _note_zone(self, sync: SyncRecord, assembly: Assembly) -> None:
        """The source's zone may have been changed: a schedule that names none follows it from its next run on."""
        times = assembly.spec.schedule
        if times is None or times.timezone is not None:
            return
        try:
            self.ledger.set_zone(sync.id, assembly.zone() or "UTC")
        except SynclineError as error:  # the one that is remembered holds on
            log.debug("the zone of the source is not known: %s", error)

    def _attempt(
        self,
        sync: SyncRecord,
        trigger: str,
        assembly: Assembly,
        letters: Callable[[], list[DeadLetter]],
        firing: Firing | None,
        undoing: Undoes | None,
    ) -> RunRecord:
        progress = Progress(self.observers)
        current.set(progress)
        gone: Deactivate | None = None
        now = self.ledger.now()
        if trigger not in ASIDE:
            foretell(self.ledger, sync, assembly.spec, assembly.source)
        try:
            window = windows.window_of(
                assembly.spec,
                created=sync.created_at,
                watermark=sync.watermark,
                zone=assembly.zone,
                now=now,
            )
        except Deactivate as error:  # the source was asked for its zone, and is not there: a run has to say so
            gone, window = error, Window(created=sync.created_at, now=now)
        run = self.ledger.start_run(
            sync,
            trigger=trigger,
            window=windows.stored(window, scope_of(assembly.spec)),
            allowed=ASIDE_STATES if trigger in ASIDE else ("active",),
            firing=firing,
            undoing=undoing,
        )
        try:
            progress.run = run.id
            self.observers.tell("syncline_run_started", run=run.document())
            closing = Closing(self.ledger, self.observers, sync, run, assembly)
            if gone is not None:
                return closing.inactive(self.redactor.clean(str(gone)))
            with alive(self.ledger, run, self.clock):
                carry = Carry(self.ledger, sync, run, assembly, progress, self.stop, self.clock)
                return self._guarded(closing, lambda: carry.out(letters))
        except (BrokenRun, Resting):
            raise
        except SynclineError as error:
            reason = self.redactor.clean(str(error))
            self.observers.tell("syncline_run_broken_off", run=run.document(), reason=reason)
            raise
        finally:
            self._let_go(run)

    def _guarded(self, closing: Closing, work: Callable[[], End]) -> RunRecord:
        """Whatever comes of the work is recorded in the run; but not when the run is no longer ours."""
        try:
            end = work()
        except LeaseLost:
            raise
        except Deactivate as error:
            return closing.inactive(self.redactor.clean(str(error)))
        except Held as error:
            return closing.held(str(error))
        except QuotaSpent as error:
            text = self.redactor.clean(str(error))
            raise Resting(closing.rests(f"{text}: the run goes on where it was"), error) from None
        except KeyboardInterrupt:
            return closing.interrupted()
        except SynclineError as error:
            text = self.redactor.clean(str(error))
            if self.stop.is_set():
                return closing.interrupted("" if isinstance(error, Stopped) else text)
            return closing.failed(text, after=(error.after if isinstance(error, Retriable) else None) or 0.0)
        except DEFECTS as error:
            raise BrokenRun(closing.failed(f"a defect: {type(error).__name__} at {_place(error)}")) from error
        if end.ending is Ending.STOPPED_EARLY:
            return closing.interrupted() if self.stop.is_set() else closing.failed("the source stopped early")
        return closing.complete(end, baseline(closing.assembly.spec, closing.run))

    def _let_go(self, run: RunRecord) -> None:
        """Nothing more is done for the run; if its end could not be recorded, the next start goes on with it."""
        try:
            self.ledger.let_go(run)
        except Fatal as error:
            log.warning(
                "the lease of run %s stays behind: for other processes it is free in a minute: %s", run.id, error
            )


def _refuse(sync: SyncRecord, allowed: Collection[str]) -> None:
    """Before anything is asked of the other sides; `start_run` looks once more, under its lock."""
    if sync.state not in allowed:
        raise not_runnable(sync.name, sync.state, sync.reason)


def _place(error: BaseException) -> str:
    """Where it was raised (module and line), and nothing of what was being worked on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).stem}:{trace.tb_lineno}" if trace else "an unknown place"
