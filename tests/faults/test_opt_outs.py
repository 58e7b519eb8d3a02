"""Fault 19: a person who opted out, in a batch, a replay, after a change of address, in other letter case."""

from __future__ import annotations

import pytest
from fault_place import LIST, PUBLIC, Place, signup

SUBSCRIBE = "marketinghub.listsubscribe"


def goes(place: Place, email: str, where: str) -> None:
    """The person opts out."""
    if where == "registry":
        place.box.change_lead("donotmail", email)
    else:
        place.box.change_lead("unsubscribe", email, list=where)


@pytest.mark.parametrize(("where", "bare"), [(LIST, False), (LIST, True), (PUBLIC, True), ("registry", False)])
def test_nobody_who_opted_out_anywhere_is_subscribed_again_in_whatever_spelling(
    place: Place, where: str, *, bare: bool
) -> None:
    if bare:
        place.write(mapping={"Lead Email": "Email"})
    place.sign_up("ann", "bob", "cid", "dan")
    place.run()
    goes(place, "bob@example.com", where)
    place.box.insert_records(signup("bob", Email="  BOB@Example.COM ", Company="Other"), signup("eve"))
    before = place.held()
    place.run()
    place.run()
    told = {outcome for email, outcome in place.outcomes().items() if email.strip().casefold() == "bob@example.com"}
    # nobody can read the registry: whoever is known there and unchanged is simply not sent
    expected = "duplicate/unchanged" if where == "registry" else "ignored/do_not_mail"
    assert told - {"ignored/file_duplicate"} == {expected}
    assert place.held().get("bob@example.com") == before.get("bob@example.com")
    assert "eve@example.com" in place.held()
    assert not place.box.outbox("resubscribed")


def test_whoever_opts_out_while_a_lead_waits_to_be_replayed_is_left_alone(place: Place) -> None:
    place.sign_up("ann", "bob")
    for name in ("ann", "bob"):
        place.box.change_lead("refuse", f"{name}@example.com", code="2007")
    place.run(code=4)
    for name in ("ann", "bob"):
        place.box.change_lead("mail_again", f"{name}@example.com")
    place.box.change_lead("unsubscribe", "bob@example.com")
    sent = place.writes()
    replay = place.run("retry", "last")
    assert (replay["counts"]["new"], replay["ignored"]["do_not_mail"], place.writes() - sent) == (1, 1, 1)
    assert not place.box.outbox("resubscribed")


def test_whoever_opts_out_between_a_death_and_the_run_that_goes_on_is_left_alone(place: Place) -> None:
    place.sign_up("ann", "bob", "cid")
    place.box.faults.add("delay", SUBSCRIBE, containing="bob@", seconds=1)
    process = place.start("run", place.spec.name)
    place.eventually(place.fired("delay"), "a call that takes long")
    place.killed(process)
    place.box.faults.clear()
    place.eventually(lambda: "bob@example.com" in place.held(), "the lead arrives after the death of its sender")
    place.box.change_lead("unsubscribe", "bob@example.com")
    run = place.run()
    assert (run["resumed"], run["ignored"]["do_not_mail"], run["counts"]["new"]) == (True, 1, 2)
    assert place.held()["bob@example.com"] == "unsub"
    assert not place.box.outbox("resubscribed")


def test_an_opt_out_goes_along_when_the_record_gets_another_address(place: Place) -> None:
    (record,) = place.sign_up("bob")
    place.run()
    place.box.change_lead("unsubscribe", "bob@example.com")
    place.box.update_records({"ID": record, "Email": "robert@example.com"})
    assert place.run()["ignored"]["do_not_mail"] == 1
    assert "robert@example.com" not in place.held()


def test_an_answer_that_the_person_is_in_the_registry_is_remembered_for_all_syncs(place: Place) -> None:
    place.sign_up("bob")
    place.box.change_lead("donotmail", "bob@example.com")
    assert place.run()["ignored"]["do_not_mail"] == 1
    sent = place.writes()
    place.box.change_lead("mail_again", "bob@example.com")
    assert place.run()["ignored"]["do_not_mail"] == 1
    assert place.writes() == sent


def test_nothing_is_sent_when_the_list_of_opt_outs_comes_cut_short(place: Place) -> None:
    place.sign_up("ann", "bob")
    place.run()
    place.box.change_lead("unsubscribe", "bob@example.com")
    place.sign_up("cid")
    place.box.faults.add("empty_page", "marketinghub.getleads", containing="unsub")
    sent = place.writes()
    assert "shorter than their number" in place.run(code=1)["message"]
    assert place.writes() == sent


def test_the_gate_stands_though_the_spec_names_no_rule_for_it(place: Place) -> None:
    place.write(ignore=["empty_email"])
    place.sign_up("ann", "bob")
    place.box.change_lead("unsubscribe", "bob@example.com", list=PUBLIC)
    assert place.run()["ignored"]["do_not_mail"] == 1
    assert place.held() == {"ann@example.com": "active"}
