"""Firings in the ledger: each is carried out once, whoever claims it, and whoever falls silent while holding it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from syncline.errors import Busy, Fatal, NotRunnable
from syncline.ledger import Firing, Ledger, Refusal, RunRecord, SyncRecord, wait_after
from syncline.ledger.firings import SUPERSEDED

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
DAILY = {"frequency": "daily", "time": "09:30", "timezone": "UTC"}


class Hand:
    """A clock that shows what it is told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def ledger(ledger_url: str, hand: Hand) -> Iterator[Ledger]:
    with Ledger.open(ledger_url, now=hand) as opened:
        yield opened


def met(ledger: Ledger, name: str = "daily", **changes: Any) -> SyncRecord:
    spec = {"name": name, "schedule": DAILY} | changes
    return ledger.meet(name, identity={"list": name}, spec=spec, source_scope="all")


def claimed(ledger: Ledger, node: str, sync: SyncRecord, due: datetime | None = START) -> Firing:
    claim = ledger.claim(node, sync.id, due)
    assert isinstance(claim, Firing), claim
    return claim


def run_of(ledger: Ledger, firing: Firing) -> RunRecord:
    return ledger.start_run(firing.sync, trigger="schedule", window="{}", firing=firing)


def states(ledger: Ledger, sync: SyncRecord) -> list[tuple[str, int]]:
    return [(each["state"], each["attempts"]) for each in reversed(ledger.firings(sync.id))]


def messages(ledger: Ledger, sync: SyncRecord) -> list[str]:
    return [each["message"] for each in reversed(ledger.firings(sync.id))]


def now_of(ledger: Ledger, name: str = "daily") -> SyncRecord:
    found = ledger.sync(name)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------- one firing, once


def test_of_many_that_claim_a_firing_at_once_one_has_it(ledger: Ledger) -> None:
    sync = met(ledger)
    nodes = [ledger.join() for _ in range(6)]
    together = threading.Barrier(len(nodes))

    def claim(node: str) -> Firing | Refusal:
        together.wait()
        return ledger.claim(node, sync.id, START)

    with ThreadPoolExecutor(len(nodes)) as pool:
        answers = list(pool.map(claim, nodes))
    assert sum(isinstance(each, Firing) for each in answers) == 1
    assert {each.why for each in answers if isinstance(each, Refusal)} == {"busy"}


def test_a_firing_that_was_carried_out_is_taken_also_when_its_row_was_pruned(ledger: Ledger, hand: Hand) -> None:
    sync, node = met(ledger), ledger.join()
    ledger.finish_run(run_of(ledger, claimed(ledger, node, sync)), status="succeeded")
    assert states(ledger, sync) == [("done", 1)]
    assert ledger.claim(node, sync.id, START) == Refusal("taken")
    hand.now += 100 * DAY
    ledger.prune(90)
    assert ledger.firings(sync.id) == []
    assert ledger.claim(node, sync.id, START) == Refusal("taken")


def test_nothing_is_claimed_for_a_sync_that_is_not_active(ledger: Ledger) -> None:
    sync, node = met(ledger), ledger.join()
    ledger.set_state(sync.id, "paused", "for the holidays")
    assert ledger.claim(node, sync.id, START) == Refusal("idle")


def test_a_firing_is_not_claimed_while_a_person_runs_the_sync(ledger: Ledger) -> None:
    sync, node = met(ledger), ledger.join()
    run = ledger.start_run(sync, trigger="manual", window="{}")
    assert ledger.claim(node, sync.id, START) == Refusal("busy")
    ledger.finish_run(run, status="succeeded")
    assert claimed(ledger, node, sync).attempts == 1


def test_a_later_firing_takes_the_place_of_one_that_waits(ledger: Ledger, hand: Hand) -> None:
    sync, node = met(ledger), ledger.join()
    ledger.release(claimed(ledger, node, sync))
    hand.now += DAY
    ledger.postpone(claimed(ledger, node, sync, hand.now), "the table tore")
    hand.now += DAY
    assert claimed(ledger, node, sync, hand.now).due == hand.now
    assert states(ledger, sync) == [("skipped", 1), ("skipped", 1), ("claimed", 1)]
    assert messages(ledger, sync)[:2] == [SUPERSEDED, f"{SUPERSEDED}; before that: the table tore"]


