"""Locks of the ledger, and the one order in which every transaction takes them, so that no two wait for each other:

a name (`meet`) → a sync → its lease → people → a list → who is suppressed → the rows of a run → the number of changes.

On SQLite there is one writer at a time, and nothing to be locked.
"""

from __future__ import annotations

import sqlalchemy as sa

from .database import Database
from .tables import syncs


def hold_sync(connection: sa.Connection, sync_id: int) -> None:
    """Nobody else changes this sync, or starts or ends a run of it, until this transaction ends; its people may be
    written all the same."""
    connection.execute(sa.select(syncs.c.id).where(syncs.c.id == sync_id).with_for_update(key_share=True))


def write_people(database: Database, connection: sa.Connection) -> None:
    """Before people are written: any number of transactions may do so at once, but none while one is forgotten."""
    database.lock(connection, "syncline people", shared=True)


def forget_people(database: Database, connection: sa.Connection) -> None:
    """Nobody else writes of people, or tidies up, until this transaction ends."""
    tidy_up(database, connection)
    database.lock(connection, "syncline people")


def tidy_up(database: Database, connection: sa.Connection) -> None:
    """One at a time drops what is past its retention."""
    database.lock(connection, "syncline retention")


def hold_list(database: Database, connection: sa.Connection, list_id: int) -> None:
    """The audience of a list, and the members of the syncs that fill it, are written by one at a time."""
    database.lock(connection, f"syncline audience {list_id}")


def hold_suppression(database: Database, connection: sa.Connection) -> None:
    """People are suppressed by one at a time."""
    database.lock(connection, "syncline suppression")
