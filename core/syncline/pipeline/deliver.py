"""Deliver: several calls at once, each by the law of the ledger: intent, mark, send, answer.

The intent is recorded before a batch comes here. A call whose answer is lost stays open until it is settled by
reading back; a lead is sent again only where that is harmless.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
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
    attempt: int = 1


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
        for call in leads.iter_slices(self._sink.batch_size):
            self._room.acquire()
            if self.failure is not None or self._stop.is_set():
                self._room.release()
                break
            future = self._pool.submit(self._run, Call(seq, call))
            with self._lock:
                self._pending.add(future)
            future.add_done_callback(self._done)
        if self.failure is not None:
            raise self.failure

    def finish(self) -> None:
        """Wait for all calls, then settle what was lost by reading back. Raises what ended the run."""
        while pending := self._snapshot():
            for future in pending:
                future.exception()
        lost, self._lost = self._lost, []
        if lost and not (self.failure or self._stop.is_set()):
            self.settle(lost)
        if self.failure is not None:
            raise self.failure

    def settle(self, calls: Sequence[Call]) -> None:
        """Read back what became of calls whose answer was lost; send again what surely is not there, if harmless."""
        leads = pl.concat([call.leads for call in calls], how="diagonal_relaxed")
        results = self._sink.confirm(self._encoded(leads))
        _check_count(self._sink, results, leads.height)
        by_row = dict(zip(leads[ROW], results, strict=True))
        for call in calls:
            here = [by_row[row] for row in call.leads[ROW]]
            absent = pl.Series([result.kind is ResultKind.RETRYABLE for result in here])
            if not self._sink.repeatable:
                absent = pl.Series([False] * len(here))
            if absent.any():
                self.resubmit(call.seq, call.leads.filter(absent))
            known = call.leads.filter(~absent)
            kept = [_settled(result) for result, again in zip(here, absent, strict=True) if not again]
            if known.height:
                self._answer(Call(call.seq, known), kept)
        while pending := self._snapshot():
            for future in pending:
                future.exception()

    def resubmit(self, seq: int, leads: pl.DataFrame) -> None:
        """Queue leads that were decided some time ago: whoever opted out since is kept out."""
        out = self._opted_out(leads[KEY])
        if out.any():
            kept = leads.filter(out)
            self._answer(Call(seq, kept), [Result(ResultKind.REFUSED, ignored="do_not_mail")] * kept.height)
        if not out.all():
            self.submit(seq, leads.filter(~out))

    def _snapshot(self) -> list[Future[None]]:
        with self._lock:
            return list(self._pending)

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
        leads = self._encoded(call.leads)
        while True:
            self._sink.reserve(call.leads.height)
            if self._stop.is_set() or self.failure is not None:
                return
            self._journal.sending(call.seq, call.leads[ROW].to_list())
            try:
                results = self._sink.deliver(leads)
            except (Fatal, Deactivate) as error:
                self._journal.unsent(call.seq, call.leads[ROW].to_list())
                self._fail(error)
                return
            except Retriable as error:
                self._journal.unsent(call.seq, call.leads[ROW].to_list())
                if call.attempt < ATTEMPTS and self._waited(call, error):
                    call = Call(call.seq, call.leads, call.attempt + 1)
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
        kinds = pl.Series([result.kind.value for result in results])
        again = (kinds == ResultKind.RETRYABLE.value) if call.attempt < ATTEMPTS else pl.Series([False] * len(results))
        lost = kinds == ResultKind.UNKNOWN.value
        if lost.any():
            self._lose(Call(call.seq, call.leads.filter(lost)))
        certain = ~(again | lost)
        if certain.any():
            kept = [result for result, keep in zip(results, certain, strict=True) if keep]
            self._answer(Call(call.seq, call.leads.filter(certain)), kept)
        if again.any():
            repeat = Call(call.seq, call.leads.filter(again), call.attempt + 1)
            if self._waited(call, Retriable("asked to send again")):
                self._deliver(repeat)

    def _answer(self, call: Call, results: Sequence[Result]) -> None:
        plans = call.leads.select(ROW, PLANNED_OUTCOME, PLANNED_REASON).iter_rows()
        rows = [
            _final(row, outcome, reason, result) for (row, outcome, reason), result in zip(plans, results, strict=True)
        ]
        self._journal.answered(call.seq, pl.DataFrame(rows, schema=ANSWERS, orient="row"))
        self._progress(call.leads.height)


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


def _final(row: int, outcome: str, reason: str, result: Result) -> tuple[Any, ...]:
    detail, code = result.message or None, result.code or None
    if result.kind is ResultKind.ACCEPTED:
        if result.awaiting and outcome == Outcome.NEW:
            reason = "awaiting_confirmation"
        return row, outcome, reason, detail, code, True, result.awaiting
    if result.kind is ResultKind.UNKNOWN:
        return row, "unknown", result.code or "answer_lost", detail, code, False, False
    if result.ignored:
        word = f"the target refused it with code {result.code}" if result.code else None
        return row, "ignored", result.ignored, word, code, False, False
    return row, "rejected", result.code or "refused", detail, code, False, False


def _check_count(sink: Sink[Any], results: Sequence[Result], leads: int) -> None:
    if len(results) != leads:
        raise PluginError(f"sink {sink.name!r} gave {len(results)} results for {leads} leads")
