"""What is known of syncs, from their files and from the ledger together: for `status` and `show`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ..errors import SpecError
from ..ledger import Ledger, Revision, RunRecord, SyncRecord, Waiting
from ..schedule import upcoming
from ..spec import Loaded, Spec
from ..spec.retrieval import notes
from .invocation import Invocation

LEFT = "its spec is not in this folder"
NEXT = 3
"""How many firings `show` looks ahead."""
LAST = 5
"""How many firings `show` looks back."""


@dataclass(frozen=True)
class Known:
    """One line of `status`. `state` is None for a sync that the ledger has not met; `schedule` is as written.

    `failures` counts the scheduled runs that failed since the last good one; the next try is at `retry_at`. `left`: the
    folder has other specs, and none for it."""

    name: str
    file: Path | None
    state: str | None
    reason: str
    last_run: RunRecord | None
    next_run: datetime | None
    schedule: Mapping[str, Any] | None
    letters: Waiting
    notes: list[str]
    failures: int = 0
    retry_at: datetime | None = None
    left: bool = False
    holding: RunRecord | None = None
    """The run in which a guard holds something that still waits."""


@dataclass(frozen=True)
class Definition:
    """Everything `show` says; `raw` is the spec as written, from its file or else from the ledger."""

    name: str
    file: Path | None
    raw: Mapping[str, Any]
    record: SyncRecord | None
    described: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    next_runs: list[datetime] = field(default_factory=list)
    last_run: RunRecord | None = None
    revisions: list[Revision] = field(default_factory=list)
    events: list[tuple[datetime, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    firings: list[Mapping[str, Any]] = field(default_factory=list)
    holding: RunRecord | None = None
    letters: Waiting = field(default_factory=Waiting)


def all_known(ledger: Ledger, loaded: Loaded) -> list[Known]:
    """Every sync of the ledger and of the folder, by name."""
    files = {spec.name: spec for spec in loaded.specs}
    records = {record.name: record for record in ledger.syncs()}
    names = sorted(files.keys() | records.keys())
    return [_known(ledger, name, records.get(name), files.get(name), left=leaves(loaded)) for name in names]


def leaves(loaded: Loaded) -> bool:
    """Whether a folder surely leaves out a sync that none of its specs names: it has some, and none with faults."""
    return bool(loaded.specs) and not loaded.faults_of


def _known(ledger: Ledger, name: str, record: SyncRecord | None, spec: Spec | None, *, left: bool) -> Known:
    """`left`: the folder has specs, so that a sync without one there is not run by whoever serves it."""
    raw = spec.raw if spec else record.spec if record else {}
    runs = ledger.runs(record.id, 1) if record else []
    state, reason = state_of(record, raw)
    runnable = state in ("active", None)
    left = left and runnable and spec is None
    return Known(
        name=name,
        file=spec.path if spec else None,
        state=state,
        reason=LEFT if left else reason,
        last_run=runs[0] if runs else None,
        next_run=next(iter(next_runs(raw, record, ledger.now(), 1)), None) if runnable and not left else None,
        schedule=raw.get("schedule"),
        letters=ledger.letters(record.id) if record else Waiting(),
        notes=notes(raw, ledger.now(), created=record.created_at if record else None),
        failures=record.failures if record else 0,
        retry_at=record.retry_at if record and runnable and not left else None,
        left=left,
        holding=ledger.holding(record.id) if record else None,
    )


def state_of(record: SyncRecord | None, raw: Mapping[str, Any]) -> tuple[str | None, str]:
    """The state of a sync and its reason, by the ledger and by its spec; None when the ledger has not met it."""
    state, reason = (record.state, record.reason) if record else (None, "not run yet")
    if state in ("active", None) and not raw.get("enabled", True):
        return "paused", "its spec says enabled: false"
    return state, reason


def next_runs(raw: Mapping[str, Any], record: SyncRecord | None, now: datetime, n: int) -> list[datetime]:
    """The next firings, where the zone is known; that of a source is not asked for here (network)."""
    schedule = raw.get("schedule")
    zone = schedule and (schedule.get("timezone") or getattr(record, "zone", None))
    if not schedule or not zone:
        return []
    if record is not None and record.retry_at is not None and record.retry_at > now:
        later = upcoming(schedule, record.retry_at, zone) if schedule["frequency"] != "once" else ()
        return list(islice(chain([record.retry_at], later), n))
    return list(islice(upcoming(schedule, reckoned(schedule, record, now), zone), n))


def reckoned(schedule: Mapping[str, Any], record: SyncRecord | None, start: datetime) -> datetime:
    """The moment after which the runs of a schedule are looked for: that of a `once` is due after its creation."""
    return record.created_at if record and schedule["frequency"] == "once" else start


def define(invocation: Invocation, sync: str) -> Definition:
    """What is known of the sync with this name or spec file. `SpecError` when it is nowhere."""
    spec, loaded = invocation.named(sync)
    name = spec.name if spec else sync
    ledger = invocation.ledger(beside=spec.path.parent if spec else None)
    record = ledger.sync(name)
    if spec is None and record is None:
        raise unknown_sync(sync, invocation.folder())
    raw = spec.raw if spec else record.spec if record else {}
    runs = ledger.runs(record.id, 1) if record else []
    left = spec is None and leaves(loaded)
    runnable = raw.get("enabled", True) and (record is None or record.state == "active") and not left
    said = [f"{LEFT}: `serve` of it does not run this sync, and `apply --prune` ends it"] if left else []
    return Definition(
        name=name,
        file=spec.path if spec else None,
        raw=raw,
        record=record,
        described=_described(invocation, spec, loaded) if spec else {},
        next_runs=next_runs(raw, record, ledger.now(), NEXT) if runnable else [],
        last_run=runs[0] if runs else None,
        revisions=ledger.revisions(record.id) if record else [],
        events=ledger.events(record.id) if record else [],
        firings=list(ledger.firings(record.id, LAST)) if record else [],
        holding=ledger.holding(record.id) if record else None,
        letters=ledger.letters(record.id) if record else Waiting(),
        notes=[*said, *notes(raw, ledger.now(), created=record.created_at if record else None)],
    )


def _described(invocation: Invocation, spec: Spec, loaded: Any) -> dict[str, dict[str, str]]:
    """What source and sink say of themselves; a spec whose secrets are not at hand is shown as written."""
    from ..assembly import Assembly

    try:
        with Assembly(invocation.unconnected(spec, loaded), None) as assembly:
            return {"source": assembly.source.describe(), "sink": assembly.sink.describe()}
    except SpecError:
        return {}


def unknown_sync(sync: str, folder: Path) -> SpecError:
    """The error for a name that neither a file nor the ledger has."""
    place = folder if folder.name else "this folder"
    return SpecError(
        f"there is no sync {sync!r}",
        why=f"neither in {place} nor in the ledger",
        mend="`syncline status` lists those that are known",
    )
