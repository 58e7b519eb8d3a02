"""What an answer leaves behind: members and audience for those who arrived, dead letters for those who did not."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import sqlalchemy as sa

from ..batch import ID, KEY, ROW
from ..decision import Outcome
from ..plugin import Status
from .database import Database
from .frames import DETAIL, OUTCOME, REASON
from .letters import Desk, bury, has_open, settle_leads
from .locks import hold_list
from .suppression import suppress
from .tables import audience, lists, members, micros

REFUSED_FOR_GOOD = (Status.INVALID.value, Status.GROUP.value)
NOT_OPTED_OUT = sa.and_(
    *(audience.c.status != each.value for each in (Status.UNSUBSCRIBED, Status.BOUNCED, Status.DO_NOT_MAIL))
)
_PLAINLY_THERE = {Outcome.NEW.value, Outcome.RE_ADDED.value, Outcome.DUPLICATE.value}
FINGERPRINT, VALUES = "#fingerprint", "#values"


def settle(connection: sa.Connection, desk: Desk, payload: pl.DataFrame, results: pl.DataFrame) -> None:
    """Record all consequences of these answers; `payload` holds at least the rows of `results`."""
    if desk.list_id is not None:
        hold_list(desk.database, connection, desk.list_id)
    waiting = has_open(connection, desk)
    plain = set(results.get_column(OUTCOME).to_list()) <= _PLAINLY_THERE
    if plain and not waiting and desk.list_id is None:
        return
    answered = payload.drop(OUTCOME, REASON, DETAIL, strict=False).join(results, on=ROW, how="inner")
    accepted = answered.filter(pl.col("accepted"))
    if waiting:
        settle_leads(connection, desk, accepted, "delivered")
    if desk.list_id is not None:
        _arrived(connection, desk, desk.list_id, accepted)
    if plain:
        return
    failed = results.filter(pl.col(OUTCOME).is_in([Outcome.REJECTED.value, Outcome.UNKNOWN.value]))
    if failed.height:
        bury(connection, desk, payload, failed)
    kept_out = answered.filter(pl.col(OUTCOME) == Outcome.IGNORED.value)
    for (reason,), leads in kept_out.group_by(REASON) if waiting else ():
        settle_leads(connection, desk, leads, f"ignored/{reason}")
    refused = kept_out.filter(pl.col(REASON).is_in(REFUSED_FOR_GOOD))
    if refused.height and desk.list_id is not None:
        _refused(connection, desk, desk.list_id, refused)
    opted_out = kept_out.filter(pl.col(REASON) == "do_not_mail")
    if opted_out.height:
        suppress(desk.database, connection, opted_out.get_column(KEY).drop_nulls().to_list(), "do_not_mail")


def _arrived(connection: sa.Connection, desk: Desk, list_id: int, accepted: pl.DataFrame) -> None:
    now = desk.database.now()
    arrived = accepted.lazy().filter(pl.col(KEY).is_not_null()).sort(KEY).collect()
    deleted = arrived.get_column(OUTCOME) == Outcome.DELETED.value
    if deleted.any():
        gone, arrived = arrived.filter(deleted), arrived.filter(~deleted)
        remove(connection, desk.database, desk.run.sync_id, gone.get_column(KEY).to_list())
    if arrived.height:
        _remember(connection, desk, arrived, now)
        awaiting = arrived.get_column("awaiting")
        _in_audience(connection, desk, list_id, arrived.filter(~awaiting) if awaiting.any() else arrived, now)


def remove(connection: sa.Connection, database: Database, sync_id: int, keys: list[str]) -> None:
    """These members were taken out by the sync."""
    mine = (members.c.sync_id == sync_id) & database.among(members.c.key, keys)
    connection.execute(members.update().where(mine).values(removed=True, awaiting=False))


def _remember(connection: sa.Connection, desk: Desk, there: pl.DataFrame, now: datetime) -> None:
    rows = there[[KEY, ID, FINGERPRINT, VALUES, "awaiting"]]
    rows.columns = ["key", "source_id", "fingerprint", "values", "awaiting"]
    desk.database.many(
        connection, _upsert_members, rows,
        sync_id=desk.run.sync_id, delivered_at=micros(now), seen=False, removed=False,
    )  # fmt: skip


def _upsert_members(database: Database) -> sa.Insert:
    insert = database.insert(members)
    changed = ("source_id", "fingerprint", "values", "delivered_at", "awaiting", "removed")
    return insert.on_conflict_do_update(
        index_elements=["sync_id", "key"], set_={name: insert.excluded[name] for name in changed}
    )


def _in_audience(connection: sa.Connection, desk: Desk, list_id: int, there: pl.DataFrame, now: datetime) -> None:
    """An accepted lead stands in the list from now on; it never hides that the person opted out meanwhile."""
    if there.is_empty():
        return
    rows = there[[KEY, VALUES]]
    rows.columns = ["key", "values"]
    desk.database.many(
        connection, _upsert_active, rows,
        list_id=list_id, status=Status.ACTIVE.value, seen_at=micros(now), gone=False,
    )  # fmt: skip


def _upsert_active(database: Database) -> sa.Insert:
    insert = database.insert(audience)
    return insert.on_conflict_do_update(
        index_elements=["list_id", "key"],
        set_={name: insert.excluded[name] for name in ("status", "values", "seen_at", "gone")},
        where=NOT_OPTED_OUT | audience.c.gone,
    )


def _refused(connection: sa.Connection, desk: Desk, list_id: int, refused: pl.DataFrame) -> None:
    """The target refused the address itself: remembered, so that no later run spends a call on it."""
    now = desk.database.now()
    insert = desk.database.insert(audience)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["list_id", "key"],
            set_={name: insert.excluded[name] for name in ("status", "seen_at", "gone")},
            where=audience.c.gone,
        ),
        [
            {"list_id": list_id, "key": key, "status": reason, "values": None, "seen_at": now, "gone": False}
            for key, reason in refused.filter(pl.col(KEY).is_not_null()).select(KEY, REASON).iter_rows()
        ],
    )  # fmt: skip


def list_id_of(database: Database, connection: sa.Connection, account: str, list_key: str) -> int:
    """The number of a list of an account; it gets one when it is new."""
    insert = database.insert(lists).values(account=account, list=list_key)
    connection.execute(insert.on_conflict_do_nothing(index_elements=["account", "list"]))
    query = sa.select(lists.c.id).where(lists.c.account == account, lists.c.list == list_key)
    return int(connection.execute(query).scalar_one())
