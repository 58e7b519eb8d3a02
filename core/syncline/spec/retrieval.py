"""How far back a spec reads: the limits of `retrieve`, and what has to be said of it wherever its sync is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from ..secrets import is_reference

REACH = timedelta(days=30)
"""`retrieve: {after: …}` may lie at most so long before the sync was created (the product's rule, DESIGN 8)."""
YEARS = range(1970, 2200)
"""A moment outside of these years is a slip of the pen."""
UNLIMITED = "unlimited"
_WESTERNMOST, _EASTERNMOST = timezone(-timedelta(hours=12)), timezone(timedelta(hours=14))
_SECOND = timedelta(seconds=1)


def moment(text: str, zone: str | None) -> datetime:
    """The moment that `after` says, aware; one without an offset is meant in `zone` (None: UTC)."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone) if zone else UTC)


def earliest(created: datetime) -> datetime:
    """The earliest valid moment of a sync that was created then, to the second."""
    return (created - REACH + _SECOND - timedelta(microseconds=1)).replace(microsecond=0)


def notes(
    raw: Mapping[str, Any], now: datetime, *, created: datetime | None = None, lookback: str | None = None
) -> list[str]:
    """What everybody who looks at the sync should know of how far back it reads; empty for most.

    `raw` is the spec as written, `created` the creation of the sync (None: not yet), `lookback` that of the source with
    its reference resolved, where it is at hand.
    """
    return [*_lookback(raw, lookback), *doubts(raw, now, created=created)]


def _lookback(raw: Mapping[str, Any], resolved: str | None) -> Iterator[str]:
    written = resolved or (raw.get("source") or {}).get("lookback")
    if written == UNLIMITED:
        match raw.get("retrieve"):
            case {"after": _}:
                yield "lookback: unlimited is without effect, because retrieve says after"
            case "since_last_fetch":
                yield "the first fetch reads everything, however old (lookback: unlimited)"
            case _:
                yield "reads everything, however old (lookback: unlimited)"
    elif is_reference(written):
        yield f"how far back it reads is not shown here (lookback: {written})"


def doubts(raw: Mapping[str, Any], now: datetime, *, created: datetime | None = None) -> list[str]:
    """What is wrong, or soon will be, with the moment of `retrieve: {after: …}`, as far as it is sure without the zone
    of the source; see `notes`."""
    retrieve = raw.get("retrieve")
    if not isinstance(retrieve, Mapping):
        return []
    text = str(retrieve["after"])
    written = datetime.fromisoformat(text)
    latest = written if written.tzinfo else written.replace(tzinfo=_WESTERNMOST)
    soonest = written if written.tzinfo else written.replace(tzinfo=_EASTERNMOST)
    if soonest > now:
        return [f"after: {text} lies in the future: records from before are never read, so nothing comes until then"]
    limit = earliest(created if created is not None else now)
    if latest >= limit:
        return []
    shown = limit.astimezone(written.tzinfo or UTC).isoformat()
    if created is not None:
        return [
            f"after: {text} lies more than 30 days before the sync was created, so no run can start; the earliest"
            f" valid moment is {shown}"
        ]
    return [
        f"after: {text} lies more than 30 days back, too far for a sync that is created now: the earliest valid moment"
        f" is {shown}; a sync that exists is measured by its own creation"
    ]