# ------------------------------------------------------------------------------------- those who die or fall silent


def test_a_node_that_is_silent_for_a_minute_loses_its_firing_to_the_next(ledger: Ledger, hand: Hand) -> None:
    sync, silent, other = met(ledger), ledger.join(), ledger.join()
    claimed(ledger, silent, sync)
    hand.now += timedelta(seconds=59)
    ledger.beat(other)
    assert ledger.claim(other, sync.id, None) == Refusal("busy")
    assert ledger.unfinished() == []
    hand.now += timedelta(seconds=2)
    assert ledger.unfinished() == [(sync.id, START)]
    taken = claimed(ledger, other, sync, None)
    assert (taken.due, taken.attempts, taken.node) == (START, 2, other)


def test_a_claim_is_a_sign_of_life(ledger: Ledger, hand: Hand) -> None:
    sync = met(ledger)
    mine, other = ledger.join(), ledger.join()
    hand.now = START + 30 * MINUTE  # the machine slept: nobody has given a sign of life since
    claimed(ledger, mine, sync)
    assert ledger.claim(other, sync.id, START) == Refusal("busy")
    assert [node for node, _ in ledger.serving()] == [mine]


def test_a_process_that_slept_before_its_run_started_does_not_run_what_another_took_over(
    ledger: Ledger, hand: Hand
) -> None:
    sync, asleep = met(ledger), ledger.join()
    lost = claimed(ledger, asleep, sync)
    hand.now += 2 * MINUTE
    other = ledger.join()
    ledger.finish_run(run_of(ledger, claimed(ledger, other, sync, None)), status="succeeded")
    with pytest.raises(Busy, match="went to another process"):
        run_of(ledger, lost)
    assert len(ledger.runs(sync.id)) == 1


def test_what_a_process_that_slept_says_of_a_firing_that_it_lost_changes_nothing(ledger: Ledger, hand: Hand) -> None:
    sync, asleep = met(ledger), ledger.join()
    lost = claimed(ledger, asleep, sync)
    hand.now += 2 * MINUTE
    other = ledger.join()
    run_of(ledger, claimed(ledger, other, sync, None))
    ledger.release(lost)
    ledger.drop(lost, "gone")
    assert ledger.postpone(lost, "it failed") is None
    assert states(ledger, sync) == [("claimed", 2)]
    assert now_of(ledger).failures == 0


def test_a_run_whose_lease_went_to_another_process_settles_nothing(ledger: Ledger, hand: Hand) -> None:
    sync, asleep = met(ledger), ledger.join()
    lost = run_of(ledger, claimed(ledger, asleep, sync))
    hand.now += 2 * MINUTE
    other = ledger.join()
    taken = run_of(ledger, claimed(ledger, other, sync, None))
    assert (taken.id, taken.resumed) == (lost.id, True)
    with pytest.raises(Fatal, match="no longer ours"):
        ledger.finish_run(lost, status="failed", message="too late")
    assert states(ledger, sync) == [("claimed", 2)]
    assert ledger.finish_run(taken, status="succeeded").status == "succeeded"
    assert states(ledger, sync) == [("done", 2)]


def test_a_run_that_ends_before_its_firing_was_started_anew_ends_it_for_both(ledger: Ledger, hand: Hand) -> None:
    sync, slow = met(ledger), ledger.join()
    run = run_of(ledger, claimed(ledger, slow, sync))
    hand.now += 2 * MINUTE
    taken = claimed(ledger, ledger.join(), sync, None)
    ledger.finish_run(run, status="succeeded")
    with pytest.raises(Busy):
        run_of(ledger, taken)
    assert states(ledger, sync) == [("done", 2)]


def test_a_node_that_was_struck_off_while_it_slept_serves_again_with_its_next_sign_of_life(
    ledger: Ledger, hand: Hand
) -> None:
    node = ledger.join()
    hand.now += 2 * DAY
    other = ledger.join()
    assert [each for each, _ in ledger.serving()] == [other]
    ledger.beat(node)
    assert sorted(ledger.serving()) == sorted([(other, hand.now), (node, hand.now)])


