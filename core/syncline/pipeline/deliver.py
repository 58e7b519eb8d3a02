"""Deliver: several calls at once, each by the law of the ledger: intent, mark, send, answer.

The intent is recorded before a batch comes here. A call whose answer is lost stays open until it is settled by
reading back; a lead is sent again only where that is harmless.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

import polars as pl

from ..batch import KEY, ROW
from ..decision import Outcome
from ..errors import Deactivate, Fatal, Lost, PluginError, Retriable, SynclineError
from ..plugin import Result, ResultKind, Sink
from .match import PLANNED_OUTCOME, PLANNED_REASON

ATTEMPTS = 5
"""Times a call that surely was not carried out is tried before its leads are rejected."""
BACK_OFF = 2.0
"""Seconds before the second attempt, doubled each time, when the other side names no time."""


class Journal(Protocol):
    """What of the ledger's journal is needed here."""

    def sending(self, seq: int, rows: Sequence[int]) -> Any:
        """These rows are about to go out."""
        ...

    def unsent(self, seq: int, rows: Sequence[int]) -> Any:
        """These rows surely were not carried out."""
        ...

    def answered(self, seq: int, results: pl.DataFrame) -> Any:
        """The final outcomes of these rows."""
        ...


@dataclass(frozen=True)
class Call:
    """The leads of one `Sink.deliver`: shaped rows with what is planned for them."""

    seq: int
    leads: pl.DataFrame
    encoded: pl.DataFrame
    attempt: int = 1

    def filter(self, keep: pl.Series, attempt: int | None = None) -> Call:
        """The call with only some of its leads."""
        return Call(self.seq, self.leads.filter(keep), self.encoded.filter(keep), attempt or self.attempt)

    @property
    def rows(self) -> list[int]:
        """The row numbers of its leads."""
        return self.leads[ROW].to_list()


