"""Windows: which records one run retrieves, by the `retrieve` of the spec and the 30-day rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from .errors import SpecError
from .plugin import Window
from .spec.model import Spec

REACH = timedelta(days=30)
"""`retrieve: {after: …}` may lie at most so long before the sync was created (the product's rule, DESIGN 8)."""


def window_of(spec: Spec, *, created: datetime, watermark: str | None, zone: str | None, now: datetime) -> Window:
    """The window of a run that starts `now`. A moment without an offset is meant in `zone` (None: UTC).

    Raises `SpecError` with the earliest valid moment when `after` reaches back too far.
    """
    after = None
    if spec.retrieve.after is not None:
        local = ZoneInfo(zone) if zone else UTC
        after = datetime.fromisoformat(spec.retrieve.after)
        after = after if after.tzinfo else after.replace(tzinfo=local)
        earliest = created - REACH
        if after < earliest:
            shown = earliest.astimezone(local).isoformat(timespec="seconds")
            raise SpecError(
                f"after: {spec.retrieve.after} lies more than 30 days before the sync was created",
                where=f"{spec.path}: retrieve",
                why=f"created {created.astimezone(local).isoformat(timespec='seconds')}",
                mend=f"the earliest valid moment is {shown}",
            )
        after = after.astimezone(UTC)
    return Window(
        created=created,
        now=now,
        fields=spec.source_fields,
        after=after,
        watermark=watermark if spec.retrieve.mode == "since_last_fetch" else None,
    )


def stored(window: Window) -> str:
    """The window as text, for the ledger."""
    return msgspec.json.encode(window).decode()


def restored(text: str) -> Window:
    """The inverse of `stored`."""
    return msgspec.json.decode(text, type=Window)
