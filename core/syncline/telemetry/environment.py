"""What the environment asks for, in the standard variables of OpenTelemetry.

An endpoint (`OTEL_EXPORTER_OTLP_ENDPOINT`, or one for traces or metrics alone) or an exporter that is named `otlp`
switches telemetry on. The exporters read everything else (headers, time-outs, intervals, resources) by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PROTOCOL = "http/protobuf"


@dataclass(frozen=True)
class Asked:
    """Which signals are wanted, and what of the wishes cannot be fulfilled, in words."""

    traces: bool
    metrics: bool
    faults: tuple[str, ...] = ()


def asked(environ: Mapping[str, str]) -> Asked:
    """What this environment asks for."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Asked(False, False)
    faults: list[str] = []
    traces, metrics = (_signal(environ, signal, faults) for signal in ("TRACES", "METRICS"))
    return Asked(traces, metrics, tuple(faults))


def _signal(environ: Mapping[str, str], signal: str, faults: list[str]) -> bool:
    endpoint = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    variable = f"OTEL_{signal}_EXPORTER"
    exporter = environ.get(variable, "").strip() or ("otlp" if endpoint else "none")
    if exporter == "none":
        return False
    if exporter != "otlp":
        faults.append(f"{variable}={exporter} is not supported; say otlp or none")
        return False
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if protocol := environ.get(name, "").strip():
            if protocol != PROTOCOL:
                faults.append(f"{name}={protocol} is not supported; say {PROTOCOL} (port 4318 of most collectors)")
            return protocol == PROTOCOL
    return True
