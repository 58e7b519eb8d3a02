"""Signals while a run is going: the first ends it gracefully, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .ending import FAILED

SAME = 0.3
"""Seconds within which two signals are one."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
FIRST = b"\nstopping: calls in flight finish, the rest is left for the next run; once more to stop at once\n"
SECOND = b"\nstopped at once: the next run of this sync goes on from here\n"


@contextmanager
def graceful(stop: threading.Event, *, first: bytes = FIRST, second: bytes = SECOND) -> Iterator[None]:
    """Inside, the first SIGINT or SIGTERM sets `stop`; the second ends the process without tidying up (exit 1). Each
    writes its words to standard error.

    The ledger is made for that: the next start of the sync takes the run up again.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            _write(second)
            os._exit(FAILED)
        stop.set()
        _write(first)

    before = {each: signal.signal(each, handle) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _write(message: bytes) -> None:
    """Straight to the descriptor: a handler may interrupt a write to the stream."""
    try:
        os.write(2, message)
    except OSError:
        return  # nobody reads standard error any more, and the run still has to end
