"""Runs and their leases: one at a time for each sync, taken up again by whoever comes after a dead holder."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ..clock import iso
from ..decision import Counts, Outcome
from ..errors import Busy, LeaseLost, NotRunnable, SpecError
from .asking import asked_again
from .database import Database
from .process import Holder, this_process
from .records import Firing, RunRecord, SyncRecord, Undoing
from .streak import GOOD
from .syncs import locked, not_runnable
from .tables import batches, firings, leases, runs, syncs

FREE_AFTER = timedelta(seconds=60)
RESTING = "interrupted"
"""What is said of a run that has no end, and why nobody works on it: it is taken up again like one that was cut off."""
IN_FLIGHT = (Outcome.UNKNOWN, "in_flight")


def start(
    database: Database,
    sync: SyncRecord,
    *,
    trigger: str,
    window: str,
    allowed: Collection[str],
    firing: Firing | None,
    undoing: Undoing | None,
) -> RunRecord:
    """See `Ledger.start_run`."""
    token = f"{database.mark}-{secrets.token_hex(8)}"
    database.tokens.add(token)
    try:
        return _started(database, sync, trigger, window, allowed, firing, undoing, token)
    except BaseException:
        database.tokens.discard(token)
        raise


def _started(
    database: Database,
    sync: SyncRecord,
    trigger: str,
    window: str,
    allowed: Collection[str],
    firing: Firing | None,
    undoing: Undoing | None,
    token: str,
) -> RunRecord:
    with database.write() as connection:
        now = locked(connection, sync.id)
        if now.state not in allowed:
            raise not_runnable(now.name, now.state, now.reason)
        if firing is not None:
            _refuse_lost(connection, firing)
        _refuse_while_held(database, connection, sync)
        cut_off = connection.execute(
            sa.select(runs.c.id).where(runs.c.sync_id == sync.id, runs.c.status == "running").order_by(runs.c.id)
        ).scalar()
        if cut_off is None:
            if undoing is not None:
                refuse_undone(connection, undoing.run)
            run_id = _insert(database, connection, sync, trigger, window, firing.due if firing else None, undoing)
        else:
            run_id = str(cut_off)
            connection.execute(runs.update().where(runs.c.id == run_id).values(resumed=True, message=""))
        _take(database, connection, sync.id, run_id, token)
        return by_id(connection, run_id, token=token)


def held_by(database: Database, connection: sa.Connection, sync_id: int) -> sa.Row[Any] | None:
    """The lease of a sync, if a run that is alive holds it."""
    lease = connection.execute(sa.select(leases).where(leases.c.sync_id == sync_id)).one_or_none()
    return lease if lease is not None and _is_alive(database, lease) else None


def _is_alive(database: Database, lease: sa.Row[Any]) -> bool:
    """Not silent for too long, and its process is there; of leases that were taken here we know which are in use."""
    if database.now() - lease.heartbeat >= FREE_AFTER:
        return False
    if lease.token.startswith(f"{database.mark}-"):
        return lease.token in database.tokens
    return not Holder(lease.host, lease.pid, lease.born).is_gone()


def held_as(firing: Firing) -> sa.ColumnElement[bool]:
    """The firing, as long as it is claimed by this try of this node."""
    here = (firings.c.sync_id == firing.sync.id) & (firings.c.due == firing.due) & (firings.c.state == "claimed")
    return here & (firings.c.node == firing.node) & (firings.c.attempts == firing.attempts)


def _refuse_lost(connection: sa.Connection, firing: Firing) -> None:
    if connection.scalar(sa.select(firings.c.due).where(held_as(firing))) is None:
        raise Busy(
            f"the firing of {iso(firing.due)} went to another process",
            where=firing.sync.name,
            why="this one was silent for too long",
            mend="nothing is lost: the other process carries it out",
        )


def _refuse_while_held(database: Database, connection: sa.Connection, sync: SyncRecord) -> None:
    lease = held_by(database, connection, sync.id)
    if lease is not None:
        me = this_process()
        own = (lease.host, lease.pid) == (me.host, me.pid)
        place = f"process {lease.pid} on {lease.host.partition(' ')[0]}"
        raise Busy(
            f"{'this' if own else 'another'} process is running sync {sync.name}",
            why=f"run {lease.run_id}" if own else f"{place}, run {lease.run_id}",
            mend="wait until it ends",
            run=lease.run_id,
            pid=lease.pid,
            own=own,
        )
    connection.execute(leases.delete().where(leases.c.sync_id == sync.id))


def refuse_undone(connection: sa.Connection, run_id: str) -> None:
    """A run is undone once. Raises `NotRunnable`."""
    query = sa.select(runs.c.id).where(runs.c.undoes == run_id, runs.c.status.in_(GOOD))
    if (by := connection.scalar(query)) is not None:
        raise NotRunnable(
            f"run {run_id} was undone already",
            sync=by_id(connection, run_id).sync,
            state="undone",
            why=f"run {by} did it",
            mend=f"`syncline leads {by}` shows what became of its leads",
        )


def rest(database: Database, run: RunRecord, message: str) -> RunRecord:
    """See `Ledger.rest`."""
    with database.write() as connection:
        fence(database, connection, run)
        connection.execute(runs.update().where(runs.c.id == run.id).values(message=message))
        return by_id(connection, run.id)


def _insert(
    database: Database,
    connection: sa.Connection,
    sync: SyncRecord,
    trigger: str,
    window: str,
    due: datetime | None,
    undoing: Undoing | None,
) -> str:
    now = database.now()
    insert = database.insert(runs).values(
        sync_id=sync.id, trigger=trigger, window=window, status="running", started_at=now, message="", counts={},
        source_calls=0, sink_calls=0, resumed=False, due=due,
        undoes=undoing.run if undoing else None, action=undoing.action if undoing else None,
    )  # fmt: skip
    while True:  # of many runs that start within one second, two may come by the same id
        run_id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        fresh = insert.values(id=run_id).on_conflict_do_nothing(index_elements=["id"]).returning(runs.c.id)
        if connection.scalar(fresh) is not None:
            return run_id


def _take(database: Database, connection: sa.Connection, sync_id: int, run_id: str, token: str) -> None:
    holder = this_process()
    connection.execute(
        leases.insert().values(
            sync_id=sync_id, run_id=run_id, token=token, host=holder.host, pid=holder.pid, born=holder.born,
            heartbeat=database.now(),
        )
    )  # fmt: skip


def let_go(database: Database, run: RunRecord) -> None:
    """See `Ledger.let_go`."""
    if run.token not in database.tokens:
        return
    database.tokens.discard(run.token)
    with database.write() as connection:
        connection.execute(leases.delete().where(_mine(run)))


def occupy(database: Database, run: RunRecord, place: str) -> str | None:
    """See `Ledger.occupy`."""
    with database.write() as connection:
        fence(database, connection, run)
        database.lock(connection, f"syncline place {place}")
        names = sa.select(leases, syncs.c.name.label("sync")).join(syncs, syncs.c.id == leases.c.sync_id)
        others = names.where(leases.c.target == place, leases.c.token != run.token)
        for lease in connection.execute(others):
            if _is_alive(database, lease):
                return str(lease.sync)
        connection.execute(leases.update().where(_mine(run)).values(target=place))
        return None


def _mine(run: RunRecord) -> sa.ColumnElement[bool]:
    return (leases.c.sync_id == run.sync_id) & (leases.c.token == run.token)


def fence(database: Database, connection: sa.Connection, run: RunRecord) -> None:
    """Make this transaction ours alone: `LeaseLost` when the lease of the run went to another process."""
    if connection.scalar(sa.select(leases.c.run_id).where(_mine(run)).with_for_update()) is None:
        raise LeaseLost(
            f"run {run.id} is no longer ours",
            why="its lease went to another process, because this one was silent for too long",
            mend="nothing is lost: the other process goes on with the run",
        )


def renew(database: Database, connection: sa.Connection, run: RunRecord) -> None:
    """Say that the holder is alive; the transaction is fenced already."""
    connection.execute(leases.update().where(leases.c.sync_id == run.sync_id).values(heartbeat=database.now()))


def heartbeat(database: Database, run: RunRecord) -> None:
    """See `Ledger.heartbeat`."""
    with database.write() as connection:
        fence(database, connection, run)
        renew(database, connection, run)


def set_calls(database: Database, run: RunRecord, *, source: int, sink: int) -> None:
    """See `Ledger.set_calls`."""
    with database.write() as connection:
        fence(database, connection, run)
        connection.execute(runs.update().where(runs.c.id == run.id).values(source_calls=source, sink_calls=sink))


# ------------------------------------------------------------------------------------------------- questions


def _selected(connection: sa.Connection, query: sa.Select[Any]) -> list[RunRecord]:
    """Runs with their counts, closed and open batches in one statement, so that the sums hold at any instant."""
    chosen = query.subquery()
    rows = connection.execute(
        sa.select(chosen, batches.c.counts.label("open_counts"))
        .select_from(
            chosen.outerjoin(
                batches, (batches.c.run_id == chosen.c.id) & (chosen.c.status == "running") & batches.c.open
            )
        )
        .order_by(chosen.c.started_at.desc(), chosen.c.id.desc())
    )
    found: dict[str, RunRecord] = {}
    for row in rows:
        values = dict(row._mapping)
        opened = values.pop("open_counts")
        values["counts"] = Counts.from_plain(values["counts"])
        if values["status"] == "running" and values["message"]:
            values["status"] = RESTING
        run = found.setdefault(row.id, RunRecord(**values))
        for key, n in (opened or {}).items():
            kind, _, reason = key.partition("/")
            run.counts.add(Outcome(kind), reason, n)
    return list(found.values())


def _query() -> sa.Select[Any]:
    wanted = [runs.c[name] for name in RunRecord.__dataclass_fields__ if name not in ("sync", "token")]
    return sa.select(*wanted, syncs.c.name.label("sync")).join(syncs, syncs.c.id == runs.c.sync_id)


def by_id(connection: sa.Connection, run_id: str, *, token: str = "") -> RunRecord:
    """The run as it is now."""
    (run,) = _selected(connection, _query().where(runs.c.id == run_id))
    return RunRecord(**{name: getattr(run, name) for name in RunRecord.__dataclass_fields__} | {"token": token})


@asked_again
def listed(database: Database, sync_id: int | None, limit: int | None) -> list[RunRecord]:
    """Runs, newest first."""
    query = _query().order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    with database.read() as connection:
        return _selected(connection, query if sync_id is None else query.where(runs.c.sync_id == sync_id))


@asked_again
def found(database: Database, name: str) -> RunRecord:
    """See `Ledger.run`."""
    query = _query().order_by(runs.c.started_at.desc(), runs.c.id.desc())
    named = runs.c.id.startswith(name, autoescape=True)
    query = query.limit(1) if name == "last" else query.where(named).limit(2)
    with database.read() as connection:
        matches = _selected(connection, query)
    exact = [run for run in matches if run.id == name] or matches
    if len(exact) == 1 and name:
        return exact[0]
    mend = "`syncline history SYNC` lists the runs"
    if exact:
        raise SpecError(f"more than one run starts with {name!r}", mend=mend)
    raise SpecError("there is no run yet" if name == "last" else f"there is no run {name!r}", mend=mend)
