"""The metrics for Prometheus: kept in this process, and given out as text."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .metrics import METRICS, Labels, Readings


class Prometheus:
    """Counters and histograms of this process, gauges as they are read, and what Prometheus knows of any process."""

    def __init__(self, gauges: Readings) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # twice as many lines otherwise, and nobody asks for them
        self._registry = CollectorRegistry(auto_describe=False)
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        for name, each in METRICS.items():
            if each.kind == "counter":
                self._counters[name] = Counter(each.prometheus, each.meaning, each.labels, registry=self._registry)
            elif each.kind == "histogram":
                self._histograms[name] = Histogram(
                    each.prometheus, each.meaning, each.labels, registry=self._registry, buckets=each.buckets
                )
        self._registry.register(_Gauges(gauges))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """The Prometheus text format, version 0.0.4."""
        return generate_latest(self._registry)

    def add(self, name: str, n: float, labels: Labels) -> None:
        """See `Meters`."""
        counter = self._counters[name]
        (counter.labels(**labels) if labels else counter).inc(n)

    def record(self, name: str, value: float, labels: Labels) -> None:
        """See `Meters`."""
        histogram = self._histograms[name]
        (histogram.labels(**labels) if labels else histogram).observe(value)

    def close(self) -> None:
        """Nothing is sent."""


class _Gauges(Collector):
    def __init__(self, read: Readings) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Each gauge with what it shows now."""
        for name, readings in self._read().items():
            each = METRICS[name]
            family = GaugeMetricFamily(each.prometheus, each.meaning, labels=each.labels)
            for labels, value in readings:
                family.add_metric([labels[label] for label in each.labels], value)
            yield family
