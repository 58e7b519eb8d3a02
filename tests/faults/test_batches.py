"""Fault 3: a batch of ten, of which six are taken, the seventh is poison, and three were never seen."""

from __future__ import annotations

from fault_place import Place

BULK = "marketinghub.addleadsinbulk"
TEN = [f"p{n}" for n in range(1, 11)]


def test_of_a_batch_that_breaks_at_the_seventh_only_the_seventh_is_refused(place: Place) -> None:
    place.write(mapping={"Lead Email": "Email"})
    place.sign_up(*TEN)
    place.box.change_lead("refuse", "p7@example.com", code="2007")
    place.box.faults.add("half_batch", BULK, code="2007", items=6, count=1)
    run = place.run(code=4)
    assert (run["counts"]["new"], run["rejected"]) == (9, {"2007": 1})
    assert set(place.held()) == {f"{name}@example.com" for name in TEN if name != "p7"}
    assert place.run(code=4)["duplicate"] == {"updated": 0, "unchanged": 9}
    assert len(place.held()) == 9


def test_poison_that_the_target_passes_over_in_silence_is_found_out(place: Place) -> None:
    place.write(mapping={"Lead Email": "Email"})
    place.sign_up(*TEN)
    place.box.change_lead("refuse", "p7@example.com", code="2007")
    run = place.run(code=4)
    assert (run["counts"]["new"], run["rejected"]) == (9, {"2007": 1})
    assert place.outcomes()["p7@example.com"] == "rejected/2007"


def test_of_a_batch_whose_answer_is_lost_nobody_is_missing_and_nobody_counts_twice(place: Place) -> None:
    place.write(mapping={"Lead Email": "Email"})
    place.sign_up(*TEN)
    place.box.faults.add("commit_then_drop", BULK, count=1)
    run = place.run()
    assert (run["counts"]["new"], len(place.held())) == (10, 10)


def test_a_batch_that_meets_a_full_account_keeps_what_was_taken_and_goes_on_later(place: Place) -> None:
    place.sign_up(*TEN)
    there = len({lead.email for name in place.box.lists() for lead in place.box.leads(name)})
    place.box.settings(lead_limit=there + 6)
    run = place.run(code=1)
    assert "takes no more leads" in run["message"]
    taken = set(place.held())
    assert len(taken) == 6
    place.box.settings(lead_limit=None)
    calls = place.writes()
    run = place.run()
    assert (run["counts"]["total"], run["counts"]["new"]) == (10, 4)
    assert (len(place.held()), place.writes() - calls) == (10, 4)
