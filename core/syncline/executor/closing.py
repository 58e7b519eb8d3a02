"""The end of a run: its status, the state of its sync, and what observers are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..assembly import Assembly
from ..decision import Outcome
from ..ledger import ASIDE, Ledger, RunRecord, SyncRecord, iso
from ..observers import Observers
from ..plugin import End

State = tuple[str, str]
"""The state of a sync, and the reason."""


@dataclass(frozen=True)
class Closing:
    """Closes one run, or leaves it to rest; exactly one of its methods is called."""

    ledger: Ledger
    observers: Observers
    sync: SyncRecord
    run: RunRecord
    assembly: Assembly

    def complete(self, end: End, scope: str | None) -> RunRecord:
        """All was read and everything sent: succeeded, or partial when a lead was rejected or is unknown."""
        counts = self.ledger.run(self.run.id).counts
        left = counts.of(Outcome.REJECTED) + counts.of(Outcome.UNKNOWN)
        return self._close(
            "partial" if left else "succeeded", "", watermark=end.watermark, scope=scope, becomes=self._completed
        )

    def failed(self, message: str, *, after: float = 0.0) -> RunRecord:
        """Something ended the run; the next one may succeed, `after` seconds from now at the earliest."""
        closed = self._close("failed", message, after=after)
        sync = self.ledger.sync(self.sync.name)
        if self.run.due is not None and sync is not None and sync.retry_at is not None:
            until = iso(sync.retry_at)
            news = {"sync": sync.name, "reason": message, "failures": sync.failures, "until": until}
            self.observers.tell("syncline_run_postponed", **news)
        return closed

    def interrupted(self, besides: str = "") -> RunRecord:
        """Somebody stopped the run; `besides`, this went wrong."""
        stopped = "stopped; what was not sent is left for the next run"
        return self._close("interrupted", f"{stopped}; besides: {besides}" if besides else stopped)

    def rests(self, message: str) -> RunRecord:
        """No call of the day is left: the run is not closed, and goes on another day under its own id."""
        self._note_calls()
        resting = self.ledger.rest(self.run, message)
        self.observers.tell("syncline_run_broken_off", run=resting.document(), reason=message)
        return resting

    def held(self, message: str) -> RunRecord:
        """A guard holds the removals; everything else was done."""
        return self._close("held", message)

    def inactive(self, reason: str) -> RunRecord:
        """The source or the sink is gone for good, and so is the sync."""
        closed = self._close("inactive", reason, becomes=lambda sync: ("inactive", reason))
        self.observers.tell("syncline_sync_deactivated", sync=self.sync.name, reason=reason)
        return closed

    def _completed(self, sync: SyncRecord) -> State | None:
        """A sync that was to run once is completed by its run, also when it was paused meanwhile; not when its schedule
        was edited meanwhile: that one is due anew."""
        schedule = self.assembly.spec.schedule
        if schedule is None or schedule.frequency != "once" or self.run.trigger in ASIDE:
            return None
        edited = sync.spec.get("schedule") != self.assembly.spec.raw.get("schedule")
        return None if edited else ("completed", "frequency is once, and its run is done")

    def _close(
        self,
        status: str,
        message: str,
        *,
        watermark: str | None = None,
        scope: str | None = None,
        after: float = 0.0,
        becomes: Callable[[SyncRecord], State | None] = lambda sync: None,
    ) -> RunRecord:
        changed: list[State] = []

        def state(sync: SyncRecord) -> State | None:
            following = becomes(sync)
            if following and sync.state not in (following[0], "inactive"):
                changed.append(following)
            return following

        self._note_calls()
        closed = self.ledger.finish_run(
            self.run, status=status, message=message, watermark=watermark, scope=scope, after=after, becomes=state
        )
        self.observers.tell("syncline_run_finished", run=closed.document())
        for each, reason in changed:
            self.observers.tell("syncline_state_changed", sync=self.sync.name, state=each, reason=reason)
        return closed

    def _note_calls(self) -> None:
        source, sink = self.assembly.source.calls, self.assembly.sink.calls
        self.ledger.set_calls(self.run, source=self.run.source_calls + source, sink=self.run.sink_calls + sink)
