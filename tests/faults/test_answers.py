"""Fault 4: answers that say the contrary of their status, in the middle of paging and in the middle of sending."""

from __future__ import annotations

from typing import Any

import pytest
from fault_place import LIST, Place, signup

RECORDS = "creator.records"
SUBSCRIBE = "marketinghub.listsubscribe"


def two_pages(place: Place) -> None:
    """Two pages of Creator: three people, then many without an address, then two people."""
    place.box.insert_records(*(signup(name) for name in ("ann", "bob", "cid")))
    place.box.insert_records(*({"Email": ""} for _ in range(1000)))
    place.box.insert_records(*(signup(name) for name in ("dan", "eve")))


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "no_content"},
        {"kind": "code", "code": "2930"},
        {"kind": "status", "body": '{"message": "fine"}'},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_page_that_is_none_ends_the_run_and_never_the_reading(place: Place, fault: dict[str, Any]) -> None:
    place.write(retrieve="since_last_fetch", sink={"on_delete": "unsubscribe"})
    two_pages(place)
    place.box.faults.add(endpoint=RECORDS, nth=2, count=9, **fault)
    run = place.run(code=1)
    assert (run["status"], run["counts"]["total"]) == ("failed", 1000)
    place.box.faults.clear()
    run = place.run()
    assert (run["status"], run["counts"]["total"]) == ("succeeded", 1005)
    assert run["counts"]["deleted"] == 0
    assert place.writes() == len(place.held()) == 5
    assert set(place.held().values()) == {"active"}


def test_a_page_that_comes_when_it_is_asked_for_again_is_read_once(place: Place) -> None:
    two_pages(place)
    place.box.faults.add("truncated_json", RECORDS, nth=2, count=1)
    assert place.run()["counts"]["total"] == 1005


@pytest.mark.parametrize("code_type", ["text", "number"])
def test_a_refusal_with_http_200_is_no_success(place: Place, code_type: str) -> None:
    place.box.settings(code_type=code_type)
    place.sign_up("ann", "bob")
    place.box.faults.add("code", SUBSCRIBE, containing="bob@", code="2007")
    run = place.run(code=4)
    assert (run["counts"]["new"], run["rejected"]) == (1, {"2007": 1})


@pytest.mark.parametrize("commit", [False, True])
def test_a_page_of_html_with_http_200_says_nothing_of_the_lead(place: Place, *, commit: bool) -> None:
    place.sign_up("ann", "bob")
    place.box.faults.add("html", SUBSCRIBE, containing="bob@", count=1, commit=commit)
    assert place.run()["counts"]["new"] == 2
    assert place.writes() == (2 if commit else 3)


def test_nothing_is_sent_while_the_listing_of_opt_outs_answers_with_html(place: Place) -> None:
    place.sign_up("ann")
    place.box.faults.add("html", "marketinghub.getleads", containing="unsub")
    run = place.run(code=1)
    assert "not MarketingHub's" in run["message"]
    assert place.writes() == 0
    place.box.faults.clear()
    assert place.run()["counts"]["new"] == 1


def test_an_answer_to_come_later_is_followed(place: Place) -> None:
    place.sign_up("ann")
    place.box.faults.add("code", SUBSCRIBE, code="2101", count=1)
    assert place.run()["counts"]["new"] == 1
    assert place.held(LIST) == {"ann@example.com": "active"}
