"""What the ledger hands out: frozen values, times aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from ..decision import Counts


def utcnow() -> datetime:
    """The moment, aware, in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a `Z`, to the millisecond."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class SyncRecord:
    """A sync as the ledger knows it. `source_scope` is that of its spec, `scope` that of its last complete read."""

    id: int
    name: str
    identity: Mapping[str, str]
    spec: Mapping[str, Any]
    revision: int
    state: str
    reason: str
    created_at: datetime
    source_scope: str
    scope: str | None = None
    watermark: str | None = None
    replaces: str | None = None
    account: str | None = None
    target: str | None = None


@dataclass(frozen=True)
class RunRecord:
    """A run at one instant. `window` and `cursor` are opaque to the ledger; `token` proves the lease of its holder."""

    id: str
    sync_id: int
    sync: str
    status: str
    trigger: str
    window: str
    started_at: datetime
    finished_at: datetime | None
    message: str
    cursor: str | None
    counts: Counts
    source_calls: int
    sink_calls: int
    resumed: bool
    token: str = field(default="", repr=False)

    def document(self) -> dict[str, Any]:
        """The JSON document of DESIGN 10; `message` is there only when it says something."""
        document: dict[str, Any] = {
            "run": self.id,
            "sync": self.sync,
            "status": self.status,
            "trigger": self.trigger,
            "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
            **self.counts.document(),
            "calls": {"source": self.source_calls, "sink": self.sink_calls},
            "resumed": self.resumed,
        }
        return document | ({"message": self.message} if self.message else {})


@dataclass(frozen=True)
class OpenBatch:
    """A batch of a run that was cut off: `sent` rows went out and have no answer, `waiting` rows never went out.

    `outcomes` holds all its rows with what is known by now, `payload` all rows that were to be sent.
    """

    seq: int
    outcomes: pl.DataFrame
    payload: pl.DataFrame
    sent: frozenset[int]
    waiting: frozenset[int]


@dataclass(frozen=True)
class DeadLetter:
    """A lead that did not arrive. `code` is the refuser's, or `unknown`; `payload` is the one row as it was sent."""

    id: int
    sync_id: int
    run_id: str
    row: int
    key: str | None
    source_id: str | None
    code: str
    message: str
    attempts: int
    first_at: datetime
    last_at: datetime
    payload: pl.DataFrame
