"""Every metric, once; each backend makes its own instruments of them.

Labels are names of syncs, states, outcomes and the like: never anything of a person, and nothing without bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Metric:
    """A metric by its OpenTelemetry name. A counter only grows, a histogram counts values by `buckets`, a gauge is read
    when somebody looks."""

    name: str
    kind: Literal["counter", "histogram", "gauge"]
    unit: Literal["", "s"]
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()

    @property
    def prometheus(self) -> str:
        """Its name in Prometheus, as the OpenTelemetry specification derives it."""
        unit = {"": "", "s": "_seconds"}[self.unit]
        return self.name.replace(".", "_") + unit + ("_total" if self.kind == "counter" else "")


_BRIEF = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_LONG = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0)
METRICS = {
    each.name: each
    for each in (
        Metric("syncline.runs", "counter", "", ("sync", "status", "trigger"), "Runs that ended, by how."),
        Metric("syncline.run.duration", "histogram", "s", ("status",), "How long runs took.", _LONG),
        Metric("syncline.runs.active", "gauge", "", (), "Runs under way in this process."),
        Metric("syncline.leads", "counter", "", ("sync", "outcome"), "Leads of runs that ended, by outcome."),
        Metric("syncline.calls", "counter", "", ("sync", "side"), "Requests to the APIs of source and sink."),
        Metric(
            "syncline.last_success.age", "gauge", "s", ("sync",),
            "Time since the last good run of each active sync ended, in whichever process.",
        ),
        Metric("syncline.syncs", "gauge", "", ("state",), "Syncs of the ledger, by state."),
        Metric("syncline.firing.lateness", "histogram", "s", (), "How late scheduled runs started.", _BRIEF),
        Metric(
            "syncline.runs.postponed", "counter", "", ("sync",),
            "Times that a scheduled run failed, or could not start, and was put off.",
        ),
        Metric(
            "syncline.budget.wait", "gauge", "s", ("budget",),
            "Time until a call budget that runs of this process wait for has calls again.",
        ),
    )
}  # fmt: skip
"""By name, in the order in which people meet them."""

Reading = tuple[Labels, float]
Readings = Callable[[], Mapping[str, Sequence[Reading]]]
"""Gives what each gauge shows now. Called by any thread; never raises."""


class Meters(Protocol):
    """One backend."""

    def add(self, name: str, n: float, labels: Labels) -> None:
        """A counter grows by `n`."""
        ...

    def record(self, name: str, value: float, labels: Labels) -> None:
        """A histogram gets one more value."""
        ...

    def close(self) -> None:
        """Send what is still to be sent, however long it takes."""
        ...
