"""Who watches a run that the command line starts, and the command that tries the notifications."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from receiving import Hook, Mailbox
from syncline.cli import main
from syncline.cli.invocation import Invocation
from syncline.cli.options import Options
from syncline.cli.running import carried_out
from syncline.cli.watching import watched
from syncline.executor import Executor
from syncline.ledger import RunRecord
from syncline.observers import Observers
from syncline.registry import Registry

Said = pytest.CaptureFixture[str]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with Hook() as made:
        monkeypatch.setenv("SYNCLINE_WEBHOOK", made.url)
        yield made


@pytest.fixture
def invocation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invocation:
    """With a fresh ledger, and without plugins."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(Invocation, "registry", Registry([]))
    return Invocation(Options(ledger=f"sqlite:///{tmp_path}/ledger.db"))


def a_run(executor: Executor, status: str) -> RunRecord:
    """A run that ends with this status, told as the executor tells it."""
    sync = executor.ledger.meet("signups", identity={}, spec={}, source_scope="")
    run = executor.ledger.start_run(sync, trigger="manual", window="{}")
    observers = Observers(executor.registry)
    observers.tell("syncline_run_started", run=run.document())
    ended = executor.ledger.finish_run(run, status=status, message="the shelf is full" if status == "failed" else "")
    observers.tell("syncline_run_finished", run=ended.document())
    return ended


def carry_out(invocation: Invocation, folder: Path, status: str) -> int:
    spec = SimpleNamespace(path=folder / "signups.yaml", name="signups", raw={})
    bound: Any = SimpleNamespace(spec=spec, lookback=None)
    return carried_out(invocation, bound, lambda executor: copy_context().run(a_run, executor, status))


def settings(folder: Path, *entries: str) -> None:
    (folder / "syncline.yaml").write_text("notifications:\n" + "".join(f"  - {each}\n" for each in entries))


WEBHOOK = 'webhook: {url: "${env:SYNCLINE_WEBHOOK}"}'


def test_a_run_by_hand_notifies_too(hook: Hook, invocation: Invocation, tmp_path: Path) -> None:
    settings(tmp_path, WEBHOOK)
    for status in ("failed", "failed", "succeeded"):
        carry_out(invocation, tmp_path, status)
    assert hook.told == ["failed signups", "recovered signups"]


def test_a_run_does_not_depend_on_who_is_told_of_it(invocation: Invocation, tmp_path: Path, capsys: Said) -> None:
    settings(tmp_path, 'webhook: {url: "${env:SYNCLINE_NOT_SET}"}')
    assert carry_out(invocation, tmp_path, "succeeded") == 0
    assert "nobody is notified this way" in capsys.readouterr().err
    (tmp_path / "syncline.yaml").write_text("notifications: nobody\n")
    assert carry_out(invocation, tmp_path, "succeeded") == 0
    assert re.search(
        r"nobody is notified: \S+syncline.yaml:1:16: notifications: must be a list", capsys.readouterr().err
    )


def test_observers_are_taken_back_when_the_run_is_over(hook: Hook, invocation: Invocation, tmp_path: Path) -> None:
    settings(tmp_path, WEBHOOK)
    ledger = invocation.ledger(read_only=False)
    with watched(invocation, ledger, tmp_path, serving=True, scraped=True) as telemetry:
        assert telemetry is not None
        names = [name for name, _ in invocation.registry.observers("syncline_run_finished")]
        assert names == ["syncline.notices", "syncline.telemetry"]
    assert invocation.registry.observers("syncline_run_finished") == []
    assert invocation.registry.observers("syncline_run_started") == []


def test_missing_telemetry_is_one_clear_line(
    invocation: Invocation, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)
    monkeypatch.delitem(sys.modules, "syncline.telemetry.otlp", raising=False)
    assert carry_out(invocation, tmp_path, "succeeded") == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert warnings == [
        "warning: no telemetry: the environment asks for OpenTelemetry, which is not installed: "
        "pip install 'syncline[telemetry]' (opentelemetry.context)"
    ]


UNASKED = """
import sys
from pathlib import Path
from syncline.cli.invocation import Invocation
from syncline.cli.options import Options
from syncline.cli.watching import watched
invocation = Invocation(Options(ledger="sqlite:///" + sys.argv[1] + "/ledger.db"))
with watched(invocation, invocation.ledger(read_only=False), Path(sys.argv[1])):
    print(",".join(sys.modules))
"""


def test_nothing_is_imported_that_nobody_asks_for(tmp_path: Path) -> None:
    made = subprocess.run([sys.executable, "-c", UNASKED, str(tmp_path)], capture_output=True, text=True, check=True)
    loaded = set(made.stdout.strip().split(","))
    heavy = {"smtplib", "prometheus_client", "opentelemetry", "requests", "google.protobuf"}
    assert loaded & (heavy | {"syncline.notices", "syncline.telemetry", "syncline.endpoint"}) == set()


# ----------------------------------------------------------------------------------------------------- notify


def test_everybody_gets_a_test_message(hook: Hook, tmp_path: Path, capsys: Said) -> None:
    with Mailbox() as box:
        email = f"email: {{to: [ops@example.com], from: me@example.com, host: 127.0.0.1, port: {box.port}, tls: none}}"
        settings(tmp_path, f"{WEBHOOK}\n    on: [failed]", email)
        assert main(["notify", str(tmp_path)]) == 0
        assert box.mails[0]["subject"] == "[syncline] a test of notifications"
    said = capsys.readouterr().out
    assert "✓  notifications[0] (webhook 127.0.0.1)" in said
    assert said.count("took a test message") == 2
    assert hook.got[0]["event"] == "test"
    assert str(tmp_path / "syncline.yaml") in hook.got[0]["text"]


def test_what_does_not_arrive_is_said_with_what_to_do(hook: Hook, tmp_path: Path, capsys: Said) -> None:
    settings(tmp_path, WEBHOOK, 'webhook: {url: "${env:SYNCLINE_NOT_SET}"}')
    hook.answers = [(403, {}, "invalid_token")]
    assert main(["notify", str(tmp_path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"]
    first, second = told["checks"]
    assert first == {
        "subject": "notifications[0] (webhook 127.0.0.1)", "ok": False, "found": "it answered HTTP 403 (invalid_token)",
        "mend": "check the address and the headers",
    }  # fmt: skip
    assert second["found"] == "${env:SYNCLINE_NOT_SET} is not set"
    assert second["mend"] == "set it: export SYNCLINE_NOT_SET=…"


def test_without_receivers_there_is_nothing_to_try(tmp_path: Path, capsys: Said) -> None:
    assert main(["notify", str(tmp_path)]) == 2
    assert "nobody is to be notified; add `notifications`" in capsys.readouterr().err
