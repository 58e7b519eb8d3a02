"""The ledger: the one place where Syncline remembers. Each method is one transaction, and can be relied on after it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl

from ..budget import Spent, Store
from ..clock import SYSTEM
from ..plugin import Check
from . import (
    budgets,
    erasure,
    health,
    letters,
    locks,
    questions,
    returning,
    schema,
    suppression,
)
from .asking import asked_again
from .backoff import UNKNOWN_CODE
from .database import Database
from .of_people import OfPeople
from .of_runs import OfRuns
from .of_syncs import OfSyncs
from .records import DeadLetter
from .suppression import secret_of
from .tables import dead_letters

STATE_FOLDER = ".syncline"


class Ledger(OfSyncs, OfRuns, OfPeople):
    """Shared by all threads of a process, and any number of processes may have the same ledger open.

    Faults of the database are `Fatal`, in words; nothing that returned is ever lost by a crash.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._suppressed = suppression.Suppressed(database)

    @classmethod
    def open(
        cls, url: str, *, read_only: bool = False, now: Callable[[], datetime] = SYSTEM, detail: bool = True
    ) -> Ledger:
        """Open `sqlite:///path` or `postgresql://…`, made on first use for its owner alone and brought up to date.

        `read_only` writes no byte: a ledger that is not there is an empty one in memory. A ledger of a newer version
        is refused untouched; so is a database that is something else. Without `detail`, what became of each lead is
        dropped as soon as its run ends; the counts stay.
        """
        database = schema.opened(url, read_only=read_only, now=now)
        database.keeps_detail = detail
        return cls(database)

    @property
    def url(self) -> str:
        """Where the ledger is; a password is masked."""
        return self._database.url

    @property
    @asked_again
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
        ids: Sequence[int] | None = None,
        limit: int | None = None,
    ) -> list[DeadLetter]:
        """Rejected and unknown leads that nobody took care of yet, oldest first; `ids`: at most a thousand."""
        given = ((dead_letters.c.run_id, run_id), (dead_letters.c.sync_id, sync_id), (dead_letters.c.code, code))
        conditions = [column == value for column, value in given if value is not None]
        if ids is not None:
            conditions.append(dead_letters.c.id.in_(ids))
        return letters.listed(self._database, *conditions, limit=limit)

    def open_letters(self, sync_id: int) -> pl.DataFrame:
        """The dead letters of a sync that nobody took care of yet, without their payloads, oldest first: `id`,
        `run_id`, `#key`, `#id`, `code`, `message`, `return_at`."""
        return returning.open_letters(self._database, sync_id)

    def held_back(self, sync_id: int, besides: Collection[int] = ()) -> pl.DataFrame:
        """Whom the sink refused and who is not sent again now, as long as the lead is the same: `#key`, `refused` (its
        fingerprint), `refused_code`, `refused_detail`; `besides` are ids of dead letters that do not count."""
        return returning.held_back(self._database, sync_id, besides)

    def letters(self, sync_id: int) -> returning.Waiting:
        """How many leads of a sync wait as dead letters, and for what."""
        return returning.waiting(self._database, sync_id)

    def remains(self, run_id: str) -> returning.Remains:
        """What became of the dead letters that a run left behind."""
        return returning.remains(self._database, run_id)

    def letters_of(self, run_id: str, rows: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The dead letters that these rows of a run became, at most a thousand: row → `code`, `attempts`, `return_at`,
        `settled_by`, `settled_why`."""
        return returning.of_rows(self._database, run_id, rows)

    def unknowns(self, run_id: str) -> list[DeadLetter]:
        """The dead letters of a run whose answer was lost or that were never sent."""
        return self.dead_letters(run_id=run_id, code=UNKNOWN_CODE)

    def settle_dead_letter(self, ids: Collection[int], run_id: str, why: str) -> None:
        """The run `run_id` took care of these, unless they were settled before; `why` as in `letters`."""
        if not ids:
            return
        with self._database.write() as connection:
            locks.write_people(self._database, connection)
            letters.settle_ids(connection, run_id, ids, why)

    def forget(self, address: str) -> dict[str, int]:
        """Erase a person from every table; what stays is a keyed hash in the suppression list. Counts by table."""
        return erasure.forget(self._database, address)

    def prune(self, retention_days: float) -> int:
        """Drop the row detail of runs that ended longer ago; counts stay. Returns how many batches lost theirs."""
        return erasure.prune(self._database, retention_days)

    def health(self) -> list[Check]:
        """What `doctor` says of the ledger."""
        return health.checks(self._database)
