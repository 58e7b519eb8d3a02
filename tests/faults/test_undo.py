"""Fault 19, and what else must hold when a run is taken back: only its own additions go, and nobody comes again."""

from __future__ import annotations

from typing import Any

import pytest
from fault_place import LIST, PUBLIC, Place, person
from test_guards import shelf

HUB = {"Lead Email": "Email", "First Name": "Name.first_name", "Company": "Company"}


def added(place: Place) -> dict[str, Any]:
    """ann and bob were there before; the run to be undone adds cid and dan, and changes ann."""
    ann, _ = place.sign_up("ann", "bob")
    place.run()
    place.box.update_records({"ID": ann, "Company": "Initrode"})
    place.sign_up("cid", "dan")
    run = place.run()
    assert (run["counts"]["new"], run["duplicate"]["updated"]) == (2, 1)
    return run


def company(place: Place, email: str) -> str:
    """What stands there in the target."""
    return next(lead.fields["Company"] for lead in place.box.leads(LIST) if lead.email == email)


def test_a_run_is_taken_back_once_additions_leave_and_fields_get_their_former_values(place: Place) -> None:
    run = added(place)
    assert company(place, "ann@example.com") == "Initrode"
    shown = place.document("undo", run["run"], "--dry-run")
    assert (sorted(shown["take_out"]), shown["restore"], shown["left"], shown["action"]) == (
        ["cid@example.com", "dan@example.com"], [{"email": "ann@example.com", "detail": None}], [], "unsubscribe",
    )  # fmt: skip
    assert company(place, "ann@example.com") == "Initrode"
    undone = place.run("undo", run["run"], "--yes")
    assert (undone["trigger"], undone["undoes"], undone["status"]) == ("undo", run["run"], "succeeded")
    assert (undone["counts"]["deleted"], undone["duplicate"]["restored"], undone["counts"]["total"]) == (2, 1, 1)
    assert company(place, "ann@example.com") == "Initech"
    stands = {"ann": "active", "bob": "active", "cid": "unsub", "dan": "unsub"}
    assert place.held() == {f"{name}@example.com": status for name, status in stands.items()}
    refused = place.document("undo", run["run"], "--yes", code=5)
    assert (refused["state"], undone["run"] in refused["reason"]) == ("undone", True)
    assert "an undo itself" in place.syncline("undo", "last", "--yes", code=2).err
    later = place.run()  # whoever was taken out counts as opted out
    assert (later["ignored"]["do_not_mail"], later["counts"]["re_added"], later["counts"]["new"]) == (2, 0, 0)


def test_whoever_opted_out_since_is_neither_written_to_nor_taken_out_in_whatever_spelling(place: Place) -> None:
    run = added(place)
    place.box.change_lead("unsubscribe", "ann@example.com")
    place.box.change_lead("unsubscribe", "cid@example.com", list=LIST)
    writes = place.writes()
    undone = place.run("undo", run["run"], "--yes")
    assert (undone["ignored"]["do_not_mail"], undone["counts"]["deleted"]) == (2, 1)
    assert place.writes() == writes
    assert company(place, "ann@example.com") == "Initrode"
    assert not place.box.outbox("resubscribed")


def test_leads_that_were_changed_since_are_left_as_they_are_with_the_reason(place: Place) -> None:
    ann, bob = place.sign_up("ann", "bob")
    place.run()
    place.box.update_records({"ID": ann, "Company": "Initrode"}, {"ID": bob, "Company": "Initrode"})
    (cid,) = place.sign_up("cid")
    run = place.run()
    place.box.update_records({"ID": cid, "Company": "Globex"}, {"ID": bob, "Company": "Globex"})
    place.run()
    undone = place.run("undo", run["run"], "--yes")
    assert (undone["counts"]["ignored"], undone["ignored"]["changed_later"], undone["counts"]["deleted"]) == (2, 2, 0)
    assert undone["duplicate"]["restored"] == 1
    assert [company(place, f"{name}@example.com") for name in ("ann", "bob", "cid")] == ["Initech", "Globex", "Globex"]


def test_nothing_happens_for_whoever_was_forgotten_or_is_gone(place: Place) -> None:
    run = added(place)
    place.syncline("forget", "cid@example.com", "--yes")
    place.syncline("forget", "ann@example.com", "--yes")
    shown = place.document("undo", run["run"], "--dry-run")
    assert (shown["take_out"], shown["restore"], shown["forgotten"]) == (["dan@example.com"], [], 2)
    place.run("undo", run["run"], "--yes")
    assert (place.held()["cid@example.com"], company(place, "ann@example.com")) == ("active", "Initrode")


