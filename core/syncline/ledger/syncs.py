"""Syncs: met once, fixed in identity, revised in everything else, and in one state at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from ..errors import NotRunnable, SpecError
from .changes import stamp
from .database import Database
from .locks import hold_sync
from .records import Origin, Revision, SyncRecord
from .tables import events, firings, members, revisions, syncs

STATES = ("active", "paused", "completed", "inactive")
BY_SPEC = "its spec says enabled: false"
_COLUMNS = [syncs.c[name] for name in SyncRecord.__dataclass_fields__]

Becomes = Callable[[SyncRecord], tuple[str, str] | None]
"""Is told of a sync as it is when a run of it ends, and says which state it comes into, and why; None: it stays."""
Difference = tuple[str, Any, Any]
Expect = Callable[[SyncRecord | None], None]
"""Is told of a sync as it is (None: not there) inside the transaction that would change it, which it may stop."""


def meet(
    database: Database,
    name: str,
    *,
    identity: Mapping[str, str],
    spec: Mapping[str, Any],
    source_scope: str,
    replaces: str | None,
    origin: Origin | None,
    deployment: str | None,
    expect: Expect,
) -> SyncRecord:
    """See `Ledger.meet`."""
    spec = msgspec.json.decode(msgspec.json.encode(spec))  # as it will be read back, so that equal specs are equal
    known = named(database, name)
    same = known is not None and (known.spec, known.identity, known.source_scope) == (spec, identity, source_scope)
    if known is not None and same and deployment in (None, known.deployment):
        return known
    with database.write() as connection:
        database.lock(connection, f"syncline sync {name}")
        known = _named(connection, name)
        if known is not None:
            hold_sync(connection, known.id)
            known = by_id(connection, known.id)
        expect(known)
        if known is None:
            created = _create(
                connection,
                database.now(),
                name=name,
                identity=identity,
                spec=spec,
                source_scope=source_scope,
                replaces=replaces,
                deployment=deployment,
            )
            _revise(connection, created.id, created.created_at, spec, [], origin)
            if not spec.get("enabled", True):
                _change(connection, created, database.now(), "paused", BY_SPEC)
            return by_id(connection, created.id)
        same_identity(known, identity)
        diff = difference(known.spec, spec)
        changed: dict[str, Any] = {"source_scope": source_scope, "stamp": stamp(connection)}
        if diff:
            number = _revise(connection, known.id, database.now(), spec, diff, origin)
            changed |= {"spec": spec, "revision": number}
        if deployment is not None:
            changed |= {"deployment": deployment}
        if rescheduled(diff):
            changed |= {"due_after": database.now()}
        connection.execute(syncs.update().where(syncs.c.id == known.id).values(**changed))
        if diff and (following := state_after(known, spec, diff)):
            _change(connection, known, database.now(), *following)
        return by_id(connection, known.id)


def rescheduled(diff: list[Difference]) -> bool:
    """Whether an edit is one of the schedule: what was due before it is no longer due."""
    return any(path.partition(".")[0] == "schedule" for path, _, _ in diff)


def state_after(known: SyncRecord, spec: Mapping[str, Any], diff: list[Difference]) -> tuple[str, str] | None:
    """The state and the reason that an edited spec brings about; None where it changes neither."""
    enabled = spec.get("enabled", True)
    if known.state == "active" and not enabled:
        return "paused", BY_SPEC
    if known.state == "paused" and known.reason == BY_SPEC and enabled:
        return "active", "its spec says enabled: true"
    if known.state == "completed" and enabled and rescheduled(diff):
        return "active", "its schedule was edited"
    return None


def _create(
    connection: sa.Connection,
    at: datetime,
    *,
    name: str,
    identity: Mapping[str, str],
    spec: Mapping[str, Any],
    source_scope: str,
    replaces: str | None,
    deployment: str | None,
) -> SyncRecord:
    former = _named(connection, replaces) if replaces else None
    if replaces and former is None:
        raise SpecError(
            f"replaces: {replaces!r} is not a sync that this ledger knows",
            where=name,
            mend="correct the name, or leave `replaces` out to start from nothing",
        )
    inserted = connection.execute(
        syncs.insert().values(
            name=name,
            identity=dict(identity),
            spec=spec,
            revision=1,
            state="active",
            reason="created",
            created_at=at,
            source_scope=source_scope,
            watermark=former.watermark if former else None,
            replaces=replaces,
            deployment=deployment,
            due_after=at,
            stamp=stamp(connection),
        )
    )
    sync_id: int = inserted.inserted_primary_key[0]  # type: ignore[index]  # one row was inserted, so there is one
    connection.execute(events.insert().values(sync_id=sync_id, at=at, state="active", reason="created"))
    if former:
        kept = [column for column in members.c if column.name != "sync_id"]
        rows = sa.select(sa.literal(sync_id), *kept).where(members.c.sync_id == former.id)
        connection.execute(members.insert().from_select(["sync_id", *(column.name for column in kept)], rows))
    return by_id(connection, sync_id)


def _revise(
    connection: sa.Connection,
    sync_id: int,
    at: datetime,
    spec: Mapping[str, Any],
    diff: list[Difference],
    origin: Origin | None,
) -> int:
    query = sa.select(sa.func.count()).where(revisions.c.sync_id == sync_id)
    number = 1 + connection.execute(query).scalar_one()
    came = {"commit": origin.commit, "author": origin.author} if origin else {}
    connection.execute(revisions.insert().values(sync_id=sync_id, number=number, at=at, spec=spec, diff=diff, **came))
    return number


def same_identity(known: SyncRecord, identity: Mapping[str, str]) -> None:
    """Raise `SpecError` where an edit would make another sync."""
    changes = [f"{path}: {old!r} → {new!r}" for path, old, new in difference(known.identity, identity)]
    if changes:
        raise SpecError(
            f"the identity of this sync cannot change ({', '.join(changes)})",
            where=known.name,
            mend=f"give the sync a new name and say `replaces: {known.name}`",
        )


def difference(old: Any, new: Any, path: str = "") -> list[Difference]:
    """What differs between two plain values: (dotted path, old, new), null where one side has nothing."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: list[Difference] = []
        for key in [*old, *(key for key in new if key not in old)]:
            found += difference(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
        return found
    return [] if old == new else [(path, old, new)]


def _named(connection: sa.Connection, name: str) -> SyncRecord | None:
    row = connection.execute(sa.select(*_COLUMNS).where(syncs.c.name == name)).one_or_none()
    return None if row is None else SyncRecord(**row._mapping)


def by_id(connection: sa.Connection, sync_id: int) -> SyncRecord:
    """The sync of this id."""
    return SyncRecord(**connection.execute(sa.select(*_COLUMNS).where(syncs.c.id == sync_id)).one()._mapping)


def named(database: Database, name: str) -> SyncRecord | None:
    """The sync of this name, if it was met."""
    with database.read() as connection:
        return _named(connection, name)


def listed(database: Database, names: Sequence[str] | None) -> list[SyncRecord]:
    """All syncs, or those of these names, by name."""
    query = sa.select(*_COLUMNS).order_by(syncs.c.name)
    with database.read() as connection:
        rows = connection.execute(query if names is None else query.where(database.among(syncs.c.name, names)))
        return [SyncRecord(**row._mapping) for row in rows]


def set_state(database: Database, sync_id: int, state: str, reason: str, expect: Expect) -> bool:
    """See `Ledger.set_state`."""
    if state not in STATES:
        raise ValueError(f"{state!r} is none of {STATES}")
    with database.write() as connection:
        hold_sync(connection, sync_id)
        sync = by_id(connection, sync_id)
        expect(sync)
        if sync.state == "inactive" and state != "inactive":
            raise not_runnable(sync.name, sync.state, sync.reason)
        change(database, connection, sync, state, reason)
        return sync.state not in (state, "inactive")


def change(database: Database, connection: sa.Connection, sync: SyncRecord, state: str, reason: str) -> None:
    """In a transaction that holds the sync: it is in this state now; one that is inactive stays as it is."""
    if sync.state != "inactive" and (sync.state, sync.reason) != (state, reason):
        _change(connection, sync, database.now(), state, reason)


def _change(connection: sa.Connection, sync: SyncRecord, at: datetime, state: str, reason: str) -> None:
    """Change the state. What waited to be carried out is left: a sync that becomes active starts afresh from `at`."""
    changed: dict[str, Any] = {"state": state, "reason": reason, "stamp": stamp(connection)}
    if state == "active" and sync.state != "active":
        changed |= {"due_after": at, "failures": 0, "retry_at": None}
    connection.execute(syncs.update().where(syncs.c.id == sync.id).values(**changed))
    connection.execute(events.insert().values(sync_id=sync.id, at=at, state=state, reason=reason))
    left = (firings.c.sync_id == sync.id) & (firings.c.state == "waiting")
    skipped = {"state": "skipped", "at": at, "message": f"the sync became {state}: {reason}"}
    connection.execute(firings.update().where(left).values(**skipped))


def set_zone(database: Database, sync_id: int, zone: str | None) -> None:
    """See `Ledger.set_zone`."""
    with database.write() as connection:
        hold_sync(connection, sync_id)
        other = (syncs.c.id == sync_id) & syncs.c.zone.is_distinct_from(zone)
        connection.execute(syncs.update().where(other).values(zone=zone, stamp=stamp(connection)))


def changed_since(database: Database, number: int) -> list[SyncRecord]:
    """See `Ledger.changed_since`."""
    with database.read() as connection:
        rows = connection.execute(sa.select(*_COLUMNS).where(syncs.c.stamp > number).order_by(syncs.c.stamp))
        return [SyncRecord(**row._mapping) for row in rows]


_MENDS = {
    "inactive": "this is final: create a sync with a new name; it may say `replaces: {name}`",
    "paused": "`syncline resume {name}` lets it run again",
    "completed": "it was to run once and did: edit its schedule, or create a new sync with `replaces: {name}`",
}


def not_runnable(name: str, state: str, reason: str) -> NotRunnable:
    """The refusal, with the recorded reason and what to do."""
    mend = "say enabled: true" if reason == BY_SPEC else _MENDS[state].format(name=name)
    return NotRunnable(f"sync {name} is {state}", sync=name, state=state, why=reason, mend=mend)


def events_of(database: Database, sync_id: int) -> list[tuple[datetime, str, str]]:
    """State changes, oldest first."""
    with database.read() as connection:
        query = sa.select(events.c.at, events.c.state, events.c.reason).where(events.c.sync_id == sync_id)
        return [tuple(row) for row in connection.execute(query.order_by(events.c.id))]


def revisions_of(database: Database, sync_id: int) -> list[Revision]:
    """Revisions, oldest first, each with what it changed."""
    wanted = [revisions.c[name] for name in Revision.__dataclass_fields__]
    with database.read() as connection:
        rows = connection.execute(sa.select(*wanted).where(revisions.c.sync_id == sync_id).order_by(revisions.c.number))
        return [Revision(**{**row._mapping, "diff": [tuple(each) for each in row.diff]}) for row in rows]
