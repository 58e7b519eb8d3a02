"""Windows as criteria of Creator: which records a read asks for.

Source: https://www.zoho.com/creator/help/api/v2.1/get-records.html ; date literals stand in single quotes, in the
application's own format and zone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from syncline import Window
from syncline_zoho import seconds

from .config import UNLIMITED, CreatorConfig
from .dates import Dates
from .fieldtypes import TIMES

OVERLAP = timedelta(hours=1)
"""What is read again of the time before the watermark: local times without an offset are an hour unsure when the clock
goes back, and records that were being changed while a page was read are met again."""


def start_of(window: Window, config: CreatorConfig) -> datetime | None:
    """The moment from which added or changed records are wanted; None: all of them.

    A `since_last_fetch` that has no watermark yet reaches back like `all`.
    """
    if window.watermark is not None:
        return datetime.fromisoformat(window.watermark) - OVERLAP
    if window.after is not None:
        return window.after
    if config.lookback == UNLIMITED:
        return None
    return window.created - timedelta(seconds=seconds(config.lookback))


def criteria_of(start: datetime | None, config: CreatorConfig, dates: Dates) -> str:
    """The criteria for records added or changed from `start` on, joined to the config's own; "" when there are none."""
    own = (config.criteria or "").strip()
    if start is None:
        return own
    literal = dates.literal(start)
    recent = " || ".join(f"{name} >= {literal}" for name in TIMES)
    return f"({recent}) && ({own})" if own else recent
