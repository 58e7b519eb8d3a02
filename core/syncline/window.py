"""Windows: which records one run retrieves, by the `retrieve` of the spec and the 30-day rule."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from .errors import SpecError
from .plugin import Window
from .spec import retrieval
from .spec.model import Spec


def window_of(
    spec: Spec,
    *,
    created: datetime | None,
    watermark: str | None,
    zone: Callable[[], str | None],
    now: datetime,
) -> Window:
    """The window of a run that starts `now`. `created` None: the sync would be created by that run. A moment without
    an offset is meant in `zone()` (None: UTC).

    Raises `SpecError` with the earliest valid moment when `after` reaches back too far.
    """
    return Window(
        created=now if created is None else created,
        now=now,
        fields=spec.source_fields,
        after=_after(spec, created, zone, now) if spec.retrieve.after else None,
        watermark=watermark if spec.retrieve.mode == "since_last_fetch" else None,
    )


def _after(spec: Spec, created: datetime | None, zone: Callable[[], str | None], now: datetime) -> datetime:
    text = spec.retrieve.after or ""
    after = datetime.fromisoformat(text)
    after = retrieval.moment(text, None if after.tzinfo else zone())
    earliest = retrieval.earliest(now if created is None else created)
    if after < earliest:
        moment = (now if created is None else created).astimezone(after.tzinfo).isoformat(timespec="seconds")
        raise SpecError(
            f"after: {text} lies more than 30 days before the sync was created",
            where=f"{spec.path}: retrieve",
            why=f"created {moment}" if created else f"it would be created now, {moment}",
            mend=f"the earliest valid moment is {earliest.astimezone(after.tzinfo).isoformat()}",
        )
    return after.astimezone(UTC)


def scope_of(spec: Spec) -> str:
    """Equal exactly for specs that read the same records: only such runs can be compared to find who is gone."""
    parts: Mapping[str, Any] = {
        "source": {"type": spec.source.type} | dict(spec.source.config),
        "retrieve": spec.retrieve.mode,
    }
    return hashlib.blake2b(msgspec.json.encode(parts, order="sorted"), digest_size=12).hexdigest()


def stored(window: Window, scope: str) -> str:
    """The window of a run and the scope it began with, as text, for the ledger."""
    return msgspec.json.encode(_Stored(window, scope)).decode()


def restored(text: str, spec: Spec) -> tuple[Window, bool]:
    """The window, with the fields that the spec needs now, and whether the spec still reads the same records."""
    kept = msgspec.json.decode(text, type=_Stored)
    return replace(kept.window, fields=spec.source_fields), kept.scope == scope_of(spec)


class _Stored(msgspec.Struct, frozen=True):
    window: Window
    scope: str
