"""The journal of one run: intent before the wire, answers after it, each step in one transaction.

One thread writes, and another one packs what is written. Whatever is asked while a commit runs goes into the next one,
so that many deliveries at once share one trip to the disk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Self

import polars as pl
import sqlalchemy as sa

from ..batch import KEY, ROW
from ..decision import Counts, Outcome
from ..errors import Fatal, SynclineError
from . import open_batch
from .database import Database
from .frames import DETAIL, OUTCOME, REASON
from .letters import Desk, keep, overtaken, settle_keys, waiting_keys
from .locks import hold_list, hold_sync, write_people
from .open_batch import BatchState
from .receipts import list_id_of, remove, settle
from .records import RunRecord
from .runs import fence, renew
from .suppression import forgotten
from .tables import batches, deliveries, runs, syncs
from .waiting_steps import Step, WaitingSteps

RENEW_AFTER = 10.0
IN_ONE = 10_000
"""Rows that one statement names: a database takes some 30,000 parameters."""
ANSWER = (OUTCOME, REASON, DETAIL)


class Journal:
    """Open it once in a run, as a context manager; its methods may be called from any thread.

    Each blocks until its step is committed, or, with `wait=False`, returns a future at once. Steps are committed in the
    order of the calls. When the lease was lost, or the ledger failed, every pending and later call raises `Fatal`.
    """

    def __init__(self, database: Database, run: RunRecord, *, account: str, target: str, remember: bool) -> None:
        self._database = database
        self._run = run
        self._steps = WaitingSteps()
        self._lock = threading.Lock()
        self._calls: dict[str, int] = {}
        self._open: dict[int, BatchState] = {}
        self._answers: dict[int, list[pl.DataFrame]] = {}
        self._touched: set[int] = set()
        self._closed: list[Counts] = []
        self._renewed = time.monotonic()
        with database.write() as connection:
            hold_sync(connection, run.sync_id)
            fence(database, connection, run)
            renew(database, connection, run)
            self._forgotten = forgotten(connection)
            self._waiting = waiting_keys(connection, run.sync_id)
            list_id = list_id_of(database, connection, account, target) if remember else None
            if remember:
                connection.execute(
                    syncs.update().where(syncs.c.id == run.sync_id).values(account=account, target=target)
                )
            found = connection.execute(
                sa.select(batches.c.seq, batches.c.open, batches.c.cursor).where(batches.c.run_id == run.id)
            ).all()
        self._desk = Desk(database, run, list_id)
        self._cursors: dict[int, str | None] = {each.seq: each.cursor for each in found if not each.open}
        self._next = 0
        self._cursor = run.cursor
        self._advance()
        self._packer = ThreadPoolExecutor(1, thread_name_prefix="pack")
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._write,), name=f"ledger {run.id}", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Commit what was asked so far and end the thread; later calls raise `Fatal`."""
        self._steps.end(Fatal(f"the journal of run {self._run.id} is closed"))
        self._thread.join()
        self._packer.shutdown()

    # ------------------------------------------------------------------------------------------------ the steps

    def open_batch(
        self,
        seq: int,
        outcomes: pl.DataFrame,
        payload: pl.DataFrame,
        cursor: str | None,
        *,
        returned: bool = False,
        wait: bool = True,
    ) -> Future[None]:
        """Record the outcome of every lead of the batch and the payload of those to be sent, before any is sent.

        `outcomes`: `#row`, `#id`, `#address`, `#key`, `outcome`, `reason`, `detail`, and for leads to be sent (now
        unknown/in_flight) `planned_outcome` and `planned_reason`. `payload`: one row for each lead to be sent, with
        `#row`, `#id`, `#key`, `#fingerprint`, `#values` and any other columns. Without rows the batch is closed.
        `returned`: these were dead letters, not read from the source. In the same transaction, letters of people on
        whom the batch decides without sending are settled.
        """
        batch = open_batch.opened(seq, outcomes, payload, cursor, returned=returned)
        row = self._packer.submit(open_batch.packed, self._run.id, batch)

        def step(connection: sa.Connection) -> None:
            open_batch.insert(connection, self._run.id, batch, row.result())
            self._settle_overtaken(connection, batch)
            if batch.is_done:
                self._close_batch(batch)
            else:
                self._open[seq] = batch

        return self._ask(step, wait=wait)

    def sending(self, seq: int, rows: Sequence[int], *, wait: bool = True) -> Future[None]:
        """Record that these rows go out now. After a crash they count as sent."""

        def step(connection: sa.Connection) -> None:
            batch = self._batch(connection, seq)
            if batch.marked_whole:
                return
            if batch.is_whole(rows):
                batch.marked_whole = True
                self._mark(connection, seq, [open_batch.ALL_ROWS])
            elif fresh := set(rows) - batch.sent:
                batch.sent |= fresh
                self._mark(connection, seq, sorted(fresh))

        return self._ask(step, wait=wait)

    def unsent(self, seq: int, rows: Sequence[int], *, wait: bool = True) -> Future[None]:
        """Take `sending` back: these rows surely did not go out, or were surely not carried out."""

        def step(connection: sa.Connection) -> None:
            batch = self._batch(connection, seq)
            if batch.marked_whole:
                batch.take_apart()
                self._mark(connection, seq, sorted(batch.sent))
            back = batch.sent & set(rows)
            batch.sent -= back
            here = (deliveries.c.run_id == self._run.id) & (deliveries.c.seq == seq) & ~deliveries.c.answered
            gone = [open_batch.ALL_ROWS, *sorted(back)]
            for start in range(0, len(gone), IN_ONE):
                connection.execute(deliveries.delete().where(here, deliveries.c.row.in_(gone[start : start + IN_ONE])))

        return self._ask(step, wait=wait)

    def answered(self, seq: int, results: pl.DataFrame, *, wait: bool = True, later: bool = False) -> Future[None]:
        """Record what became of rows: `#row`, `outcome`, `reason`, `detail`, `accepted`, `awaiting`, `code`. Where an
        answer may be lost without harm, it may come `later`, with others.

        In the same transaction: accepted rows become members (and, unless awaiting confirmation, part of the audience),
        rejected and unknown ones dead letters, do_not_mail ones are suppressed; the counts move; and with the last
        answer the batch is closed and the cursor of the run moves on.
        """

        with self._lock:
            self._answers.setdefault(seq, []).append(results)

        def step(connection: sa.Connection) -> None:
            with self._lock:
                waiting = self._answers.pop(seq, None)
            if waiting is None:
                return  # an earlier step of this commit took these answers along
            results = pl.concat(waiting)
            batch = self._batch(connection, seq)
            batch.answer(results)
            settle(connection, self._desk, batch.payload, results)
            self._touched.add(seq)
            if batch.is_done:
                open_batch.close(connection, self._run.id, batch)
                self._close_batch(batch)
            else:
                self._record_answers(connection, seq, results)

        return self._ask(step, wait=wait, later=later)

    def removed(self, seq: int, outcomes: pl.DataFrame, *, wait: bool = True) -> Future[None]:
        """Record, as a batch of its own, that these members (`#key`) were taken out of the target: all `deleted`."""
        batch = open_batch.opened(seq, outcomes, outcomes.clear(), None)

        def step(connection: sa.Connection) -> None:
            if self._desk.list_id is not None:
                hold_list(self._database, connection, self._desk.list_id)
            batch.cursor = self._cursors.get(
                seq - 1, self._cursor
            )  # a removal reads nothing: the source stays where it is
            open_batch.insert(connection, self._run.id, batch, open_batch.packed(self._run.id, batch))
            self._close_batch(batch)
            remove(connection, self._database, self._run.sync_id, outcomes.get_column(KEY).to_list())

        return self._ask(step, wait=wait)

    def calls(self, *, source: int, sink: int) -> None:
        """How many calls the run has made so far: recorded with the next commit."""
        with self._lock:
            self._calls = {"source_calls": source, "sink_calls": sink}

    def flush(self) -> None:
        """Return when all that was asked so far is committed; raises what made it fail."""
        self._steps.put(lambda connection: None, last=True).result()

    # ------------------------------------------------------------------------------------------ inside a step

    def _batch(self, connection: sa.Connection, seq: int) -> BatchState:
        if seq not in self._open:
            found = open_batch.load(connection, self._run.id, seq)
            if not found:
                raise Fatal(f"run {self._run.id} has no open batch {seq}")
            self._open[seq] = found[0]
        return self._open[seq]

    def _settle_overtaken(self, connection: sa.Connection, batch: BatchState) -> None:
        """Whoever is to be sent keeps the letter until the answer; nobody else in this run decides on it before."""
        if not self._waiting:
            return
        self._waiting -= set(batch.payload.get_column(KEY).to_list() if batch.payload.width else ())
        for why, keys in overtaken(batch.outcomes, self._waiting).items():
            settle_keys(connection, self._desk, keys, why)
        again = batch.outcomes.filter((pl.col(OUTCOME) == Outcome.REJECTED.value) & pl.col(KEY).is_not_null())
        keep(
            connection,
            self._desk,
            {key: row for key, row in again.select(KEY, ROW).iter_rows() if key in self._waiting},
        )

    def _mark(self, connection: sa.Connection, seq: int, rows: Sequence[int]) -> None:
        marks = pl.DataFrame({"row": rows}, schema={"row": pl.Int64})
        self._database.many(connection, _insert_marks, marks, run_id=self._run.id, seq=seq, answered=False)

    def _record_answers(self, connection: sa.Connection, seq: int, results: pl.DataFrame) -> None:
        rows = results.select(pl.col(ROW).alias("row"), *ANSWER)
        self._database.many(connection, _upsert_answers, rows, run_id=self._run.id, seq=seq, answered=True)

    def _close_batch(self, batch: BatchState) -> None:
        self._open.pop(batch.seq, None)
        self._touched.discard(batch.seq)
        self._closed.append(batch.counts)
        self._cursors[batch.seq] = batch.cursor

    def _advance(self) -> tuple[bool, str | None]:
        """Walk over the closed batches that follow without a gap: (whether any, the cursor after the last)."""
        moved, cursor = False, None
        while self._next in self._cursors:
            moved, cursor = True, self._cursors.pop(self._next)
            self._next += 1
        return moved, cursor

    # ------------------------------------------------------------------------------------------- the one writer

    def _ask(self, step: Step, *, wait: bool, later: bool = False) -> Future[None]:
        future = self._steps.put(step, later=later)
        if wait:
            future.result()
        return future

    def _write(self) -> None:
        while (group := self._steps.take(RENEW_AFTER)) is not None:
            try:
                self._commit([step for step, _ in group])
            except BaseException as error:  # noqa: BLE001  # whatever it is, those who wait must hear of it
                self._steps.fail(_fault(error), group)
                return
            for _, future in group:
                future.set_result(None)

    def _commit(self, steps: Sequence[Step]) -> None:
        if not steps and time.monotonic() - self._renewed < RENEW_AFTER:
            return
        with self._database.write() as connection:
            fence(self._database, connection, self._run)
            write_people(self._database, connection)
            self._heed_forgotten(connection)
            if time.monotonic() - self._renewed >= RENEW_AFTER:
                renew(self._database, connection, self._run)
                self._renewed = time.monotonic()
            for step in steps:
                step(connection)
            for seq in sorted(self._touched):
                here = (batches.c.run_id == self._run.id) & (batches.c.seq == seq)
                connection.execute(batches.update().where(here).values(counts=self._open[seq].counts.plain()))
            open_batch.fold(connection, self._run.id, self._closed)
            moved, cursor = self._advance()
            with self._lock:
                changed: dict[str, object] = {**self._calls, **({"cursor": cursor} if moved else {})}
                self._calls = {}
            if changed:
                connection.execute(runs.update().where(runs.c.id == self._run.id).values(changed))
            if moved:
                self._cursor = cursor
        self._touched.clear()
        self._closed.clear()

    def _heed_forgotten(self, connection: sa.Connection) -> None:
        """Somebody was forgotten meanwhile: what is in memory may hold that person, so it is read anew."""
        count = forgotten(connection)
        if count != self._forgotten:
            self._forgotten = count
            self._open.clear()


def _fault(error: BaseException) -> SynclineError:
    if isinstance(error, SynclineError):
        return error
    fault = Fatal("the journal could not be written", why=type(error).__name__)
    fault.__cause__ = error
    return fault


def _insert_marks(database: Database) -> sa.Insert:
    return database.insert(deliveries)


def _upsert_answers(database: Database) -> sa.Insert:
    insert = database.insert(deliveries)
    return insert.on_conflict_do_update(
        index_elements=["run_id", "seq", "row"], set_={name: insert.excluded[name] for name in ("answered", *ANSWER)}
    )
