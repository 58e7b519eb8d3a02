"""The observer that turns what it is told into metrics and traces."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..hooks import hookimpl
from ..ledger import Ledger
from .environment import asked
from .gauges import Gauges
from .metrics import Meters

if TYPE_CHECKING:
    from .otlp import Traces
    from .prometheus import Prometheus

log = logging.getLogger("syncline")
FLUSH = 10.0
"""Seconds that `close` gives to what is still to be sent."""
MISSING = "the environment asks for OpenTelemetry, which is not installed: pip install 'syncline[telemetry]'"


class Telemetry:
    """Told of runs, it counts and traces them."""

    def __init__(
        self, gauges: Gauges, meters: Sequence[Meters], traces: Traces | None, prometheus: Prometheus | None
    ) -> None:
        self._gauges = gauges
        self._meters = [*meters, *([prometheus] if prometheus else [])]
        self._traces = traces
        self._prometheus = prometheus

    def text(self) -> bytes:
        """The metrics as Prometheus reads them; nothing unless opened for it."""
        return self._prometheus.text() if self._prometheus else b""

    def close(self, seconds: float = FLUSH) -> None:
        """Send what is still to be sent, within so many seconds; a collector that hangs is left behind."""
        until = time.monotonic() + seconds
        closes = [each.close for each in self._meters] + ([self._traces.close] if self._traces else [])
        threads = [threading.Thread(target=close, name="telemetry", daemon=True) for close in closes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0.0))
        if any(thread.is_alive() for thread in threads):
            log.warning("the process ends before the OTLP collector took everything")

    @hookimpl
    def syncline_run_started(self, run: Mapping[str, Any]) -> None:
        """One more is under way; one that starts for a firing, so much later than that was due."""
        self._gauges.runs(1)
        if run.get("due") and not run["resumed"]:
            late = datetime.fromisoformat(run["started_at"]) - datetime.fromisoformat(run["due"])
            self._record("syncline.firing.lateness", max(late.total_seconds(), 0.0))
        if self._traces:
            self._traces.started(run)

    @hookimpl
    def syncline_batch_committed(self, receipt: Mapping[str, Any]) -> None:
        """A batch, or a wait."""
        if receipt["waiting"] and receipt["waiting_until"]:
            self._gauges.waiting(receipt["waiting"], receipt["waiting_until"])
        if self._traces:
            self._traces.batch(receipt)

    @hookimpl
    def syncline_run_finished(self, run: Mapping[str, Any]) -> None:
        """Count it."""
        self._gauges.runs(-1)
        names = {"sync": run["sync"]}
        self._add("syncline.runs", 1, names | {"status": run["status"], "trigger": run["trigger"]})
        lasted = datetime.fromisoformat(run["finished_at"]) - datetime.fromisoformat(run["started_at"])
        self._record("syncline.run.duration", lasted.total_seconds(), {"status": run["status"]})
        for outcome, n in run["counts"].items():
            if outcome != "total":
                self._add("syncline.leads", n, names | {"outcome": outcome})
        for side, n in run["calls"].items():
            self._add("syncline.calls", n, names | {"side": side})
        if self._traces:
            self._traces.finished(run)

    @hookimpl
    def syncline_run_broken_off(self, run: Mapping[str, Any], reason: str) -> None:
        """It is under way no longer, here at least."""
        self._gauges.runs(-1)
        if self._traces:
            self._traces.broken_off(reason)

    @hookimpl
    def syncline_run_postponed(self, sync: str, reason: str, failures: int, until: str) -> None:
        """Count it."""
        self._add("syncline.runs.postponed", 1, {"sync": sync})

    def _add(self, name: str, n: float, labels: Mapping[str, str]) -> None:
        for each in self._meters:
            each.add(name, n, labels)

    def _record(self, name: str, value: float, labels: Mapping[str, str] = {}) -> None:
        for each in self._meters:
            each.record(name, value, labels)


def opened(ledger: Ledger, environ: Mapping[str, str], *, serving: bool, scraped: bool) -> Telemetry | None:
    """What the environment asks for; `scraped`: also for Prometheus. None when nobody wants to know anything.

    A process that does not stay (`serving` False) says nothing of the ledger as a whole. What cannot be had is a
    warning in the log.
    """
    wanted = asked(environ)
    for fault in wanted.faults:
        log.warning("no telemetry: %s", fault)
    gauges = Gauges(ledger if serving else None)
    meters: Sequence[Meters] = ()
    traces = None
    if wanted.traces or wanted.metrics:
        try:
            from .otlp import backends
        except ModuleNotFoundError as error:
            log.warning("no telemetry: %s (%s)", MISSING, error.name)
        else:
            meters, traces = backends(gauges, traces=wanted.traces, metrics=wanted.metrics)
    prometheus = None
    if scraped:
        from .prometheus import Prometheus

        prometheus = Prometheus(gauges)
    return Telemetry(gauges, meters, traces, prometheus) if meters or traces or prometheus else None
