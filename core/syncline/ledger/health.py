"""What `doctor` looks at in the ledger."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ..plugin import Check
from .asking import asked_again
from .database import Database
from .process import Holder
from .runs import FREE_AFTER
from .schema import version_of
from .tables import batches, dead_letters, leases, members, runs, syncs


@asked_again
def checks(database: Database) -> list[Check]:
    """See `Ledger.health`."""
    with database.read() as connection:
        return list(_checks(database, connection))


def _checks(database: Database, connection: sa.Connection) -> Iterator[Check]:
    yield Check("ledger", ok=True, found=f"{database.url}, schema {version_of(connection, database.url)}")
    yield _integrity(database, connection)
    yield Check("ledger size", ok=True, found=_size(database, connection))
    counts = [
        f"{connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one():,} {table.name}"
        for table in (syncs, runs, batches, members, dead_letters)
    ]
    yield Check("ledger rows", ok=True, found=", ".join(counts).replace("_", " "))
    names = sa.select(leases, syncs.c.name.label("sync")).join(syncs, syncs.c.id == leases.c.sync_id)
    for lease in connection.execute(names.order_by(syncs.c.name)):
        age = database.now() - lease.heartbeat
        dead = age >= FREE_AFTER or Holder(lease.host, lease.pid, lease.born).is_gone()
        holder = f"run {lease.run_id}, process {lease.pid} on {lease.host.partition(' ')[0]}"
        mend = f"`syncline run` of {lease.sync} takes the run up again" if dead else ""
        found = f"{holder}, last heard of {age.total_seconds():.0f} s ago"
        yield Check(f"lease of {lease.sync}", ok=not dead, found=found + (", gone" if dead else ""), mend=mend)


def _integrity(database: Database, connection: sa.Connection) -> Check:
    if not database.sqlite:
        return Check("ledger integrity", ok=True, found="kept by the PostgreSQL server")
    faults = connection.exec_driver_sql("PRAGMA integrity_check(5)").scalars().all()
    ok = list(faults) == ["ok"]
    found = "ok" if ok else f"{len(faults)} fault(s): {faults[0]}"
    return Check("ledger integrity", ok=ok, found=found, mend="" if ok else "restore the ledger from a backup")


def _size(database: Database, connection: sa.Connection) -> str:
    if database.sqlite:
        query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    else:
        query = "SELECT pg_database_size(current_database())"
    return f"{int(connection.exec_driver_sql(query).scalar_one()) / 1e6:,.1f} MB"
