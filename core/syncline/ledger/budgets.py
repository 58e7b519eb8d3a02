"""Call budgets shared by all processes of a ledger."""

from __future__ import annotations

import sqlalchemy as sa

from ..budget import Limit, Quota, Spent, judged, wait_for
from .asking import asked_again
from .database import Database
from .tables import budgets, parks


class LedgerStore:
    """A `budget.Store` in the ledger: one short transaction for each take; expired entries are dropped on the way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, limit: Limit, n: int, now: float) -> float:
        """See `budget.Store.take`."""
        with self._database.write() as connection:
            parked = self._locked(connection, name)
            if parked > now:
                return parked - now
            mine = budgets.c.name == name
            expired = mine & (budgets.c.at <= now - limit.window - limit.slack)
            used = connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(budgets.c.calls), 0)).where(mine, ~expired))
            wait = 0.0
            if int(used or 0) + n > limit.calls:
                query = sa.select(budgets.c.at, budgets.c.calls).where(mine, ~expired).order_by(budgets.c.at)
                wait = wait_for(limit, [Spent(at, calls) for at, calls in connection.execute(query)], n, now)
            if not wait:
                connection.execute(budgets.delete().where(expired))
                connection.execute(budgets.insert().values(name=name, at=now, calls=n))
            return wait

    def park(self, name: str, until: float) -> None:
        """See `budget.Store.park`."""
        with self._database.write() as connection:
            if self._locked(connection, name) < until:
                self._park(connection, name, until)

    def count(self, name: str, quota: Quota, n: int, now: float) -> float:
        """See `budget.Store.count`: one entry, at the beginning of the day; that of the day before goes with its first
        call."""
        with self._database.write() as connection:
            parked, began, mine = self._locked(connection, name), quota.began(now), budgets.c.name == name
            today = mine & (budgets.c.at == began)
            found = connection.scalar(sa.select(budgets.c.calls).where(today))
            until, used = judged(quota, found or 0, parked, n, now)
            if until > now:
                self._park(connection, name, until)
                return until
            if n and found is None:
                connection.execute(budgets.delete().where(mine))
                connection.execute(budgets.insert().values(name=name, at=began, calls=used))
            elif n:
                connection.execute(budgets.update().where(today).values(calls=used))
            return 0.0

    def _park(self, connection: sa.Connection, name: str, until: float) -> None:
        connection.execute(parks.update().where(parks.c.name == name).values(until=until))

    def _locked(self, connection: sa.Connection, name: str) -> float:
        """Until when the budget is parked; its row stays locked until the transaction ends."""
        row = sa.select(parks.c.until).where(parks.c.name == name).with_for_update()
        until = connection.scalar(row)
        if until is None:
            insert = self._database.insert(parks).values(name=name, until=0.0)
            connection.execute(insert.on_conflict_do_nothing(index_elements=["name"]))
            until = connection.execute(row).scalar_one()
        return float(until)


@asked_again
def spent(database: Database) -> tuple[dict[str, list[Spent]], dict[str, float]]:
    """See `Ledger.spent`."""
    calls: dict[str, list[Spent]] = {}
    with database.read() as connection:
        for name, at, n in connection.execute(
            sa.select(budgets.c.name, budgets.c.at, budgets.c.calls).order_by(budgets.c.at)
        ):
            calls.setdefault(name, []).append(Spent(at, n))
        parked = connection.execute(sa.select(parks.c.name, parks.c.until).where(parks.c.until > 0)).all()
    return calls, {name: until for name, until in parked}  # noqa: C416  # rows are no pairs to a type checker
