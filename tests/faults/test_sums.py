"""Fault 24: the sums hold at every instant: while a run goes, when it dies, and when it is taken up again."""

from __future__ import annotations

from fault_place import Place, signup

SUBSCRIBE = "marketinghub.listsubscribe"


def test_the_sums_hold_at_every_instant_of_a_run_that_meets_everything_at_once(place: Place) -> None:
    place.box.insert_records(*(signup(f"p{n}") for n in range(120)))
    place.box.insert_records(*(signup(f"x{n}", Email=f"x{n}@") for n in range(9)))
    place.box.insert_records(*(signup("p1") for _ in range(5)), signup("info"), *({"Email": ""} for _ in range(7)))
    for n in range(0, 120, 10):
        place.box.change_lead("refuse", f"p{n}@example.com", code=("2007", "2004", "2005")[n % 3])
    place.box.faults.add("commit_then_drop", SUBSCRIBE, probability=0.15, seed=3)
    place.box.faults.add("refuse", SUBSCRIBE, probability=0.1, seed=4)
    place.box.faults.add("code", SUBSCRIBE, code="2101", probability=0.05, seed=5)
    place.box.faults.add("delay", SUBSCRIBE, seconds=0.05)
    seen, deaths = set(), 0
    while deaths < 2:
        process = place.start("run", place.spec.name)
        marks = 0
        while process.poll() is None and marks < 3:
            place.law()
            run = place.document("history", place.spec.name)["runs"][:1]
            if run and (mark := (run[0]["counts"]["total"], run[0]["counts"]["unknown"])) not in seen:
                seen.add(mark)
                marks += 1
        place.killed(process) if process.poll() is None else place.ended(process, process.returncode)
        place.law()
        deaths += 1
    place.box.faults.clear()
    run = place.run(code=4)
    assert run["counts"]["total"] == 142
    assert (run["counts"]["unknown"], len(place.runs())) == (0, 1)
    assert len(seen) > 3
    assert len(place.held()) == run["counts"]["new"]
