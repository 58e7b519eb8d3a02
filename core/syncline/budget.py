"""Call budgets: how many calls a remote account allows in a sliding window, and when the next one may go.

Pure rules here; where the spent calls are kept decides who shares them (the ledger: all processes; memory: one).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from .clock import SYSTEM, Clock
from .errors import QuotaSpent, Stopped


@dataclass(frozen=True)
class Quota:
    """`calls` of one calendar day in `zone`, an IANA name. None: they are counted, and nobody is kept from any.

    Where the zone is not known, days are counted in UTC, and a refusal says nothing of when the next one begins.
    """

    calls: int | None = None
    zone: str | None = None

    def began(self, now: float) -> float:
        """When the day began in which `now` lies (seconds since the epoch)."""
        return self._midnight(now, 0)

    def renewed(self, now: float) -> float:
        """When the next day begins, and a little later: the clocks of two sides differ."""
        return self._midnight(now, 1) + SETTLED

    def asked_again(self, now: float) -> float:
        """When to ask again after the other side said that the day is used up: then, or each hour where it is not known
        when that is."""
        return self.renewed(now) if self.zone else now - now % HOUR + HOUR + SETTLED

    def ends(self, needed: int, left: int, now: float) -> float | None:
        """When the day begins in which the last of `needed` calls is made, with `left` of them today; None: nobody
        knows how many a day there are."""
        if needed <= left:
            return self.began(now)
        return None if self.calls is None else self._midnight(now, -(-(needed - left) // self.calls))

    @property
    def where(self) -> ZoneInfo:
        """The zone whose days are counted."""
        return ZoneInfo(self.zone or "UTC")

    def _midnight(self, now: float, days: int) -> float:
        day = datetime.fromtimestamp(now, UTC).astimezone(self.where).date() + timedelta(days=days)
        return datetime(day.year, day.month, day.day, tzinfo=self.where).timestamp()


HOUR = 3600.0
SETTLED = 60.0
WHOLE_DAY = 24 * HOUR
DAY = "/day"
"""Behind the name of a budget: the calls of its day, one entry at the day's beginning."""


@dataclass(frozen=True)
class Limit:
    """`calls` in any `window` seconds; going over costs a lock of `lock` seconds (0: none is known).

    `slack` seconds are added to the window, because a call arrives later than it was granted. `quota`: each call counts
    against that of its day as well.
    """

    calls: int
    window: float
    lock: float = 0.0
    slack: float = 0.0
    quota: Quota | None = None


@dataclass(frozen=True)
class Spent:
    """`calls` granted together at `at` (seconds since the epoch)."""

    at: float
    calls: int


def wait_for(limit: Limit, spent: Sequence[Spent], n: int, now: float) -> float:
    """Seconds until `n` more calls fit; 0 when they fit now. `spent` is in order of time, older entries may be missing.

    Raises ValueError when `n` can never fit.
    """
    if n > limit.calls:
        raise ValueError(f"{n} calls never fit into {limit.calls}")
    span = limit.window + limit.slack
    live = [each for each in spent if each.at > now - span]
    over = sum(each.calls for each in live) + n - limit.calls
    for each in live:
        if over <= 0:
            return 0.0
        over -= each.calls
        if over <= 0:
            return each.at + span - now
    return 0.0


class Store(Protocol):
    """Where spent calls are kept. Each method is atomic among all who share the store."""

    def take(self, name: str, limit: Limit, n: int, now: float) -> float:
        """Spend `n` calls of the budget `name` and return 0, or spend nothing and return the seconds to wait."""
        ...

    def park(self, name: str, until: float) -> None:
        """No call of `name` before `until` (seconds since the epoch); an earlier, later park stays."""
        ...

    def count(self, name: str, quota: Quota, n: int, now: float) -> float:
        """Count `n` calls of the day under `name` and return 0; or count nothing, for no more are left of it or it is
        parked, and return until when (seconds since the epoch). With `n` 0 it is only asked."""
        ...


class MemoryStore:
    """A store for one process: `preview`, `check`, tests. May start from what others have spent."""

    def __init__(self, spent: dict[str, list[Spent]] | None = None, parked: dict[str, float] | None = None) -> None:
        self._lock = threading.Lock()
        self._spent = dict(spent or {})
        self._parked = dict(parked or {})

    def take(self, name: str, limit: Limit, n: int, now: float) -> float:
        """See `Store.take`."""
        with self._lock:
            parked = self._parked.get(name, 0.0)
            if parked > now:
                return parked - now
            spent = [each for each in self._spent.get(name, ()) if each.at > now - limit.window - limit.slack]
            wait = wait_for(limit, spent, n, now)
            if not wait:
                spent.append(Spent(now, n))
            self._spent[name] = spent
            return wait

    def park(self, name: str, until: float) -> None:
        """See `Store.park`."""
        with self._lock:
            self._parked[name] = max(until, self._parked.get(name, 0.0))

    def count(self, name: str, quota: Quota, n: int, now: float) -> float:
        """See `Store.count`."""
        with self._lock:
            began, parked = quota.began(now), self._parked.get(name, 0.0)
            used = sum(each.calls for each in self._spent.get(name, ()) if each.at == began)
            until, used = judged(quota, used, parked, n, now)
            if until > now:
                self._parked[name] = until
            elif n:
                self._spent[name] = [Spent(began, used)]
            return until if until > now else 0.0