class Delivery:
    """Sends what is submitted, `sink.concurrency` calls at once; use as a context manager.

    `progress(sent)` is told after each call. When a call ends the run, `failure` holds the error, what is still
    waiting is not sent, and `submit` raises it. `opted_out(keys)` is asked again wherever time has passed since the
    decision: for leads of a broken-off run, and before anything is sent a second time.
    """

    def __init__(
        self,
        sink: Sink[Any],
        journal: Journal,
        mapped: Sequence[str],
        *,
        stop: threading.Event,
        opted_out: Callable[[pl.Series], pl.Series],
        progress: Callable[[int], None] = lambda sent: None,
    ) -> None:
        self._sink = sink
        self._journal = journal
        self._mapped = list(mapped)
        self._stop = stop
        self._opted_out = opted_out
        self._progress = progress
        self._provided = threading.Lock()
        self._is_provided = False
        self._room = threading.BoundedSemaphore(sink.concurrency * 4)
        self._pool = ThreadPoolExecutor(sink.concurrency, thread_name_prefix="deliver")
        self._pending: set[Future[None]] = set()
        self._lost: list[Call] = []
        self._answers: dict[int, list[tuple[Any, ...]]] = {}
        self._recording = threading.Lock()
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
        for call in self._calls(seq, leads):
            self._room.acquire()
            if self.failure is not None or self._stop.is_set():
                self._room.release()
                break
            future = self._pool.submit(self._run, call)
            with self._lock:
                self._pending.add(future)
            future.add_done_callback(self._done)
        if self.failure is not None:
            raise self.failure

    def finish(self) -> None:
        """Wait for all calls, then settle what was lost by reading back. Raises what ended the run."""
        self._wait()
        lost, self._lost = self._lost, []
        if lost and not (self.failure or self._stop.is_set()):
            self.settle([(call.seq, call.leads) for call in lost])
        if self.failure is not None:
            raise self.failure

    def settle(self, sent: Sequence[tuple[int, pl.DataFrame]]) -> None:
        """Read back what became of leads (batch, leads) that were sent without an answer; send again what surely is
        not there, where that is harmless."""
        leads = pl.concat([frame for _, frame in sent], how="diagonal_relaxed")
        results = self._sink.confirm(self._encoded(leads))
        _check_count(self._sink, results, leads.height)
        by_row = dict(zip(leads[ROW], results, strict=True))
        for seq, frame in sent:
            found = [by_row[row] for row in frame[ROW]]
            absent = pl.Series([self._sink.repeatable and each.kind is ResultKind.RETRYABLE for each in found])
            if absent.any():
                self.resubmit(seq, frame.filter(absent))
            kept = [_settled(result) for result, again in zip(found, absent, strict=True) if not again]
            if kept:
                self._answer(seq, frame.filter(~absent), kept)
        self._wait()

    def resubmit(self, seq: int, leads: pl.DataFrame) -> None:
        """Queue leads that were decided some time ago: whoever opted out since is kept out."""
        out = self._opted_out(leads[KEY])
        if out.any():
            kept = leads.filter(out)
            self._answer(seq, kept, [Result(ResultKind.REFUSED, ignored="do_not_mail")] * kept.height)
        if not out.all():
            self.submit(seq, leads.filter(~out))

    def _calls(self, seq: int, leads: pl.DataFrame) -> Iterator[Call]:
        """The leads in calls of the sink's size, encoded all at once."""
        encoded = self._encoded(leads)
        for start in range(0, leads.height, self._sink.batch_size):
            size = self._sink.batch_size
            yield Call(seq, leads.slice(start, size), encoded.slice(start, size))

    def _wait(self) -> None:
        """Until nothing is pending and every answer is on record."""
        while True:
            with self._lock:
                pending = list(self._pending)
            if not pending:
                break
            futures.wait(pending)
        self._record()

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            self._pending.discard(future)
        self._room.release()

    def _run(self, call: Call) -> None:
        try:
            if self.failure is None and not self._stop.is_set():
                self._deliver(call)
        except BaseException as error:  # noqa: BLE001 - the thread that submits raises it
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if self.failure is None:
                self.failure = error

    def _deliver(self, call: Call) -> None:
        with self._provided:
            if not self._is_provided:
                self._sink.provide(self._mapped)
                self._is_provided = True
        while True:
            self._sink.reserve(call.leads.height)
            if self._stop.is_set() or self.failure is not None:
                return
            self._journal.sending(call.seq, call.rows)
            try:
                results = self._sink.deliver(call.encoded)
            except (Fatal, Deactivate) as error:
                self._journal.unsent(call.seq, call.rows)
                self._fail(error)
                return
            except Retriable as error:
                self._journal.unsent(call.seq, call.rows)
                if call.attempt < ATTEMPTS and self._waited(call, error):
                    call = replace(call, attempt=call.attempt + 1)
                    continue
                self._give_up(error)
                return
            except Lost:
                self._lose(call)
                return
            except Exception as error:
                self._lose(call)
                if isinstance(error, SynclineError):
                    raise
                raise PluginError(
                    f"sink {self._sink.name!r} broke while delivering", why=type(error).__name__
                ) from error
            _check_count(self._sink, results, call.leads.height)
            break
        self._conclude(call, results)

    def _encoded(self, leads: pl.DataFrame) -> pl.DataFrame:
        own = [name for name in leads.columns if name.startswith("#")]
        return leads.select(own).hstack(self._sink.encode(leads, self._mapped).select(self._mapped))

    def _waited(self, call: Call, error: Retriable) -> bool:
        """Wait until the call may go again; False when the run is stopped meanwhile."""
        pause = error.after if error.after is not None else BACK_OFF * 2 ** (call.attempt - 1)
        until = time.monotonic() + pause
        while (left := until - time.monotonic()) > 0:
            if self.failure is not None or self._stop.wait(min(left, 0.5)):
                return False
        return True

    def _give_up(self, error: Retriable) -> None:
        if not self._stop.is_set():
            self._fail(Fatal(error.what, where=error.where, why=f"{ATTEMPTS} attempts", mend="try again later"))

    def _lose(self, call: Call) -> None:
        with self._lock:
            self._lost.append(call)

    def _conclude(self, call: Call, results: Sequence[Result]) -> None:
        """Record what is certain; leads the other side asks to send again go again, lost ones are settled later."""
        if all(result.kind in (ResultKind.ACCEPTED, ResultKind.REFUSED) for result in results):
            self._answer(call.seq, call.leads, results)
            return
        kinds = pl.Series([result.kind.value for result in results])
        again = (kinds == ResultKind.RETRYABLE.value) if call.attempt < ATTEMPTS else pl.Series([False] * len(results))
        lost = kinds == ResultKind.UNKNOWN.value
        if lost.any():
            self._lose(call.filter(lost))
        certain = ~(again | lost)
        if certain.any():
            kept = [result for result, keep in zip(results, certain, strict=True) if keep]
            self._answer(call.seq, call.leads.filter(certain), kept)
        if again.any() and self._waited(call, Retriable("asked to send again")):
            self._deliver(call.filter(again, call.attempt + 1))

    def _answer(self, seq: int, leads: pl.DataFrame, results: Sequence[Result]) -> None:
        plans = leads.select(ROW, PLANNED_OUTCOME, PLANNED_REASON).iter_rows()
        rows = [_final(plan[0], plan[1], plan[2], result) for plan, result in zip(plans, results, strict=True)]
        with self._lock:
            self._answers.setdefault(seq, []).extend(rows)
        self._record()
        self._progress(leads.height)

    def _record(self) -> None:
        """Return when the answers given so far are on record. Whoever comes first records for all who wait, so no more
        calls than go out at once are ever without a recorded answer."""
        with self._recording:
            with self._lock:
                answers, self._answers = self._answers, {}
            for seq, rows in answers.items():
                self._journal.answered(seq, pl.DataFrame(rows, schema=ANSWERS, orient="row"))


ANSWERS = pl.Schema(
    {
        ROW: pl.UInt64,
        "outcome": pl.String,
        "reason": pl.String,
        "detail": pl.String,
        "code": pl.String,
        "accepted": pl.Boolean,
        "awaiting": pl.Boolean,
    }
)
_LOST = Result(ResultKind.UNKNOWN, "answer_lost")


def _settled(result: Result) -> Result:
    """After reading back: whatever is not surely there, and must not be sent blindly, stays unknown."""
    return result if result.kind in (ResultKind.ACCEPTED, ResultKind.REFUSED) else _LOST


def _final(row: int, outcome: str, reason: str, answer: Result) -> tuple[Any, ...]:
    detail, code = answer.message or None, answer.code or None
    if answer.kind is ResultKind.ACCEPTED:
        if answer.awaiting and outcome == Outcome.NEW:
            reason = "awaiting_confirmation"
        return row, outcome, reason, detail, code, True, answer.awaiting
    if answer.kind is ResultKind.UNKNOWN:
        return row, "unknown", answer.code or "answer_lost", detail, code, False, False
    if answer.ignored:
        word = f"the target refused it with code {answer.code}" if answer.code else None
        return row, "ignored", answer.ignored, word, code, False, False
    return row, "rejected", answer.code or "refused", detail, code, False, False


def _check_count(sink: Sink[Any], results: Sequence[Result], leads: int) -> None:
    if len(results) != leads:
        raise PluginError(f"sink {sink.name!r} gave {len(results)} results for {leads} leads")
