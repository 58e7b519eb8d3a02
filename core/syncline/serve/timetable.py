"""The timetable of one sync: what of its schedule is due at a moment, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .. import schedule as times
from ..ledger import SyncRecord


@dataclass(frozen=True, slots=True)
class Timetable:
    """What the run loop has to know of an active sync. `schedule` is as written; `after` is the moment until which
    everything was seen to; `left` says that a `once` was not fired yet."""

    id: int
    name: str
    schedule: Mapping[str, Any]
    zone: str
    after: datetime
    left: bool
    retry_at: datetime | None

    @property
    def once(self) -> bool:
        """Whether the sync is due a single time."""
        return bool(self.schedule["frequency"] == "once")

    @property
    def catches_up(self) -> bool:
        """Whether a firing that was missed is carried out later."""
        return bool(self.schedule.get("catch_up", "one") == "one")

    def due(self, now: datetime) -> datetime | None:
        """The firing that is to be carried out at `now`: the latest that was not seen to; None when there is none."""
        if self.once and not self.left:
            return None
        return times.latest_due(self.schedule, self.after, now, self.zone)

    def start(self, now: datetime) -> datetime | None:
        """When something is to be started for this sync: `now` or later; None: never again."""
        if self.retry_at is not None:
            return max(now, self.retry_at)
        due = self.due(now) or self._next(now)
        return None if due is None else max(now, times.jittered(self.schedule, self.name, due))

    def _next(self, now: datetime) -> datetime | None:
        if self.once:
            return (times.next_due(self.schedule, self.after, self.zone) or self.after) if self.left else None
        return times.next_due(self.schedule, now, self.zone)


def timetable_of(sync: SyncRecord, now: datetime) -> Timetable | None:
    """The timetable of an active sync that has a schedule and whose zone is known; None for any other.

    What was fired by a process whose clock is ahead of `now` is not counted: `Ledger.claim` knows what is true.
    """
    schedule = sync.spec.get("schedule")
    if sync.state != "active" or not schedule:
        return None
    zone = schedule.get("timezone") or sync.zone
    if zone is None:
        return None
    since = sync.due_after or sync.created_at
    fired = sync.fired if sync.fired is not None and sync.fired <= now else None
    once = schedule["frequency"] == "once"
    after = since if once or fired is None else max(since, fired)
    left = not (once and fired is not None and fired >= since)
    return Timetable(sync.id, sync.name, schedule, zone, after, left, sync.retry_at)
