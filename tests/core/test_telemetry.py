"""Metrics and traces of real runs, received by a real OTLP receiver and read as Prometheus reads them."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families
from syncline.budget import Budgets, Limit, MemoryStore
from syncline.errors import LeaseLost
from syncline.ledger import Journal, Ledger
from syncline.observers import Observers
from syncline.telemetry import METRICS, Telemetry, opened
from syncline.telemetry.environment import asked
from workshop import Workshop, person

Labelled = dict[tuple[tuple[str, str], ...], float]
PEOPLE = [person("ann", 1), person("ben", 2, "refuse"), person("info", 3), person("cem", 4)]


class Collector:
    """Takes OTLP over HTTP and keeps what it decoded."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        self.metrics: dict[str, Any] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(self.path, body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def take(self, path: str, body: bytes) -> None:
        """One request."""
        if path == "/v1/traces":
            for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.services |= {
                    each.value.string_value for each in sent.resource.attributes if each.key == "service.name"
                }
                self.spans += [span for scope in sent.scope_spans for span in scope.spans]
        elif path == "/v1/metrics":
            for got in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics |= {each.name: each for scope in got.scope_metrics for each in scope.metrics}

    def values(self, name: str) -> Labelled:
        """What a counter or a gauge shows, by its labels."""
        metric = self.metrics[name]
        points = getattr(metric, metric.WhichOneof("data")).data_points
        return {
            tuple(sorted((each.key, each.value.string_value) for each in point.attributes)): point.as_double
            or point.as_int
            for point in points
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as made:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
        yield made


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as made:
        yield made


@pytest.fixture
def shop(tmp_path: Path, ledger: Ledger) -> Workshop:
    return Workshop(tmp_path, ledger)


def watched(shop: Workshop, environ: dict[str, str], *, scraped: bool = False) -> Telemetry:
    telemetry = opened(shop.ledger, environ, serving=True, scraped=scraped)
    assert telemetry is not None
    shop.registry.add_observer("syncline.telemetry", telemetry)
    return telemetry


def attributes(span: Any) -> dict[str, Any]:
    """As plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def test_a_run_is_a_span_with_its_batches_below_it(shop: Workshop, collector: Collector) -> None:
    telemetry = watched(shop, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    run = shop.run(PEOPLE, source={"page": 2})
    telemetry.close()
    (whole,) = [span for span in collector.spans if span.name == "syncline.run"]
    told = attributes(whole)
    assert told | {
        "syncline.sync": "sign-ups", "syncline.run": run.id, "syncline.trigger": "manual", "syncline.resumed": False,
        "syncline.status": "partial", "syncline.leads.total": 4, "syncline.leads.new": 2, "syncline.leads.ignored": 1,
        "syncline.leads.rejected": 1,
    } == told  # fmt: skip
    assert whole.status.code == 0
    batches = [span for span in collector.spans if span.name == "syncline.batch"]
    assert [(each.parent_span_id, each.trace_id) for each in batches] == [(whole.span_id, whole.trace_id)] * 2
    assert [attributes(each)["syncline.leads.read"] for each in batches] == [2, 2]
    assert whole.start_time_unix_nano <= batches[0].start_time_unix_nano <= batches[0].end_time_unix_nano
    assert batches[0].end_time_unix_nano <= batches[1].start_time_unix_nano <= whole.end_time_unix_nano
    assert collector.services == {"syncline"}
    assert "example.com" not in str(collector.spans)


def test_a_failed_run_is_an_error_with_its_message(shop: Workshop, collector: Collector) -> None:
    telemetry = watched(shop, {"OTEL_TRACES_EXPORTER": "otlp"})
    shop.run([person("ann", 1, "full")])
    telemetry.close()
    (whole,) = [span for span in collector.spans if span.name == "syncline.run"]
    assert whole.status.code == 2
    assert "the shelf is full" in whole.status.message
    assert collector.metrics == {}


def test_spans_of_runs_at_once_are_kept_apart(tmp_path: Path, ledger: Ledger, collector: Collector) -> None:
    shops = [Workshop(tmp_path / name, ledger) for name in ("autumn", "spring")]
    telemetry = opened(ledger, {"OTEL_TRACES_EXPORTER": "otlp"}, serving=True, scraped=False)
    assert telemetry is not None
    threads = []
    for shop in shops:
        shop.registry.add_observer("syncline.telemetry", telemetry)
        shop.records(PEOPLE)
        bound = shop.bound(name=shop.folder.name)
        threads.append(threading.Thread(target=shop.executor.run, args=(bound,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    telemetry.close()
    runs = {span.span_id: attributes(span)["syncline.sync"] for span in collector.spans if span.name == "syncline.run"}
    assert sorted(runs.values()) == ["autumn", "spring"]
    parents = [runs[span.parent_span_id] for span in collector.spans if span.name == "syncline.batch"]
    assert sorted(parents) == ["autumn", "spring"]


def test_a_wait_for_a_budget_is_an_event_of_the_run_that_waits(shop: Workshop, collector: Collector) -> None:
    telemetry = watched(shop, {"OTEL_TRACES_EXPORTER": "otlp"})
    begun = {"run": "1", "sync": "sign-ups", "trigger": "schedule", "resumed": False}
    ended = begun | {
        "status": "succeeded", "started_at": "2026-11-23T09:30:00Z", "finished_at": "2026-11-23T09:40:00Z",
        "counts": {"total": 0}, "calls": {"sink": 3},
    }  # fmt: skip
    until = datetime.now(UTC).timestamp() + 60
    receipt = {"batch": None, "read": 0, "to_send": 0, "sent": 0, "waiting": "hub", "waiting_until": until}

    def course() -> None:
        telemetry.syncline_run_started(begun)
        telemetry.syncline_batch_committed(receipt)
        telemetry.syncline_batch_committed(receipt | {"sent": 1})
        telemetry.syncline_run_finished(ended)

    copy_context().run(course)
    telemetry.syncline_batch_committed(receipt)  # outside of every run
    telemetry.close()
    (span,) = collector.spans
    (event,) = span.events
    told = attributes(event)
    assert (event.name, told["syncline.budget"]) == ("waiting for a call budget", "hub")
    assert 50 < told["syncline.wait"] <= 60


def test_a_collector_that_hangs_is_left_behind(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{mute.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        telemetry = watched(shop, {"OTEL_TRACES_EXPORTER": "otlp"})
        assert shop.run(PEOPLE).status == "partial"
        telemetry.close(0.1)
    assert "the process ends before the OTLP collector took everything" in caplog.text


def test_the_service_is_named_by_the_environment(
    shop: Workshop, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "leads-emea")
    telemetry = watched(shop, {"OTEL_TRACES_EXPORTER": "otlp"})
    shop.run(PEOPLE)
    telemetry.close()
    assert collector.services == {"leads-emea"}


# ---------------------------------------------------------------------------------------------------- metrics


def by_label(collected: Labelled, label: str) -> dict[str, float]:
    return {dict(labels)[label]: value for labels, value in collected.items()}


def test_every_metric_of_runs_goes_over_otlp(shop: Workshop, collector: Collector) -> None:
    telemetry = watched(shop, {"OTEL_METRICS_EXPORTER": "otlp"})
    carry_on(shop, telemetry)
    telemetry.close()
    assert set(collector.metrics) == set(METRICS)
    assert collector.values("syncline.runs") == {
        (("status", "partial"), ("sync", "sign-ups"), ("trigger", "manual")): 1,
        (("status", "failed"), ("sync", "sign-ups"), ("trigger", "schedule")): 1,
    }
    assert by_label(collector.values("syncline.leads"), "outcome")["rejected"] == 1
    assert collector.metrics["syncline.run.duration"].unit == "s"
    assert collector.spans == []


def test_every_metric_is_there_for_prometheus(shop: Workshop) -> None:
    telemetry = watched(shop, {}, scraped=True)
    run = carry_on(shop, telemetry)
    families = {each.name: each for each in text_string_to_metric_families(telemetry.text().decode())}
    samples = {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in families.values()
        for each in family.samples
    }
    wanted = {each.prometheus.removesuffix("_total"): each for each in METRICS.values()}
    assert wanted.keys() <= families.keys()
    kinds = {name: (families[name].type, families[name].documentation) for name in wanted}
    assert kinds == {name: (each.kind, each.meaning) for name, each in wanted.items()}
    sync = ("sync", "sign-ups")
    assert samples["syncline_runs_total", (("status", "failed"), sync, ("trigger", "schedule"))] == 1
    assert samples["syncline_leads_total", (("outcome", "new"), sync)] == 2
    assert samples["syncline_calls_total", (("side", "sink"), sync)] >= run.sink_calls > 0
    assert samples["syncline_run_duration_seconds_count", (("status", "partial"),)] == 1
    assert samples["syncline_runs_active", ()] == 0
    assert samples["syncline_syncs", (("state", "active"),)] == 1
    assert 0 <= samples["syncline_last_success_age_seconds", (sync,)] < 600
    assert 90 <= samples["syncline_firing_lateness_seconds_sum", ()] < 150
    assert samples["syncline_firing_lateness_seconds_count", ()] == 1
    assert samples["syncline_runs_postponed_total", (sync,)] == 1
    assert 3 < samples["syncline_budget_wait_seconds", (("budget", "hub"),)] < 60
    assert not [name for name, _ in samples if name.endswith("_created")]
    assert ("process_resident_memory_bytes", ()) in samples
    assert "example.com" not in telemetry.text().decode()


def carry_on(shop: Workshop, telemetry: Telemetry) -> Any:
    """One run that ends well, one that fails and is put off, and one that waits for a budget."""
    run = shop.run(PEOPLE)
    shop.records([person("eve", 9, "full")])
    shop.fired(timedelta(seconds=90))
    observers = Observers(shop.registry)
    stop = threading.Event()

    def waiting(name: str, until: float) -> None:
        news = {"run": None, "batch": None, "read": 0, "to_send": 0, "sent": 0, "waiting": name, "waiting_until": until}
        observers.tell("syncline_batch_committed", receipt=news)
        stop.set()

    budgets = Budgets(MemoryStore(), stop=stop, waiting=waiting)
    budgets.acquire("hub", Limit(1, 30.0))
    with pytest.raises(Exception, match="stopped while waiting"):
        budgets.acquire("hub", Limit(1, 30.0))
    return run


def test_the_age_of_the_last_success_is_that_of_the_ledger_and_grows(tmp_path: Path, ledger: Ledger) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger.open(url, now=lambda: datetime.now(UTC) - timedelta(hours=5)) as other:
        Workshop(tmp_path, other).run(PEOPLE)
    with Ledger.open(url, now=lambda: datetime.now(UTC) - timedelta(hours=1)) as other:
        Workshop(tmp_path, other).run([person("eve", 9, "full")])
    telemetry = opened(ledger, {}, serving=True, scraped=True)
    assert telemetry is not None
    (line,) = [each for each in telemetry.text().decode().splitlines() if each.startswith("syncline_last_success_age")]
    assert 5 * 3600 <= float(line.split()[-1]) < 5 * 3600 + 600
    ledger.set_state(1, "paused", "somebody paused it")
    telemetry = opened(ledger, {}, serving=True, scraped=True)
    assert telemetry is not None
    assert "syncline_last_success_age_seconds{" not in telemetry.text().decode()


def test_a_run_that_another_process_took_over_is_not_under_way_here(
    shop: Workshop, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*ignored: object, **also: object) -> None:
        raise LeaseLost("no longer ours")

    shop.run(PEOPLE)
    telemetry = watched(shop, {"OTEL_TRACES_EXPORTER": "otlp"}, scraped=True)
    monkeypatch.setattr(Journal, "open_batch", taken)
    with pytest.raises(LeaseLost):
        shop.run([person("eve", 9)])
    telemetry.close()
    assert "syncline_runs_active 0.0" in telemetry.text().decode()
    (whole,) = [span for span in collector.spans if span.name == "syncline.run"]
    assert (whole.status.code, whole.status.message) == (2, "no longer ours")


def test_a_ledger_that_is_gone_takes_only_its_own_metrics_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/other.db") as ledger:
        telemetry = opened(ledger, {}, serving=True, scraped=True)
    (tmp_path / "other.db").write_bytes(b"no database any more, by some accident" * 200)
    assert telemetry is not None
    text = telemetry.text().decode()
    assert "syncline_runs_active 0.0" in text
    assert "syncline_syncs" not in text
    assert "some metrics are left out" in caplog.text


# ------------------------------------------------------------------------------------------------ environment


@pytest.mark.parametrize(
    ("environ", "traces", "metrics"),
    [
        ({}, False, False),
        ({"OTEL_SERVICE_NAME": "x"}, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_METRICS_EXPORTER": "none"}, True, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4318/v1/metrics"}, False, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, False, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True, False),
    ],
)
def test_the_standard_variables_say_what_is_wanted(environ: dict[str, str], traces: bool, metrics: bool) -> None:
    found = asked(environ)
    assert (found.traces, found.metrics, found.faults) == (traces, metrics, ())


def test_what_is_asked_for_and_cannot_be_had_is_said() -> None:
    environ = {"OTEL_TRACES_EXPORTER": "jaeger", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    found = asked(environ)
    assert (found.traces, found.metrics) == (False, False)
    assert found.faults == (
        "OTEL_TRACES_EXPORTER=jaeger is not supported; say otlp or none",
        "OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported; say http/protobuf (port 4318 of most collectors)",
    )
