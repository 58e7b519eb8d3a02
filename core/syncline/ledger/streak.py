"""How the runs of a sync went, one after the other: what notifications and gauges are made of.

A retry or an undo is no fetch: it says nothing of whether the sync works, and is passed over here. So is a run that
somebody stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ..decision import Counts
from .asking import asked_again
from .database import Database
from .tables import runs, syncs

GOOD = ("succeeded", "partial")
BAD = ("failed", "held")
ASIDE = ("retry", "undo")
"""Triggers of runs that read no records."""


@dataclass(frozen=True)
class Streak:
    """What lies between a run, which ended at `ended`, and the last good one before it, which started at `good`: how
    many `failures`, the first ended at `since`, the last at `latest`."""

    ended: datetime | None
    good: datetime | None
    failures: int
    since: datetime | None
    latest: datetime | None


@dataclass(frozen=True)
class Standing:
    """A sync, its state, and when a run of it last ended well."""

    sync: str
    state: str
    succeeded_at: datetime | None


@asked_again
def before(database: Database, run_id: str) -> Streak:
    """See `Ledger.streak`."""
    with database.read() as connection:
        mine = _earlier(connection, run_id)
        own = connection.scalar(sa.select(runs.c.finished_at).where(runs.c.id == run_id))
        good = connection.scalar(sa.select(sa.func.max(runs.c.started_at)).where(mine, runs.c.status.in_(GOOD)))
        bad = mine & runs.c.status.in_(BAD)
        if good is not None:
            bad &= runs.c.started_at > good
        ended = runs.c.finished_at
        row = connection.execute(sa.select(sa.func.count(), sa.func.min(ended), sa.func.max(ended)).where(bad)).one()
        return Streak(own, good, *row)


@asked_again
def counts_before(database: Database, run_id: str, limit: int) -> list[Counts]:
    """See `Ledger.counts_before`."""
    with database.read() as connection:
        ended_well = _earlier(connection, run_id) & runs.c.status.in_(GOOD)
        query = sa.select(runs.c.counts).where(ended_well).order_by(runs.c.started_at.desc()).limit(limit)
        return [Counts.from_plain(counts) for counts in connection.scalars(query)]


@asked_again
def standings(database: Database) -> list[Standing]:
    """See `Ledger.standings`."""
    last = (
        sa.select(runs.c.finished_at)
        .where(runs.c.sync_id == syncs.c.id, runs.c.status.in_(GOOD), runs.c.trigger.not_in(ASIDE))
        .order_by(runs.c.started_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    with database.read() as connection:
        query = sa.select(syncs.c.name, syncs.c.state, last).order_by(syncs.c.name)
        return [Standing(*row) for row in connection.execute(query)]


def _earlier(connection: sa.Connection, run_id: str) -> sa.ColumnElement[bool]:
    """The fetches of the same sync that started before this run."""
    sync_id, started_at = connection.execute(
        sa.select(runs.c.sync_id, runs.c.started_at).where(runs.c.id == run_id)
    ).one()
    return sa.and_(runs.c.sync_id == sync_id, runs.c.started_at < started_at, runs.c.trigger.not_in(ASIDE))
