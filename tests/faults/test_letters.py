"""Dead letters that return by themselves: in the next runs, with back-off, where the code allows it, not for ever."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pytest
from fault_place import Place, signup

PASSING, LASTING = "903", "2007"
"""Codes of MarketingHub: one whose refusal may pass, one that is about the lead."""
QUARTER = 15 * 60 + 1


@pytest.fixture(autouse=True)
def since(place: Place) -> None:
    """Nobody comes back but by a letter: see `refused`."""
    place.write(retrieve="since_last_fetch")


def signed_up(place: Place, *names: str) -> tuple[str, ...]:
    """Records with IDs of their own: Zoho's double gives the ID of the last record once more when that was deleted."""
    return place.box.insert_records(
        *(signup(name, ID=f"38888330000009{crc32(name.encode()) % 100_000:05}") for name in names)
    )


def refused(place: Place, code: str, *names: str) -> str:
    """A run in which these are refused; its id. Their records are gone afterwards, so that none is read once more."""
    ids = signed_up(place, *names)
    for name in names:
        place.box.change_lead("refuse", f"{name}@example.com", code=code)
    run = place.run(code=4)
    assert run["rejected"] == {code: len(names)}
    place.box.delete_records(*ids)
    return str(run["run"])


def welcome(place: Place, *names: str) -> None:
    for name in names:
        place.box.change_lead("mail_again", f"{name}@example.com")


def letters(place: Place) -> dict[str, Any]:
    """What `status` says of them."""
    (sync,) = place.document("status")["syncs"]
    assert sync["dead_letters"] == sync["letters"]["rejected"] + sync["letters"]["unknown"]
    return dict(sync["letters"])


def test_what_may_pass_returns_by_itself_and_what_is_about_the_lead_stays(place: Place) -> None:
    refused(place, PASSING, "ann")
    refused(place, LASTING, "bob")
    welcome(place, "ann", "bob")
    place.later(QUARTER)
    preview = place.document("preview", place.spec.name)
    assert (preview["to_send"], preview["returned"], preview["calls"]["sink_writes"]) == (1, 1, 1)
    before = place.writes()
    run = place.run()
    assert (run["returned"], run["counts"]["total"], run["counts"]["new"]) == (1, 1, 1)
    assert place.writes() - before == preview["to_send"]
    assert set(place.held()) == {"ann@example.com"}
    assert letters(place) == {"rejected": 1, "unknown": 0, "returning": 0, "exhausted": 0, "next_at": None}


def test_it_does_not_return_before_its_time_and_each_wait_is_longer(place: Place) -> None:
    run = refused(place, PASSING, "ann")
    waits = []
    for attempt in range(1, 4):
        (ann,) = place.leads(run)
        assert (ann["code"], ann["attempts"]) == (PASSING, attempt)
        sent = place.writes()
        place.run()
        assert place.writes() == sent, "it is too early"
        hours = 0
        while place.writes() == sent:
            place.later(QUARTER)
            hours += 1
            last = place.run(code=None)
        assert last["rejected"] == {PASSING: 1}
        run = str(last["run"])
        waits.append(hours)
    assert waits[0] < waits[1] < waits[2], waits


def test_after_so_many_attempts_it_stays_and_says_so(place: Place) -> None:
    run = refused(place, PASSING, "ann")
    for _ in range(7):
        place.later(24 * 3600 + 1)
        run = str(place.run(code=4)["run"])
    sent = place.writes()
    place.later(7 * 24 * 3600)
    place.run()
    assert place.writes() == sent
    assert letters(place) == {"rejected": 1, "unknown": 0, "returning": 0, "exhausted": 1, "next_at": None}
    assert "stays, after 8 attempts" in place.syncline("leads", run, "--outcome", "rejected").out.replace("\n", " ")
    assert "1 stays, tried too often" in place.syncline("show", "sign-ups").out
    welcome(place, "ann")
    assert place.run("retry", run)["counts"]["new"] == 1


def test_nobody_returns_who_was_forgotten_or_opted_out_meanwhile(place: Place) -> None:
    refused(place, PASSING, "ann", "bob", "cid")
    welcome(place, "ann", "bob", "cid")
    place.syncline("forget", "bob@example.com", "--yes")
    place.box.change_lead("unsubscribe", "cid@example.com")
    place.later(QUARTER)
    run = place.run()
    assert (run["counts"]["new"], run["ignored"]["do_not_mail"], run["counts"]["total"]) == (1, 1, 2)
    assert {who for who, status in place.held().items() if status == "active"} == {"ann@example.com"}
    assert b"bob@example.com" not in place.ledger.read_bytes()
    assert letters(place)["rejected"] == 0


def test_the_gate_stands_for_a_retry_even_without_its_rule(place: Place) -> None:
    run = refused(place, LASTING, "ann", "bob")
    welcome(place, "ann", "bob")
    place.write(retrieve="since_last_fetch", ignore=["empty_email"])
    place.box.change_lead("unsubscribe", "bob@example.com")
    sent = place.writes()
    again = place.run("retry", run)
    assert (again["counts"]["new"], again["ignored"]["do_not_mail"], again["returned"]) == (1, 1, 2)
    assert place.writes() - sent == 1


