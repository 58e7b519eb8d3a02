"""Faults 1 and 2: death between the sink's commit and our save; answers that do not come."""

from __future__ import annotations

import pytest
from fault_place import LIST, PUBLIC, Place

SUBSCRIBE = "marketinghub.listsubscribe"


@pytest.mark.parametrize("mailing_list", [LIST, PUBLIC])
def test_a_process_that_dies_after_the_target_took_a_lead_loses_nobody_and_mails_nobody_twice(
    place: Place, mailing_list: str
) -> None:
    place.write(sink={"list": mailing_list})
    place.sign_up("ann", "bob", "cid")
    place.box.faults.add("hold", SUBSCRIBE, containing="bob@", commit=True)
    process = place.start("run", place.spec.name)
    place.eventually(lambda: "bob@example.com" in place.held(mailing_list), "the target took the lead")
    place.killed(process)
    place.law()
    place.box.faults.clear()
    run = place.run(code=0 if mailing_list == LIST else 4)
    assert run["resumed"]
    assert (run["counts"]["total"], len(place.runs())) == (3, 1)
    assert set(place.held(mailing_list)) == {"ann@example.com", "bob@example.com", "cid@example.com"}
    mails = [mail.email for mail in place.box.outbox("confirmation")]
    assert len(mails) == len(set(mails)) == (3 if mailing_list == PUBLIC else 0)
    assert place.outcomes()["bob@example.com"] == ("new/added" if mailing_list == LIST else "unknown/answer_lost")


@pytest.mark.parametrize("fault", ["commit_then_drop", "cut", "refuse"])
def test_a_lost_answer_is_read_back_and_a_private_list_has_each_lead_once(place: Place, fault: str) -> None:
    place.sign_up("ann", "bob", "cid")
    place.box.faults.add(fault, SUBSCRIBE, containing="bob@", count=1)
    run = place.run()
    assert (run["counts"]["new"], run["counts"]["unknown"]) == (3, 0)
    assert set(place.held().values()) == {"active"}
    assert place.writes() == (4 if fault == "refuse" else 3)


@pytest.mark.parametrize("fault", ["commit_then_drop", "refuse"])
def test_a_lost_answer_of_a_public_list_stays_unknown_and_is_never_sent_again_by_itself(
    place: Place, fault: str
) -> None:
    place.write(sink={"list": PUBLIC})
    place.sign_up("ann", "bob")
    place.box.faults.add(fault, SUBSCRIBE, containing="bob@", count=1)
    assert place.run(code=4)["counts"]["unknown"] == 1
    again = place.run(code=4)
    assert (again["counts"]["unknown"], again["counts"]["new"]) == (1, 0)
    assert place.writes() == 2
    taken = place.run("retry", place.runs()[0]["run"], "--unknown")
    assert (taken["counts"]["total"], place.writes()) == (1, 3)
    assert set(place.held(PUBLIC)) == {"ann@example.com", "bob@example.com"}


def test_a_gateway_that_gives_up_while_the_target_works_on_is_no_failure_of_the_lead(place: Place) -> None:
    place.sign_up("ann", "bob")
    place.box.faults.add("html", SUBSCRIBE, containing="ann@", count=1, status=504, commit=True)
    assert place.run()["counts"]["new"] == 2
    assert place.writes() == 2
