"""Fault 15: a token refresh that hangs, answers 200 without a token, is revoked, or is done by two at once."""

from __future__ import annotations

import pytest
from fault_place import Place

TOKEN = "accounts.token"


def test_a_refresh_that_answers_200_without_a_token_ends_the_run_in_words(place: Place) -> None:
    place.sign_up("ann")
    place.box.faults.add("no_token", TOKEN)
    assert "gave no access token" in place.run(code=1)["message"]
    assert place.writes() == 0
    place.box.faults.clear()
    place.eventually(
        lambda: place.syncline("check", place.spec.name, code=None).code == 0, "a token is asked for again"
    )
    assert place.run()["counts"]["new"] == 1
    assert place.held() == {"ann@example.com": "active"}


@pytest.mark.parametrize("kind", ["html", "refuse", "cut"])
def test_an_accounts_server_that_is_ill_for_a_moment_is_asked_again(place: Place, kind: str) -> None:
    place.sign_up("ann")
    place.box.faults.add(kind, TOKEN, count=1, **({"status": 503} if kind == "html" else {}))
    assert place.run()["counts"]["new"] == 1


def test_a_token_that_is_revoked_in_the_middle_of_a_run_loses_nobody(place: Place) -> None:
    place.sign_up("ann", "bob", "cid")
    place.box.faults.add("revoke", "marketinghub.listsubscribe", nth=2)
    run = place.run(code=1)
    assert "was revoked" in run["message"]
    place.box.faults.clear()
    (place.folder / "token.txt").write_text(place.box.grant().refresh_token)
    assert place.run()["counts"]["total"] == 3
    assert set(place.held().values()) == {"active"}
    assert len(place.held()) == 3


def test_tokens_that_expire_in_the_middle_of_a_run_are_renewed_once_and_no_lead_is_sent_twice(place: Place) -> None:
    place.sign_up(*(f"p{n}" for n in range(8)))
    before = place.box.calls().count(TOKEN)
    place.box.faults.add("expire_tokens", "marketinghub.listsubscribe", nth=3)
    assert place.run()["counts"]["new"] == 8
    assert place.box.calls().count(TOKEN) - before == 2
    done = [call for call in place.box.calls().calls if call.endpoint.endswith("listsubscribe") and call.code == "0"]
    assert len(done) == 8


def test_two_processes_that_need_a_token_at_once_ask_for_one(place: Place) -> None:
    place.sign_up("ann")
    place.box.faults.add("delay", TOKEN, seconds=0.5)
    both = [place.start("preview", place.spec.name, "--json") for _ in range(2)]
    for each in both:
        place.ended(each)
    assert place.box.calls().count(TOKEN) == 1


def test_a_refresh_that_hangs_lets_others_go_on_as_soon_as_it_is_over(place: Place) -> None:
    place.sign_up("ann")
    place.box.faults.add("hold", TOKEN, count=1)
    hung = place.start("run", place.spec.name)
    place.eventually(place.fired("hold"), "the refresh hangs")
    place.killed(hung)
    assert place.run()["counts"]["new"] == 1