def test_who_leaves_gives_back_what_it_claimed(ledger: Ledger) -> None:
    sync, node, other = met(ledger), ledger.join(), ledger.join()
    claimed(ledger, node, sync)
    ledger.leave(node)
    assert states(ledger, sync) == [("waiting", 1)]
    assert ledger.unfinished() == [(sync.id, START)]
    assert claimed(ledger, other, sync, None).attempts == 2


# ------------------------------------------------------------------------------------------- failures and back-off


def test_the_back_off_doubles_from_a_minute_to_an_hour() -> None:
    minutes = [wait_after(failures) / MINUTE for failures in range(1, 10)]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert wait_after(10**6) == 60 * MINUTE


def test_a_firing_that_failed_rests_and_a_success_starts_the_count_anew(ledger: Ledger, hand: Hand) -> None:
    sync, node = met(ledger), ledger.join()
    for failures in (1, 2, 3):
        firing = claimed(ledger, node, sync, START)
        ledger.finish_run(run_of(ledger, firing), status="failed", message="torn")
        until = hand.now + wait_after(failures)
        assert (now_of(ledger).failures, now_of(ledger).retry_at) == (failures, until)
        assert ledger.claim(node, sync.id, START) == Refusal("later", until)
        hand.now = until
    ledger.finish_run(run_of(ledger, claimed(ledger, node, sync, None)), status="partial")
    assert (now_of(ledger).failures, now_of(ledger).retry_at) == (0, None)
    assert states(ledger, sync) == [("done", 4)]


def test_the_other_side_may_ask_for_a_longer_rest(ledger: Ledger, hand: Hand) -> None:
    sync, node = met(ledger), ledger.join()
    until = ledger.postpone(claimed(ledger, node, sync), "locked", after=1800.0)
    assert until == hand.now + 30 * MINUTE == now_of(ledger).retry_at


def test_a_run_by_hand_does_for_all_that_waits_and_says_so(ledger: Ledger) -> None:
    sync, node = met(ledger), ledger.join()
    ledger.postpone(claimed(ledger, node, sync), "torn")
    run = ledger.finish_run(ledger.start_run(sync, trigger="manual", window="{}"), status="succeeded")
    assert states(ledger, sync) == [("done", 1)]
    assert messages(ledger, sync) == [f"run {run.id} did for it"]
    assert (now_of(ledger).failures, now_of(ledger).retry_at) == (0, None)
    assert ledger.unfinished() == []


def test_a_run_by_hand_that_fails_and_one_over_dead_letters_leave_what_waits(ledger: Ledger) -> None:
    sync, node = met(ledger), ledger.join()
    ledger.postpone(claimed(ledger, node, sync), "torn")
    for trigger, status in (("manual", "failed"), ("retry", "succeeded")):
        ledger.finish_run(ledger.start_run(sync, trigger=trigger, window="{}"), status=status)
    assert states(ledger, sync) == [("waiting", 1)]
    assert now_of(ledger).failures == 1


def test_an_interrupted_run_counts_as_no_failure(ledger: Ledger) -> None:
    sync, node = met(ledger), ledger.join()
    ledger.finish_run(run_of(ledger, claimed(ledger, node, sync)), status="interrupted")
    assert (states(ledger, sync), now_of(ledger).failures) == ([("waiting", 1)], 0)
    assert claimed(ledger, node, sync, None).attempts == 2


def test_a_rest_without_anything_that_waits_is_forgotten(ledger: Ledger, hand: Hand) -> None:
    sync, node = met(ledger), ledger.join()
    ledger.postpone(claimed(ledger, node, sync), "torn")
    hand.now += 3 * DAY
    ledger.skip(sync.id, START + 3 * DAY, "missed", waiting=True)
    assert states(ledger, sync) == [("skipped", 1), ("skipped", 0)]
    assert ledger.claim(node, sync.id, None) == Refusal("idle")
    assert now_of(ledger).retry_at is None


def test_an_edit_ends_the_rest_of_a_sync_that_fails(ledger: Ledger) -> None:
    sync, node = met(ledger), ledger.join()
    ledger.postpone(claimed(ledger, node, sync), "torn")
    assert met(ledger, mapping={"Email": "Mail"}).retry_at is None
    assert claimed(ledger, node, sync, None).attempts == 2


# --------------------------------------------------------------------------------------------------- life and time


