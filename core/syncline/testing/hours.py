"""Time in which nobody waits: waiting moves a clock, so that half an hour of a lock passes at once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from ..budget import Budgets, Limit, Quota, Store
from ..clock import Clock


class Hours(Clock):
    """The clock of a check, ahead of the machine's by all that was waited."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """The moment."""
        return super().__call__() + timedelta(seconds=self._ahead)

    def now(self) -> float:
        """The moment, in seconds since the epoch."""
        return self().timestamp()

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        with self._lock:
            self._ahead += max(0.0, seconds)


class Hurry(threading.Event):
    """A stop event whose waits pass at once, on that clock."""

    def __init__(self, hours: Hours) -> None:
        super().__init__()
        self._hours = hours

    def wait(self, timeout: float | None = None) -> bool:
        """As `threading.Event.wait`; without a time-out it waits as any event does."""
        if timeout is None:
            return super().wait()
        if not self.is_set():
            self._hours.advance(timeout)
        return self.is_set()


class Till(Budgets):
    """Budgets that note how many calls were asked of them, and that can be shut."""

    def __init__(self, store: Store, *, stop: threading.Event, clock: Clock) -> None:
        super().__init__(store, stop=stop, clock=clock)
        self.asked = 0
        self._counting = threading.Lock()

    def acquire(self, name: str, limit: Limit, n: int = 1) -> None:
        """As `Budgets.acquire`."""
        with self._counting:
            self.asked += n
        super().acquire(name, limit, n)

    def shut(self) -> None:
        """From now on nothing is granted."""
        self._store = _Closed()
        self._ahead.clear()


class _Closed:
    """A store of budgets that grants nothing: the account is locked for an hour."""

    def take(self, name: str, limit: Limit, n: int, now: float) -> float:
        """An hour to wait."""
        return 3600.0

    def park(self, name: str, until: float) -> None:
        """It is parked already."""

    def count(self, name: str, quota: Quota, n: int, now: float) -> float:
        """The day is not the matter here."""
        return 0.0
