"""Faults 6 and 7: what the cursor may not jump over."""

from __future__ import annotations

import pytest
from fault_place import Place, signup

MINUTE = 60.0
HOUR = 3600.0


@pytest.fixture
def since(place: Place) -> Place:
    """A sync that reads what was added or changed since its last fetch, and has read ann."""
    place.write(retrieve="since_last_fetch")
    place.sign_up("ann")
    assert place.run()["counts"]["new"] == 1
    return place


def test_a_record_of_the_same_second_as_the_newest_seen_is_read(since: Place) -> None:
    moment = since.box.clock.now()
    since.sign_up("bob", Added_Time=moment, Modified_Time=moment)
    assert since.run()["counts"]["new"] == 1
    since.sign_up("cid", Added_Time=moment, Modified_Time=moment)
    run = since.run()
    assert (run["counts"]["new"], run["duplicate"]["updated"]) == (1, 0)


def test_an_edited_record_is_read_again_though_it_was_created_long_ago(since: Place) -> None:
    (old,) = since.sign_up("bob", Added_Time=since.box.clock.now() - 20 * HOUR)
    since.run()
    since.later(5 * HOUR)
    since.sign_up("cid")
    since.run()
    since.later(5 * HOUR)
    since.box.update_records({"ID": old, "Company": "Initrode"})
    since.run()
    outcomes = since.outcomes()
    assert outcomes["bob@example.com"] == "duplicate/updated"
    assert "ann@example.com" not in outcomes


def test_a_clock_that_is_ahead_does_not_carry_the_cursor_into_the_future(since: Place) -> None:
    ahead = since.box.clock.now() + 48 * HOUR
    since.sign_up("bob", Added_Time=ahead, Modified_Time=ahead)
    assert since.run()["counts"]["new"] == 1
    since.sign_up("cid")
    since.run()
    assert "cid@example.com" in since.held()


def test_a_record_that_appears_late_is_read(since: Place) -> None:
    since.sign_up("bob")
    since.run()
    late = since.box.clock.now() - 30 * MINUTE
    since.sign_up("cid", Added_Time=late, Modified_Time=late)
    assert since.run()["counts"]["new"] == 1


def test_a_run_without_records_leaves_the_cursor_where_it_was(since: Place) -> None:
    since.later(10 * HOUR)
    assert [since.run()["counts"]["new"] for _ in range(2)] == [0, 0]
    late = since.box.clock.now() - 10 * HOUR + 5 * MINUTE
    since.sign_up("bob", Added_Time=late, Modified_Time=late)
    assert since.run()["counts"]["new"] == 1


def test_a_lead_that_was_refused_is_behind_the_cursor_only_because_it_is_kept(since: Place) -> None:
    since.box.change_lead("refuse", "bob@example.com", code="2007")
    since.sign_up("bob")
    assert since.run(code=4)["rejected"] == {"2007": 1}
    since.later(30 * HOUR)
    since.sign_up("cid")
    assert since.run(code=4)["rejected"] == {"2007": 1}, "within the overlap of the cursor it is tried again"
    refused = since.runs()[-1]["run"]
    since.later(30 * HOUR)
    assert since.run()["counts"]["total"] == 1
    assert "bob@example.com" not in since.outcomes()
    since.box.change_lead("mail_again", "bob@example.com")
    assert since.run("retry", refused)["counts"]["new"] == 1
    assert "bob@example.com" in since.held()


def test_a_run_that_failed_moves_no_cursor(since: Place) -> None:
    since.later(30 * HOUR)
    since.box.insert_records(*(signup(f"p{n}") for n in range(4)))
    since.later(3 * HOUR)
    since.box.faults.add("code", "marketinghub.listsubscribe", containing="p2@", code="2302")
    assert since.run(code=1)["status"] == "failed"
    failed_at = since.box.clock.now()
    since.later(30 * HOUR)
    hidden = failed_at - 20 * HOUR  # in the time that the failed run looked at, and shown by the report only now
    since.sign_up("hidden", Added_Time=hidden, Modified_Time=hidden)
    since.sign_up("late")
    since.box.faults.clear()
    since.run()
    assert {f"p{n}@example.com" for n in range(4)} | {"late@example.com"} <= set(since.held())
    assert "hidden@example.com" in since.held()
