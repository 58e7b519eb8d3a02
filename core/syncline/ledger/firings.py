"""Firings: each due moment of a sync is carried out once, whoever serves, and whoever dies while doing so."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from ..clock import iso
from .asking import asked_again
from .changes import stamp
from .database import Database
from .process import Holder, this_process
from .records import Firing, RunRecord, SyncRecord
from .runs import FREE_AFTER, held_as, held_by
from .streak import ASIDE
from .syncs import by_id, locked
from .tables import firings, nodes, syncs

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
OPEN = firings.c.state.in_(("claimed", "waiting"))
CARRIED_OUT = ("succeeded", "partial", "held")
"""How a run ends that did what a firing asks for; removals that a guard holds wait for a person, not for the clock."""

SUPERSEDED = "the next one was due before it could be done"
PASSED_OVER = "the run of {} does for this one too"


@dataclass(frozen=True)
class Refusal:
    """Why a firing cannot be carried out now.

    taken: it was seen to already; busy: a run of this sync is going; later: the sync failed and waits `until`;
    idle: the sync is not active, or nothing is open.
    """

    why: Literal["taken", "busy", "later", "idle"]
    until: datetime | None = None


def wait_after(failures: int) -> timedelta:
    """How long a sync rests after so many failures in a row: a minute, then twice as long each time, up to an hour."""
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(failures - 1, 10)))


# -------------------------------------------------------------------------------------------------------- nodes


def join(database: Database) -> str:
    """See `Ledger.join`."""
    now = database.now()
    node = f"{this_process().pid}-{secrets.token_hex(6)}"
    with database.write() as connection:
        connection.execute(nodes.delete().where(nodes.c.heartbeat < now - timedelta(days=1)))
        _enter(connection, node, now)
    return node


def _enter(connection: sa.Connection, node: str, now: datetime) -> None:
    holder = this_process()
    values = {"host": holder.host, "pid": holder.pid, "born": holder.born, "started_at": now, "heartbeat": now}
    connection.execute(nodes.insert().values(id=node, **values))


def beat(database: Database, node: str) -> None:
    """See `Ledger.beat`."""
    with database.write() as connection:
        _alive(connection, node, database.now())


def _alive(connection: sa.Connection, node: str, now: datetime) -> None:
    alive = connection.execute(nodes.update().where(nodes.c.id == node).values(heartbeat=now))
    if not alive.rowcount:  # it was silent for so long that it was struck off
        _enter(connection, node, now)


def leave(database: Database, node: str) -> None:
    """See `Ledger.leave`."""
    with database.write() as connection:
        mine = (firings.c.node == node) & (firings.c.state == "claimed")
        connection.execute(firings.update().where(mine).values(state="waiting", node=None, at=database.now()))
        connection.execute(nodes.delete().where(nodes.c.id == node))


@asked_again
def serving(database: Database) -> list[tuple[str, datetime]]:
    """See `Ledger.serving`."""
    with database.read() as connection:
        rows = connection.execute(sa.select(nodes).order_by(nodes.c.started_at)).all()
    return [(row.id, row.started_at) for row in rows if not _is_gone(database, row)]


def _is_gone(database: Database, node: sa.Row[Any] | None) -> bool:
    if node is None:
        return True
    silent = database.now() - node.heartbeat >= FREE_AFTER
    return silent or Holder(node.host, node.pid, node.born).is_gone()


# ------------------------------------------------------------------------------------------------------- firings


def claim(
    database: Database, node: str, sync_id: int, due: datetime | None, passed_over: Sequence[datetime]
) -> Firing | Refusal:
    """See `Ledger.claim`."""
    with database.write() as connection:
        sync, now = locked(connection, sync_id), database.now()
        if sync.state != "active":
            return Refusal("idle")
        mine = firings.c.sync_id == sync_id
        unfinished = connection.execute(sa.select(firings).where(mine, OPEN).order_by(firings.c.due)).all()
        for each in unfinished:
            if each.state == "claimed" and not _is_gone(database, _node(connection, each.node)):
                return Refusal("busy")
        if held_by(database, connection, sync_id) is not None:
            return Refusal("busy")
        cut_off = next((each for each in unfinished if each.state == "claimed"), None)
        if cut_off is None and sync.retry_at is not None and now < sync.retry_at:
            return Refusal("later", sync.retry_at)
        _alive(connection, node, now)  # after a sleep of the machine its last sign of life is as old as everybody's
        fired = _fired(connection, sync, now)
        if cut_off is None and due is not None and (fired is None or due > fired) and not _known(connection, sync, due):
            for each in unfinished:
                message = f"{SUPERSEDED}; before that: {each.message}" if each.message else SUPERSEDED
                here = firings.update().where(mine, OPEN, firings.c.due == each.due)
                connection.execute(here.values(state="skipped", at=now, message=message))
            values = {"state": "claimed", "node": node, "attempts": 1, "at": now, "message": ""}
            connection.execute(firings.insert().values(sync_id=sync_id, due=due, **values))
            connection.execute(syncs.update().where(syncs.c.id == sync_id).values(fired=due))
            told = {"state": "skipped", "attempts": 0, "at": now, "message": PASSED_OVER.format(iso(due))}
            for earlier in passed_over:
                statement = database.insert(firings).values(sync_id=sync_id, due=earlier, **told)
                connection.execute(statement.on_conflict_do_nothing())
            return Firing(by_id(connection, sync_id), due, 1, node)
        chosen = cut_off or (unfinished[-1] if unfinished else None)
        if chosen is None:
            _put_right(connection, sync, fired)
            return Refusal("taken" if due is not None else "idle")
        attempts = chosen.attempts + 1
        values = {"state": "claimed", "node": node, "attempts": attempts, "at": now}
        connection.execute(firings.update().where(mine, firings.c.due == chosen.due).values(**values))
        return Firing(sync, chosen.due, attempts, node)


def _fired(connection: sa.Connection, sync: SyncRecord, now: datetime) -> datetime | None:
    """The last firing that was seen to; those of a process whose clock was ahead of ours do not count."""
    if sync.fired is None or sync.fired <= now:
        return sync.fired
    passed = (firings.c.sync_id == sync.id) & (firings.c.due <= now)
    found: datetime | None = connection.scalar(sa.select(sa.func.max(firings.c.due)).where(passed))
    return found


def _known(connection: sa.Connection, sync: SyncRecord, due: datetime) -> bool:
    here = (firings.c.sync_id == sync.id) & (firings.c.due == due)
    return connection.scalar(sa.select(firings.c.state).where(here)) is not None


def _put_right(connection: sa.Connection, sync: SyncRecord, fired: datetime | None) -> None:
    """Nothing is open: so nothing is to be tried again, and nothing was seen to that lies ahead."""
    if sync.retry_at is not None or sync.fired != fired:
        values = {"retry_at": None, "fired": fired, "stamp": stamp(connection)}
        connection.execute(syncs.update().where(syncs.c.id == sync.id).values(**values))


def _node(connection: sa.Connection, node: str | None) -> sa.Row[Any] | None:
    return connection.execute(sa.select(nodes).where(nodes.c.id == node)).one_or_none()


@asked_again
def unfinished(database: Database) -> list[tuple[int, datetime]]:
    """See `Ledger.unfinished`."""
    query = sa.select(firings.c.sync_id, firings.c.due, firings.c.state, nodes).select_from(
        firings.outerjoin(nodes, nodes.c.id == firings.c.node)
    )
    with database.read() as connection:
        rows = connection.execute(query.where(OPEN).order_by(firings.c.due)).all()
    return [
        (row.sync_id, row.due)
        for row in rows
        if row.state == "waiting" or _is_gone(database, row if row.id is not None else None)
    ]


def skip(database: Database, sync_id: int, due: datetime, message: str, *, waiting: bool) -> None:
    """See `Ledger.skip`."""
    with database.write() as connection:
        sync = locked(connection, sync_id)
        values = {"state": "skipped", "node": None, "at": database.now(), "message": message}
        if waiting:
            earlier = (firings.c.sync_id == sync_id) & (firings.c.due < due) & (firings.c.state == "waiting")
            connection.execute(firings.update().where(earlier).values(**values))
        statement = database.insert(firings).values(sync_id=sync_id, due=due, attempts=0, **values)
        connection.execute(statement.on_conflict_do_nothing())
        if sync.fired is None or sync.fired < due:
            connection.execute(syncs.update().where(syncs.c.id == sync_id).values(fired=due))


def release(database: Database, firing: Firing) -> None:
    """See `Ledger.release`."""
    with database.write() as connection:
        values = {"state": "waiting", "node": None, "at": database.now()}
        connection.execute(firings.update().where(held_as(firing)).values(**values))


def drop(database: Database, firing: Firing, message: str) -> None:
    """See `Ledger.drop`."""
    with database.write() as connection:
        values = {"state": "skipped", "node": None, "at": database.now(), "message": message}
        connection.execute(firings.update().where(held_as(firing)).values(**values))


def postpone(database: Database, firing: Firing, message: str, after: float) -> datetime | None:
    """See `Ledger.postpone`."""
    with database.write() as connection:
        sync = locked(connection, firing.sync.id)
        values = {"state": "waiting", "node": None, "at": database.now(), "message": message}
        if not connection.execute(firings.update().where(held_as(firing)).values(**values)).rowcount:
            return None
        return _rest(database, connection, sync, after)


@asked_again
def listed(database: Database, sync_id: int, limit: int) -> list[dict[str, Any]]:
    """See `Ledger.firings`."""
    wanted = [firings.c[name] for name in ("due", "state", "attempts", "at", "message")]
    query = sa.select(*wanted).where(firings.c.sync_id == sync_id).order_by(firings.c.due.desc()).limit(limit)
    with database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def settle(
    database: Database,
    connection: sa.Connection,
    sync: SyncRecord,
    run: RunRecord,
    *,
    status: str,
    message: str,
    after: float,
) -> None:
    """Tell the firings of a sync, whose row is locked, in the transaction that ends a run of it, how that run ended.

    A run that read and sent everything takes care of all that waited, even if a person started it.
    """
    if run.trigger in ASIDE:
        return
    now, mine = database.now(), (firings.c.sync_id == run.sync_id) & OPEN
    if status in CARRIED_OUT or status == "inactive":
        own = {"state": "done", "node": None, "at": now, "message": message}
        connection.execute(firings.update().where(mine, firings.c.due == run.due).values(**own))
        other = own | {"message": f"run {run.id} did for it"}
        connection.execute(firings.update().where(mine, firings.c.state == "waiting").values(**other))
        if sync.failures or sync.retry_at is not None:
            good = {"failures": 0, "retry_at": None, "stamp": stamp(connection)}
            connection.execute(syncs.update().where(syncs.c.id == run.sync_id).values(**good))
    elif run.due is not None:
        left = {"state": "waiting", "node": None, "at": now, "message": message}
        connection.execute(firings.update().where(mine, firings.c.due == run.due).values(**left))
        if status == "failed":
            _rest(database, connection, sync, after)


def _rest(database: Database, connection: sa.Connection, sync: SyncRecord, after: float) -> datetime:
    """Count a failure; when the sync is tried again."""
    failures = 1 + sync.failures
    until = database.now() + max(wait_after(failures), timedelta(seconds=after))
    values = {"failures": failures, "retry_at": until, "stamp": stamp(connection)}
    connection.execute(syncs.update().where(syncs.c.id == sync.id).values(**values))
    return until
