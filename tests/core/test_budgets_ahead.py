"""Calls that are taken ahead of a generous budget."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from syncline.budget import AHEAD_CALLS, Budgets, Limit, MemoryStore


class Slow(MemoryStore):
    """A store that takes its time, and notes how many calls it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def take(self, name: str, limit: Limit, n: int, now: float) -> float:
        """See `Store.take`."""
        self.asked.append(n)
        time.sleep(0.05)
        return super().take(name, limit, n, now)


def test_threads_that_come_at_once_share_what_one_of_them_takes_ahead() -> None:
    store = Slow()
    budgets, limit = Budgets(store), Limit(calls=100_000, window=60.0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: budgets.acquire("account", limit), range(8)))
    assert store.asked == [AHEAD_CALLS]
