"""What the gauges show: of the ledger, kept for a moment so that often asking costs little, and of this process."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ..errors import SynclineError
from ..ledger import Ledger, Standing
from .metrics import Reading

log = logging.getLogger("syncline")
FRESH = 10.0
"""Seconds for which what the ledger said is good enough."""
STATES = ("active", "paused", "completed", "inactive")


class Gauges:
    """Called for all gauges at once; `ledger` None: only what concerns this process."""

    def __init__(self, ledger: Ledger | None, *, clock: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = -FRESH
        self._standings: list[Standing] = []
        self._active = 0
        self._waits: dict[str, float] = {}

    def runs(self, change: int) -> None:
        """A run began (1) or ended (-1)."""
        with self._lock:
            self._active += change

    def waiting(self, budget: str, until: float) -> None:
        """A run waits for this budget, until so many seconds since the epoch."""
        with self._lock:
            self._waits[budget] = max(until, self._waits.get(budget, 0.0))

    def __call__(self) -> Mapping[str, Sequence[Reading]]:
        """See `Readings`. When the ledger cannot be read, what it would say is left out."""
        with self._lock:
            now = self._clock()
            found: dict[str, Sequence[Reading]] = {
                "syncline.runs.active": [({}, self._active)],
                "syncline.budget.wait": [
                    ({"budget": name}, max(until - now, 0.0)) for name, until in sorted(self._waits.items())
                ],
            }
            if self._ledger is not None and self._read(self._ledger):
                states = Counter(each.state for each in self._standings)
                found["syncline.syncs"] = [({"state": state}, states[state]) for state in STATES]
                found["syncline.last_success.age"] = [
                    ({"sync": each.sync}, max(now - each.succeeded_at.timestamp(), 0.0))
                    for each in self._standings
                    if each.state == "active" and each.succeeded_at is not None
                ]
            return found

    def _read(self, ledger: Ledger) -> bool:
        if time.monotonic() - self._looked < FRESH:
            return True
        try:
            self._standings = ledger.standings()
        except SynclineError as error:
            log.warning("some metrics are left out: %s", error)
            return False
        self._looked = time.monotonic()
        return True
