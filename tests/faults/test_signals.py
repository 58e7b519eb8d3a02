"""Fault 23: SIGTERM in the middle of a batch, and a second one."""

from __future__ import annotations

import json
import signal

import pytest
from fault_place import Place

SUBSCRIBE = "marketinghub.listsubscribe"
PEOPLE = [f"p{n}" for n in range(30)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_lets_the_calls_in_flight_finish_and_leaves_the_rest(place: Place, number: int) -> None:
    place.sign_up(*PEOPLE)
    place.box.faults.add("delay", SUBSCRIBE, seconds=1, count=8)
    process = place.start("run", place.spec.name, "--json")
    place.eventually(place.fired("delay"), "calls in flight")
    said = place.ended_by(process, number, 1)
    run = json.loads(said.out)
    place.law()
    assert run["status"] == "interrupted"
    assert (run["counts"]["total"], run["counts"]["new"]) == (30, len(place.held()))
    assert 0 < len(place.held()) < 30
    place.box.faults.clear()
    calls = place.writes()
    again = place.run()
    assert (again["counts"]["total"], len(place.held())) == (30, 30)
    assert place.writes() - calls == again["counts"]["new"] == 30 - run["counts"]["new"]


def test_the_second_signal_ends_it_at_once_and_the_next_run_goes_on(place: Place) -> None:
    place.sign_up(*PEOPLE)
    place.box.faults.add("hold", SUBSCRIBE, nth=5, count=8, commit=True)
    process = place.start("run", place.spec.name)
    place.eventually(place.fired("hold"), "calls in flight")
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    while "stopping:" not in process.stderr.readline():
        pass
    place.eventually(lambda: process.send_signal(signal.SIGTERM) or process.poll() is not None, "the end")
    place.ended(process, 1)
    place.law()
    place.box.faults.clear()
    run = place.run()
    assert (run["resumed"], run["counts"]["total"], run["counts"]["new"]) == (True, 30, 30)
    assert len(place.held()) == 30
