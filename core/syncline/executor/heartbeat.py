"""Signs of life: a run keeps its lease while it waits for a long time, outside its journal too."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context

from ..clock import Clock
from ..errors import Fatal
from ..ledger import Ledger, RunRecord

log = logging.getLogger("syncline")
HEARTBEAT = 10.0
"""Seconds between signs of life; the ledger frees a lease after six of them are missed."""


@contextmanager
def alive(ledger: Ledger, run: RunRecord, clock: Clock) -> Iterator[None]:
    """While the block is carried out, the ledger hears of the run; when it does not, there is one warning."""
    over = threading.Event()

    def beat() -> None:
        told = ""
        while not clock.wait(over, HEARTBEAT):
            try:
                ledger.heartbeat(run)
                told = ""
            except Fatal as error:  # out of reach for a while, or lost: the next step of the run finds out which
                if str(error) != told:
                    log.warning("%s", error)
                told = str(error)

    thread = threading.Thread(target=copy_context().run, args=(beat,), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
