"""The end of a run: its status, the state of its sync, and what observers are told."""

from __future__ import annotations

from dataclasses import dataclass

from ..assembly import Assembly
from ..decision import Outcome
from ..ledger import Ledger, RunRecord, SyncRecord, iso
from ..observers import Observers
from ..plugin import End


@dataclass(frozen=True)
class Closing:
    """Closes one run; exactly one of its methods is called."""

    ledger: Ledger
    observers: Observers
    sync: SyncRecord
    run: RunRecord
    assembly: Assembly

    def complete(self, end: End, scope: str | None) -> RunRecord:
        """All was read and everything sent: succeeded, or partial when a lead was rejected or is unknown."""
        counts = self.ledger.run(self.run.id).counts
        left = counts.of(Outcome.REJECTED) + counts.of(Outcome.UNKNOWN)
        schedule = self.assembly.spec.schedule
        once = schedule is not None and schedule.frequency == "once" and self.run.trigger != "retry"
        return self._close(
            "partial" if left else "succeeded",
            "",
            watermark=end.watermark,
            scope=scope,
            becomes=("completed", "frequency is once, and its run is done") if once else None,
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

    def interrupted(self) -> RunRecord:
        """Somebody stopped the run."""
        return self._close("interrupted", "stopped; what was not sent is left for the next run")

    def held(self, message: str) -> RunRecord:
        """A guard holds the removals; everything else was done."""
        return self._close("held", message)

    def inactive(self, reason: str) -> RunRecord:
        """The source or the sink is gone for good, and so is the sync."""
        closed = self._close("inactive", reason, becomes=("inactive", reason))
        self.observers.tell("syncline_sync_deactivated", sync=self.sync.name, reason=reason)
        return closed

    def _close(
        self,
        status: str,
        message: str,
        *,
        watermark: str | None = None,
        scope: str | None = None,
        after: float = 0.0,
        becomes: tuple[str, str] | None = None,
    ) -> RunRecord:
        source, sink = (
            self.run.source_calls + self.assembly.source.calls,
            self.run.sink_calls + self.assembly.sink.calls,
        )
        self.ledger.set_calls(self.run, source=source, sink=sink)
        closed = self.ledger.finish_run(
            self.run, status=status, message=message, watermark=watermark, scope=scope, after=after, becomes=becomes
        )
        self.observers.tell("syncline_run_finished", run=closed.document())
        sync = self.ledger.sync(self.sync.name)
        if becomes is not None and sync is not None and (sync.state, sync.reason) == becomes:
            self.observers.tell("syncline_state_changed", sync=sync.name, state=sync.state, reason=sync.reason)
        return closed
