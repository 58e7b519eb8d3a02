"""When a sync is due: pure functions over a schedule's keys; croniter stays behind them.

Wall-clock times in an IANA zone. A time that a clock change skips runs at the next valid instant; a time that happens
twice runs once, the first time. A cron that fires more than once an hour, or every hour, keeps running through a
repeated hour; one that fires every hour drops the time that does not exist.
"""

from __future__ import annotations

from .due import jittered, latest_due, next_due, upcoming
from .keys import ALWAYS, MAY, NEEDS, owners, problems
from .outlook import Firing, Turn, outlook
from .walls import WEEKDAYS
from .zones import Change, changes, is_zone

__all__ = [
    "ALWAYS",
    "MAY",
    "NEEDS",
    "WEEKDAYS",
    "Change",
    "Firing",
    "Turn",
    "changes",
    "is_zone",
    "jittered",
    "latest_due",
    "next_due",
    "outlook",
    "owners",
    "problems",
    "upcoming",
]
