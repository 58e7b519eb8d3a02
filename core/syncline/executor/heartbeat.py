"""Signs of life: a run keeps its lease while it waits for a long time, outside its journal too."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context

from ..clock import Clock
from ..errors import Fatal, LeaseLost
from ..ledger import Ledger, RunRecord

log = logging.getLogger("syncline")
HEARTBEAT = 10.0
"""Seconds between signs of life; the ledger frees a lease after six of them are missed."""


@contextmanager
def alive(ledger: Ledger, run: RunRecord, clock: Clock) -> Iterator[None]:
    """While the block is carried out, the ledger hears of the run, whatever trouble it has in between. That ends, with
    a warning, when the lease is lost."""
    over = threading.Event()

    def beat() -> None:
        told = ""
        while not clock.wait(over, HEARTBEAT):
            try:
                ledger.heartbeat(run)
                told = ""
            except LeaseLost as error:
                with suppress(Fatal):
                    if ledger.run(run.id).status == "running":  # else it has just ended, and its lease with it
                        log.warning("%s", error)
                return
            except Fatal as error:  # the database is away or locked: it may be back before the lease is free
                if str(error) != told:
                    log.warning("no sign of life of run %s: %s", run.id, error)
                told = str(error)

    thread = threading.Thread(target=copy_context().run, args=(beat,), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
