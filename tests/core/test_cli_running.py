"""A run under way: signals, exit codes, and a run that breaks."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from syncline.cli.invocation import Invocation
from syncline.cli.options import Options
from syncline.cli.running import EXITS, carried_out
from syncline.cli.stopping import graceful
from syncline.executor import BrokenRun, Executor
from syncline.ledger import RunRecord
from syncline.registry import Registry

Said = pytest.CaptureFixture[str]


@pytest.fixture
def invocation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invocation:
    """With a fresh ledger, and without plugins."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(Invocation, "registry", Registry([]))
    return Invocation(Options(ledger=f"sqlite:///{tmp_path}/ledger.db"))


def a_run(executor: Executor, status: str) -> RunRecord:
    """A run that ended with this status."""
    sync = executor.ledger.meet("signups", identity={}, spec={}, source_scope="")
    return executor.ledger.finish_run(
        executor.ledger.start_run(sync, trigger="manual", window="{}"), status=status, message="why"
    )


def bound(tmp_path: Path) -> Any:
    return SimpleNamespace(spec=SimpleNamespace(path=tmp_path / "signups.yaml", name="signups", raw={}), lookback=None)


@pytest.mark.parametrize(
    ("status", "code"),
    [("succeeded", 0), ("partial", 4), ("failed", 1), ("interrupted", 1), ("inactive", 1), ("held", 6)],
)
def test_the_status_of_a_run_is_its_exit_code(
    status: str, code: int, invocation: Invocation, tmp_path: Path, capsys: Said
) -> None:
    def start(executor: Executor) -> RunRecord:
        return replace(a_run(executor, "succeeded"), status=status)

    assert carried_out(invocation, bound(tmp_path), start) == code == EXITS[status]
    assert f"signups: {status}" in capsys.readouterr().out


@pytest.mark.parametrize("as_json", [False, True])
def test_a_run_that_breaks_is_told_and_the_defect_beside_it(
    as_json: bool, invocation: Invocation, tmp_path: Path, capsys: Said
) -> None:
    invocation.options.as_json = as_json

    def start(executor: Executor) -> RunRecord:
        raise BrokenRun(a_run(executor, "failed")) from KeyError("ann@example.com")

    assert carried_out(invocation, bound(tmp_path), start) == 1
    said = capsys.readouterr()
    assert "KeyError" in said.err
    assert "run again with --debug" in said.err
    assert "ann@example.com" not in said.err
    if as_json:
        assert json.loads(said.out)["status"] == "failed"
    else:
        assert "signups: failed" in said.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_for_an_end_and_the_handlers_come_back(number: signal.Signals, capfd: Said) -> None:
    stop = threading.Event()
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with graceful(stop):
        os.kill(os.getpid(), number)
        assert stop.wait(5)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    assert "once more to stop at once" in capfd.readouterr().err
