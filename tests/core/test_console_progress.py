"""How a run going on is shown."""

from __future__ import annotations

import io
import logging
import time
from typing import Any

import pytest
from rich.console import Console
from syncline.console import Terminal
from syncline.console.progress import EVERY, Bar, Lines, Logged, Progress, display, waits
from syncline.hooks import hookimpl
from syncline.observers import Observers
from syncline.registry import Registry
from syncline.secrets import Redactor

RUN = {"run": "20261123-1", "sync": "signups\x1b", "resumed": False}
Said = pytest.CaptureFixture[str]


def receipt(**changes: Any) -> dict[str, Any]:
    start = {"read": 500, "to_send": 200, "sent": 20, "waiting": None, "waiting_until": None, "run": "r", "batch": 0}
    return start | changes


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_observer_of_this_process_is_told_by_the_registry(capsys: Said) -> None:
    registry = Registry([])
    with Progress(Lines(Terminal(Redactor()))) as shown:
        registry.add_observer("progress", shown)
        Observers(registry).tell("syncline_run_started", run=RUN)
    assert capsys.readouterr().err == "signups␛: run 20261123-1 started\n"


def test_lines_in_a_pipe_are_sparse(capsys: Said) -> None:
    clock = Clock()
    lines = Lines(Terminal(Redactor()), clock)
    lines.started(RUN)
    for second in range(100):
        clock.now = 101.0 + second
        lines.going(receipt(sent=second))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 + int(100 // EVERY)
    assert said[1].startswith("read 500, sent 29 of 200, 1.0/s")


def test_a_wait_is_said_at_once_and_once(capsys: Said) -> None:
    lines = Lines(Terminal(Redactor()), Clock())
    lines.started(RUN)
    until = time.time() + 60
    for _ in range(3):
        lines.going(receipt(waiting="zoho", waiting_until=until))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "waiting for the call budget until " in said[1]


def test_a_wait_for_a_list_is_said_though_nobody_knows_its_end(capsys: Said) -> None:
    lines = Lines(Terminal(Redactor()), Clock())
    for _ in range(3):
        lines.going(receipt(waiting="the list, which fair fills"))
    lines.going(receipt())
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("waiting for the list, which fair fills")


def test_a_wait_that_is_over_is_not_shown() -> None:
    assert waits(receipt(waiting="zoho", waiting_until=time.time() - 1)) == ""
    assert waits(receipt()) == ""


def test_for_machines_progress_is_log_records(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "syncline")
    shown = display(Terminal(Redactor()), logs=True)
    assert isinstance(shown, Logged)
    shown.started(RUN)
    shown.going(receipt())
    shown.going(receipt(batch=None))
    shown.ended()
    assert caplog.messages == ["the run started", "read 500, sent 20 of 200", "the run ended"]


def test_the_bar_shows_what_was_read_and_sent_and_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=140, markup=False)
    terminal = Terminal(Redactor())
    monkeypatch.setattr(terminal, "console", lambda stream: console)
    with Progress(Bar(terminal)) as shown:
        shown.syncline_run_started(RUN)
        shown.syncline_batch_committed(receipt(waiting_until=time.time() + 60))
    said = screen.getvalue()
    assert "read 500" in said
    assert "sent 20 of 200" in said
    assert "waiting for the call budget until" in said
    assert "signups\x1b" not in said


def test_the_screen_is_given_back_when_a_run_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    terminal = Terminal(Redactor())
    monkeypatch.setattr(terminal, "console", lambda stream: Console(file=screen, force_terminal=True, width=100))

    def broken() -> None:
        with Progress(Bar(terminal)) as shown:
            shown.syncline_run_started(RUN)
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        broken()
    assert screen.getvalue().rindex("\x1b[?25h") > screen.getvalue().rindex("\x1b[?25l")


def test_progress_is_an_observer() -> None:
    assert hookimpl is not None
    assert {name for name in dir(Progress) if name.startswith("syncline_")} == {
        "syncline_run_started",
        "syncline_batch_committed",
    }
