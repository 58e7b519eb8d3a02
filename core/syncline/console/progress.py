"""How a run is going: a bar on a terminal, sparse lines in a pipe, log lines for machines."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from ..hooks import hookimpl
from . import text
from .terminal import Terminal

EVERY = 30.0
"""Seconds between two lines in a pipe."""
Receipt = Mapping[str, Any]


class Display(Protocol):
    """One way of showing a run."""

    def started(self, run: Receipt) -> None:
        """The run has begun."""

    def going(self, receipt: Receipt) -> None:
        """Something was recorded or sent, or a wait began."""

    def ended(self) -> None:
        """The run is over: leave the screen to its result."""


class Progress:
    """The observer of one run; a context manager, so that a bar is gone whatever happens. Told by any thread."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._display.ended()

    @hookimpl
    def syncline_run_started(self, run: Receipt) -> None:
        """Show that it began."""
        with self._lock:
            self._display.started(run)

    @hookimpl
    def syncline_batch_committed(self, receipt: Receipt) -> None:
        """Show where it stands."""
        with self._lock:
            self._display.going(receipt)


def display(terminal: Terminal, *, logs: bool) -> Display:
    """What fits standard error: a bar on a terminal, else lines; with `logs` log records."""
    if logs:
        return Logged()
    return Bar(terminal) if sys.stderr.isatty() else Lines(terminal)


def waits(receipt: Receipt) -> str:
    """`waiting for the call budget until 14:05`, `waiting for the list, which …`, or nothing when nobody waits (any
    more)."""
    waiting, until = receipt.get("waiting"), receipt.get("waiting_until")
    if until is None:
        return f"waiting for {waiting}" if waiting else ""
    if until <= time.time():
        return ""
    return f"waiting for the call budget until {text.clock(until)}"


class Bar:
    """A bar of the leads sent, with the rate and the time that remains."""

    def __init__(self, terminal: Terminal) -> None:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self._terminal = terminal
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[sent]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[wait]}"),
            console=terminal.console(sys.stderr),
            transient=True,
        )
        self._task = self._bars.add_task("starting", total=None, sent="", wait="")

    def started(self, run: Receipt) -> None:
        """See `Display`."""
        word = "going on with" if run.get("resumed") else "running"
        self._bars.update(self._task, description=f"{word} {self._terminal.clean(run['sync'])}")
        self._bars.start()

    def going(self, receipt: Receipt) -> None:
        """See `Display`."""
        read, to_send, sent = receipt["read"], receipt["to_send"], receipt["sent"]
        task = self._bars.tasks[0]
        rate = f", {task.speed:,.0f}/s" if task.speed else ""
        self._bars.update(
            self._task,
            description=f"read {read:,}",
            total=to_send or None,
            completed=sent,
            sent=f"sent {sent:,} of {to_send:,}{rate}" if to_send else "nothing to send yet",
            wait=waits(receipt),
        )

    def ended(self) -> None:
        """See `Display`."""
        self._bars.stop()


class Lines:
    """A line at the start, one at most every `EVERY` seconds, and one for each wait."""

    def __init__(self, terminal: Terminal, now: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._now = now
        self._begun = self._last = now()
        self._waited: tuple[str | None, float | None] = None, None

    def started(self, run: Receipt) -> None:
        """See `Display`."""
        word = "goes on" if run.get("resumed") else "started"
        self._begun = self._last = self._now()
        self._terminal.tell(self._terminal.clean(f"{run['sync']}: run {run['run']} {word}"))

    def going(self, receipt: Receipt) -> None:
        """See `Display`."""
        wait = waits(receipt)
        waited = receipt.get("waiting"), receipt["waiting_until"]
        if wait and waited != self._waited:
            self._waited = waited
        elif self._now() - self._last < EVERY:
            return
        self._last = self._now()
        seconds = max(self._last - self._begun, 0.001)
        parts = [f"read {receipt['read']:,}", f"sent {receipt['sent']:,} of {receipt['to_send']:,}"]
        parts += [f"{receipt['sent'] / seconds:,.1f}/s"] if receipt["sent"] else []
        self._terminal.tell(", ".join([*parts, *([wait] if wait else [])]))

    def ended(self) -> None:
        """See `Display`."""


class Logged:
    """Records of the logger `syncline`, for `--log-format json`."""

    def __init__(self) -> None:
        self._log = logging.getLogger("syncline")
        self._names: dict[str, Any] = {}

    def started(self, run: Receipt) -> None:
        """See `Display`."""
        self._names = {"run": run["run"], "sync": run["sync"]}
        self._log.info("the run goes on" if run.get("resumed") else "the run started")

    def going(self, receipt: Receipt) -> None:
        """See `Display`."""
        wait = waits(receipt)
        if receipt.get("batch") is not None or wait:
            self._log.info(
                "read %d, sent %d of %d%s",
                receipt["read"],
                receipt["sent"],
                receipt["to_send"],
                f", {wait}" if wait else "",
            )

    def ended(self) -> None:
        """See `Display`."""
        self._log.info("the run ended", extra=self._names)
