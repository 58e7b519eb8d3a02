"""Runs one sync, from the lease to the last line of its history, whatever happens in between."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from .. import schedule
from .. import window as windows
from ..adoption import adopt
from ..assembly import Assembly
from ..batch import KEY
from ..budget import Budgets
from ..clock import SYSTEM, Clock
from ..decision import Outcome
from ..errors import Deactivate, Fatal, Retriable, SpecError, SynclineError
from ..ledger import DeadLetter, Firing, Journal, Ledger, RunRecord, SyncRecord, not_runnable
from ..observers import Observers
from ..pipeline import Pipeline, numbered, resume
from ..pipeline.deliver import Delivery
from ..pipeline.extract import Extraction
from ..pipeline.match import OUTCOME, Match
from ..pipeline.people import People, nobody
from ..pipeline.screen import recall
from ..plugin import AudiencePart, End, Ending, Runtime, Window
from ..registry import Registry
from ..secrets import Redactor
from ..spec import Bound
from ..window import scope_of
from .closing import Closing
from .departure import Departure, Held, baseline
from .heartbeat import alive

RETRIED = ("active", "completed")
"""States in which dead letters may be sent again."""


@dataclass
class Progress:
    """Where a run stands, as observers are told: leads read, leads to be sent, leads sent, and who is waited for."""

    read: int = 0
    to_send: int = 0
    sent: int = 0
    waiting: str | None = None
    waiting_until: float | None = None


class BrokenRun(SynclineError):
    """A run ended by a defect, ours or a plugin's; `run` is its record, the cause is chained."""

    def __init__(self, run: RunRecord) -> None:
        super().__init__(run.message, where=f"run {run.id}")
        self.run = run


