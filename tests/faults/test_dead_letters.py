"""Fault 13: dead letters: a replay while others are added, of a person who was erased, after the rule changed."""

from __future__ import annotations

from fault_place import Place

SUBSCRIBE = "marketinghub.listsubscribe"


def refused(place: Place, *names: str) -> str:
    """A run in which these are refused; its id."""
    place.sign_up(*names)
    for name in names:
        place.box.change_lead("refuse", f"{name}@example.com", code="2007")
    assert place.run(code=4)["rejected"] == {"2007": len(names)}
    return str(place.runs()[-1]["run"])


def welcome(place: Place, *names: str) -> None:
    """These are refused no longer."""
    for name in names:
        place.box.change_lead("mail_again", f"{name}@example.com")


def test_a_replay_takes_what_it_found_and_leaves_what_came_meanwhile(place: Place) -> None:
    run = refused(place, "ann", "bob")
    welcome(place, "ann")
    place.sign_up("cid")
    place.box.change_lead("refuse", "cid@example.com", code="2007")
    place.box.faults.add("delay", SUBSCRIBE, count=1, seconds=1)
    replay = place.start("retry", run, "--json")
    place.eventually(place.fired("delay"), "the replay sends")
    assert place.syncline("run", place.spec.name, code=7).code == 7
    place.ended(replay, 4)
    place.law()
    assert (set(place.held()), place.runs()[-1]["rejected"]) == ({"ann@example.com"}, {"2007": 1})
    after = place.run(code=4)
    assert (after["counts"]["duplicate"], after["rejected"]) == (1, {"2007": 2})
    assert "no rejected leads left" in place.syncline("retry", run, code=2).err
    welcome(place, "bob", "cid")
    assert place.run("retry", "last")["counts"]["new"] == 2


def test_an_erased_person_does_not_come_back_by_a_replay(place: Place) -> None:
    run = refused(place, "ann", "bob")
    welcome(place, "ann", "bob")
    place.syncline("forget", "bob@example.com", "--yes")
    sent = place.writes()
    replay = place.run("retry", run)
    assert replay["counts"]["new"] == 1
    assert (place.writes() - sent, set(place.held())) == (1, {"ann@example.com"})
    assert b"bob@example.com" not in place.ledger.read_bytes()


def test_a_replay_goes_through_the_rule_of_today(place: Place) -> None:
    run = refused(place, "ann", "bob")
    welcome(place, "ann", "bob")
    place.write(ignore=["defaults", {"sql": {"when": "\"Lead Email\" = 'bob@example.com'", "reason": "no_more"}}])
    replay = place.run("retry", run)
    assert (replay["counts"]["new"], replay["ignored"]["no_more"]) == (1, 1)
    assert set(place.held()) == {"ann@example.com"}
    assert "no rejected leads left" in place.syncline("retry", run, code=2).err


def test_a_replay_that_is_killed_is_taken_up_and_settles_each_letter_once(place: Place) -> None:
    run = refused(place, "ann", "bob", "cid")
    welcome(place, "ann", "bob", "cid")
    place.box.faults.add("hold", SUBSCRIBE, containing="bob@", commit=True)
    process = place.start("retry", run)
    place.eventually(lambda: "bob@example.com" in place.held(), "the target took the lead")
    place.killed(process)
    place.box.faults.clear()
    place.run()
    assert set(place.held()) == {"ann@example.com", "bob@example.com", "cid@example.com"}
    place.run()
    assert place.runs()[-1]["counts"]["duplicate"] == 3
