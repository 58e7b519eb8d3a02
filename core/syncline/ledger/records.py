"""What the ledger hands out: frozen values, times aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from ..clock import iso
from ..decision import Counts


@dataclass(frozen=True)
class SyncRecord:
    """A sync as the ledger knows it. `source_scope` is that of its spec, `scope` that of its last complete read.

    `zone` is the source's own, as it was last learnt. The schedule counts from `due_after` on (its creation, its last
    edit, or the moment when the sync became active again); `fired` is the last firing that was seen to. `failures`
    counts scheduled runs that failed since the last good one; the next try is at `retry_at`. `stamp` grows with each
    change.
    `deployment` is the folder of specs that it was last taken in from, by the name that the folder goes by.
    """

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
    zone: str | None = None
    due_after: datetime | None = None
    fired: datetime | None = None
    failures: int = 0
    retry_at: datetime | None = None
    stamp: int = 0
    deployment: str | None = None


@dataclass(frozen=True)
class RunRecord:
    """A run at one instant. `window` and `cursor` are opaque to the ledger; `token` proves the lease of its holder.

    `due` is the firing that it carries out; None when a person started it. `hold` says in numbers what a guard holds,
    `hold_state` how far that is (see `holds`), `hold_by` the run that uses the approval. `undoes` is the run that this
    one takes back, `action` how it takes people out. `returned` leads of its total were dead letters before.
    """

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
    due: datetime | None = None
    hold: Mapping[str, Any] | None = None
    hold_state: str | None = None
    hold_by: str | None = None
    undoes: str | None = None
    action: str | None = None
    returned: int = 0
    token: str = field(default="", repr=False)

    def document(self) -> dict[str, Any]:
        """The JSON document of DESIGN 10; `message` is there only when it says something, `due` only when the run
        carries out a firing, `held` only when a guard holds a part of it, `undoes` only when it undoes a run,
        `returned` only when some of its leads were dead letters before."""
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
        document |= {"due": iso(self.due)} if self.due else {}
        document |= {"undoes": self.undoes} if self.undoes else {}
        if self.hold is not None:
            document["held"] = {**self.hold, "state": self.hold_state, "used_by": self.hold_by}
        document |= {"returned": self.returned} if self.returned else {}
        return document | ({"message": self.message} if self.message else {})


@dataclass(frozen=True)
class Undoing:
    """The run that is to be taken back, and the `action` by which people are taken out (None: nobody is)."""

    run: str
    action: str | None


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
    """A lead that did not arrive. `code` is the refuser's, or `unknown`; `payload` is the one row as it was sent.

    It returns by itself in the first run from `return_at` on; None: it stays until somebody asks for it."""

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
    return_at: datetime | None
    payload: pl.DataFrame


@dataclass(frozen=True)
class Origin:
    """Where a spec comes from: the `commit` that last changed its file, and that commit's `author`, by name."""

    commit: str
    author: str


@dataclass(frozen=True)
class Wanted:
    """A spec on its way into the ledger. `replaces` names the sync whose watermark and members a new one inherits,
    `deployment` the folder that the spec is taken in from (None: whichever it was), `origin` its commit."""

    name: str
    identity: Mapping[str, Any]
    spec: Mapping[str, Any]
    source_scope: str
    replaces: str | None = None
    origin: Origin | None = None
    deployment: str | None = None

    def is_in(self, known: SyncRecord) -> bool:
        """Whether the ledger knows all of this."""
        same = (known.spec, known.identity, known.source_scope) == (self.spec, self.identity, self.source_scope)
        return same and self.deployment in (None, known.deployment)


@dataclass(frozen=True)
class Revision:
    """One state of a spec: `diff` is what it changed, (dotted path, old, new) each; `commit` and `author` where it came
    out of a Git checkout."""

    number: int
    at: datetime
    spec: Mapping[str, Any]
    diff: list[tuple[str, Any, Any]]
    commit: str | None = None
    author: str | None = None


@dataclass(frozen=True)
class Firing:
    """A due moment of a sync, claimed by a process that serves: this is the `attempts`-th try to carry it out."""

    sync: SyncRecord
    due: datetime
    attempts: int
    node: str
