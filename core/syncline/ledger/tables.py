"""The tables of the ledger, as the newest schema version has them. `migrations/` brings older ledgers here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)

VERSION = "0007"
"""The newest schema version: the revision that `alembic_version` holds in an up-to-date ledger."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """How a moment lies in the ledger."""
    return (moment - _EPOCH) // _TICK


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept as microseconds since the epoch, so that it sorts and compares alike everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To storage."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """From storage, in UTC."""
        return None if value is None else _EPOCH + value * _TICK


class Json(TypeDecorator[Any]):
    """Plain data, kept as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """To storage."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """From storage."""
        return None if value is None else msgspec.json.decode(value)


metadata = MetaData()
_SERIAL = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

syncs = Table(
    "syncs",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("identity", Json, nullable=False),
    Column("spec", Json, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("source_scope", Text, nullable=False),
    Column("scope", Text),
    Column("watermark", Text),
    Column("replaces", Text),
    Column("account", Text),
    Column("target", Text),
    Column("zone", Text),  # the source's own, as it was last learnt
    Column("due_after", Moment),  # what was due before is not due any more; null: the sync is older than the run loop
    Column("fired", Moment),  # the last firing that was claimed or skipped
    Column(
        "failures", Integer, nullable=False, server_default="0"
    ),  # scheduled runs that failed, since the last good one
    Column("retry_at", Moment),
    Column("stamp", BigInteger, nullable=False, server_default="0"),  # the number of its last change: see `changes`
    Column("deployment", Text),  # the folder that it was last taken in from, by the name that the folder goes by
    Index("syncs_by_stamp", "stamp"),
)

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),  # counts changes of syncs: who looks again finds what is new
)

revisions = Table(
    "revisions",
    metadata,
    Column("sync_id", ForeignKey("syncs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("spec", Json, nullable=False),
    Column("diff", Json, nullable=False),
    Column("commit", Text),  # where the spec came out of a Git checkout
    Column("author", Text),
)

events = Table(
    "events",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("sync_id", ForeignKey("syncs.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sync_id", ForeignKey("syncs.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("window", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("message", Text, nullable=False),
    Column("cursor", Text),
    Column("counts", Json, nullable=False),  # of closed batches; those of open ones are added when asked
    Column("source_calls", Integer, nullable=False),
    Column("sink_calls", Integer, nullable=False),
    Column("resumed", Boolean, nullable=False),
    Column("key_parts", Integer),  # of its key index; null while it has none
    Column("due", Moment),  # the firing that it carries out; null when a person started it
    Column("hold", Json),  # what a guard holds, in numbers; its leads are in `held_leads`
    Column("hold_state", Text),  # waiting, approved, used, void or empty; null: nothing is held
    Column("hold_by", Text),  # the run that uses the approval
    Column("undoes", Text),  # the run that this one takes back
    Column("action", Text),  # how it takes people out, if it undoes a run
    Column("returned", Integer, nullable=False, server_default="0"),  # leads of its total that were dead letters
    Index("runs_of_sync", "sync_id", "started_at"),
    Index("runs_by_start", "started_at"),
    Index(
        "runs_holding",
        "sync_id",
        sqlite_where=text("hold_state IN ('waiting', 'approved', 'used', 'empty')"),
        postgresql_where=text("hold_state IN ('waiting', 'approved', 'used', 'empty')"),
    ),
    Index(
        "runs_undoing", "undoes", sqlite_where=text("undoes IS NOT NULL"), postgresql_where=text("undoes IS NOT NULL")
    ),
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),  # a process that serves
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("heartbeat", Moment, nullable=False),
)

firings = Table(
    "firings",
    metadata,
    Column("sync_id", ForeignKey("syncs.id"), primary_key=True),
    Column("due", Moment, primary_key=True),
    Column("state", Text, nullable=False),  # claimed, waiting, done or skipped
    Column("node", Text),  # who claimed it
    Column("attempts", Integer, nullable=False),
    Column("at", Moment, nullable=False),  # of its last change
    Column("message", Text, nullable=False),
    Index(
        "firings_open",
        "state",
        "sync_id",
        sqlite_where=text("state IN ('claimed', 'waiting')"),
        postgresql_where=text("state IN ('claimed', 'waiting')"),
    ),
)

leases = Table(
    "leases",
    metadata,
    Column("sync_id", ForeignKey("syncs.id"), primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("token", Text, nullable=False),  # new with every take, so that a former holder is told apart
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", Text, nullable=False),  # when that process started: a reused pid is told apart
    Column("heartbeat", Moment, nullable=False),
    Column("target", Text),  # the account and list that the run has for itself; null: it shares them with others
)

batches = Table(
    "batches",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("open", Boolean, nullable=False),
    Column("cursor", Text),
    Column("counts", Json, nullable=False),
    Column("end_row", BigInteger, nullable=False),  # one more than its highest row
    Column("hashes", LargeBinary),  # of its keys (see `frames.hashes`); null once the run's index holds them
    Column("outcomes", LargeBinary),  # null once its row detail was pruned
    Column("payload", LargeBinary),  # null once closed
    Column("former", LargeBinary),  # what known leads held before they were updated; null once row detail was pruned
    Column("returned", Boolean, nullable=False, server_default=false()),  # dead letters, not read from the source
    Index("batches_open", "run_id", sqlite_where=text("open"), postgresql_where=text("open")),
)

held_leads = Table(
    "held_leads",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("kind", Text, primary_key=True),  # removal or change
    Column("key", Text, primary_key=True),
    Column("source_id", Text),
    Column("mark", BigInteger),  # the fingerprint of what a change would send
    Index("held_leads_of_key", "key"),
    sqlite_with_rowid=False,
)

key_index = Table(
    "key_index",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("entries", LargeBinary, nullable=False),  # sorted hashes, then the batch of each: see `key_index`
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("row", BigInteger, primary_key=True),
    Column("answered", Boolean, nullable=False),
    Column("outcome", Text),
    Column("reason", Text),
    Column("detail", Text),
    ForeignKeyConstraint(["run_id", "seq"], ["batches.run_id", "batches.seq"]),
    sqlite_with_rowid=False,
)

members = Table(
    "members",
    metadata,
    Column("sync_id", ForeignKey("syncs.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("source_id", Text),
    Column("fingerprint", BigInteger, nullable=False),
    Column("values", Text),
    Column("delivered_at", Moment, nullable=False),
    Column("seen", Boolean, nullable=False),
    Column("awaiting", Boolean, nullable=False),
    Column("removed", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

lists = Table(
    "lists",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False),
    Column("list", Text, nullable=False),
    Index("lists_by_name", "account", "list", unique=True),
)

audience = Table(
    "audience",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("values", Text),
    Column("seen_at", Moment, nullable=False),
    Column("gone", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

audience_reads = Table(
    "audience_reads",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("status", Text, primary_key=True),
    Column("read_at", Moment),
    Column("whole_at", Moment),
)

suppression = Table(
    "suppression",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # HMAC-SHA256 of the key with the ledger's secret
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    sqlite_with_rowid=False,
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("sync_id", ForeignKey("syncs.id"), nullable=False),
    Column("run_id", ForeignKey("runs.id"), nullable=False, index=True),
    Column("row", BigInteger, nullable=False),
    Column("key", Text),
    Column("source_id", Text),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("settled_by", Text),  # the run that took care of it
    Column("settled_why", Text),  # what became of it there, see `letters`; null in older ledgers
    Column("fingerprint", BigInteger),  # of what was sent
    Column("return_at", Moment),  # it returns by itself from then on; null: it stays until somebody asks for it
    Column("payload", LargeBinary),  # null once settled
    Index("dead_letters_of_key", "sync_id", "key"),
)

budgets = Table(
    "budgets",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("calls", Integer, nullable=False),
    Index("budgets_by_name", "name", "at"),
)

parks = Table(
    "parks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("until", Float(53), nullable=False),
)
