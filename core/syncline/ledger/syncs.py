"""Syncs: met once, fixed in identity, revised in everything else, and in one state at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from ..errors import NotRunnable, SpecError
from .database import Database
from .records import SyncRecord
from .tables import events, members, revisions, syncs

STATES = ("active", "paused", "completed", "inactive")
_COLUMNS = [syncs.c[name] for name in SyncRecord.__dataclass_fields__]

Difference = tuple[str, Any, Any]


def meet(
    database: Database,
    name: str,
    *,
    identity: Mapping[str, str],
    spec: Mapping[str, Any],
    source_scope: str,
    replaces: str | None,
) -> SyncRecord:
    """See `Ledger.meet`."""
    spec = msgspec.json.decode(msgspec.json.encode(spec))  # as it will be read back, so that equal specs are equal
    with database.write() as connection:
        database.lock(connection, f"syncline sync {name}")
        known = _named(connection, name)
        if known is None:
            return _create(
                connection,
                database.now(),
                name=name,
                identity=identity,
                spec=spec,
                source_scope=source_scope,
                replaces=replaces,
            )
        _same_identity(known, identity)
        diff = difference(known.spec, spec)
        if diff:
            number = _revise(connection, known.id, database.now(), spec, diff)
            connection.execute(syncs.update().where(syncs.c.id == known.id).values(spec=spec, revision=number))
        if known.source_scope != source_scope:
            connection.execute(syncs.update().where(syncs.c.id == known.id).values(source_scope=source_scope))
        return by_id(connection, known.id)


def _create(
    connection: sa.Connection,
    at: datetime,
    *,
    name: str,
    identity: Mapping[str, str],
    spec: Mapping[str, Any],
    source_scope: str,
    replaces: str | None,
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
        )
    )
    sync_id: int = inserted.inserted_primary_key[0]  # type: ignore[index]  # one row was inserted, so there is one
    _revise(connection, sync_id, at, spec, [])
    connection.execute(events.insert().values(sync_id=sync_id, at=at, state="active", reason="created"))
    if former:
        kept = [column for column in members.c if column.name != "sync_id"]
        rows = sa.select(sa.literal(sync_id), *kept).where(members.c.sync_id == former.id)
        connection.execute(members.insert().from_select(["sync_id", *(column.name for column in kept)], rows))
    return by_id(connection, sync_id)


def _revise(
    connection: sa.Connection, sync_id: int, at: datetime, spec: Mapping[str, Any], diff: list[Difference]
) -> int:
    query = sa.select(sa.func.count()).where(revisions.c.sync_id == sync_id)
    number = 1 + connection.execute(query).scalar_one()
    connection.execute(revisions.insert().values(sync_id=sync_id, number=number, at=at, spec=spec, diff=diff))
    return number


def _same_identity(known: SyncRecord, identity: Mapping[str, str]) -> None:
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


def listed(database: Database) -> list[SyncRecord]:
    """All syncs, by name."""
    with database.read() as connection:
        rows = connection.execute(sa.select(*_COLUMNS).order_by(syncs.c.name))
        return [SyncRecord(**row._mapping) for row in rows]


def set_state(database: Database, sync_id: int, state: str, reason: str) -> None:
    """See `Ledger.set_state`."""
    if state not in STATES:
        raise ValueError(f"{state!r} is none of {STATES}")
    with database.write() as connection:
        row = connection.execute(
            sa.select(syncs.c.name, syncs.c.state, syncs.c.reason).where(syncs.c.id == sync_id).with_for_update()
        ).one()
        if row.state == "inactive" and state != "inactive":
            raise not_runnable(row.name, row.state, row.reason)
        if row.state == "inactive":
            return
        connection.execute(syncs.update().where(syncs.c.id == sync_id).values(state=state, reason=reason))
        connection.execute(events.insert().values(sync_id=sync_id, at=database.now(), state=state, reason=reason))


_MENDS = {
    "inactive": "this is final: create a sync with a new name; it may say `replaces: {name}`",
    "paused": "somebody paused it",
    "completed": "it was to run once and did; a new sync with `replaces: {name}` inherits what it knows",
}


def not_runnable(name: str, state: str, reason: str) -> NotRunnable:
    """The refusal, with the recorded reason and what to do."""
    mend = _MENDS[state].format(name=name)
    return NotRunnable(f"sync {name} is {state}", sync=name, state=state, why=reason, mend=mend)


def events_of(database: Database, sync_id: int) -> list[tuple[datetime, str, str]]:
    """State changes, oldest first."""
    with database.read() as connection:
        query = sa.select(events.c.at, events.c.state, events.c.reason).where(events.c.sync_id == sync_id)
        return [tuple(row) for row in connection.execute(query.order_by(events.c.id))]


def revisions_of(database: Database, sync_id: int) -> list[tuple[int, datetime, dict[str, Any], list[Difference]]]:
    """Revisions, oldest first, each with what it changed."""
    with database.read() as connection:
        query = sa.select(revisions.c.number, revisions.c.at, revisions.c.spec, revisions.c.diff)
        rows = connection.execute(query.where(revisions.c.sync_id == sync_id).order_by(revisions.c.number))
        return [(row.number, row.at, row.spec, [tuple(each) for each in row.diff]) for row in rows]
