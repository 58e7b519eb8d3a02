"""Deliver: by the law of the ledger (mark, send, answer), whatever the sink answers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import polars as pl
import pytest
from syncline.batch import ID, KEY, ROW
from syncline.errors import Deactivate, Fatal, Lost, PluginError, Refused, Retriable
from syncline.pipeline.deliver import ATTEMPTS, Delivery
from syncline.plugin import ACCEPTED, Config, Result, ResultKind, Sink

LATER = Result(ResultKind.RETRYABLE, "2101", "come again")
NO = Result(ResultKind.REFUSED, "4711", "no")
HUH = Result(ResultKind.UNKNOWN)


class Answering(Sink[Config]):
    """Answers each call as scripted, then accepts; `told` is what it and the journal did, in order."""

    name = "answering"
    key_field = "Email"

    def __init__(self, *script: Any, size: int = 1, at_once: int = 1, repeatable: bool = False) -> None:
        super().__init__(Config())
        self.script, self.told, self.finals = list(script), list[tuple[Any, ...]](), dict[int, tuple[str, str]]()
        self.batch_size, self.concurrency, self.repeatable = size, at_once, repeatable
        self.found: Sequence[Result] | None = None

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        return frame

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        self.told.append(("deliver", *leads[ROW]))
        answer = self.script.pop(0) if self.script else [ACCEPTED] * leads.height
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]  # scripts hold lists of results

    def confirm(self, leads: pl.DataFrame) -> Sequence[Result]:
        self.told.append(("confirm", *leads[ROW]))
        return self.found or super().confirm(leads)

    # the journal's part

    def sending(self, seq: int, rows: Sequence[int], *, wait: bool = True) -> Future[None]:
        self.told.append(("sending", *rows))
        marked: Future[None] = Future()
        marked.set_result(None)
        return marked

    def unsent(self, seq: int, rows: Sequence[int]) -> None:
        self.told.append(("unsent", *rows))

    def flush(self) -> None:
        """Everything is on record at once here."""

    def answered(self, seq: int, results: pl.DataFrame, *, wait: bool, later: bool) -> None:
        for row, outcome, reason in results.select(ROW, "outcome", "reason").iter_rows():
            assert row not in self.finals, "one answer for each lead"
            self.finals[row] = (outcome, reason)


def delivered(sink: Answering, leads: int = 1, out: Sequence[bool] = ()) -> dict[int, tuple[str, str]]:
    frame = pl.DataFrame(
        {ROW: range(leads), ID: None, KEY: [f"p{n}@example.com" for n in range(leads)], "Email": "x",
         "planned_outcome": "new", "planned_reason": "added"}, schema_overrides={ROW: pl.UInt64, ID: pl.String},
    )  # fmt: skip
    gate = pl.Series(list(out) or [False] * leads, dtype=pl.Boolean)
    with Delivery(
        sink, sink, ["Email"], stop=threading.Event(), opted_out=lambda keys: gate.head(keys.len())
    ) as delivery:
        delivery.submit(0, frame)
        delivery.finish()
    return sink.finals


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline.pipeline.deliver.BACK_OFF", 0.001)


def test_a_lead_is_marked_before_it_goes_out() -> None:
    sink = Answering()
    assert delivered(sink) == {0: ("new", "added")}
    assert sink.told == [("sending", 0), ("deliver", 0)]


def test_each_lead_of_a_call_has_its_own_answer() -> None:
    sink = Answering([ACCEPTED, NO, Result(ResultKind.REFUSED, "2006", ignored="do_not_mail")], size=3)
    assert delivered(sink, 3) == {0: ("new", "added"), 1: ("rejected", "4711"), 2: ("ignored", "do_not_mail")}


def test_what_is_put_off_counts_as_not_sent_and_goes_again_alone() -> None:
    sink = Answering([ACCEPTED, LATER], size=2)
    assert delivered(sink, 2) == {0: ("new", "added"), 1: ("new", "added")}
    assert sink.told[2:] == [("unsent", 1), ("sending", 1), ("deliver", 1)]


def test_what_is_always_put_off_is_rejected_in_the_end() -> None:
    sink = Answering(*[[LATER]] * 20)
    assert delivered(sink) == {0: ("rejected", "2101")}
    assert sink.told.count(("deliver", 0)) == ATTEMPTS


def test_a_lost_answer_is_read_back_and_not_sent_again_where_that_does_harm() -> None:
    sink = Answering(Lost("no answer"))
    assert delivered(sink) == {0: ("unknown", "answer_lost")}
    assert sink.told == [("sending", 0), ("deliver", 0), ("confirm", 0)]


@pytest.mark.parametrize("repeatable", [True, False])
def test_what_surely_is_not_there_goes_again_only_where_that_is_harmless(repeatable: bool) -> None:
    sink = Answering(Lost("no answer"), repeatable=repeatable)
    sink.found = [LATER]
    assert delivered(sink) == {0: ("new", "added") if repeatable else ("unknown", "answer_lost")}


def test_before_a_lead_goes_again_the_opt_outs_are_asked() -> None:
    sink = Answering([HUH], repeatable=True)
    sink.found = [LATER]
    assert delivered(sink, out=[True]) == {0: ("ignored", "do_not_mail")}
    assert sink.told.count(("deliver", 0)) == 1


@pytest.mark.parametrize("error", [Fatal("full"), Deactivate("gone"), Retriable("busy", after=0.001)])
def test_an_error_that_carried_nothing_out_takes_the_mark_back_and_ends_the_run(error: Exception) -> None:
    sink = Answering(*[error] * ATTEMPTS)
    with pytest.raises((Fatal, Deactivate)):
        delivered(sink)
    assert (sink.told[-1], sink.finals) == (("unsent", 0), {})


@pytest.mark.parametrize("strange", [[], [ACCEPTED, ACCEPTED], RuntimeError("a bug"), Refused("no", code="1")])
def test_an_answer_that_breaks_the_contract_leaves_the_lead_marked(strange: Any) -> None:
    sink = Answering(strange)
    with pytest.raises((PluginError, Refused)):
        delivered(sink)
    assert (sink.told, sink.finals) == ([("sending", 0), ("deliver", 0)], {})


class Slow(Answering):
    """Counts how many calls are out, and how many are marked, while it holds them for each other."""

    def __init__(self, *, repeatable: bool) -> None:
        super().__init__(size=2, at_once=2, repeatable=repeatable)
        self.both, self.out, self.most, self.marked = threading.Barrier(2), 0, 0, list[int]()
        self.lock = threading.Lock()

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        with self.lock:
            self.out += 1
            self.most = max(self.most, self.out)
        self.both.wait(60)
        with self.lock:
            self.marked.append(
                sum(len(rows) // 2 for word, *rows in self.told if word == "sending") - len(self.finals) // 2
            )
        self.both.wait(60)
        with self.lock:
            self.out -= 1
        return super().deliver(leads)


@pytest.mark.parametrize(("repeatable", "marked"), [(True, 10), (False, 2)])
def test_no_more_calls_are_out_than_the_sink_takes_and_more_are_marked_only_where_that_is_harmless(
    repeatable: bool, marked: int
) -> None:
    sink = Slow(repeatable=repeatable)
    assert len(delivered(sink, 40)) == 40
    assert sink.most == 2
    assert max(sink.marked) <= marked
    assert (max(sink.marked) > 2) == repeatable


@pytest.mark.parametrize("error", [Fatal("full"), None])
def test_calls_that_were_marked_ahead_and_do_not_go_out_are_marked_no_more(error: Exception | None) -> None:
    class Unprovided(Answering):
        def provide(self, mapped: Sequence[str]) -> None:
            if error is None:
                raise Fatal("no such field")

    sink = Unprovided(error, size=2, at_once=2, repeatable=True)
    with pytest.raises(Fatal):
        delivered(sink, 40)
    marked, back = (
        {row for word, *rows in sink.told if word == told for row in rows} for told in ("sending", "unsent")
    )
    assert back
    assert marked == back | set(sink.finals)
    assert not back & set(sink.finals)