@dataclass
class Executor:
    """Runs syncs of one ledger. `stop` ends a run gracefully: calls in flight finish, the rest is left for later.

    Each run has a context of its own (`contextvars`), which its threads share: what an observer sets there when it is
    told that the run started, holds in the run and nowhere else.

    `cache` is a folder private to the user, where connections keep tokens; `clock` is that of the ledger.
    """

    ledger: Ledger
    registry: Registry
    redactor: Redactor
    cache: Path
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Clock = SYSTEM

    @property
    def observers(self) -> Observers:
        """Everybody who is told of runs."""
        return Observers(self.registry)

    def run(self, bound: Bound, *, firing: Firing | None = None) -> RunRecord:
        """One run of the sync, or the rest of one that was broken off; by hand, or for a firing that was claimed.

        Raises `NotRunnable`, `Busy` and `SpecError` before a run exists; afterwards whatever ends the run is recorded
        in it, and the record is returned; `BrokenRun` when that was a defect.
        """
        sync = firing.sync if firing else adopt(self.ledger, self.observers, bound.spec)
        _refuse(sync, ("active",))
        progress = Progress()
        with Assembly(bound, self.runtime(self._budgets(progress))) as assembly:
            trigger = "schedule" if firing else "manual"
            return copy_context().run(self._attempt, sync, trigger, assembly, progress, [], firing)

    def retry(
        self, bound: Bound, run_id: str, *, code: str | None = None, limit: int | None = None, unknown: bool = False
    ) -> RunRecord:
        """A run over the dead letters of an earlier one, through the current rules and the opt-out gate.

        `code` takes only those refused with it; `unknown` those whose answer was lost or that were never sent, which
        are left alone otherwise. Raises `SpecError` when there is nothing to send again.
        """
        sync = adopt(self.ledger, self.observers, bound.spec)
        _refuse(sync, RETRIED)
        while True:
            found = self.ledger.dead_letters(run_id=run_id, sync_id=sync.id, code="unknown" if unknown else code)
            letters = [letter for letter in found if unknown or letter.code != "unknown"][:limit]
            if not letters:
                raise SpecError(
                    f"run {run_id} has no {'unknown' if unknown else 'rejected'} leads left to send again",
                    mend="`syncline leads RUN` shows what became of its leads",
                )
            progress = Progress()
            with Assembly(bound, self.runtime(self._budgets(progress))) as assembly:
                ended = copy_context().run(self._attempt, sync, "retry", assembly, progress, letters)
            if not ended.resumed or ended.status not in ("succeeded", "partial"):
                return ended

    def zone(self, bound: Bound) -> str:
        """The zone in which times without one are meant: the source's own, UTC for a source that has none."""
        with Assembly(bound, self.runtime(self._budgets(Progress()))) as assembly:
            zone = assembly.source.zone() or "UTC"
        if problems := schedule.problems({"frequency": "daily", "time": "00:00", "timezone": zone}):
            mend = "name a zone in the schedule: `timezone: Asia/Kolkata`"
            raise Fatal(f"the zone of the source is not known here: {problems[0][1]}", mend=mend)
        return zone

    def deactivate(self, sync: SyncRecord, reason: str) -> None:
        """End a sync for good, outside any run."""
        if self.ledger.set_state(sync.id, "inactive", reason):
            self.observers.tell("syncline_state_changed", sync=sync.name, state="inactive", reason=reason)
            self.observers.tell("syncline_sync_deactivated", sync=sync.name, reason=reason)

    def runtime(self, budgets: Budgets) -> Runtime:
        """What connections are lent."""
        return Runtime(budgets, self.redactor, self.cache, self.ledger.state_folder, self.stop)

    def people(
        self, sync: SyncRecord | None, assembly: Assembly, *, keep: bool, again: Iterable[DeadLetter] = ()
    ) -> People:
        """What is known of people; `keep` False: a refreshed audience is not stored. `again`: of these it does not
        matter that an answer was lost, somebody asked to send them again."""
        account = assembly.account
        if sync is not None and sync.account not in (None, account):
            raise Fatal(
                f"sync {sync.name} has filled another account so far, and what it knows is of people there",
                where=f"sink.connection: {assembly.spec.sink.connection}",
                mend="take a ledger of its own for this account (--ledger), or give the sync a new name; if it is the"
                f" same account behind a new client, say `replaces: {sync.name}` there",
            )

        def store(part: AudiencePart, started: datetime) -> None:
            if keep:
                self.ledger.record_audience(account, part, started)

        return People(
            assembly.sink,
            members=self.ledger.members(sync.id) if sync else nobody(),
            awaiting=self.ledger.awaiting(account, besides=sync.id if sync else None),
            unsure=self.ledger.unsure(sync.id, besides=[letter.id for letter in again]) if sync else None,
            audience=self.ledger.audience(account),
            held=self.ledger.held(account),
            keep=store,
            now=self.ledger.now,
            target=sync.target if sync else None,
        )

    def match(self, assembly: Assembly, people: People, recorded: Sequence[pl.DataFrame] = ()) -> Match:
        """The stage that decides; `recorded` is what a run that is taken up again has decided before."""
        handled = None if assembly.unique else set[str]()
        if recorded:
            decided = pl.concat(recorded).filter(pl.col(OUTCOME) != Outcome.IGNORED.value)
            handled = set(decided[KEY].drop_nulls())
        return Match(assembly.sink, people, self.ledger.suppressed, handled=handled)

    # ------------------------------------------------------------------------------------------ the life of a run

    def _attempt(
        self,
        sync: SyncRecord,
        trigger: str,
        assembly: Assembly,
        progress: Progress,
        letters: list[DeadLetter],
        firing: Firing | None = None,
    ) -> RunRecord:
        gone: Deactivate | None = None
        now = self.ledger.now()
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
            allowed=RETRIED if trigger == "retry" else ("active",),
            firing=firing,
        )
        self.observers.tell("syncline_run_started", run=run.document())
        closing = Closing(self.ledger, self.observers, sync, run, assembly)
        if gone is not None:
            return closing.inactive(self.redactor.clean(str(gone)))
        with alive(self.ledger, run, self.clock):
            try:
                end = self._carry_out(sync, run, assembly, progress, letters)
            except Deactivate as error:
                return closing.inactive(self.redactor.clean(str(error)))
            except Held as error:
                return closing.held(str(error))
            except KeyboardInterrupt:
                return closing.interrupted()
            except SynclineError as error:
                if self.stop.is_set():
                    return closing.interrupted()
                after = error.after if isinstance(error, Retriable) else None
                return closing.failed(self.redactor.clean(str(error)), after=after or 0.0)
            except Exception as error:
                raise BrokenRun(closing.failed(f"a defect: {type(error).__name__} at {_place(error)}")) from error
            if end.ending is Ending.STOPPED_EARLY:
                return closing.interrupted() if self.stop.is_set() else closing.failed("the source stopped early")
            return closing.complete(end, baseline(assembly.spec, run))

    def _carry_out(
        self, sync: SyncRecord, run: RunRecord, assembly: Assembly, progress: Progress, letters: list[DeadLetter]
    ) -> End:
        assembly.sink.prepare(assembly.mapped)
        recorded = list(self.ledger.leads(run.id)) if run.resumed else []
        people = self.people(sync, assembly, keep=True, again=letters)
        match = self.match(assembly, people, recorded)
        pipeline = assembly.pipeline(match)
        if run.trigger == "retry":
            letters = [] if run.resumed else letters
            again = numbered(letters, self.ledger.next_row(run), pipeline.fields)
            self._flow(run, assembly, people, match, pipeline, progress, again)
            self.ledger.settle_dead_letter([letter.id for letter in letters], run.id)
            return End(Ending.STOPPED_EARLY if self.stop.is_set() else Ending.COMPLETE)
        extraction = self._extraction(run, assembly, recorded)
        departure = Departure(self.ledger, sync, run, assembly, self.stop)
        with contextlib.closing(pipeline.shaped(extraction)) as shaped:
            self._flow(
                run, assembly, people, match, pipeline, progress, shaped,
                then=lambda journal: departure.carry_over(extraction.end, journal),
            )  # fmt: skip
        return extraction.end

    def _extraction(self, run: RunRecord, assembly: Assembly, recorded: Sequence[pl.DataFrame]) -> Extraction:
        """What the run has still to read."""
        recall(assembly.rules, recorded)
        window, same = windows.restored(run.window, assembly.spec)
        since = run.cursor if same and not any(rule.whole_fetch for rule in assembly.rules) else None
        return Extraction(
            assembly.source,
            assembly.source.partitions(window),
            since=since,
            recorded=pl.concat(recorded) if recorded else None,
            behind_cursor=0 if not same else self.ledger.behind_cursor(run) if since else self.ledger.next_row(run),
            stop=self.stop,
        )

    def _flow(
        self,
        run: RunRecord,
        assembly: Assembly,
        people: People,
        match: Match,
        pipeline: Pipeline,
        progress: Progress,
        shaped: Iterable[tuple[pl.DataFrame, str | None]],
        then: Callable[[Journal], None] = lambda journal: None,
    ) -> None:
        sink, source = assembly.sink, assembly.source

        def recorded(seq: int, read: int, to_send: int) -> None:
            progress.read += read
            progress.to_send += to_send
            self._told(run.id, seq, progress)
            self.ledger.set_calls(run, source=run.source_calls + source.calls, sink=run.sink_calls + sink.calls)

        def sent(leads: int) -> None:
            progress.sent += leads
            self._told(run.id, None, progress)

        remember = sink.remembers()
        with (
            self.ledger.journal(run, account=assembly.account, target=people.target, remember=remember) as journal,
            Delivery(
                sink, journal, assembly.mapped, stop=self.stop, opted_out=match.opted_out, progress=sent
            ) as delivery,
        ):
            if run.resumed:
                resume(delivery, self.ledger.open_batches(run))
            pipeline.flow(shaped, journal, delivery, first_batch=self.ledger.next_batch(run), recorded=recorded)
            delivery.finish()
            then(journal)

    # ------------------------------------------------------------------------------------------ what people are told

    def _budgets(self, progress: Progress) -> Budgets:
        def waiting(name: str, until: float) -> None:
            progress.waiting, progress.waiting_until = name, until
            self._told(None, None, progress)

        return Budgets(self.ledger.budget_store(), stop=self.stop, waiting=waiting)

    def _told(self, run_id: str | None, batch: int | None, progress: Progress) -> None:
        self.observers.tell("syncline_batch_committed", receipt=vars(progress) | {"run": run_id, "batch": batch})


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
