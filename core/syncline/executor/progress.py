"""Where a run stands, as observers are told: by its threads, one at a time, so that no count goes back."""

from __future__ import annotations

import threading
from contextvars import ContextVar

from ..observers import Observers


class Progress:
    """Leads read, leads to be sent, leads sent, and what the run waits for. `run` is its id, once it has one."""

    def __init__(self, observers: Observers) -> None:
        self.run: str | None = None
        self._observers = observers
        self._lock = threading.Lock()
        self._counts = {"read": 0, "to_send": 0, "sent": 0}
        self._waiting: str | None = None
        self._until: float | None = None

    def recorded(self, batch: int, read: int, to_send: int) -> None:
        """The intent of a batch is on record."""
        with self._lock:
            self._counts["read"] += read
            self._counts["to_send"] += to_send
            self._tell(batch)

    def sent(self, leads: int) -> None:
        """So many leads have their answer."""
        with self._lock:
            self._counts["sent"] += leads
            self._tell()

    def waits(self, name: str | None, until: float | None = None) -> None:
        """The run waits for this (None: no longer), until so many seconds since the epoch, where that is known."""
        with self._lock:
            self._waiting, self._until = name, until
            self._tell()

    def _tell(self, batch: int | None = None) -> None:
        receipt = {**self._counts, "waiting": self._waiting, "waiting_until": self._until}
        self._observers.tell("syncline_batch_committed", receipt=receipt | {"run": self.run, "batch": batch})


current: ContextVar[Progress | None] = ContextVar("syncline_progress", default=None)
"""That of the run of this thread: a connection that several runs use tells each wait to the run that waits."""