def test_a_state_that_ends_with_a_run_is_one_step_with_it(ledger: Ledger) -> None:
    sync, node = met(ledger, schedule={"frequency": "once"}), ledger.join()
    run = run_of(ledger, claimed(ledger, node, sync))
    ledger.finish_run(run, status="succeeded", becomes=lambda sync: ("completed", "done"))
    assert (now_of(ledger).state, now_of(ledger).reason) == ("completed", "done")
    assert ledger.events(sync.id)[-1][1:] == ("completed", "done")


def test_what_waits_is_left_when_a_sync_is_paused_and_it_starts_afresh_when_it_goes_on(
    ledger: Ledger, hand: Hand
) -> None:
    sync, node = met(ledger), ledger.join()
    ledger.postpone(claimed(ledger, node, sync), "torn")
    ledger.set_state(sync.id, "paused", "for the holidays")
    assert messages(ledger, sync) == ["the sync became paused: for the holidays"]
    hand.now += 5 * DAY
    ledger.set_state(sync.id, "active", "back")
    now = now_of(ledger)
    assert (now.due_after, now.failures, now.retry_at) == (hand.now, 0, None)
    ledger.set_state(sync.id, "inactive", "gone")
    with pytest.raises(NotRunnable, match="create a sync with a new name"):
        ledger.set_state(sync.id, "active", "back")


def test_firings_of_a_process_whose_clock_was_a_year_ahead_hold_nothing_up(ledger: Ledger, hand: Hand) -> None:
    sync, ahead = met(ledger), ledger.join()
    hand.now += 365 * DAY
    future = hand.now
    ledger.finish_run(run_of(ledger, claimed(ledger, ahead, sync, future)), status="succeeded")
    hand.now = START
    node = ledger.join()
    ledger.finish_run(run_of(ledger, claimed(ledger, node, sync)), status="succeeded")
    assert now_of(ledger).fired == START
    hand.now = future
    assert ledger.claim(ledger.join(), sync.id, future) == Refusal("taken")
    assert [each["due"] for each in ledger.firings(sync.id)] == [future, START]


def test_changes_of_syncs_are_found_by_their_number(ledger: Ledger) -> None:
    first, second = met(ledger, "a"), met(ledger, "b")
    assert [each.name for each in ledger.changed_since(-1)] == ["a", "b"]
    seen = max(first.stamp, second.stamp)
    ledger.set_zone(first.id, "Asia/Kolkata")
    ledger.set_zone(second.id, None)
    assert [(each.name, each.zone) for each in ledger.changed_since(seen)] == [("a", "Asia/Kolkata")]


def test_changes_of_one_sync_from_many_sides_wait_for_each_other_and_never_fail(ledger: Ledger) -> None:
    """Transactions that take their locks in different orders end in a deadlock, which PostgreSQL breaks by an error."""
    sync = met(ledger)
    nodes = [ledger.join() for _ in range(2)]

    def fail(node: str) -> None:
        for _ in range(15):
            claim = ledger.claim(node, sync.id, None) if ledger.firings(sync.id) else ledger.claim(node, sync.id, START)
            if isinstance(claim, Firing):
                ledger.postpone(claim, "torn")

    def turn(node: str) -> None:
        for n in range(15):
            ledger.set_state(sync.id, ("paused", "active")[n % 2], f"turn {n}")

    def edit(node: str) -> None:
        for n in range(15):
            met(ledger, description=str(n))
            ledger.set_zone(sync.id, f"zone {n}")

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(job, nodes[n % 2]) for n, job in enumerate((fail, turn, edit, fail))]
    for job in jobs:
        job.result()
    assert all(each["state"] != "claimed" for each in ledger.firings(sync.id))


# ------------------------------------------------------------------------------------------- whatever happens, once


