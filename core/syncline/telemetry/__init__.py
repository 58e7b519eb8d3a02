"""Telemetry: what runs do, as metrics for Prometheus and as metrics and traces over OTLP. Imported when asked for."""

from .metrics import METRICS, Metric
from .observer import Telemetry, opened

__all__ = ["METRICS", "Metric", "Telemetry", "opened"]