def judged(quota: Quota, used: int, parked: float, n: int, now: float) -> tuple[float, int]:
    """Until when no call of the day may go (0: `n` of them may now), and how many are used with them."""
    if parked > now:
        return parked, used
    if quota.calls is not None and used + max(n, 1) > quota.calls:
        return quota.renewed(now), used
    return 0.0, used + n


def left_today(
    name: str, quota: Quota, spent: Mapping[str, Sequence[Spent]], parked: Mapping[str, float], now: float
) -> int | None:
    """Calls of the budget `name` that are left of the day; None: nobody knows."""
    if parked.get(name + DAY, 0.0) > now:
        return 0
    if quota.calls is None:
        return None
    return max(0, quota.calls - sum(each.calls for each in spent.get(name + DAY, ()) if each.at == quota.began(now)))


def made_today(spent: Mapping[str, Sequence[Spent]], now: float) -> dict[str, Spent]:
    """The calls that were counted of the current day, by budget."""
    days = {name.removesuffix(DAY): each[-1] for name, each in spent.items() if name.endswith(DAY) and each}
    return {name: last for name, last in days.items() if now - last.at < WHOLE_DAY}


AHEAD_CALLS = 64
AHEAD_SHARE = 500
AHEAD_SECONDS = 1.0
"""At most this many calls, and this part of the budget, are taken ahead, and used within this time or not at all."""


class Budgets:
    """What connections ask before each call. `waiting(name, until)` is told once per wait, for status lines. All times
    are those of `clock`, and it is what waits."""

    def __init__(
        self,
        store: Store,
        *,
        stop: threading.Event | None = None,
        waiting: Callable[[str, float], None] = lambda name, until: None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._store = store
        self._stop = stop or threading.Event()
        self._waiting = waiting
        self.clock = clock
        self._locks: dict[str, threading.Lock] = {}
        self._ahead: dict[str, Spent] = {}

    def acquire(self, name: str, limit: Limit, n: int = 1) -> None:
        """Block until `n` calls of the budget `name` are granted, as early as the window allows.

        Raises `Stopped` when the run is stopped while it waits, `QuotaSpent` when no call of the day is left: for that
        nobody waits.
        """
        self._of_today(name, limit, 0)
        told = 0.0
        while wait := self._take(name, limit, n):
            until = self._now() + wait
            if until - told > 1:
                told = until
                self._waiting(name, until)
            if self.clock.wait(self._stop, min(wait, 5.0)):
                raise Stopped(f"stopped while waiting for the call budget {name}")
        self._of_today(name, limit, n)

    def used_up(self, name: str, quota: Quota) -> QuotaSpent:
        """The other side said that no call of the day is left: nobody who shares the store calls until it is renewed.
        The error to raise."""
        until = quota.asked_again(self._now())
        self._store.park(name + DAY, until)
        return self._no_more(name, quota, until)

    def _of_today(self, name: str, limit: Limit, n: int) -> None:
        if limit.quota is not None and (until := self._store.count(name + DAY, limit.quota, n, self._now())):
            raise self._no_more(name, limit.quota, until)

    def _no_more(self, name: str, quota: Quota, until: float) -> QuotaSpent:
        there = datetime.fromtimestamp(until, UTC).astimezone(quota.where)
        return QuotaSpent(
            "the account's calls of today are used up",
            after=max(until - self._now(), 1.0),
            where=name,
            mend=f"start again after {there:%Y-%m-%d %H:%M} {quota.zone or 'UTC'}",
        )

    def park(self, name: str, seconds: float) -> None:
        """The remote locked this endpoint: nobody who shares the store calls it for `seconds`."""
        with self._alone(name):
            self._ahead.pop(name, None)
            self._store.park(name, self._now() + seconds)

    def _now(self) -> float:
        return self.clock().timestamp()

    def _take(self, name: str, limit: Limit, n: int) -> float:
        """Like `Store.take`; of a generous budget some calls are taken ahead, so that not each one asks the store.
        While one thread asks, the others wait for what it gets."""
        with self._alone(name):
            now = self._now()
            ahead = self._ahead.get(name)
            if ahead is not None and ahead.calls >= n and now - ahead.at < AHEAD_SECONDS:
                self._ahead[name] = Spent(ahead.at, ahead.calls - n)
                return 0.0
            block = max(n, min(AHEAD_CALLS, limit.calls // AHEAD_SHARE))
            if block > n and not self._store.take(name, limit, block, now):
                self._ahead[name] = Spent(now, block - n)
                return 0.0
            return self._store.take(name, limit, n, now)

    def _alone(self, name: str) -> threading.Lock:
        return self._locks.setdefault(name, threading.Lock())