class Firings(RuleBasedStateMachine):
    """Three nodes, of which some fall silent, wake up, and go on with what they had; hours and days pass."""

    made: Path
    """A ledger without syncs, made once."""
    folder: Path
    number = 0

    @initialize()
    def begin(self) -> None:
        type(self).number += 1
        path = self.folder / f"{self.number}.db"
        shutil.copy(self.made, path)
        self.hand = Hand()
        self.ledger = Ledger.open(f"sqlite:///{path}", now=self.hand)
        self.sync = met(self.ledger)
        self.nodes = [self.ledger.join() for _ in range(3)]
        self.asleep: set[int] = set()
        self.work: list[tuple[int, Firing, RunRecord | None]] = []
        self.done: list[datetime] = []
        self.last = START

    def teardown(self) -> None:
        if not hasattr(self, "ledger"):
            return
        self.asleep.clear()
        self.drain()
        self.ledger.close()

    @property
    def due(self) -> datetime:
        return START + (self.hand.now - START) // DAY * DAY

    @rule(minutes=st.sampled_from([0.5, 2, 70, 24 * 60, 72 * 60]))
    def time_passes(self, minutes: float) -> None:
        for _ in range(2):  # who is awake gives its signs of life in time
            self.hand.now += minutes * MINUTE / 2
            self.signs()

    def signs(self) -> None:
        for n, node in enumerate(self.nodes):
            if n not in self.asleep:
                self.ledger.beat(node)

    @rule(n=st.integers(0, 2))
    def falls_asleep(self, n: int) -> None:
        self.asleep.add(n)

    @rule(n=st.integers(0, 2))
    def wakes_up(self, n: int) -> None:
        self.asleep.discard(n)
        self.ledger.beat(self.nodes[n])

    @rule(n=st.integers(0, 2), open_only=st.booleans())
    def claims(self, n: int, open_only: bool) -> None:
        if n in self.asleep:
            return
        claim = self.ledger.claim(self.nodes[n], self.sync.id, None if open_only else self.due)
        if isinstance(claim, Firing):
            assert claim.due not in self.done, "it was carried out already"
            self.work.append((n, claim, None))

    @rule(pick=st.integers(0, 99))
    @precondition(lambda self: self.work)
    def starts(self, pick: int) -> None:
        n, firing, run = self.work.pop(pick % len(self.work))
        if n in self.asleep or run is not None:
            self.work.append((n, firing, run))
            return
        try:
            self.work.append((n, firing, run_of(self.ledger, firing)))
        except Busy:
            self.ledger.release(firing)

    @rule(pick=st.integers(0, 99), status=st.sampled_from(["succeeded", "failed", "interrupted"]))
    @precondition(lambda self: self.work)
    def ends(self, pick: int, status: str) -> None:
        n, firing, run = self.work.pop(pick % len(self.work))
        if n in self.asleep or run is None:
            self.work.append((n, firing, run))
            return
        try:
            ended = self.ledger.finish_run(run, status=status)
        except Fatal:
            self.ledger.postpone(firing, "no longer ours")
            return
        if status == "succeeded":
            assert ended.due is not None
            assert ended.due not in self.done, "it was carried out twice"
            self.done.append(ended.due)

    @rule(pick=st.integers(0, 99))
    @precondition(lambda self: self.work)
    def gives_up(self, pick: int) -> None:
        n, firing, run = self.work.pop(pick % len(self.work))
        if n in self.asleep or run is not None:
            self.work.append((n, firing, run))
            return
        self.ledger.postpone(firing, "it could not start")

    def drain(self) -> None:
        """Everybody else dies; one node serves on, and nothing is left over."""
        self.hand.now += 2 * 60 * MINUTE
        node = self.ledger.join()
        for _ in range(20):
            self.hand.now += 65 * MINUTE
            self.ledger.beat(node)
            claim = self.ledger.claim(node, self.sync.id, self.due)
            if not isinstance(claim, Firing):
                assert claim.why == "taken"
                break
            run = run_of(self.ledger, claim)
            if self.ledger.finish_run(run, status="succeeded").due not in self.done:
                self.done.append(run.due or claim.due)
        assert self.ledger.unfinished() == []
        rows = self.ledger.firings(self.sync.id, 1000)
        assert {each["state"] for each in rows} <= {"done", "skipped"}
        assert {each["due"] for each in rows if each["state"] == "done"} == set(self.done)
        assert rows[0]["due"] == self.due, "the newest firing was dropped"
        assert rows[0]["state"] == "done"


def test_whoever_dies_or_sleeps_no_firing_is_carried_out_twice_or_dropped(tmp_path: Path) -> None:
    Ledger.open(f"sqlite:///{tmp_path}/made.db").close()
    Firings.made, Firings.folder = tmp_path / "made.db", tmp_path
    quick = settings(
        max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(Firings, settings=quick)
