"""Runs one sync, from the lease to the last line of its history, whatever happens in between."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from . import window as windows
from .assembly import Assembly
from .budget import Budgets
from .decision import Outcome
from .errors import Deactivate, Fatal, NotRunnable, SynclineError
from .ledger import Ledger, RunRecord, SyncRecord
from .pipeline import resume
from .pipeline.deliver import Delivery
from .pipeline.extract import Extraction
from .pipeline.match import Match
from .pipeline.people import People, nobody
from .pipeline.screen import recall
from .plugin import End, Ending, Runtime
from .registry import Registry
from .secrets import Redactor
from .spec import Bound
from .spec.model import Spec

log = logging.getLogger("syncline")
HEARTBEAT = 10.0
"""Seconds between signs of life; the ledger frees a lease after six of them are missed."""


@dataclass
class Progress:
    """Where a run stands, as observers are told: leads read, leads to be sent, leads sent, and who is waited for."""

    read: int = 0
    to_send: int = 0
    sent: int = 0
    waiting: str | None = None
    waiting_until: float | None = None


@dataclass
class Executor:
    """Runs syncs of one ledger. `stop` ends a run gracefully: calls in flight finish, the rest is left for later."""

    ledger: Ledger
    registry: Registry
    redactor: Redactor
    cache: Any
    stop: threading.Event = field(default_factory=threading.Event)

    def runtime(self, budgets: Budgets) -> Runtime:
        """What connections are lent."""
        return Runtime(budgets, self.redactor, self.cache, self.ledger.state_folder, self.stop)

    def meet(self, spec: Spec) -> SyncRecord:
        """Make the sync known to the ledger: created at the first time, revised when the spec changed."""
        return self.ledger.meet(
            spec.name,
            identity=dict(spec.identity),
            spec=dict(spec.raw),
            source_scope=scope_of(spec),
            replaces=spec.replaces,
        )

    def run(self, bound: Bound, *, trigger: str = "manual") -> RunRecord:
        """One run of the sync, or the rest of one that was broken off.

        Raises `NotRunnable`, `Busy` and `SpecError` before a run exists; afterwards whatever ends the run is recorded
        in it, and the record is returned.
        """
        spec = bound.spec
        sync = self.meet(spec)
        if not spec.enabled:
            raise NotRunnable(
                f"sync {spec.name} is paused", sync=spec.name, state="paused", why="its spec says enabled: false",
                mend="say enabled: true",
            )  # fmt: skip
        progress = Progress()
        with Assembly(bound, self.runtime(self._budgets(progress))) as assembly:
            zone = assembly.source.zone() if spec.retrieve.after and not _has_offset(spec.retrieve.after) else None
            window = windows.window_of(
                spec, created=sync.created_at, watermark=sync.watermark, zone=zone, now=self.ledger.now()
            )
            run = self.ledger.start_run(sync, trigger=trigger, window=windows.stored(window))
            self._tell("syncline_run_started", run=run.document())
            with self._alive(run):
                return self._recorded(sync, run, assembly, progress)

    def _recorded(self, sync: SyncRecord, run: RunRecord, assembly: Assembly, progress: Progress) -> RunRecord:
        """Carry the run out and close it with what became of it."""
        try:
            end = self._carry_out(sync, run, assembly, progress)
        except Deactivate as error:
            return self._close(run, assembly, "inactive", self._clean(error), deactivate=sync)
        except KeyboardInterrupt:
            return self._close(run, assembly, "interrupted", "interrupted; the rest is left for the next run")
        except SynclineError as error:
            status = "interrupted" if self.stop.is_set() else "failed"
            return self._close(run, assembly, status, self._clean(error))
        except Exception as error:
            log.debug("the run broke", exc_info=True)
            closed = self._close(run, assembly, "failed", f"broke: {type(error).__name__}: {self._clean(error)}")
            raise BrokenRun(closed) from error
        if end.ending is Ending.STOPPED_EARLY:
            why = "interrupted" if self.stop.is_set() else "the source stopped early"
            return self._close(
                run, assembly, "interrupted" if self.stop.is_set() else "failed", f"{why}; the next run goes on"
            )
        return self._close(run, assembly, None, "", end=end, scope=scope_of(assembly.spec), sync=sync)

    def _carry_out(self, sync: SyncRecord, run: RunRecord, assembly: Assembly, progress: Progress) -> End:
        source, sink = assembly.source, assembly.sink
        sink.prepare(assembly.mapped)
        account = assembly.account
        people = self.people(sync, assembly, keep=True)
        match = self.match(assembly, people)
        window = windows.restored(run.window)
        whole_fetch = any(rule.whole_fetch for rule in assembly.rules)
        since = None if whole_fetch else run.cursor
        recorded = self._recall(run, assembly) if run.resumed else None
        extraction = Extraction(
            source, source.partitions(window), since=since, recorded=recorded,
            behind_cursor=self.ledger.behind_cursor(run) if since else (recorded.height if recorded is not None else 0),
            stop=self.stop,
        )  # fmt: skip

        def count_calls() -> None:
            self.ledger.set_calls(run, source=source.calls, sink=sink.calls)

        def batch_recorded(seq: int, read: int, to_send: int) -> None:
            progress.read += read
            progress.to_send += to_send
            self._told(run, seq, progress)
            count_calls()

        def sent(leads: int) -> None:
            progress.sent += leads
            self._told(run, None, progress)

        with (
            self.ledger.journal(run, account=account, target=people.target, remember=sink.remembers()) as journal,
            Delivery(
                sink, journal, assembly.mapped, stop=self.stop, opted_out=match.opted_out, progress=sent
            ) as delivery,
        ):
            if run.resumed:
                resume(delivery, self.ledger.open_batches(run))
            end = assembly.pipeline(match).flow(
                extraction, journal, delivery, first_batch=self.ledger.next_batch(run), recorded=batch_recorded
            )
            delivery.finish()
        return end

    def people(self, sync: SyncRecord | None, assembly: Assembly, *, keep: bool) -> People:
        """What is known of people; `keep` False: a refreshed audience is not stored."""
        account = assembly.account

        def store(part: Any, started: Any) -> None:
            if keep:
                self.ledger.record_audience(account, part, started)

        return People(
            assembly.sink,
            members=self.ledger.members(sync.id) if sync else nobody(),
            audience=self.ledger.audience(account),
            held=self.ledger.held(account),
            keep=store,
            now=self.ledger.now,
            target=sync.target if sync else None,
        )

    def match(self, assembly: Assembly, people: People) -> Match:
        """The stage that decides."""
        return Match(assembly.sink, people, self.ledger.suppressed, unique=assembly.unique)

    def _recall(self, run: RunRecord, assembly: Assembly) -> pl.DataFrame | None:
        frames = list(self.ledger.recorded(run))
        recall(assembly.rules, frames)
        return pl.concat(frames) if frames else None

    def _close(
        self,
        run: RunRecord,
        assembly: Assembly,
        status: str | None,
        message: str,
        *,
        end: End | None = None,
        scope: str | None = None,
        deactivate: SyncRecord | None = None,
        sync: SyncRecord | None = None,
    ) -> RunRecord:
        self.ledger.set_calls(run, source=assembly.source.calls, sink=assembly.sink.calls)
        if status is None:
            counts = self.ledger.run(run.id).counts
            status = "partial" if counts.of(Outcome.REJECTED) or counts.of(Outcome.UNKNOWN) else "succeeded"
        closed = self.ledger.finish_run(
            run, status=status, message=message, watermark=end.watermark if end else None, scope=scope
        )
        if deactivate is not None:
            self.ledger.set_state(deactivate.id, "inactive", message)
            self._tell("syncline_sync_deactivated", sync=deactivate.name, reason=message)
        schedule = assembly.spec.schedule
        if sync is not None and status == "succeeded" and schedule is not None and schedule.frequency == "once":
            self.ledger.set_state(sync.id, "completed", "frequency is once, and its run is done")
        self._tell("syncline_run_finished", run=closed.document())
        return closed

    def _budgets(self, progress: Progress) -> Budgets:
        def waiting(name: str, until: float) -> None:
            progress.waiting, progress.waiting_until = name, until
            self._tell("syncline_batch_committed", receipt=vars(progress) | {"run": None, "batch": None})

        return Budgets(self.ledger.budget_store(), stop=self.stop, waiting=waiting)

    def _told(self, run: RunRecord, seq: int | None, progress: Progress) -> None:
        self._tell("syncline_batch_committed", receipt=vars(progress) | {"run": run.id, "batch": seq})

    def _tell(self, hook: str, **news: Any) -> None:
        """Tell every observer; one that raises is logged and passed over."""
        for package, implementation in self.registry.observers(hook):
            try:
                implementation.function(*(news[name] for name in implementation.argnames))
            except Exception as error:  # noqa: BLE001 - a stranger's observer may raise anything, and must not end a run
                log.warning("observer %s failed at %s: %s", package, hook, type(error).__name__)

    @contextmanager
    def _alive(self, run: RunRecord) -> Iterator[None]:
        """Signs of life while the run may be waiting for a long time."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT):
                try:
                    self.ledger.heartbeat(run)
                except Fatal as error:
                    log.warning("%s", error)
                    return

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _clean(self, error: BaseException) -> str:
        return self.redactor.clean(str(error))


class BrokenRun(SynclineError):
    """A run ended by a defect, ours or a plugin's; `run` is its record, the cause is chained."""

    def __init__(self, run: RunRecord) -> None:
        super().__init__(run.message, where=f"run {run.id}")
        self.run = run


def scope_of(spec: Spec) -> str:
    """Equal exactly for specs that read the same records: what a later run may compare with to find who is gone."""
    parts: Mapping[str, Any] = {
        "source": {"type": spec.source.type} | dict(spec.source.config),
        "retrieve": spec.retrieve.mode,
    }
    return hashlib.blake2b(msgspec.json.encode(parts, order="sorted"), digest_size=12).hexdigest()


def _has_offset(moment: str) -> bool:
    return datetime.fromisoformat(moment).tzinfo is not None
