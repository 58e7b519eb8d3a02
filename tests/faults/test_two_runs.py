"""Fault 11: two runs at once, a lock whose holder was killed, a clock that was moved."""

from __future__ import annotations

from fault_place import Place
from moved_clock import MovedClock

SUBSCRIBE = "marketinghub.listsubscribe"


def held_up(place: Place) -> None:
    """The next lead that is sent is answered when the script of faults is cleared."""
    place.sign_up("ann", "bob", "cid")
    place.box.faults.add("hold", SUBSCRIBE, count=1, commit=True)


def test_a_second_run_is_refused_while_the_first_one_goes_and_leaves_it_alone(place: Place) -> None:
    held_up(place)
    process = place.start("run", place.spec.name)
    place.eventually(place.fired("hold"), "a call that takes long")
    said = place.syncline("run", place.spec.name, code=7)
    assert "another process is running sync sign-ups" in said.err
    place.killed(process)
    assert len(place.runs()) == 1


def test_a_lock_dies_with_its_holder(place: Place) -> None:
    held_up(place)
    process = place.start("run", place.spec.name)
    place.eventually(place.fired("hold"), "a call that takes long")
    place.killed(process)
    place.box.faults.clear()
    run = place.run()
    assert (run["resumed"], run["counts"]["new"], len(place.held())) == (True, 3, 3)


def test_a_clock_that_runs_ahead_takes_no_run_from_a_holder_whose_work_then_counts_twice(place: Place) -> None:
    """Another process with a clock two hours ahead takes the lease for stale: one of the two finishes the run."""
    held_up(place)
    process = place.start("run", place.spec.name)
    place.eventually(place.fired("hold"), "a call that takes long")
    assert isinstance(place.clock, MovedClock)
    ahead = MovedClock.at("2000-01-01T00:00:00", place.folder / "ahead")
    ahead = MovedClock(place.clock.start, place.clock.real, place.clock.speed, ahead.file)
    (place.folder / "ahead").write_text("7200")
    said = place.ended(place.start("run", place.spec.name, "--json", clock=ahead))
    assert '"resumed": true' in said.out
    place.box.faults.clear()
    lost = place.ended(process, 7)
    assert "no longer ours" in lost.out + lost.err
    place.law()
    (run,) = place.runs()
    assert (run["status"], run["counts"]["new"]) == ("succeeded", 3)
    assert set(place.held().values()) == {"active"}


def test_a_clock_that_was_set_back_blocks_no_run_and_loses_no_record(place: Place) -> None:
    place.write(retrieve="since_last_fetch")
    place.sign_up("ann")
    place.later(7200)
    place.run()
    (place.folder / "clock").write_text("0")
    place.box.clock.advance(-7200)
    place.sign_up("bob")
    place.run()
    place.later(86_400)
    place.sign_up("cid")
    place.run()
    assert {"ann@example.com", "cid@example.com"} <= set(place.held())
    assert [run["status"] for run in place.runs()] == ["succeeded"] * 3