def test_a_mail_that_went_out_is_not_taken_back(place: Place) -> None:
    place.write(sink={"list": PUBLIC})
    place.sign_up("ann")
    place.run()
    undone = place.run("undo", "last", "--yes")
    assert (undone["ignored"]["mail_sent"], undone["counts"]["deleted"]) == (1, 0)
    assert "confirm" in place.leads()[0]["detail"]


def test_removals_of_a_run_are_not_undone_for_nobody_is_subscribed_again(place: Place) -> None:
    shelf(place)
    place.records(person("ann"), person("bob"))
    place.run()
    place.records(person("ann"))
    assert place.run()["counts"]["deleted"] == 1
    undone = place.run("undo", "last", "--yes")
    assert undone["ignored"]["never_resubscribed"] == 1
    assert place.people()["bob@example.com"]["status"] == "unsub"


def test_the_action_is_one_of_the_sinks_own(place: Place) -> None:
    place.sign_up("ann")
    run = place.run()
    assert (
        "it can: unsubscribe, do_not_mail" in place.syncline("undo", "last", "--action", "delete", "--yes", code=2).err
    )
    undone = place.run("undo", run["run"], "--action", "do_not_mail", "--yes")
    assert undone["counts"]["deleted"] == 1
    assert place.leads()[0]["detail"] == "do_not_mail"
    assert place.box.calls().count("marketinghub.leaddonotmail") == 1


def test_an_undo_is_guarded_like_any_run_and_carried_out_once_it_is_approved(place: Place) -> None:
    shelf(place)
    place.records(*(person(f"p{n:02}", n) for n in range(25)))
    run = place.run()
    shown = place.document("undo", run["run"], "--dry-run")
    assert shown["guards"]["removals"]["waiting"] == 25
    held = place.run("undo", run["run"], "--yes", code=6)
    assert (held["status"], held["counts"]["deleted"], held["held"]["removals"]["waiting"]) == ("held", 0, 25)
    assert {each["status"] for each in place.people().values()} == {"active"}
    assert place.run()["status"] == "succeeded"  # a run over the records has nothing to do with it
    place.syncline("approve", held["run"], "--yes")
    assert place.run("undo", run["run"], "--yes")["counts"]["deleted"] == 25
    place.syncline("approve", held["run"], "--yes", code=5)


def test_an_undo_that_breaks_off_goes_on_where_it_was_with_the_next_start(place: Place) -> None:
    run = added(place)
    place.box.faults.add("delay", "marketinghub.listsubscribe", seconds=1)
    process = place.start("undo", run["run"], "--action", "do_not_mail", "--yes")
    place.eventually(place.fired("delay"), "a call that takes long")
    place.killed(process)
    place.box.faults.clear()
    place.run()
    undone, normal = place.runs()[-2:]
    assert (undone["trigger"], undone["resumed"], undone["status"]) == ("undo", True, "succeeded")
    assert (undone["counts"]["deleted"], undone["duplicate"]["restored"]) == (2, 1)
    assert {each["detail"] for each in place.leads(undone["run"]) if each["outcome"] == "deleted"} == {"do_not_mail"}
    assert normal["trigger"] == "manual"


def test_what_was_empty_is_not_said_to_be_given_back_where_nothing_is_emptied(place: Place) -> None:
    place.write(mapping={"Lead Email": "Email", "First Name": "Name.first_name"})
    place.sign_up("ann")
    place.run()
    place.write(mapping=HUB)
    assert place.run()["duplicate"]["updated"] == 1
    assert place.run("undo", "last", "--yes")["ignored"]["former_empty"] == 1
    assert "Company" in place.leads()[0]["detail"]


def test_what_nobody_knows_is_not_made_up(place: Place) -> None:
    """The shelf shows no fields, so only what was sent before is known."""
    shelf(place, mapping={"Email": "Email", "Mood": "Mood"})
    place.records(person("ann"))
    place.run()
    shelf(place)
    assert place.run()["duplicate"]["updated"] == 1
    shown = place.document("undo", "last", "--dry-run")["left"]
    assert shown == [{"email": "ann@example.com", "reason": "former_unknown", "detail": "not known before: Name"}]
    assert place.run("undo", "last", "--yes")["ignored"]["former_unknown"] == 1


@pytest.mark.parametrize("words", [("undo", "nobody"), ("undo", "last")])
def test_a_wrong_word_is_answered_with_one_line(place: Place, words: tuple[str, ...]) -> None:
    place.sign_up("ann")
    place.run()
    said = place.syncline(*words, code=2)
    assert "--yes" in said.err if words[1] == "last" else "there is no run" in said.err
