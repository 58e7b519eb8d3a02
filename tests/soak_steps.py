"""The named steps of a run (DESIGN 7), and a process that dies at one of them as by `kill -9`.

`before …` and `after …` lie beside a step; `in …` lies inside a transaction, whose work is done and not committed.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

from shelf import Shelf
from syncline.ledger import Journal, Ledger, finish, journal, open_batch
from syncline_marketinghub import MarketingHub

BESIDE: dict[str, tuple[tuple[Any, str], ...]] = {
    "start": ((Ledger, "start_run"),),
    "audience": ((Shelf, "audience"), (MarketingHub, "audience")),
    "intent": ((Journal, "open_batch"),),
    "mark": ((Journal, "sending"),),
    "send": ((Shelf, "deliver"), (MarketingHub, "deliver")),
    "answer": ((Journal, "answered"),),
    "read back": ((Shelf, "confirm"), (MarketingHub, "confirm")),
    "remove": ((Shelf, "remove"), (MarketingHub, "remove")),
    "removed": ((Journal, "removed"),),
    "finish": ((Ledger, "finish_run"),),
    "let go": ((Ledger, "let_go"),),
}
INSIDE: dict[str, tuple[Any, str]] = {
    "intent": (open_batch, "insert"),
    "answer": (journal, "settle"),
    "closing": (open_batch, "close"),
    "cursor": (open_batch, "fold"),
    "removal": (journal, "remove"),
    "finish": (finish, "by_id"),
}
"""What each step is carried out by. `fold` comes right before the cursor moves, in the same transaction."""
STEPS = [*(f"{side} {name}" for name in BESIDE for side in ("before", "after")), *(f"in {name}" for name in INSIDE)]
Reached = Callable[[str], None]


def die() -> None:
    """No farewell: nothing is flushed, closed or rolled back."""
    os.kill(os.getpid(), signal.SIGKILL)


def watch(reached: Reached) -> None:
    """From now on `reached(step)` is told of each step of this process."""
    for name, places in BESIDE.items():
        for owner, attribute in places:
            _wrap(owner, attribute, reached, f"before {name}", f"after {name}")
    for name, (owner, attribute) in INSIDE.items():
        _wrap(owner, attribute, reached, None, f"in {name}")


def _wrap(owner: Any, attribute: str, reached: Reached, before: str | None, after: str) -> None:
    plain = getattr(owner, attribute)

    @wraps(plain)
    def told(*arguments: Any, **options: Any) -> Any:
        if before is not None:
            reached(before)
        found = plain(*arguments, **options)
        reached(after)
        return found

    setattr(owner, attribute, told)


class Counting:
    """Counts the steps of this process; at the `nth` of one of them it dies."""

    def __init__(self, step: str | None = None, nth: int = 0) -> None:
        self.seen: Counter[str] = Counter()
        self._at = step, nth
        self._lock = threading.Lock()

    def __call__(self, step: str) -> None:
        with self._lock:
            self.seen[step] += 1
            if (step, self.seen[step]) == self._at:
                die()
