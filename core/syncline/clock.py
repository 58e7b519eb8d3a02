"""The clock: the one seam at which a test may put another; and how its moments are written."""

from __future__ import annotations

import threading
from datetime import UTC, datetime


class Clock:
    """Wall-clock time. Calling it gives the moment, aware, in UTC."""

    def __call__(self) -> datetime:
        """The moment."""
        return datetime.now(UTC)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set (True) or so many seconds of this clock have passed (False)."""
        return event.wait(max(0.0, seconds))


SYSTEM = Clock()
"""The clock of this machine."""


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a `Z`, to the millisecond."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
