"""The ledger: the one place where Syncline remembers. Each method is one transaction, and can be relied on after it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl
import sqlalchemy as sa

from ..budget import Spent, Store
from ..clock import SYSTEM
from ..decision import Counts
from ..errors import SpecError
from ..plugin import AudiencePart, Check, Held, Status
from . import (
    budgets,
    erasure,
    finish,
    firings,
    health,
    letters,
    locks,
    open_batch,
    people,
    questions,
    runs,
    schema,
    streak,
    suppression,
    syncs,
)
from .database import Database
from .firings import Refusal
from .journal import Journal
from .receipts import remove
from .records import DeadLetter, Firing, OpenBatch, Origin, Revision, RunRecord, SyncRecord, Wanted
from .streak import Standing, Streak
from .suppression import secret_of
from .syncs import Becomes, Expect
from .tables import batches, dead_letters

STATE_FOLDER = ".syncline"


class Ledger:
    """Shared by all threads of a process, and any number of processes may have the same ledger open.

    Faults of the database are `Fatal`, in words; nothing that returned is ever lost by a crash.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._suppressed = suppression.Suppressed(database)

    @classmethod
    def open(cls, url: str, *, read_only: bool = False, now: Callable[[], datetime] = SYSTEM) -> Ledger:
        """Open `sqlite:///path` or `postgresql://…`, made on first use for its owner alone and brought up to date.

        `read_only` writes no byte: a ledger that is not there is an empty one in memory. A ledger of a newer version
        is refused untouched; so is a database that is something else.
        """
        return cls(schema.opened(url, read_only=read_only, now=now))

    @property
    def url(self) -> str:
        """Where the ledger is; a password is masked."""
        return self._database.url

    @property
    def identity(self) -> str:
        """What tells this ledger from all others, wherever it is reached; a ledger that is not there yet has none that
        lasts."""
        with self._database.read() as connection:
            return hashlib.blake2b(secret_of(connection), digest_size=12, person=b"syncline ledger").hexdigest()

    def now(self) -> datetime:
        """The moment, by the clock that the ledger was opened with."""
        return self._database.now()

    @property
    def state_folder(self) -> Path:
        """The folder for what must stay with the ledger: that of an SQLite file, else `.syncline` here."""
        return self._database.path.parent.absolute() if self._database.path else Path.cwd() / STATE_FOLDER

    def close(self) -> None:
        """Let go of all connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -------------------------------------------------------------------------------------------------- syncs

    def meet(
        self,
        name: str,
        *,
        identity: Mapping[str, str],
        spec: Mapping[str, Any],
        source_scope: str,
        replaces: str | None = None,
        origin: Origin | None = None,
        deployment: str | None = None,
        expect: Expect = lambda known: None,
    ) -> SyncRecord:
        """The sync of this name, created now if it is new (then `replaces` hands over watermark and members).

        A changed `spec` becomes a revision; a changed `identity` is a `SpecError`. `enabled` in the spec pauses the
        sync and lets it go on; an edited schedule counts from now, and wakes a sync that is completed.
        `deployment` (None: as it was) says from which folder it is taken in. Before anything is changed, `expect` is
        told of the sync as it is (None: not there); what it raises leaves it so.
        """
        wanted = Wanted(name, identity, spec, source_scope, replaces, origin, deployment)
        return syncs.meet(self._database, wanted, expect)

    def meet_all(self, wanted: Sequence[Wanted]) -> list[SyncRecord | SpecError]:
        """`meet` for many at once, in one transaction: for each the sync, or why it cannot be."""
        return syncs.meet_all(self._database, wanted)

    def sync(self, name: str) -> SyncRecord | None:
        """The sync of this name, if the ledger has met it."""
        return syncs.named(self._database, name)

    def syncs(self, names: Sequence[str] | None = None) -> list[SyncRecord]:
        """All syncs, by name; or those of these names that the ledger has met."""
        return syncs.listed(self._database, names)

    def set_state(self, sync_id: int, state: str, reason: str, *, expect: Expect = lambda known: None) -> bool:
        """active, paused, completed or inactive, with the reason; whether it was in another state before. Inactive is
        final: `NotRunnable`. A sync that becomes active is due from now on; what it missed is left. `expect`: see
        `meet`."""
        return syncs.set_state(self._database, sync_id, state, reason, expect)

    def set_zone(self, sync_id: int, zone: str | None) -> None:
        """The source's own zone is this."""
        syncs.set_zone(self._database, sync_id, zone)

    def changed_since(self, number: int) -> list[SyncRecord]:
        """The syncs whose `stamp` is higher, in the order of their last changes; of -1 all."""
        return syncs.changed_since(self._database, number)

    def events(self, sync_id: int) -> list[tuple[datetime, str, str]]:
        """(at, state, reason) of each change of state, oldest first; the first is its creation."""
        return syncs.events_of(self._database, sync_id)

    def revisions(self, sync_id: int) -> list[Revision]:
        """All revisions, oldest first."""
        return syncs.revisions_of(self._database, sync_id)

    # --------------------------------------------------------------------------------------------------- runs

    def start_run(
        self,
        sync: SyncRecord,
        *,
        trigger: str,
        window: str,
        allowed: Collection[str] = ("active",),
        firing: Firing | None = None,
    ) -> RunRecord:
        """Take the lease of the sync and start a run, or take up the one that was cut off (`resumed`, its own window).

        `firing` is what a new run carries out. `Busy` while a run that is alive holds the lease, or when the firing
        went to another process meanwhile; `NotRunnable` when the state is not among `allowed`.
        """
        return runs.start(self._database, sync, trigger=trigger, window=window, allowed=allowed, firing=firing)

    def heartbeat(self, run: RunRecord) -> None:
        """Keep the lease; `LeaseLost` when it was lost. An open journal does this by itself."""
        runs.heartbeat(self._database, run)

    def occupy(self, run: RunRecord, place: str) -> str | None:
        """From now on, until its end, the run has the place (an account and a list) for itself: None. As long as the
        run of another sync has it, that is alive: the name of that sync, and nothing is changed."""
        return runs.occupy(self._database, run, place)

    def let_go(self, run: RunRecord) -> None:
        """The run goes on no longer here, whether it ended or not: one that did not is taken up by the next start."""
        runs.let_go(self._database, run)

    def set_calls(self, run: RunRecord, source: int, sink: int) -> None:
        """So many requests were made in all; `LeaseLost` when the run is no longer ours."""
        runs.set_calls(self._database, run, source=source, sink=sink)

    def finish_run(
        self,
        run: RunRecord,
        *,
        status: str,
        message: str = "",
        watermark: str | None = None,
        scope: str | None = None,
        after: float = 0.0,
        becomes: Becomes = lambda sync: None,
    ) -> RunRecord:
        """End the run and give the lease back. What is in flight becomes unknown: answer_lost if sent, else not_sent,
        each with a dead letter. The watermark and the scope of the sync move only if given.

        The firing of the run ends with it: done; or, when the run failed, waiting for the next try, `after` seconds
        at least; or, when it was interrupted, waiting for whoever comes next. `becomes` is told of the sync as it is,
        and says which state it comes into at the same instant.
        """
        return finish.finish(
            self._database,
            run,
            status=status,
            message=message,
            watermark=watermark,
            scope=scope,
            after=after,
            becomes=becomes,
        )

    def runs(self, sync_id: int | None, limit: int | None = None) -> list[RunRecord]:
        """Runs of one sync or of all, newest first, with the counts of this instant."""
        return runs.listed(self._database, sync_id, limit)

    def run(self, name: str) -> RunRecord:
        """The run with this ID or unique beginning of one, or `last`; `SpecError` when there is none or several."""
        return runs.found(self._database, name)

    def streak(self, run_id: str) -> Streak:
        """The failures of the sync since its last good run, those before this run."""
        return streak.before(self._database, run_id)

    def counts_before(self, run_id: str, limit: int) -> list[Counts]:
        """The counts of the good runs before this one, newest first."""
        return streak.counts_before(self._database, run_id, limit)

    def standings(self) -> list[Standing]:
        """Each sync with its state and its last good end."""
        return streak.standings(self._database)

    def journal(self, run: RunRecord, *, account: str = "", target: str = "", remember: bool = True) -> Journal:
        """The journal of a run that we hold; without `remember` no members and no audience are written."""
        return Journal(self._database, run, account=account, target=target, remember=remember)

    def open_batches(self, run: RunRecord) -> list[OpenBatch]:
        """What a cut-off run left open, in order."""
        with self._database.read() as connection:
            return [batch.as_open() for batch in open_batch.load(connection, run.id)]

    def recorded(self, run: RunRecord) -> Iterator[pl.DataFrame]:
        """All leads the run has recorded, batch by batch: `#id`, `#row`, `#address`, `#key`."""
        return questions.recorded(self._database, run.id)

    def next_batch(self, run: RunRecord) -> int:
        """The number of the next batch; the first is 0, and none may be left out."""
        return self._highest(run, batches.c.seq + 1)

    def next_row(self, run: RunRecord) -> int:
        """The number of the next row; the first is 0."""
        return self._highest(run, batches.c.end_row)

    def behind_cursor(self, run: RunRecord) -> int:
        """How many rows the run has recorded beyond its cursor."""
        closed = sa.select(sa.func.coalesce(sa.func.min(batches.c.seq), 1 << 31)).where(
            batches.c.run_id == run.id, batches.c.open
        )
        with self._database.read() as connection:
            reached = connection.execute(
                sa.select(sa.func.max(batches.c.end_row)).where(
                    batches.c.run_id == run.id, batches.c.seq < closed.scalar_subquery()
                )
            ).scalar()
        return self.next_row(run) - int(reached or 0)

    def _highest(self, run: RunRecord, column: sa.ColumnElement[int]) -> int:
        with self._database.read() as connection:
            found = connection.execute(sa.select(sa.func.max(column)).where(batches.c.run_id == run.id)).scalar()
        return int(found or 0)

    # ----------------------------------------------------------------------------------------------- firings

    def join(self) -> str:
        """From now on this process serves: the name of its node, which `beat` keeps alive and `leave` ends."""
        return firings.join(self._database)

    def beat(self, node: str) -> None:
        """A sign of life of a node; one that is silent for a minute, or whose process is gone, loses its firings."""
        firings.beat(self._database, node)

    def leave(self, node: str) -> None:
        """The node serves no longer; what it claimed and did not carry out waits for the others."""
        firings.leave(self._database, node)

    def serving(self) -> list[tuple[str, datetime]]:
        """The nodes that are alive, each with the moment since when it serves, the longest first."""
        return firings.serving(self._database)

    def claim(self, node: str, sync_id: int, due: datetime | None) -> Firing | Refusal:
        """Claim the firing of a sync at `due`, for this node alone; None: what is open of an earlier one.

        What another node left behind comes first, and a later firing takes the place of one that waits.
        """
        return firings.claim(self._database, node, sync_id, due)

    def unfinished(self) -> list[tuple[int, datetime]]:
        """(sync id, due) of the firings that wait, or whose node is gone, oldest first."""
        return firings.unfinished(self._database)

    def skip(self, sync_id: int, due: datetime, message: str, *, waiting: bool = False) -> None:
        """The firing is not carried out, for this reason; nothing happens if it was claimed. With `waiting` those that
        were due before and still wait are not either."""
        firings.skip(self._database, sync_id, due, message, waiting=waiting)

    # The next three do nothing when the firing went to another process meanwhile.

    def release(self, firing: Firing) -> None:
        """Give a claimed firing back, to be claimed again at once."""
        firings.release(self._database, firing)

    def drop(self, firing: Firing, message: str) -> None:
        """A claimed firing is not carried out, for this reason."""
        firings.drop(self._database, firing, message)

    def postpone(self, firing: Firing, message: str, *, after: float = 0.0) -> datetime | None:
        """A claimed firing could not be carried out: when it is tried again, `after` seconds from now at least; None
        when it is not ours any more."""
        return firings.postpone(self._database, firing, message, after)

    def firings(self, sync_id: int, limit: int = 20) -> list[dict[str, Any]]:
        """The firings of a sync, newest first: due, state (claimed, waiting, done, skipped), attempts, at, message."""
        return firings.listed(self._database, sync_id, limit)

    # ------------------------------------------------------------------------------------------------- people

    def members(self, sync_id: int) -> pl.DataFrame:
        """Everybody this sync delivered: `#key`, source_id, fingerprint, delivered_at, seen, awaiting, removed."""
        return people.members_of(self._database, sync_id)

    def awaiting(self, account: str, *, besides: int | None) -> pl.DataFrame:
        """Whom the other syncs of the account asked to confirm: list, `#key`."""
        return people.awaiting(self._database, account, besides)

    def unsure(self, sync_id: int, *, besides: Collection[int] = ()) -> pl.DataFrame:
        """Whom this sync, or another one that fills its list, sent without an answer: by letters that nobody took care
        of, and by runs of others that have not ended. `#key`, unsure (the run)."""
        return letters.unsure(self._database, sync_id, besides)

    def member_values(self, sync_id: int, keys: pl.Series) -> pl.DataFrame:
        """What was delivered for these keys: `#key`, values (JSON)."""
        return people.member_values(self._database, sync_id, keys)

    def member(self, sync_id: int, key: str) -> dict[str, Any] | None:
        """One member with all that is known of it."""
        return people.member(self._database, sync_id, key)

    def mark_removed(self, sync_id: int, keys: Iterable[str]) -> None:
        """The sync took these people out of the target."""
        with self._database.write() as connection:
            locks.write_people(self._database, connection)
            remove(connection, self._database, sync_id, list(keys))

    def held(self, account: str) -> dict[tuple[str, Status], Held]:
        """What the audience snapshot has of the account: how many for each list and status, and when it was read."""
        return people.held(self._database, account)

    def record_audience(self, account: str, part: AudiencePart, started: datetime) -> None:
        """Take in a part of a refresh that began at `started`. The newest status of a person in a list wins, an opt-out
        wins within one refresh; after the last part of a whole read, who was not in it is gone (but kept)."""
        people.record_audience(self._database, account, part, started)

    def audience(self, account: str) -> pl.DataFrame:
        """The snapshot of the account: list, `#key`, status, values (JSON), gone."""
        return people.audience_of(self._database, account)

    def suppress(self, keys: Iterable[str], reason: str) -> None:
        """Never write to these people again; kept as keyed hashes."""
        with self._database.write() as connection:
            suppression.suppress(self._database, connection, keys, reason)

    def suppressed(self, keys: pl.Series) -> pl.Series:
        """For each key whether it is suppressed."""
        return self._suppressed.among(keys)

    # ------------------------------------------------------------------------------------------------ budgets

    def budget_store(self) -> Store:
        """Call budgets shared by all processes of this ledger."""
        return budgets.LedgerStore(self._database)

    def spent(self) -> tuple[dict[str, list[Spent]], dict[str, float]]:
        """What was spent and what is parked, to start a `MemoryStore` from."""
        return budgets.spent(self._database)

    # ---------------------------------------------------------------------------------------------- questions

    def leads(self, run_id: str, *, outcome: str | None = None, reason: str | None = None) -> Iterator[pl.DataFrame]:
        """The leads of a run, in order: `#row`, `#id`, `#address`, `#key`, outcome, reason, detail."""
        return questions.leads(self._database, run_id, outcome, reason)

    def trace(self, sync_id: int, key: str, *, limit: int = 20) -> list[dict[str, Any]]:
        """What became of one person in the runs of a sync, newest first: run, started_at, row, source_id, outcome, …"""
        return questions.trace(self._database, sync_id, key, limit)

    def dead_letters(
        self,
        *,
        run_id: str | None = None,
        sync_id: int | None = None,
        code: str | None = None,
        limit: int | None = None,
    ) -> list[DeadLetter]:
        """Rejected and unknown leads that nobody took care of yet, oldest first."""
        given = ((dead_letters.c.run_id, run_id), (dead_letters.c.sync_id, sync_id), (dead_letters.c.code, code))
        conditions = [column == value for column, value in given if value is not None]
        return letters.listed(self._database, *conditions, limit=limit)

    def dead_letter_count(self, sync_id: int) -> int:
        """How many rejected and unknown leads of a sync nobody took care of yet."""
        mine = (dead_letters.c.sync_id == sync_id) & dead_letters.c.settled_by.is_(None)
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(dead_letters).where(mine)) or 0)

    def unknowns(self, run_id: str) -> list[DeadLetter]:
        """The dead letters of a run whose answer was lost or that were never sent."""
        return self.dead_letters(run_id=run_id, code=letters.UNKNOWN_CODE)

    def settle_dead_letter(self, ids: Iterable[int], run_id: str) -> None:
        """The run `run_id` took care of these."""
        settled = dead_letters.update().where(dead_letters.c.id.in_(list(ids))).values(settled_by=run_id)
        with self._database.write() as connection:
            locks.write_people(self._database, connection)
            connection.execute(settled)

    def forget(self, address: str) -> dict[str, int]:
        """Erase a person from every table; what stays is a keyed hash in the suppression list. Counts by table."""
        return erasure.forget(self._database, address)

    def prune(self, retention_days: float) -> int:
        """Drop the row detail of runs that ended longer ago; counts stay. Returns how many batches lost theirs."""
        return erasure.prune(self._database, retention_days)

    def health(self) -> list[Check]:
        """What `doctor` says of the ledger."""
        return health.checks(self._database)
