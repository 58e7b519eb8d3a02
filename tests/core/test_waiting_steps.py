"""What goes into one commit of a journal, and in which order."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest
import sqlalchemy as sa
from syncline.errors import Fatal
from syncline.ledger import waiting_steps
from syncline.ledger.waiting_steps import Step, WaitingSteps


def named(name: str) -> Step:
    def step(connection: sa.Connection) -> None:
        raise AssertionError(name)

    step.__name__ = name
    return step


def names(group: object) -> list[str]:
    assert isinstance(group, list)
    return [step.__name__ for step, _ in group]


@pytest.fixture
def steps() -> WaitingSteps:
    return WaitingSteps()


def test_what_came_together_is_taken_together_in_its_order(steps: WaitingSteps) -> None:
    for name in ("first", "second", "third"):
        steps.put(named(name))
    assert names(steps.take(60)) == ["first", "second", "third"]


def test_what_may_come_later_lets_others_pass_and_goes_when_its_time_has_come(
    steps: WaitingSteps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_steps, "LINGER", 3600.0)
    steps.put(named("answer"), later=True)
    steps.put(named("mark"))
    assert names(steps.take(60)) == ["mark"]
    assert names(steps.take(0.0)) == []
    monkeypatch.setattr(waiting_steps, "LINGER", 0.0)
    steps.put(named("another answer"), later=True)
    assert names(steps.take(60)) == ["answer", "another answer"]


def test_the_first_that_may_come_later_says_when_all_of_them_go(
    steps: WaitingSteps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_steps, "LINGER", 0.05)
    steps.put(named("first"), later=True)
    monkeypatch.setattr(waiting_steps, "LINGER", 3600.0)
    steps.put(named("second"), later=True)
    assert names(steps.take(60)) == ["first", "second"]


def test_the_last_takes_all_along(steps: WaitingSteps) -> None:
    steps.put(named("answer"), later=True)
    steps.put(named("mark"))
    steps.put(named("flush"), last=True)
    assert names(steps.take(60)) == ["mark", "answer", "flush"]


def test_whoever_waits_for_a_step_is_woken(steps: WaitingSteps) -> None:
    found: list[list[str]] = []
    thread = threading.Thread(target=lambda: found.append(names(steps.take(60))))
    thread.start()
    steps.put(named("late"))
    thread.join()
    assert found == [["late"]]


def test_after_the_end_what_is_there_is_taken_and_nothing_comes_in(steps: WaitingSteps) -> None:
    steps.put(named("answer"), later=True)
    steps.end(Fatal("closed"))
    steps.end(Fatal("closed twice"))
    with pytest.raises(Fatal, match=r"closed$"):
        steps.put(named("late"))
    assert names(steps.take(60)) == ["answer"]
    assert steps.take(60) is None


def test_a_failure_is_told_to_all_who_wait_and_to_all_who_come(steps: WaitingSteps) -> None:
    taken: list[tuple[Step, Future[None]]] = [(named("taken"), Future())]
    waiting = [steps.put(named("now")), steps.put(named("later"), later=True), taken[0][1]]
    steps.fail(Fatal("the disk is full"), taken)
    for future in waiting:
        with pytest.raises(Fatal, match="the disk is full"):
            future.result()
    with pytest.raises(Fatal, match="the disk is full"):
        steps.put(named("late"))
    steps.end(Fatal("closed"))
    assert steps.take(60) is None
