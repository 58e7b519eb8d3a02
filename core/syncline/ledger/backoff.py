"""When a dead letter returns by itself: where its refusal may pass, with back-off, and not for ever."""

from __future__ import annotations

from datetime import datetime, timedelta

ATTEMPTS = 8
"""So many attempts in all; then a letter stays where it is until somebody asks for it."""
FIRST_WAIT = timedelta(minutes=15)
GROWTH = 4
LONGEST_WAIT = timedelta(days=1)
"""A quarter of an hour after the first attempt, then four times as long each time, at most a day."""
UNKNOWN_CODE = "unknown"
NOT_SENT = "not_sent"


def wait_after(attempts: int) -> timedelta:
    """How long a letter waits after so many attempts."""
    growth: int = GROWTH ** max(0, attempts - 1)
    return min(FIRST_WAIT * growth, LONGEST_WAIT)


def returns_at(now: datetime, attempts: int, *, unknown: str | None, heals: bool) -> datetime | None:
    """When a letter returns by itself at the earliest; None: it stays.

    `unknown` is the reason of one whose fate is not known: what was never sent returns with the next run; what was sent
    without an answer returns where that is harmless, which the run knows that takes it.
    """
    if unknown == NOT_SENT:
        return now
    if attempts >= ATTEMPTS or not (heals or unknown):
        return None
    return now + wait_after(attempts)
