"""Sliding windows, locks and the daily quota: all counted in the state, so shared by every server process."""

from datetime import datetime
from zoneinfo import ZoneInfo

from syncline_zoho_sandbox.store import Store


def admit(store: Store, bucket: str, limit: int, window: int) -> bool:
    """Count one call, unless *limit* calls already lie inside the last *window* seconds.

    Admitted calls are numbered, so the window is full exactly when the call *limit* numbers ago is younger than it:
    one look-up, however many calls there were.
    """
    last = store.value("SELECT max(n) FROM admitted WHERE bucket = ?", bucket) or 0
    now = store.now()
    oldest = store.value("SELECT at FROM admitted WHERE bucket = ? AND n = ?", bucket, last + 1 - limit)
    if limit == 0 or (oldest is not None and oldest > now - window):
        return False
    store.execute("INSERT INTO admitted VALUES (?, ?, ?)", (bucket, last + 1, now))
    return True


def locked(store: Store, bucket: str) -> bool:
    """Whether a lock lies on *bucket* now."""
    until = store.value("SELECT until FROM locks WHERE bucket = ?", bucket)
    return until is not None and float(until) > store.now()


def lock(store: Store, bucket: str, seconds: float) -> None:
    """Close *bucket* for *seconds*; other buckets keep working."""
    store.execute("INSERT OR REPLACE INTO locks VALUES (?, ?)", (bucket, store.now() + seconds))


def unlock(store: Store) -> None:
    """Open every bucket and forget what was counted."""
    for table in ("locks", "admitted", "days"):
        store.execute(f"DELETE FROM {table}")


def spend_day(store: Store, limit: int, time_zone: str) -> bool:
    """Count one call of the day (midnight to midnight in *time_zone*); False when the day's quota is used up."""
    day = datetime.fromtimestamp(store.now(), ZoneInfo(time_zone)).date().isoformat()
    calls = store.value("SELECT calls FROM days WHERE day = ?", day) or 0
    if calls >= limit:
        return False
    store.execute("INSERT OR REPLACE INTO days VALUES (?, ?)", (day, calls + 1))
    return True
