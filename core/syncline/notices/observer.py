"""The observer that notifies people. It judges in the run's thread and sends in others."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..hooks import hookimpl
from ..ledger import ASIDE, BAD, GOOD, Ledger
from ..spec import Degraded
from .courier import Courier
from .judgement import lasting, newly_over
from .notice import Notice
from .receiver import Receiver

FLUSH = 10.0
"""Seconds that `close` gives to what is still to be sent."""


class Notices:
    """Told of runs, it tells the receivers what people should know.

    `failed`: the first failure after a good run, and again when it has lasted a day, two, four and so on. `recovered`:
    the first good run after a failure. `degraded`: a share is over a limit that the run before kept. `inactive`: at
    once. All of it follows from the ledger, so it does not matter which process carried out the run before; only of
    runs that could not start, of which the ledger has nothing, each process knows its own.
    """

    def __init__(self, ledger: Ledger, receivers: Sequence[Receiver], limits: Degraded) -> None:
        self._ledger = ledger
        self._limits = limits
        self._couriers = [Courier(receiver) for receiver in receivers]
        self._just_failed: set[str] = set()
        self._not_started: dict[str, tuple[datetime, datetime]] = {}
        """sync → when it could not start for the first time, and for the last."""

    def close(self, seconds: float = FLUSH) -> None:
        """Send what is still to be sent, within so many seconds; what is left over is logged."""
        for courier in self._couriers:
            courier.hurry()
        until = time.monotonic() + seconds
        for courier in self._couriers:
            courier.close(until - time.monotonic())

    @hookimpl
    def syncline_run_finished(self, run: Mapping[str, Any]) -> None:
        """Judge the run. A retry or an undo is no fetch: it says nothing of whether the sync works."""
        if run["trigger"] in ASIDE:
            return
        if run["status"] in BAD:
            self._just_failed.add(run["sync"])
            self._failed(run)
        elif run["status"] in GOOD:
            self._just_failed.discard(run["sync"])
            self._recovered(run)
            if shares := newly_over(self._ledger, run["run"], run["counts"], self._limits):
                self._tell("degraded", run["sync"], self._too_many(shares), run=run, shares=shares)

    @hookimpl
    def syncline_sync_deactivated(self, sync: str, reason: str) -> None:
        """Tell it, with the run that found out."""
        record = self._ledger.sync(sync)
        found = self._ledger.runs(record.id, 1) if record else []
        run = found[0].document() if found and found[0].status == "inactive" else None
        self._tell("inactive", sync, reason, run=run)

    @hookimpl
    def syncline_run_postponed(self, sync: str, reason: str, failures: int, until: str) -> None:
        """Tell of a run that could not start; one that ran and failed was told already."""
        if sync in self._just_failed:
            self._just_failed.discard(sync)
            return
        now = self._ledger.now()
        since, latest = self._not_started.get(sync, (now, now))
        self._not_started[sync] = (since, now)
        if failures == 1 or lasting(since, latest, now):
            self._tell("failed", sync, f"it cannot start: {reason}", failures=failures, since=since)

    def _failed(self, run: Mapping[str, Any]) -> None:
        streak = self._ledger.streak(run["run"])
        now = streak.ended or self._ledger.now()
        since = streak.since or now
        if not streak.failures or lasting(since, streak.latest or now, now):
            self._tell(
                "failed", run["sync"], run.get("message", ""), run=run, failures=streak.failures + 1, since=since
            )

    def _recovered(self, run: Mapping[str, Any]) -> None:
        streak = self._ledger.streak(run["run"])
        since = streak.since
        if noted := self._not_started.pop(run["sync"], None):
            others_did = streak.good is not None and streak.good > noted[0]
            since = since if others_did else min(noted[0], since or noted[0])
        if since is not None:
            self._tell("recovered", run["sync"], "", run=run, failures=streak.failures, since=since)

    def _too_many(self, shares: Mapping[str, float]) -> str:
        bounds = {"ignored": self._limits.ignored, "rejected": self._limits.rejected}
        return ", ".join(
            f"{share:.1%} of the leads are {name} (the limit is {bounds[name] * 100:g}%)"
            for name, share in shares.items()
        )

    def _tell(self, event: str, sync: str, reason: str, **more: Any) -> None:
        notice = Notice(event, sync, self._ledger.now(), reason, **more)
        for courier in self._couriers:
            if courier.receiver.notification.wants(event, sync):
                courier.take(notice)
