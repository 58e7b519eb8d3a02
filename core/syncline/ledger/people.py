"""The memory of people: what each sync delivered, and whom the target accounts hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import polars as pl
import sqlalchemy as sa

from ..batch import KEY, keys
from ..plugin import AudiencePart, Held, Status
from .asking import asked_again
from .database import Database
from .locks import hold_list, write_people
from .receipts import NOT_OPTED_OUT, VALUES, list_id_of
from .tables import audience, audience_reads, lists, members, micros, syncs

ADDRESS_COLUMN = "address"
_MEMBERS: dict[str, Any] = {
    KEY: pl.String,
    "source_id": pl.String,
    "fingerprint": pl.Int64,
    "delivered_at": pl.Datetime("us", "UTC"),
    "seen": pl.Boolean,
    "awaiting": pl.Boolean,
    "removed": pl.Boolean,
}
_AUDIENCE: dict[str, Any] = {
    "list": pl.String,
    KEY: pl.String,
    "status": pl.String,
    "values": pl.String,
    "gone": pl.Boolean,
}
PIECE = 250_000


@asked_again
def members_of(database: Database, sync_id: int) -> pl.DataFrame:
    """See `Ledger.members`."""
    wanted = [
        sa.type_coerce(members.c[name.lstrip("#")], _plain(members.c[name.lstrip("#")])).label(name)
        for name in _MEMBERS
    ]
    with database.read() as connection:
        return _in_pieces(
            database, connection, sa.select(*wanted).where(members.c.sync_id == sync_id), members.c.key, _MEMBERS
        )


def _in_pieces(
    database: Database, connection: sa.Connection, query: sa.Select[Any], key: sa.Column[str], schema: dict[str, Any]
) -> pl.DataFrame:
    """All rows of the query, in the order of the key, a piece at a time: no piece is too large for the database."""
    pieces: list[pl.DataFrame] = []
    last = ""
    while not pieces or pieces[-1].height == PIECE:
        pieces.append(database.listing(connection, query.where(key > last).order_by(key).limit(PIECE), schema))
        last = pieces[-1].item(-1, KEY) if pieces[-1].height else last
    return pl.concat(pieces)


def _plain(column: sa.Column[Any]) -> Any:
    """The column's type without a conversion per row."""
    return getattr(column.type, "impl_instance", column.type)


@asked_again
def member_values(database: Database, sync_id: int, wanted: pl.Series) -> pl.DataFrame:
    """See `Ledger.member_values`."""
    mine = (members.c.sync_id == sync_id) & database.among(members.c.key, wanted.drop_nulls().to_list())
    query = sa.select(members.c.key.label(KEY), members.c["values"]).where(mine)
    with database.read() as connection:
        return database.listing(connection, query, {KEY: pl.String, "values": pl.String})


@asked_again
def member(database: Database, sync_id: int, key: str) -> dict[str, Any] | None:
    """See `Ledger.member`."""
    with database.read() as connection:
        query = sa.select(members).where(members.c.sync_id == sync_id, members.c.key == key)
        row = connection.execute(query).one_or_none()
    return None if row is None else dict(row._mapping)


@asked_again
def awaiting(database: Database, account: str, besides: int | None) -> pl.DataFrame:
    """See `Ledger.awaiting`."""
    others = (syncs.c.account == account) & syncs.c.target.is_not(None) & members.c.awaiting
    query = sa.select(syncs.c.target.label("list"), members.c.key.label(KEY)).join(
        syncs, syncs.c.id == members.c.sync_id
    )
    with database.read() as connection:
        found = query.where(others if besides is None else others & (syncs.c.id != besides))
        return database.listing(connection, found, {"list": pl.String, KEY: pl.String})


@asked_again
def audience_of(database: Database, account: str) -> pl.DataFrame:
    """See `Ledger.audience`."""
    found = [pl.DataFrame(schema=_AUDIENCE)]
    with database.read() as connection:
        mine = connection.execute(sa.select(lists.c.id, lists.c.list).where(lists.c.account == account)).all()
        for list_id, name in sorted(mine, key=lambda each: each.list):
            columns = (audience.c.key.label(KEY), audience.c.status, audience.c["values"], audience.c.gone)
            query = sa.select(*columns).where(audience.c.list_id == list_id)
            people = _in_pieces(database, connection, query, audience.c.key, dict(list(_AUDIENCE.items())[1:]))
            found.append(people.select(pl.lit(name).alias("list"), pl.all()))
    return pl.concat(found)


