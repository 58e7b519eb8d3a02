"""Metrics and traces over OTLP (HTTP), by the SDK of OpenTelemetry, which reads its own variables."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, StatusCode, set_span_in_context

from .metrics import METRICS, Labels, Readings

SCOPE = "syncline"
GOOD = ("succeeded", "partial", "held", "interrupted")
"""Ends of a run that are no error of it."""


def resource() -> Resource:
    """Who sends this: named by the environment, else `syncline`."""
    found = Resource.create({SERVICE_VERSION: version("syncline")})
    named = str(found.attributes[SERVICE_NAME])
    return found.merge(Resource({SERVICE_NAME: SCOPE})) if named.startswith("unknown_service") else found


class OtlpMeters:
    """The metrics, sent every minute (`OTEL_METRIC_EXPORT_INTERVAL`) and at the end."""

    def __init__(self, gauges: Readings) -> None:
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        self._provider = MeterProvider([reader], resource(), shutdown_on_exit=False)
        meter = self._provider.get_meter(SCOPE)
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        for name, each in METRICS.items():
            if each.kind == "counter":
                self._counters[name] = meter.create_counter(name, each.unit, each.meaning)
            elif each.kind == "histogram":
                self._histograms[name] = meter.create_histogram(
                    name, each.unit, each.meaning, explicit_bucket_boundaries_advisory=each.buckets
                )
            else:
                meter.create_observable_gauge(name, [_observed(gauges, name)], each.unit, each.meaning)

    def add(self, name: str, n: float, labels: Labels) -> None:
        """See `Meters`."""
        self._counters[name].add(n, labels)

    def record(self, name: str, value: float, labels: Labels) -> None:
        """See `Meters`."""
        self._histograms[name].record(value, labels)

    def close(self) -> None:
        """See `Meters`."""
        self._provider.shutdown()


def _observed(gauges: Readings, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, labels) for labels, value in gauges().get(name, ())]

    return observe


@dataclass
class _Course:
    """A run on its way, shared by its threads: told of one thing at a time, so it needs no lock."""

    span: Span
    context: Context
    mark: int
    """When the last batch was recorded, in nanoseconds since the epoch."""
    read: int = 0
    to_send: int = 0
    waits: dict[str, float] = field(default_factory=dict)


_course: ContextVar[_Course | None] = ContextVar("syncline_course", default=None)
"""The run of this thread; each run has a context of its own."""


class Traces:
    """A span for each run; below it one for each batch and one for each wait for a call budget."""

    def __init__(self) -> None:
        self._provider = TracerProvider(resource=resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(SCOPE)

    def started(self, run: Mapping[str, Any]) -> None:
        """The run begins."""
        names = {f"syncline.{key}": run[key] for key in ("sync", "run", "trigger", "resumed")}
        span = self._tracer.start_span("syncline.run", attributes=names)
        _course.set(_Course(span, set_span_in_context(span), time.time_ns()))

    def batch(self, receipt: Mapping[str, Any]) -> None:
        """A batch was recorded, or a wait begins."""
        course = _course.get()
        if course is None:
            return
        if receipt["batch"] is not None:
            now = time.time_ns()
            about = {
                "syncline.batch": receipt["batch"],
                "syncline.leads.read": receipt["read"] - course.read,
                "syncline.leads.to_send": receipt["to_send"] - course.to_send,
            }
            self._tracer.start_span("syncline.batch", course.context, attributes=about, start_time=course.mark).end(now)
            course.mark, course.read, course.to_send = now, receipt["read"], receipt["to_send"]
        elif receipt["waiting"] and course.waits.get(receipt["waiting"], 0.0) < (receipt["waiting_until"] or 0.0):
            budget, until = receipt["waiting"], receipt["waiting_until"]
            course.waits[budget] = until
            course.span.add_event(
                "waiting for a call budget",
                {"syncline.budget": budget, "syncline.wait": max(until - time.time(), 0.0)},
            )

    def finished(self, run: Mapping[str, Any]) -> None:
        """The run is over."""
        course = _course.get()
        if course is None:
            return
        course.span.set_attribute("syncline.status", run["status"])
        for outcome, n in run["counts"].items():
            course.span.set_attribute(f"syncline.leads.{outcome}", n)
        for side, n in run["calls"].items():
            course.span.set_attribute(f"syncline.calls.{side}", n)
        if run["status"] not in GOOD:
            course.span.set_status(StatusCode.ERROR, run.get("message", ""))
        course.span.end()
        _course.set(None)

    def broken_off(self, reason: str) -> None:
        """The run is not over, but nothing more happens to it in this process."""
        course = _course.get()
        if course is not None:
            course.span.set_status(StatusCode.ERROR, reason)
            course.span.end()
            _course.set(None)

    def close(self) -> None:
        """Send what is still to be sent, however long it takes."""
        self._provider.shutdown()


def backends(gauges: Readings, *, traces: bool, metrics: bool) -> tuple[Sequence[OtlpMeters], Traces | None]:
    """Those that are wanted. Of a collector that does not answer one line is told each time, not one for each try."""
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    return ([OtlpMeters(gauges)] if metrics else []), (Traces() if traces else None)
