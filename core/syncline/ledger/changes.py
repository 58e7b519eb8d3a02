"""Changes of syncs are numbered, so that a process that serves finds what is new with one cheap question."""

from __future__ import annotations

import sqlalchemy as sa

from .tables import changes


def stamp(connection: sa.Connection) -> int:
    """The number of a change that is made in this transaction. Transactions with changes end in the order of these.

    Whoever locks the row of a sync does so before: locks that all take in one order never wait for each other.
    """
    counted = changes.update().values(number=changes.c.number + 1).returning(changes.c.number)
    return int(connection.execute(counted).scalar_one())
