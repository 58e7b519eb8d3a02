"""Syncs: met once, fixed in identity, revised in everything else, and in one state at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from ..errors import NotRunnable, SpecError
from .asking import asked_again
from .changes import stamp
from .database import Database
from .locks import hold_sync
from .records import Origin, Revision, SyncRecord, Wanted
from .tables import events, firings, members, revisions, syncs

STATES = ("active", "paused", "completed", "inactive")
BY_SPEC = "its spec says enabled: false"
_COLUMNS = [syncs.c[name] for name in SyncRecord.__dataclass_fields__]

Becomes = Callable[[SyncRecord], tuple[str, str] | None]
"""Is told of a sync as it is when a run of it ends, and says which state it comes into, and why; None: it stays."""
Difference = tuple[str, Any, Any]
Expect = Callable[[SyncRecord | None], None]
"""Is told of a sync as it is (None: not there) inside the transaction that would change it, which it may stop."""


def meet(database: Database, wanted: Wanted, expect: Expect) -> SyncRecord:
    """See `Ledger.meet`."""
    wanted = _plain(wanted)
    known = named(database, wanted.name)
    if known is not None and wanted.is_in(known):
        return known
    with database.write() as connection:
        return _met(database, connection, wanted, expect)


def meet_all(database: Database, wanted: Sequence[Wanted]) -> list[SyncRecord | SpecError]:
    """See `Ledger.meet_all`."""
    answers: dict[str, SyncRecord | SpecError] = {}
    with database.write() as connection:
        for each in sorted(map(_plain, wanted), key=lambda wanted: wanted.name):  # all processes lock in one order
            try:
                answers[each.name] = _met(database, connection, each, lambda known: None)
            except SpecError as error:
                answers[each.name] = error
    return [answers[each.name] for each in wanted]


def _plain(wanted: Wanted) -> Wanted:
    """As it will be read back, so that equal specs are equal."""
    return replace(wanted, spec=msgspec.json.decode(msgspec.json.encode(wanted.spec)))


def _met(database: Database, connection: sa.Connection, wanted: Wanted, expect: Expect) -> SyncRecord:
    """One sync, met inside a transaction; a `SpecError` comes before anything was written."""
    database.lock(connection, f"syncline sync {wanted.name}")
    known, spec = _named(connection, wanted.name), wanted.spec
    known = locked(connection, known.id) if known else None
    expect(known)
    if known is None:
        created = _create(connection, database.now(), wanted)
        _revise(connection, created.id, created.created_at, spec, [], wanted.origin)
        if not spec.get("enabled", True):
            become(connection, created, database.now(), "paused", BY_SPEC)
        return by_id(connection, created.id)
    same_identity(known, wanted.identity)
    diff = difference(known.spec, spec)
    changed: dict[str, Any] = {"source_scope": wanted.source_scope, "stamp": stamp(connection)}
    if diff:
        number = _revise(connection, known.id, database.now(), spec, diff, wanted.origin)
        changed |= {"spec": spec, "revision": number, "retry_at": None}  # it may be mended: it is tried at once
    if wanted.deployment is not None:
        changed |= {"deployment": wanted.deployment}
    if rescheduled(diff):
        changed |= {"due_after": database.now()}
    connection.execute(syncs.update().where(syncs.c.id == known.id).values(**changed))
    if diff and (following := state_after(known, spec, diff)):
        become(connection, known, database.now(), *following)
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


def _create(connection: sa.Connection, at: datetime, wanted: Wanted) -> SyncRecord:
    replaces = wanted.replaces
    former = _named(connection, replaces) if replaces else None
    if replaces and former is None:
        raise SpecError(
            f"replaces: {replaces!r} is not a sync that this ledger knows",
            where=wanted.name,
            mend="correct the name, or leave `replaces` out to start from nothing",
        )
    inserted = connection.execute(
        syncs.insert().values(
            name=wanted.name,
            identity=dict(wanted.identity),
            spec=wanted.spec,
            revision=1,
            state="active",
            reason="created",
            created_at=at,
            source_scope=wanted.source_scope,
            watermark=former.watermark if former else None,
            replaces=replaces,
            deployment=wanted.deployment,
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


def locked(connection: sa.Connection, sync_id: int) -> SyncRecord:
    """The sync of this id as it is now, and stays until this transaction ends."""
    hold_sync(connection, sync_id)
    return by_id(connection, sync_id)


@asked_again
def named(database: Database, name: str) -> SyncRecord | None:
    """The sync of this name, if it was met."""
    with database.read() as connection:
        return _named(connection, name)


@asked_again
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
        sync = locked(connection, sync_id)
        expect(sync)
        if sync.state == "inactive" and state != "inactive":
            raise not_runnable(sync.name, sync.state, sync.reason)
        change(database, connection, sync, state, reason)
        return sync.state not in (state, "inactive")


def change(database: Database, connection: sa.Connection, sync: SyncRecord, state: str, reason: str) -> None:
    """In a transaction that holds the sync: it is in this state now; one that is inactive stays as it is."""
    if sync.state != "inactive" and (sync.state, sync.reason) != (state, reason):
        become(connection, sync, database.now(), state, reason)


def become(connection: sa.Connection, sync: SyncRecord, at: datetime, state: str, reason: str) -> None:
    """Change the state of a sync, whose row is locked. What waited to be carried out is left: a sync that becomes
    active starts afresh from `at`."""
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
        if locked(connection, sync_id).zone != zone:
            here = syncs.update().where(syncs.c.id == sync_id)
            connection.execute(here.values(zone=zone, stamp=stamp(connection)))


def end_rest(database: Database, sync_ids: Sequence[int]) -> None:
    """See `Ledger.end_rest`."""
    with database.write() as connection:
        for sync_id in sorted(sync_ids):
            if locked(connection, sync_id).retry_at is not None:
                here = syncs.update().where(syncs.c.id == sync_id)
                connection.execute(here.values(retry_at=None, stamp=stamp(connection)))


@asked_again
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


@asked_again
def events_of(database: Database, sync_id: int) -> list[tuple[datetime, str, str]]:
    """State changes, oldest first."""
    with database.read() as connection:
        query = sa.select(events.c.at, events.c.state, events.c.reason).where(events.c.sync_id == sync_id)
        return [tuple(row) for row in connection.execute(query.order_by(events.c.id))]


@asked_again
def revisions_of(database: Database, sync_id: int) -> list[Revision]:
    """Revisions, oldest first, each with what it changed."""
    wanted = [revisions.c[name] for name in Revision.__dataclass_fields__]
    with database.read() as connection:
        rows = connection.execute(sa.select(*wanted).where(revisions.c.sync_id == sync_id).order_by(revisions.c.number))
        return [Revision(**{**row._mapping, "diff": [tuple(each) for each in row.diff]}) for row in rows]
