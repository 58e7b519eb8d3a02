"""Steps of a journal that wait to be written, by one thread, as many in one transaction as have come together."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import sqlalchemy as sa

from ..errors import SynclineError

GATHER = 0.002
"""Seconds that a commit waits for company: deliveries side by side then share it, and a commit costs more than that."""
LINGER = 0.25
"""Seconds that a step waits which may come `later`. Answers touch pages all over the file: many of them at once are a
fraction of the writing."""
Step = Callable[[sa.Connection], None]
Waiting = tuple[Step, Future[None]]
"""A step, and what becomes of it."""


class WaitingSteps:
    """Put in by any thread, taken out by one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._now: list[Waiting] = []
        self._later: list[Waiting] = []
        self._due = math.inf
        """When those of `later` are to be written, on the monotonic clock."""
        self._ended: SynclineError | None = None

    def put(self, step: Step, *, later: bool = False, last: bool = False) -> Future[None]:
        """Have it written after all that were put in before, but for those that may come `later`; the `last` one goes
        after these, too. Raises the error that ended it."""
        future: Future[None] = Future()
        with self._changed:
            if self._ended is not None:
                raise self._ended
            (self._later if later or last else self._now).append((step, future))
            self._due = 0.0 if last else min(self._due, time.monotonic() + LINGER) if later else self._due
            self._changed.notify()
        return future

    def take(self, patience: float) -> Sequence[Waiting] | None:
        """What goes into the next commit; nothing when nothing came for so many seconds, None when it has ended."""
        with self._changed:
            give_up = time.monotonic() + patience
            while not self._now and self._ended is None:
                left = min(self._due, give_up) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            if self._ended is not None and not self._now and not self._later:
                return None
        if self._now:
            time.sleep(GATHER)
        with self._changed:
            group, self._now = self._now, []
            if self._ended is not None or self._due <= time.monotonic():
                group, self._later, self._due = group + self._later, [], math.inf
        return group

    def end(self, error: SynclineError) -> None:
        """Nothing can be put in any more; what is there can be taken."""
        with self._changed:
            self._ended = self._ended or error
            self._changed.notify()

    def fail(self, error: SynclineError, taken: Sequence[Waiting]) -> None:
        """What was `taken`, and what is there, is not written."""
        with self._changed:
            self._ended = error
            left = [*taken, *self._now, *self._later]
            self._now, self._later = [], []
        for _, future in left:
            future.set_exception(error)
