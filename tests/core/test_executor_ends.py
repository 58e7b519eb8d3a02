"""How a run ends when something goes wrong with it, with its process, or with the ledger; on both ledgers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from shelf import Shelf
from syncline import Fatal, Limit, hookimpl
from syncline.clock import Clock
from syncline.errors import LeaseLost
from syncline.executor import BrokenRun
from syncline.executor.heartbeat import alive
from syncline.ledger import Firing, Journal, Ledger, RunRecord, SyncRecord
from syncline.plugin import Result
from syncline.serve.carrying import Carrier
from workshop import Workshop, person

ONCE = {"frequency": "once", "time": "09:30"}


class Killed(BaseException):
    """Stands for the end of the process: nothing that follows it is carried out."""


class Hasty(Clock):
    """A clock by which every wait is over at once."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(0.001)


class Watcher:
    """Notes what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.receipts: list[Mapping[str, Any]] = []

    @hookimpl
    def syncline_run_finished(self, run: Mapping[str, Any]) -> None:
        self.told.append(f"finished {run['status']}")

    @hookimpl
    def syncline_state_changed(self, sync: str, state: str, reason: str) -> None:
        self.told.append(state)

    @hookimpl
    def syncline_run_postponed(self, sync: str, reason: str, failures: int, until: str) -> None:
        self.told.append(f"postponed: {reason}")

    @hookimpl
    def syncline_batch_committed(self, receipt: Mapping[str, Any]) -> None:
        self.receipts.append(receipt)


@pytest.fixture
def shop(tmp_path, ledger: Ledger) -> Workshop:
    made = Workshop(tmp_path / "shop", ledger)
    made.records([person("ann", 1), person("ben", 2)])
    return made


@pytest.fixture
def watcher(shop: Workshop) -> Watcher:
    found = Watcher()
    shop.registry.add_observer("watcher", found)
    return found


@pytest.fixture
def late(ledger_url: str, ledger: Ledger) -> Iterator[Ledger]:
    """The same ledger in another process that sees it a minute later: for it, every run here is silent."""
    with Ledger.open(ledger_url, now=lambda: Clock()() + timedelta(seconds=61)) as opened:
        yield opened


def delivering(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], None]) -> None:
    """This is done before each delivery."""
    plain = Shelf.deliver

    def deliver(sink: Shelf, leads: pl.DataFrame) -> Sequence[Result]:
        deed()
        return plain(sink, leads)

    monkeypatch.setattr(Shelf, "deliver", deliver)


def sync_of(shop: Workshop) -> SyncRecord:
    sync = shop.ledger.sync("sign-ups")
    assert sync is not None
    return sync


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*arguments: object, **options: object) -> Any:
        raise error

    return fail


# ------------------------------------------------------------------------------------------------ signs of life


def test_signs_of_life_go_on_after_the_ledger_was_away_for_a_while(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    beaten = threading.Event()
    answers: list[Callable[[], None]] = [raising(Fatal("the database restarts"))] * 3 + [beaten.set]
    run = shop.run()
    monkeypatch.setattr(Ledger, "heartbeat", lambda ledger, run: answers.pop(0)() if answers else None)
    with alive(shop.ledger, run, Hasty()):
        assert beaten.wait(60)


def test_signs_of_life_end_when_the_lease_is_lost(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[int] = []

    def beat(ledger: Ledger, run: RunRecord) -> None:
        beats.append(1)
        raise LeaseLost("no longer ours")

    run = shop.run()
    monkeypatch.setattr(Ledger, "heartbeat", beat)
    with alive(shop.ledger, run, Hasty()):
        for thread in [each for each in threading.enumerate() if each.name == "heartbeat"]:
            thread.join(60)
    assert beats == [1]


# ----------------------------------------------------------------------------------------- nothing blocks a sync


@pytest.mark.parametrize("error", [SystemExit(0), pl.exceptions.PanicException("ann@example.com")])
def test_a_plugin_that_ends_the_process_or_panics_is_a_defect_of_its_run(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(Shelf, "audience", raising(error))
    with pytest.raises(BrokenRun) as broken:
        shop.run()
    assert (broken.value.run.status, broken.value.run.message.partition(" at ")[0]) == (
        "failed",
        f"a defect: {type(error).__name__}",
    )


def test_a_run_whose_end_could_not_be_recorded_is_taken_up_by_the_next_start_of_this_process(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "finish_run", raising(Fatal("the disk of the ledger is full")))
        with pytest.raises(Fatal, match="disk"):
            shop.run()
    run = shop.run()
    assert (run.id, run.resumed, run.status) == (shop.ledger.run("last").id, True, "succeeded")
    assert all(each["subscribed"] == 1 for each in shop.people().values())


@pytest.mark.parametrize("place", ["Closing", "alive"])
def test_a_run_that_breaks_before_it_does_anything_blocks_nobody(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(f"syncline.executor.{place}", raising(Killed()))
        with pytest.raises(Killed):
            shop.run()
    assert shop.run().resumed


# ------------------------------------------------------------------------------------------- stopped, and why else


def test_what_else_goes_wrong_while_a_run_is_stopped_is_kept(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    delivering(monkeypatch, shop.executor.stop.set)
    run = shop.run([person("ann", 1, "full")])
    assert (run.status, run.message) == (
        "interrupted",
        "stopped; what was not sent is left for the next run; besides: the shelf is full",
    )


def test_a_stop_while_a_budget_is_waited_for_is_nothing_else(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = shop.executor._connections._runtime.budgets

    def wait() -> None:
        shop.executor.stop.set()
        budgets.acquire("hub", Limit(1, 3600.0))
        budgets.acquire("hub", Limit(1, 3600.0))

    delivering(monkeypatch, wait)
    run = shop.run()
    assert (run.status, run.message) == ("interrupted", "stopped; what was not sent is left for the next run")


# ------------------------------------------------------------------------------------- the state after the last run


def test_the_state_that_follows_from_a_run_is_recorded_in_the_same_instant(
    shop: Workshop, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "set_state", raising(Killed()))
    shop.run(schedule=ONCE)
    assert (sync_of(shop).state, watcher.told) == ("completed", ["active", "finished succeeded", "completed"])


def test_a_source_that_is_gone_ends_its_sync_in_the_same_instant(
    shop: Workshop, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "set_state", raising(Killed()))
    shop.run("gone")
    assert (sync_of(shop).state, sync_of(shop).reason) == ("inactive", "the table was renamed")
    assert watcher.told == ["active", "finished inactive", "inactive"]


def test_a_run_of_a_sync_that_became_inactive_meanwhile_leaves_it_so(
    shop: Workshop, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivering(monkeypatch, lambda: shop.ledger.set_state(sync_of(shop).id, "inactive", "removed") and None)
    shop.run(schedule=ONCE)
    assert (sync_of(shop).reason, watcher.told) == ("removed", ["active", "finished succeeded"])


def test_a_once_that_is_paused_during_its_run_is_completed_by_it(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivering(monkeypatch, lambda: shop.ledger.set_state(sync_of(shop).id, "paused", "wait") and None)
    shop.run(schedule=ONCE)
    sync = sync_of(shop)
    assert sync.state == "completed"
    assert [state for _, state, _ in shop.ledger.events(sync.id)] == ["active", "paused", "completed"]


def test_a_once_whose_schedule_is_edited_during_its_run_is_due_anew(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from syncline.adoption import adopt

    edited = shop.bound(schedule=ONCE | {"time": "10:30"}).spec
    delivering(monkeypatch, lambda: adopt(shop.ledger, shop.executor.observers, edited) and None)
    shop.run(schedule=ONCE)
    assert sync_of(shop).state == "active"


# --------------------------------------------------------------------------------------------- taken over, resumed


def test_a_run_that_another_process_took_over_did_not_fail(
    shop: Workshop, late: Ledger, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = shop.bound()
    taken: list[RunRecord] = []

    def take() -> None:
        if not taken:
            taken.append(late.start_run(sync_of(shop), trigger="manual", window="{}"))

    delivering(monkeypatch, take)
    with pytest.raises(LeaseLost, match="no longer ours"):
        shop.executor.run(bound)
    assert watcher.told == ["active"]
    assert shop.ledger.run(taken[0].id).status == "running"
    late.heartbeat(taken[0])


def test_a_firing_whose_run_was_taken_over_waits_and_nobody_is_alarmed(
    shop: Workshop, late: Ledger, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run()
    shop.records([person("eve", 3)])
    watcher.told.clear()
    firing = shop.ledger.claim(shop.ledger.join(), sync_of(shop).id, shop.ledger.now())
    assert isinstance(firing, Firing)
    taken: list[RunRecord] = []

    def take() -> None:
        if not taken:
            taken.append(late.start_run(sync_of(shop), trigger="manual", window="{}"))

    delivering(monkeypatch, take)
    Carrier(shop.executor, lambda sync: shop.bound()).carry_out(firing)
    assert watcher.told == []
    assert [each["state"] for each in shop.ledger.firings(sync_of(shop).id)] == ["waiting"]
    late.finish_run(taken[0], status="succeeded")
    assert [each["state"] for each in shop.ledger.firings(sync_of(shop).id)] == ["done"]


def test_a_run_that_finds_a_broken_off_retry_finishes_it_and_then_reads_the_source(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.run([person("ann", 1, "refuse 1"), person("ben", 2)])
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "answered", raising(Killed()))
        with pytest.raises(Killed):
            shop.executor.retry(shop.bound(), first.id)
    cut_off = shop.ledger.run("last")
    run = shop.run([person("ann", 1), person("ben", 2), person("eve", 3)])
    assert (cut_off.trigger, shop.ledger.run(cut_off.id).status) == ("retry", "succeeded")
    assert (run.trigger, run.resumed, run.document()["counts"]["total"]) == ("manual", False, 3)
    assert shop.people()["eve@example.com"]["subscribed"] == 1


def test_a_retry_takes_no_letters_that_another_one_took_care_of(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.run([person("ann", 1, "refuse 1"), person("ben", 2)])
    plain = Ledger.start_run

    def start(ledger: Ledger, *arguments: Any, **options: Any) -> RunRecord:
        monkeypatch.setattr(Ledger, "start_run", plain)
        shop.executor.retry(shop.bound(), first.id)
        return plain(ledger, *arguments, **options)

    monkeypatch.setattr(Ledger, "start_run", start)
    second = shop.checked(shop.executor.retry(shop.bound(), first.id))
    assert (second.status, second.document()["counts"]["total"]) == ("succeeded", 0)


# ------------------------------------------------------------------------------------------------ what is told


def test_a_wait_for_a_budget_names_the_run_that_waits(
    shop: Workshop, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgets = shop.executor._connections._runtime.budgets
    delivering(monkeypatch, lambda: budgets.acquire("hub", Limit(1, 0.3)))
    run = shop.run()
    waits = [each for each in watcher.receipts if each["waiting"] == "hub"]
    assert waits
    assert {each["run"] for each in watcher.receipts} == {run.id}


def test_what_is_told_of_a_run_never_goes_back(shop: Workshop, watcher: Watcher) -> None:
    shop.run([person(f"guest{n}", n) for n in range(60)])
    for name in ("read", "to_send", "sent"):
        counts = [each[name] for each in watcher.receipts]
        assert counts == sorted(counts)
        assert counts[-1] == 60