@asked_again
def held(database: Database, account: str) -> dict[tuple[str, Status], Held]:
    """See `Ledger.held`."""
    with database.read() as connection:
        count = sa.func.count()
        counted = (
            sa.select(lists.c.list, audience.c.status, count)
            .join(lists, lists.c.id == audience.c.list_id)
            .where(lists.c.account == account, ~audience.c.gone)
            .group_by(lists.c.list, audience.c.status)
        )
        counts = {(name, status): n for name, status, n in connection.execute(counted)}
        reads = connection.execute(
            sa.select(lists.c.list, audience_reads.c.status, audience_reads.c.read_at, audience_reads.c.whole_at)
            .join(lists, lists.c.id == audience_reads.c.list_id)
            .where(lists.c.account == account)
        )
        moments = {(name, status): (read_at, whole_at) for name, status, read_at, whole_at in reads}
    return {
        (name, Status(status)): Held(counts.get((name, status), 0), *moments.get((name, status), (None, None)))
        for name, status in sorted(counts.keys() | moments.keys())
    }


def record_audience(database: Database, account: str, part: AudiencePart, started: datetime) -> None:
    """See `Ledger.record_audience`."""
    people = _people(part)
    with database.write() as connection:
        write_people(database, connection)
        list_id = list_id_of(database, connection, account, part.list)
        hold_list(database, connection, list_id)
        now = database.now()
        if people.height:
            _upsert(database, connection, list_id=list_id, status=part.status, people=people, started=started, now=now)
            if part.status is Status.ACTIVE:
                _mark_seen(database, connection, account, part.list, people)
        if part.whole:
            stale = (audience.c.list_id == list_id) & (audience.c.status == part.status.value)
            stale &= audience.c.seen_at < started
            connection.execute(audience.update().where(stale, ~audience.c.gone).values(gone=True))
        insert = database.insert(audience_reads).values(
            list_id=list_id, status=part.status.value, read_at=started, whole_at=started if part.whole else None
        )
        changed = {"read_at": insert.excluded.read_at}
        if part.whole:
            changed["whole_at"] = insert.excluded.whole_at
        connection.execute(insert.on_conflict_do_update(index_elements=["list_id", "status"], set_=changed))


def _people(part: AudiencePart) -> pl.DataFrame:
    """The key and the other known columns (as JSON) of each person, once, in the order of the keys."""
    if part.people.is_empty():
        return pl.DataFrame(schema={KEY: pl.String, VALUES: pl.String})
    others = part.people.drop(ADDRESS_COLUMN)
    documents = [msgspec.json.encode(row).decode() for row in others.to_dicts()] if others.width else None
    return (
        pl.DataFrame([
            keys(part.people.get_column(ADDRESS_COLUMN)).alias(KEY),
            pl.Series(VALUES, documents or [None] * part.people.height, dtype=pl.String),
        ])
        .filter(pl.col(KEY).is_not_null())
        .unique(KEY, keep="last")
        .sort(KEY)
    )  # fmt: skip


def _upsert(
    database: Database,
    connection: sa.Connection,
    *,
    list_id: int,
    status: Status,
    people: pl.DataFrame,
    started: datetime,
    now: datetime,
) -> None:
    insert = database.insert(audience)
    where = None
    if status is Status.ACTIVE:  # within one refresh an opt-out wins, whichever was read first
        earlier = sa.type_coerce(audience.c.seen_at, sa.BigInteger) < micros(started)
        where = NOT_OPTED_OUT | earlier | audience.c.gone
    statement = insert.on_conflict_do_update(
        index_elements=["list_id", "key"],
        set_={
            "status": insert.excluded.status,
            "values": sa.func.coalesce(insert.excluded["values"], audience.c["values"]),
            "seen_at": insert.excluded.seen_at,
            "gone": insert.excluded.gone,
        },
        where=where,
    )
    rows = people.select(pl.col(KEY).alias("key"), pl.col(VALUES).alias("values"))
    database.many(connection, statement, rows, list_id=list_id, status=status.value, seen_at=micros(now), gone=False)


def _mark_seen(
    database: Database, connection: sa.Connection, account: str, list_key: str, people: pl.DataFrame
) -> None:
    """Members of the syncs that fill this list were seen there: whoever had to confirm did so."""
    mine = sa.select(syncs.c.id).where(syncs.c.account == account, syncs.c.target == list_key)
    for sync_id in connection.scalars(mine).all():
        waiting = (members.c.sync_id == sync_id) & (~members.c.seen | members.c.awaiting)
        there = database.among(members.c.key, people.get_column(KEY).to_list())
        connection.execute(members.update().where(waiting, there).values(seen=True, awaiting=False))
