"""The schema version of a ledger: looked at before anything else, brought forward under a lock, never back."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from ..errors import Fatal
from .asking import asked_again
from .database import Database, sqlite_path
from .tables import VERSION, changes, meta, metadata

_SCRIPTS = Path(__file__).parent / "migrations"


def version_of(connection: sa.Connection, where: str) -> str | None:
    """The schema version; None for an empty database. `Fatal` when the database is somebody else's."""
    tables = sa.inspect(connection).get_table_names()
    if "alembic_version" in tables:
        found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        if found is not None and not (found.isdigit() and "syncs" in tables):
            raise _foreign(where)
        return found
    if tables:
        raise _foreign(where)
    return None


def _foreign(where: str) -> Fatal:
    return Fatal("this database is not a ledger", where=where, why="it holds other tables", mend="name another one")


@asked_again
def is_current(database: Database) -> bool:
    """Whether the ledger has the newest schema. Writes nothing; `Fatal` when it is newer than this program."""
    with database.read() as connection:
        return _is_current(connection, database.url)


def _is_current(connection: sa.Connection, where: str) -> bool:
    found = version_of(connection, where)
    if found is not None and found > VERSION:
        raise Fatal(
            "this ledger was written by a newer version of Syncline",
            where=where,
            why=f"its schema is {found}, this program knows {VERSION}",
            mend="upgrade Syncline; the ledger was not touched",
        )
    return found == VERSION


@asked_again
def opened(url: str, *, read_only: bool, now: Callable[[], datetime]) -> Database:
    """The database with the newest schema. What is there is looked at without a byte written, before anything else."""
    path = sqlite_path(url)
    if path is not None and not (path.exists() and path.stat().st_size) and not read_only:
        current = False
    else:
        reader = Database(url, read_only=True, now=now)
        try:
            current = is_current(reader)
        except BaseException:
            reader.close()
            raise
        if read_only:
            return reader if current else _in_memory(reader)
        reader.close()
    database = Database(url, read_only=False, now=now)
    if not current:
        migrate(database)
    return database


def _in_memory(reader: Database) -> Database:
    """What a reader sees of a ledger that is not there or is older: a copy in memory, brought up to date."""
    reader.move_to_memory()
    migrate(reader)
    return reader


def migrate(database: Database) -> None:
    """Bring the ledger forward in one transaction; of several processes one does it and the others find it done."""
    with database.write() as connection:
        database.lock(connection, "syncline schema")
        if _is_current(connection, database.url):
            return
        if version_of(connection, database.url) is None:
            _create(connection)
        else:
            upgrade(connection, "head")
        if connection.scalar(sa.select(sa.func.count()).select_from(meta).where(meta.c.name == "secret")) == 0:
            connection.execute(meta.insert().values(name="secret", value=secrets.token_bytes(32)))


def _create(connection: sa.Connection) -> None:
    """Make the tables of the newest version: an empty database has nothing to be brought forward."""
    metadata.create_all(connection, checkfirst=False)
    version = sa.Table(
        "alembic_version",
        sa.MetaData(),
        sa.Column("version_num", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    )
    version.create(connection)
    connection.execute(version.insert().values(version_num=VERSION))
    connection.execute(changes.insert().values(id=1, number=0))


def upgrade(connection: sa.Connection, to: str) -> None:
    """Run the migrations up to the version `to` on a connection that is inside a transaction."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(_SCRIPTS))
    with EnvironmentContext(
        Config(), scripts, fn=lambda revision, _: scripts._upgrade_revs(to, revision), destination_rev=to
    ) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
