"""Sliding windows, locks and the daily quota: all counted in the state, so shared by every server process."""

from datetime import datetime
from zoneinfo import ZoneInfo

from syncline_zoho_sandbox.store import Store

NEWEST = """
SELECT n, (SELECT at FROM admitted o WHERE o.bucket = a.bucket AND o.n = a.n + 1 - ?)
FROM admitted a WHERE bucket = ? ORDER BY n DESC LIMIT 1
"""


def admit(store: Store, bucket: str, limit: int, window: int) -> bool:
    """Count one call, unless *limit* calls already lie inside the last *window* seconds.

    Admitted calls are numbered, so the window is full exactly when the call *limit* numbers ago is younger than it:
    one look-up, however many calls there were.
    """
    now = store.now()
    last, oldest = store.execute(NEWEST, (limit, bucket)).fetchone() or (0, None)
    if limit == 0 or (oldest is not None and oldest > now - window):
        return False
    store.execute("INSERT INTO admitted VALUES (?, ?, ?)", (bucket, last + 1, now))
    return True


def locked(store: Store, bucket: str) -> bool:
    """Whether a lock lies on *bucket* now."""
    locks: dict[str, float] = store.kept(
        "locks", lambda: dict(store.execute("SELECT bucket, until FROM locks").fetchall())
    )
    return locks.get(bucket, 0.0) > store.now()


def lock(store: Store, bucket: str, seconds: float) -> None:
    """Close *bucket* for *seconds*; other buckets keep working."""
    store.execute("INSERT OR REPLACE INTO locks VALUES (?, ?)", (bucket, store.now() + seconds))
    store.touch()


def unlock(store: Store) -> None:
    """Open every bucket and forget what was counted."""
    for table in ("locks", "admitted", "days"):
        store.execute(f"DELETE FROM {table}")  # noqa: S608 -- three fixed names
    store.touch()


def spend_day(store: Store, limit: int, time_zone: str) -> bool:
    """Count one call of the day (midnight to midnight in *time_zone*); False when the day's quota is used up."""
    day = datetime.fromtimestamp(store.now(), ZoneInfo(time_zone)).date().isoformat()
    calls = store.value("SELECT calls FROM days WHERE day = ?", day) or 0
    if calls >= limit:
        return False
    store.execute("INSERT OR REPLACE INTO days VALUES (?, ?)", (day, calls + 1))
    return True