def test_a_newer_record_of_the_person_or_another_address_of_the_record_takes_the_letters_place(place: Place) -> None:
    place.write(retrieve="all")
    ids = place.sign_up("ann", "bob", "eve")
    for name in ("ann", "bob", "eve"):
        place.box.change_lead("refuse", f"{name}@example.com", code=PASSING)
    run = str(place.run(code=4)["run"])
    welcome(place, "ann", "bob", "eve")
    place.box.update_records({"ID": ids[1], "Email": "robert@example.com"})
    place.write(
        retrieve="all",
        ignore=["defaults", {"sql": {"when": "\"Lead Email\" = 'eve@example.com'", "reason": "no_more"}}],
    )
    place.later(QUARTER)
    second = place.run()
    assert (second["counts"]["new"], second["ignored"]["no_more"], "returned" in second) == (2, 1, False)
    assert set(place.held()) == {"ann@example.com", "robert@example.com"}
    assert letters(place)["rejected"] == 0
    why = {lead["email"].partition("@")[0]: lead["settled_why"] for lead in place.leads(run)}
    assert why == {"ann": "delivered", "bob": "changed", "eve": "ignored/no_more"}
    told = place.syncline("retry", run, code=2).err
    assert "no rejected leads left" in told
    assert f"1 ignored/no_more by run {second['run']}" in told


def test_what_was_never_sent_returns_with_the_next_run_and_costs_no_attempt(place: Place) -> None:
    run = refused(place, PASSING, "ann")
    place.later(QUARTER)
    place.box.faults.add("code", "marketinghub.listsubscribe", code="980", count=1)
    broken = place.run(code=1)
    assert (broken["status"], broken["counts"]["unknown"]) == ("failed", 1)
    (ann,) = place.leads(str(broken["run"]))
    assert (ann["code"], ann["attempts"]) == ("unknown", 1)
    welcome(place, "ann")
    assert place.run()["counts"]["new"] == 1
    assert place.leads(run)[0]["settled_why"] == "replaced"


def test_a_returning_letter_that_is_killed_is_taken_up_and_counted_once(place: Place) -> None:
    refused(place, PASSING, "ann", "bob", "cid")
    welcome(place, "ann", "bob", "cid")
    signed_up(place, "dan")
    place.later(QUARTER)
    place.box.faults.add("hold", "marketinghub.listsubscribe", containing="bob", commit=True)
    process = place.start("run", place.spec.name)
    place.eventually(lambda: "bob@example.com" in place.held(), "the target took the lead")
    place.killed(process)
    place.box.faults.clear()
    run = place.run()
    assert (run["resumed"], run["returned"], run["counts"]["new"], run["counts"]["total"]) == (True, 3, 4, 4)
    assert len(place.held()) == 4
    assert letters(place)["rejected"] == 0


def test_only_and_limit_choose_and_wrong_ones_are_told_apart(place: Place) -> None:
    run = refused(place, LASTING, "ann", "bob", "cid")
    welcome(place, "ann", "bob", "cid")
    told = place.syncline("retry", run, "--only", "2070", code=2).err
    for word in ("refused with code '2070'", "2007 (3)", "did you mean --only 2007?"):
        assert word in told
    assert "--limit" in place.syncline("retry", run, "--limit", "0", code=2).err
    assert "has no unknown leads" in place.syncline("retry", run, "--unknown", code=2).err
    assert (
        f"3 rejected, which `syncline retry {run}` sends again" in place.syncline("retry", run, "--unknown", code=2).err
    )
    assert place.run("retry", run, "--only", LASTING, "--limit", "2")["counts"]["total"] == 2
    assert letters(place)["rejected"] == 1
    assert place.run("retry", run)["counts"]["total"] == 1
    empty = str(place.runs()[-1]["run"])
    assert f"run {empty} has no rejected leads" in place.syncline("retry", empty, code=2).err
    assert "there is no run 'nope'" in place.syncline("retry", "nope", code=2).err


def test_a_retry_says_that_unknown_leads_are_left_alone(place: Place) -> None:
    place.write(retrieve="since_last_fetch", sink={"list": "Newsletter"})
    place.sign_up("ann", "bob")
    place.box.change_lead("refuse", "ann@example.com", code=LASTING)
    place.box.faults.add("commit_then_drop", "marketinghub.listsubscribe", containing="bob", count=1)
    run = str(place.run(code=4)["run"])
    welcome(place, "ann")
    again = place.run("retry", run)
    said = f"left alone: 1 unknown lead of run {run}; `syncline retry {run} --unknown` sends them again"
    assert said in again["notes"]
    told = place.syncline("retry", run, code=2).err
    assert f"1 unknown, which `syncline retry {run} --unknown` sends again" in told


def test_a_record_that_is_read_again_as_it_was_refused_costs_no_call_before_its_time(place: Place) -> None:
    place.write(retrieve="all")
    place.sign_up("ann")
    place.box.change_lead("refuse", "ann@example.com", code=PASSING)
    place.run(code=4)
    sent = place.writes()
    again = place.run(code=4)
    assert (place.writes() - sent, again["rejected"]) == (0, {PASSING: 1})
    assert place.document("preview", place.spec.name)["to_send"] == 0
    assert place.leads()[0]["attempts"] == 1
    welcome(place, "ann")
    place.later(QUARTER)
    assert place.run()["counts"]["new"] == 1
