"""What a guard holds: the plan of a run, in numbers and lead by lead, until somebody approves it, once.

A plan is `waiting`, then `approved`, then `used` by the run that carries it out. It is `void` when a later run ended
well without it. The plan of a read that was empty is `empty`, and never approved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import polars as pl
import sqlalchemy as sa

from ..batch import KEY
from ..errors import NotRunnable, SpecError
from .asking import asked_again
from .database import Database
from .locks import write_people
from .records import RunRecord
from .runs import by_id, fence
from .streak import ASIDE, GOOD
from .suppression import secret_of
from .syncs import locked, not_runnable
from .tables import held_leads, runs

WAITING, APPROVED, USED, VOID, EMPTY = "waiting", "approved", "used", "void", "empty"
HELD = pl.Schema({"kind": pl.String, KEY: pl.String, "source_id": pl.String, "mark": pl.Int64})
"""The leads of a plan: `removal` or `change`; `mark` is the fingerprint of what a change would send."""
_REFUSALS = {
    USED: ("its approval was used", "run {by} carried it out", "a later run that is held has a plan of its own"),
    VOID: ("its plan is void", "a later run ended well without it", "nothing waits any more"),
    EMPTY: (
        "its read was empty",
        "an empty read never removes anybody",
        "look at the source; `on_delete: keep` keeps everybody and ends the holding",
    ),
}


def digest(secret: bytes, leads: pl.DataFrame) -> str:
    """What tells one plan from another: equal exactly for equal sets of leads; tells nothing of them."""
    mark = hashlib.blake2b(digest_size=8, key=secret[:64])
    for row in leads.select(HELD.names()).sort("kind", KEY).iter_rows():
        mark.update(repr(row).encode())
    return mark.hexdigest()


def hold(database: Database, run: RunRecord, numbers: Mapping[str, Any], leads: pl.DataFrame, *, empty: bool) -> None:
    """See `Ledger.hold`."""
    with database.write() as connection:
        fence(database, connection, run)
        write_people(database, connection)
        connection.execute(held_leads.delete().where(held_leads.c.run_id == run.id))
        rows = leads.select("kind", pl.col(KEY).alias("key"), "source_id", "mark")
        database.many(connection, held_leads.insert(), rows, run_id=run.id)
        plan = {"plan": digest(secret_of(connection), leads), **numbers}
        values = {"hold": plan, "hold_state": EMPTY if empty else WAITING}
        connection.execute(runs.update().where(runs.c.id == run.id).values(**values))


@asked_again
def leads_of(database: Database, run_id: str) -> pl.DataFrame:
    """See `Ledger.held_leads`."""
    with database.read() as connection:
        return _leads(database, connection, held_leads.c.run_id == run_id)


def _leads(database: Database, connection: sa.Connection, where: sa.ColumnElement[bool]) -> pl.DataFrame:
    columns = {"kind": "kind", KEY: "key", "source_id": "source_id", "mark": "mark"}
    query = sa.select(*(held_leads.c[column].label(name) for name, column in columns.items())).where(where)
    ordered = query.order_by(held_leads.c.kind, held_leads.c.key)
    return database.listing(connection, ordered, dict(HELD))


def approve(database: Database, run_id: str) -> RunRecord:
    """See `Ledger.approve`."""
    with database.write() as connection:
        sync = locked(connection, by_id(connection, run_id).sync_id)
        run = by_id(connection, run_id)
        refuse(run)
        if sync.state in ("inactive", "completed"):
            raise not_runnable(sync.name, sync.state, sync.reason)
        if run.hold_state == WAITING:
            kept = sa.select(sa.func.count()).select_from(held_leads).where(held_leads.c.run_id == run.id)
            if not connection.scalar(kept):
                raise _refused(run, VOID, "nobody of its plan is left", "past the retention, or forgotten")
            connection.execute(runs.update().where(runs.c.id == run.id).values(hold_state=APPROVED))
        return by_id(connection, run_id)


def refuse(run: RunRecord) -> None:
    """Raise `SpecError` for a run that holds nothing, `NotRunnable` for a plan that cannot be approved (any more)."""
    if run.status != "held" or run.hold is None or run.hold_state is None:
        raise SpecError(
            f"run {run.id} holds nothing that could be approved",
            why=f"it {'is' if run.status in ('running', 'held') else 'ended'} {run.status}",
            mend=f"`syncline history {run.sync}` lists its runs; those that wait are held",
        )
    if run.hold_state in _REFUSALS:
        what, why, mend = _REFUSALS[run.hold_state]
        raise _refused(run, run.hold_state, what, why.format(by=run.hold_by), mend)


def _refused(run: RunRecord, state: str, what: str, why: str, mend: str = "") -> NotRunnable:
    return NotRunnable(f"run {run.id} cannot be approved: {what}", sync=run.sync, state=state, why=why, mend=mend)


def _usable(sync_id: int, undoes: str | None, run_id: str | None) -> sa.ColumnElement[bool]:
    """Plans that this run may carry out: approved, or in use by the run itself before it was broken off."""
    mine = (runs.c.hold_state == APPROVED) | ((runs.c.hold_state == USED) & (runs.c.hold_by == run_id))
    return (runs.c.sync_id == sync_id) & mine & _same(undoes)


def _same(undoes: str | None) -> sa.ColumnElement[bool]:
    """A plan of an undo is carried out by an undo of the same run, any other by a run over the records."""
    return runs.c.undoes.is_(None) if undoes is None else runs.c.undoes == undoes


@asked_again
def approved(database: Database, sync_id: int, undoes: str | None, run_id: str | None) -> pl.DataFrame:
    """See `Ledger.approved`."""
    with database.read() as connection:
        found = list(connection.scalars(sa.select(runs.c.id).where(_usable(sync_id, undoes, run_id))))
        return _leads(database, connection, held_leads.c.run_id.in_(found)).unique(maintain_order=True)


@asked_again
def holding(database: Database, sync_id: int) -> RunRecord | None:
    """See `Ledger.holding`."""
    open_ones = (runs.c.sync_id == sync_id) & runs.c.hold_state.in_((WAITING, APPROVED, EMPTY))
    query = sa.select(runs.c.id).where(open_ones).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)
    with database.read() as connection:
        found = connection.scalar(query)
        return None if found is None else by_id(connection, found)


def use(database: Database, run: RunRecord) -> None:
    """See `Ledger.use_approval`."""
    with database.write() as connection:
        fence(database, connection, run)
        usable = runs.update().where(_usable(run.sync_id, run.undoes, run.id))
        connection.execute(usable.values(hold_state=USED, hold_by=run.id))


def settle(connection: sa.Connection, run: RunRecord, status: str) -> None:
    """In the transaction that ends a run. What it could not carry out to its end stays approved; a plan that a good
    run did without is void, for the next one compares with that run."""
    mine = (runs.c.sync_id == run.sync_id) & (runs.c.hold_state == USED) & (runs.c.hold_by == run.id)
    if status not in (*GOOD, "held"):
        connection.execute(runs.update().where(mine).values(hold_state=APPROVED, hold_by=None))
    elif status in GOOD and (run.trigger not in ASIDE or run.undoes is not None):
        idle = (runs.c.sync_id == run.sync_id) & runs.c.hold_state.in_((WAITING, APPROVED, EMPTY)) & _same(run.undoes)
        connection.execute(runs.update().where(idle).values(hold_state=VOID))
