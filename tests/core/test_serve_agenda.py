"""The pure parts of the run loop: what comes next, what is due, and what one round makes of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline.errors import Fatal
from syncline.executor import Executor
from syncline.ledger import Firing, Ledger, Refusal, SyncRecord
from syncline.registry import Registry
from syncline.secrets import Redactor
from syncline.serve.agenda import Agenda
from syncline.serve.definitions import Step
from syncline.serve.loop import Loop
from syncline.serve.timetable import timetable_of

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
DAILY = {"frequency": "daily", "time": "09:30", "timezone": "UTC"}
ONCE = DAILY | {"frequency": "once"}


# ------------------------------------------------------------------------------------------------------ the agenda

ids = st.integers(0, 5)
moments = st.integers(0, 20)
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("put"), ids, moments),
        st.tuples(st.just("hasten"), ids, moments),
        st.tuples(st.just("drop"), ids, st.just(0)),
        st.tuples(st.just("take"), st.just(0), moments),
    ),
    max_size=60,
)


@given(deeds)
def test_an_agenda_holds_one_moment_for_each_sync_and_gives_out_the_earliest(deeds: list[tuple[str, int, int]]) -> None:
    agenda, model = Agenda(), dict[int, datetime]()
    for deed, sync_id, minute in deeds:
        moment = NOW + minute * MINUTE
        if deed == "take":
            taken = list(agenda.take(moment))
            assert [model[each] for each in taken] == sorted(model[each] for each in taken)
            assert set(taken) == {each for each, start in model.items() if start <= moment}
            model = {each: start for each, start in model.items() if start > moment}
        elif deed == "drop":
            agenda.drop(sync_id)
            model.pop(sync_id, None)
        elif deed == "put":
            agenda.put(sync_id, moment)
            model[sync_id] = moment
        else:
            agenda.hasten(sync_id, moment)
            model[sync_id] = min(moment, model.get(sync_id, moment))
        assert agenda.next == min(model.values(), default=None)
        assert [agenda.start(each) for each in range(6)] == [model.get(each) for each in range(6)]
        assert len(agenda) == len(model)


def test_an_agenda_does_not_grow_with_what_was_put_off() -> None:
    agenda = Agenda()
    for n in range(10_000):
        agenda.put(n % 10, NOW + n * MINUTE)
    assert agenda.size < 100


# --------------------------------------------------------------------------------------------------- the timetable


def record(schedule: dict[str, Any], **more: Any) -> SyncRecord:
    plain = SyncRecord(1, "daily", {}, {"schedule": schedule}, 1, "active", "created", NOW, "all", due_after=NOW)
    return replace(plain, **more)


def starts(schedule: dict[str, Any], now: datetime, **more: Any) -> datetime | None:
    table = timetable_of(record(schedule, **more), now)
    assert table is not None
    return table.start(now)


def test_a_sync_is_started_when_it_is_due_and_at_once_when_it_was() -> None:
    due = NOW + 30 * MINUTE
    assert starts(DAILY, NOW) == due
    assert starts(DAILY, due) == due
    late = due + 3 * DAY + MINUTE
    assert starts(DAILY, late) == late
    assert starts(DAILY, late, fired=due + 3 * DAY) == due + 4 * DAY


def test_what_was_due_before_the_schedule_was_edited_is_not_due() -> None:
    assert (
        starts(DAILY, NOW + 5 * DAY + 40 * MINUTE, due_after=NOW + 5 * DAY + 35 * MINUTE) == NOW + 6 * DAY + 30 * MINUTE
    )


def test_a_once_is_due_one_time_also_without_a_time_of_its_own() -> None:
    due = NOW + 30 * MINUTE
    assert starts(ONCE, NOW) == due
    assert starts(ONCE, due + 9 * DAY) == due + 9 * DAY
    assert starts(ONCE, due, fired=due) is None
    at_once = {"frequency": "once", "timezone": "UTC"}
    for now in (NOW - MINUTE, NOW, NOW + DAY):
        assert starts(at_once, now) == max(now, NOW)
    assert starts(at_once, NOW + DAY, fired=NOW) is None
    assert starts(at_once, NOW + 2 * DAY, fired=NOW, due_after=NOW + DAY) == NOW + 2 * DAY


def test_a_sync_that_rests_is_tried_when_its_rest_is_over() -> None:
    due = NOW + 30 * MINUTE
    assert starts(DAILY, due + MINUTE, fired=due, retry_at=due + 8 * MINUTE) == due + 8 * MINUTE
    assert starts(DAILY, due + 9 * MINUTE, fired=due, retry_at=due + 8 * MINUTE) == due + 9 * MINUTE


def test_what_a_clock_that_was_ahead_has_fired_holds_nothing_up() -> None:
    assert starts(DAILY, NOW, fired=NOW + 365 * DAY) == NOW + 30 * MINUTE


def test_there_is_no_timetable_without_a_schedule_a_zone_or_life() -> None:
    assert timetable_of(record(DAILY, state="paused"), NOW) is None
    assert timetable_of(record({}), NOW) is None
    bare = {"frequency": "daily", "time": "09:30"}
    assert timetable_of(record(bare), NOW) is None
    assert starts(bare, NOW, zone="Asia/Kolkata") == NOW + 19 * 60 * MINUTE


# --------------------------------------------------------------------------------------------------------- one round


class Hand:
    """A clock that shows what it is told, and on which nobody waits."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Fixed:
    """Everything that is in the ledger, and one answer to the question of what changed."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def step(self) -> Step:
        return self.steps.pop(0) if self.steps else Step()

    def serves(self, name: str) -> bool:
        return True

    def bound(self, sync: SyncRecord) -> Any:
        raise Fatal("nobody is run here")

    def troubles(self) -> list[str]:
        return []


class Away(Ledger):
    """A ledger of which one question can be made to fail."""

    failing: str = ""

    def claim(self, node: str, sync_id: int, due: datetime | None, **keys: Any) -> Firing | Refusal:
        self._reach("claim")
        return super().claim(node, sync_id, due, **keys)

    def changed_since(self, number: int) -> list[SyncRecord]:
        self._reach("changed_since")
        return super().changed_since(number)

    def syncs(self, names: Any = None) -> list[SyncRecord]:
        self._reach("syncs")
        return super().syncs(names)

    def _reach(self, name: str) -> None:
        if self.failing == name:
            raise Fatal("the ledger's server cannot be reached")


class Rounds:
    """A loop whose rounds the test makes, one by one."""

    def __init__(self, folder: Path) -> None:
        self.hand = Hand()
        self.ledger = Away.open(f"sqlite:///{folder}/ledger.db", now=self.hand)
        assert isinstance(self.ledger, Away)
        self.definitions = Fixed()
        executor = Executor(self.ledger, Registry([]), Redactor(), folder, clock=self.hand)  # type: ignore[arg-type]  # a hand is read like a clock
        self.loop = Loop(executor, self.definitions, slots=4)
        self.pool = ThreadPoolExecutor(4)
        self.node = self.loop._node = self.ledger.join()

    def meet(self, name: str, **schedule: Any) -> SyncRecord:
        spec = {"name": name, "schedule": DAILY | schedule}
        return self.ledger.meet(name, identity={}, spec=spec, source_scope="all")

    def round(self, **later: float) -> float:
        """Come round once, so much later, and wait for the work that was started."""
        self.hand.now += timedelta(**later)
        wait = self.loop._come_round(self.pool)
        self.pool.shutdown()
        self.pool = ThreadPoolExecutor(4)
        self.ledger.beat(self.node)
        return wait


@pytest.fixture
def rounds(tmp_path: Path) -> Iterator[Rounds]:
    made = Rounds(tmp_path)
    yield made
    made.pool.shutdown()
    made.ledger.close()


def test_a_round_without_work_waits_for_the_next_look(rounds: Rounds) -> None:
    rounds.meet("a")
    waits = [rounds.round(seconds=2) for _ in range(5)]
    assert all(1 <= wait <= 2 for wait in waits)
    assert rounds.loop.ready


def test_a_sync_that_is_due_while_the_ledger_is_out_of_reach_stays_in_the_agenda(
    rounds: Rounds, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "syncline")
    sync = rounds.meet("a")
    rounds.round()
    rounds.ledger.failing = "claim"
    for _ in range(10):
        assert rounds.round(minutes=31 if not rounds.ledger.firings(sync.id) else 0) > 0
    rounds.ledger.failing = ""
    rounds.round(seconds=2)
    assert rounds.ledger.firings(sync.id)[0]["due"] > NOW
    told = [each.getMessage() for each in caplog.records if "ledger" in each.getMessage()]
    assert told == [
        "everything waits for the ledger: the ledger's server cannot be reached",
        "the ledger can be reached again",
    ]


def test_what_a_look_brought_is_planned_also_when_the_ledger_fails_after_it(rounds: Rounds) -> None:
    rounds.round()
    rounds.meet("a")
    rounds.round(seconds=2)
    sync = rounds.ledger.sync("a")
    assert sync is not None
    rounds.loop._forget(sync.id)
    rounds.definitions.steps = [Step(adopted=[sync])]
    rounds.ledger.failing = "changed_since"
    rounds.round(seconds=2)
    assert rounds.loop._agenda.start(sync.id) == NOW + 30 * MINUTE
    rounds.loop._forget(sync.id)
    rounds.definitions.steps = [Step(held=["a"])]
    rounds.ledger.failing = "syncs"
    rounds.round(seconds=2)
    rounds.ledger.failing = ""
    rounds.round(seconds=2)
    assert rounds.loop._agenda.start(sync.id) == NOW + 30 * MINUTE
    assert not rounds.loop._held


def test_a_change_that_another_process_made_meanwhile_has_the_last_word(rounds: Rounds) -> None:
    sync = rounds.meet("a")
    rounds.ledger.set_state(sync.id, "paused", "holidays")
    stale = rounds.ledger.sync("a")
    rounds.round()
    rounds.ledger.set_state(sync.id, "active", "back")
    assert stale is not None
    rounds.definitions.steps = [Step(adopted=[stale])]
    rounds.round(seconds=2)
    assert rounds.loop._agenda.start(sync.id) == NOW + 30 * MINUTE


def test_a_schedule_that_cannot_be_reckoned_holds_up_no_other_sync(
    rounds: Rounds, caplog: pytest.LogCaptureFixture
) -> None:
    rounds.meet("bad", timezone="Middle/Earth")
    good = rounds.meet("good")
    for _ in range(3):
        rounds.round(seconds=2)
    assert rounds.loop._agenda.start(good.id) == NOW + 30 * MINUTE
    (told,) = [each for each in caplog.records if "cannot be planned" in each.getMessage()]
    assert told.__dict__["sync"] == "bad"


def test_no_refusal_makes_the_loop_turn_without_a_pause(rounds: Rounds) -> None:
    """Busy, resting, taken by another, idle: each is asked about every few seconds at most."""
    names = ("busy", "resting", "taken", "idle")
    syncs = {name: rounds.meet(name) for name in names}
    rounds.round()
    other = rounds.ledger.join()
    due = NOW + 30 * MINUTE
    rounds.hand.now = due
    for name in ("busy", "resting", "taken"):
        assert isinstance(rounds.ledger.claim(other, syncs[name].id, due), Firing)
    claim = Firing(syncs["resting"], due, 1, other)
    rounds.ledger.postpone(claim, "torn", after=600)
    taken = rounds.ledger.start_run(
        syncs["taken"], trigger="schedule", window="{}", firing=replace(claim, sync=syncs["taken"])
    )
    rounds.ledger.finish_run(taken, status="succeeded")
    claims = 0
    plain = rounds.ledger.claim

    def counting(*args: Any, **keys: Any) -> Firing | Refusal:
        nonlocal claims
        claims += 1
        return plain(*args, **keys)

    rounds.ledger.claim = counting  # type: ignore[method-assign]  # it counts, and asks
    for _ in range(20):
        assert rounds.round(seconds=1) > 0
        rounds.ledger.beat(other)
    assert claims <= 25
    assert rounds.loop._agenda.start(syncs["taken"].id) == due + DAY
    assert rounds.loop._agenda.start(syncs["resting"].id) == due + timedelta(seconds=600)
