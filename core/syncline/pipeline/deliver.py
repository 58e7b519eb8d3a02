"""Deliver: several calls at once, each by the law of the ledger: intent, mark, send, answer.

The intent is recorded before a batch comes here. A call whose answer is lost stays open until it is settled by
reading back; a lead is sent again only where that is harmless.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import polars as pl

from ..batch import KEY, ROW
from ..clock import SYSTEM, Clock
from ..decision import Outcome
from ..errors import Deactivate, Fatal, Lost, PluginError, Retriable, SynclineError
from ..plugin import Result, ResultKind, Sink
from .answers import ANSWERS, Answer, check_count, concluded, distinct, settled
from .call import Call, Journal
from .match import DETAIL, OUTCOME, REASON
from .shape import completed

log = logging.getLogger("syncline")
ATTEMPTS = 5
"""Times a call that surely was not carried out is tried before its leads are rejected."""
TAKEN = "another sync has sent to the person meanwhile"
"""What is said of a lead that is not sent any more."""
TELL_FROM = 30.0
"""Seconds from which a wait is told, so that nobody takes it for a hang."""
LATE = timedelta(seconds=2)
"""A call that was granted goes out within this time, or asks again: one that arrives much later than the budget reckons
would stand in a window that is full."""
MANY = 5000
"""Answers that are brought on record without waiting for others."""
BACK_OFF = 2.0
"""Seconds before the second attempt, doubled each time, when the other side names no time."""


class Delivery:
    """Sends what is submitted, `sink.concurrency` calls at once; use as a context manager.

    `progress(sent)` is told after each call. When a call ends the run, `failure` holds the error, what is still
    waiting is not sent, and `submit` raises it. `opted_out(keys)` is asked again wherever time has passed since the
    decision: for leads of a broken-off run, and before anything is sent a second time; and then `taken(leads)`, whom
    another sync has sent to meanwhile.
    """

    def __init__(
        self,
        sink: Sink[Any],
        journal: Journal,
        mapped: Sequence[str],
        *,
        stop: threading.Event,
        opted_out: Callable[[pl.Series], pl.Series],
        taken: Callable[[pl.DataFrame], pl.Series] = lambda leads: pl.Series([False] * leads.height, dtype=pl.Boolean),
        progress: Callable[[int], None] = lambda sent: None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._clock = clock
        self._sink = sink
        self._journal = journal
        self._mapped = list(mapped)
        self._stop = stop
        self._opted_out = opted_out
        self._taken = taken
        self._progress = progress
        self._provided = threading.Lock()
        self._is_provided = False
        # Where sending twice is harmless, calls are marked when they are queued, as many together as go out at once,
        # and go when it is their turn: the disk then costs the wire no time. Elsewhere a call is marked last, so that
        # no more are than go out; so are calls of one lead each, for those wait for a budget and not for the disk.
        self._ahead = sink.repeatable and sink.batch_size > 1
        self._turns = threading.BoundedSemaphore(sink.concurrency)
        self._room = threading.BoundedSemaphore(sink.concurrency * 4)
        self._pool = ThreadPoolExecutor(sink.concurrency * (1 + self._ahead), thread_name_prefix="deliver")
        self._pending: set[Future[None]] = set()
        self._lost: list[Call] = []
        self._lock = threading.Lock()
        self.failure: BaseException | None = None

    def __enter__(self) -> Delivery:
        return self

    def __exit__(self, *exc: object) -> None:
        if exc[0] is not None and self.failure is None:
            self.failure = Fatal("the run ended early")
        self._pool.shutdown(wait=True)

    def submit(self, seq: int, leads: pl.DataFrame) -> None:
        """Queue leads whose intent is recorded; blocks while enough is waiting. Raises what ended the run."""
        calls = self._calls(seq, leads)
        together = self._sink.concurrency if self._ahead else 1
        while not self._is_over and (some := list(islice(calls, together))):
            for call in self._marked_ahead(seq, some) if self._ahead else some:
                self._room.acquire()
                future = self._pool.submit(copy_context().run, self._run, call)
                with self._lock:
                    self._pending.add(future)
                future.add_done_callback(self._done)
        if self.failure is not None:
            raise self.failure

    def keep_out(self, leads: pl.DataFrame) -> None:
        """Tell the sink of leads that are not sent, before they are on record."""
        mapped = self._sink.encode(leads, self._mapped).select(self._mapped)
        self._sink.kept_out(leads.select(ROW, OUTCOME, REASON, DETAIL).hstack(mapped))

    def finish(self) -> None:
        """Wait for all calls, then settle what was lost by reading back. Raises what ended the run."""
        self._wait()
        lost, self._lost = self._lost, []
        if lost and not (self.failure or self._stop.is_set()):
            self.settle([(call.seq, call.leads) for call in lost])
        self._journal.flush()
        if self.failure is not None:
            raise self.failure

    def settle(self, sent: Sequence[tuple[int, pl.DataFrame]]) -> None:
        """Read back what became of leads (batch, leads) that were sent without an answer; send again what surely is
        not there, where that is harmless."""
        sent = [(seq, self._still_known(seq, frame)) for seq, frame in sent]
        leads = pl.concat([self._encoded(frame) for _, frame in sent], how="diagonal_relaxed")
        if not leads.height:
            return
        results = self._sink.confirm(leads)
        check_count(self._sink, results, leads.height)
        by_row = dict(zip(leads[ROW], results, strict=True))
        for seq, frame in sent:
            found = [by_row[row] for row in frame[ROW]]
            absent = pl.Series([self._sink.repeatable and each.kind is ResultKind.RETRYABLE for each in found])
            if absent.any():
                self.resubmit(seq, frame.filter(absent))
            kept = [settled(result) for result, again in zip(found, absent, strict=True) if not again]
            if kept:
                self._answer(seq, frame.filter(~absent), kept)
        self._wait()

    def resubmit(self, seq: int, leads: pl.DataFrame) -> None:
        """Queue leads that were decided some time ago: whoever opted out since is kept out, and so is whom another sync
        has sent to where a second time would do harm."""
        leads = self._still_known(seq, leads)
        out = self._opted_out(leads[KEY])
        self._keep_out(seq, leads.filter(out))
        leads = leads.filter(~out)
        taken = self._taken(leads)
        self._pass_over(seq, leads.filter(taken))
        if not taken.all():
            self.submit(seq, leads.filter(~taken))

    def _still_known(self, seq: int, leads: pl.DataFrame) -> pl.DataFrame:
        """Without those who were forgotten since: nothing but their rows is left, and they count as opted out."""
        forgotten = leads[KEY].is_null()
        self._keep_out(seq, leads.filter(forgotten))
        return leads.filter(~forgotten)

    def _keep_out(self, seq: int, leads: pl.DataFrame) -> None:
        if leads.height:
            self._answer(seq, leads, Result(ResultKind.REFUSED, ignored="do_not_mail"))

    def _pass_over(self, seq: int, leads: pl.DataFrame) -> None:
        if leads.height:
            rows = [(row, Outcome.DUPLICATE.value, "unchanged", TAKEN, None, False, False, False) for row in leads[ROW]]
            self._tell(seq, pl.DataFrame(rows, schema=ANSWERS, orient="row"))

    def _calls(self, seq: int, leads: pl.DataFrame) -> Iterator[Call]:
        """The leads in calls of the sink's size, encoded all at once."""
        encoded = self._encoded(leads)
        for start in range(0, leads.height, self._sink.batch_size):
            size = self._sink.batch_size
            yield Call(seq, leads.slice(start, size), encoded.slice(start, size))

    def _marked_ahead(self, seq: int, calls: Sequence[Call]) -> list[Call]:
        """The calls, for all of which a mark was asked for; whoever carries one out waits for it."""
        marked = self._journal.sending(seq, [row for call in calls for row in call.rows], wait=False)
        return [replace(call, marked=marked) for call in calls]

    @property
    def _is_over(self) -> bool:
        """Whether no more calls go out."""
        return self.failure is not None or self._stop.is_set()

    def _wait(self) -> None:
        """Until no call is pending; the last answers are on record after the journal's `flush`."""
        while True:
            with self._lock:
                pending = list(self._pending)
            if not pending:
                break
            futures.wait(pending)

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            self._pending.discard(future)
        self._room.release()

    def _run(self, call: Call) -> None:
        try:
            if self._is_over:
                self._take_back(call)
            else:
                self._deliver(call)
        except BaseException as error:  # noqa: BLE001 - the thread that submits raises it
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if self.failure is None:
                self.failure = error

    def _deliver(self, call: Call) -> None:
        self._provide(call)
        while True:
            if call.marked is not None:
                call.marked.result()
            elif self._ahead:
                self._journal.sending(call.seq, call.rows)
            with self._turns:
                if not self._granted(call):
                    return
                answer = self._attempted(call)
            if not isinstance(answer, Exception):
                check_count(self._sink, answer, call.leads.height)
                self._conclude(call, answer)
                return
            again = self._failed(call, answer)
            if again is None:
                return
            call = again

    def _provide(self, call: Call) -> None:
        """Before the first call of all: let the sink get its fields ready."""
        try:
            with self._provided:
                if not self._is_provided:
                    self._sink.provide(self._mapped)
                    self._is_provided = True
        except BaseException:
            self._take_back(call)
            raise

    def _attempted(self, call: Call) -> Answer | Exception:
        try:
            return self._sink.deliver(call.encoded)
        except Exception as error:  # noqa: BLE001 - `_failed` tells them apart
            return error

    def _failed(self, call: Call, error: Exception) -> Call | None:
        """What an error makes of a call: it goes again after a while, is lost, or ends the run."""
        if isinstance(error, (Fatal, Deactivate)):
            self._journal.unsent(call.seq, call.rows)
            self._fail(error)
        elif isinstance(error, Retriable):
            self._journal.unsent(call.seq, call.rows)
            if call.attempt < ATTEMPTS and self._waited(call, error):
                return replace(call, attempt=call.attempt + 1, marked=None)
            self._give_up(error)
        elif isinstance(error, Lost):
            self._lose(call)
        else:
            self._lose(call)
            if isinstance(error, SynclineError):
                raise error
            raise PluginError(f"sink {self._sink.name!r} broke while delivering", why=type(error).__name__) from error
        return None

    def _granted(self, call: Call) -> bool:
        """Pay for the call, which is marked then; False when the run ends meanwhile, and it is not marked."""
        while True:
            try:
                self._sink.reserve(call.leads.height)
            except BaseException:
                self._take_back(call)
                raise
            if self._is_over:
                self._take_back(call)
                return False
            if self._ahead:
                return True
            granted = self._clock()
            self._journal.sending(call.seq, call.rows)
            if self._clock() - granted <= LATE:
                return True
            self._journal.unsent(call.seq, call.rows)

    def _take_back(self, call: Call) -> None:
        """The call does not go out; if it was marked ahead, it is marked no more."""
        if self._ahead:
            self._journal.unsent(call.seq, call.rows)

    def _encoded(self, leads: pl.DataFrame) -> pl.DataFrame:
        """As they will be sent. Leads that were decided under an earlier spec have none of the fields mapped since."""
        own = [name for name in leads.columns if name.startswith("#")]
        leads = completed(leads, self._mapped)
        return leads[own].hstack(self._sink.encode(leads, self._mapped)[self._mapped])

    def _waited(self, call: Call, error: Retriable) -> bool:
        """Wait until the call may go again; False when the run is stopped meanwhile."""
        pause = error.after if error.after is not None else BACK_OFF * 2 ** (call.attempt - 1)
        if pause >= TELL_FROM:
            log.warning("%s; the next attempt is in %d minutes", error, -(-pause // 60))
        until = self._clock() + timedelta(seconds=pause)
        while (left := (until - self._clock()).total_seconds()) > 0:
            if self.failure is not None or self._clock.wait(self._stop, min(left, 0.5)):
                return False
        return True

    def _give_up(self, error: Retriable) -> None:
        if not self._stop.is_set():
            self._fail(Fatal(error.what, where=error.where, why=f"{ATTEMPTS} attempts", mend="try again later"))

    def _lose(self, call: Call) -> None:
        with self._lock:
            self._lost.append(call)

    def _conclude(self, call: Call, answer: Answer) -> None:
        """Record what is certain; leads the other side asks to send again go again, lost ones are settled later."""
        if {result.kind for result in distinct(answer)} <= {ResultKind.ACCEPTED, ResultKind.REFUSED}:
            self._answer(call.seq, call.leads, answer)
            return
        results = [answer] * call.leads.height if isinstance(answer, Result) else answer
        kinds = pl.Series([result.kind.value for result in results])
        again = (kinds == ResultKind.RETRYABLE.value) if call.attempt < ATTEMPTS else pl.Series([False] * len(results))
        lost = kinds == ResultKind.UNKNOWN.value
        if lost.any():
            self._lose(call.filter(lost))
        certain = ~(again | lost)
        if certain.any():
            kept = [result for result, keep in zip(results, certain, strict=True) if keep]
            self._answer(call.seq, call.leads.filter(certain), kept)
        if again.any():
            self._journal.unsent(call.seq, call.filter(again).rows)
            if self._waited(call, Retriable("asked to send again")):
                self._deliver(call.filter(again, call.attempt + 1))

    def _answer(self, seq: int, leads: pl.DataFrame, answer: Answer) -> None:
        """Bring answers on record. Nobody waits for it: the mark of the next call is queued behind it, so where sending
        twice does harm no more calls than go out at once are ever without a recorded answer."""
        self._tell(seq, concluded(leads, answer))

    def _tell(self, seq: int, answers: pl.DataFrame) -> None:
        self._journal.answered(seq, answers, wait=False, later=self._ahead and answers.height < MANY)
        self._progress(answers.height)
