"""Fault 5: 429 with and without Retry-After, the lock of half an hour, a daily quota spent in the middle of a run."""

from __future__ import annotations

import json
import signal
from datetime import datetime, timedelta

import yaml
from fault_place import Place
from test_answers import two_pages

SUBSCRIBE = "marketinghub.listsubscribe"


def test_a_429_that_names_a_time_is_kept_to(place: Place) -> None:
    place.sign_up("ann", "bob", "cid")
    place.box.faults.add("throttle", SUBSCRIBE, count=1, retry_after=1)
    for endpoint in ("creator.records", "marketinghub.getmailinglists"):
        place.box.faults.add("throttle", endpoint, count=1, retry_after=1)
    assert place.run()["counts"]["new"] == 3
    refused = [call for call in place.box.calls().calls if call.status == 429]
    assert len(refused) == 3


def test_a_lock_without_a_time_is_waited_for_and_left_by_a_signal_and_the_next_run_sends_the_rest(place: Place) -> None:
    place.sign_up("ann", "bob", "cid")
    place.box.faults.add("lock", SUBSCRIBE, nth=2)
    process = place.start("run", place.spec.name, "--json")
    place.eventually(lambda: any(call.code == "locked" for call in place.box.calls().calls), "the lock")
    said = place.ended_by(process, signal.SIGTERM, 1)
    assert "the next attempt is in 30 minutes" in said.err
    place.law()
    sent = place.writes()
    place.box.faults.clear()
    place.later(31 * 60)
    run = place.run()
    assert run["counts"]["total"] == 3
    assert set(place.held()) == {"ann@example.com", "bob@example.com", "cid@example.com"}
    assert 1 <= place.writes() - sent <= 3


def test_a_lock_parks_its_call_alone_and_status_says_until_when_while_another_sync_goes_on(place: Place) -> None:
    place.sign_up("ann", "bob")
    place.box.faults.add("lock", SUBSCRIBE, nth=2)
    process = place.start("run", place.spec.name, "--json")
    place.eventually(lambda: place.ledger.exists() and place.document("status")["parked"], "the lock is on record")
    (parked,) = place.document("status")["parked"]
    assert (parked["budget"].endswith("listsubscribe"), parked["day"]) == (True, False)
    left = datetime.fromisoformat(parked["until"]) - place.clock()
    assert timedelta(minutes=25) < left <= timedelta(minutes=30)
    assert "locked by the other side until" in place.syncline("status").out
    spec = yaml.safe_load(place.spec.read_text()) | {"name": "bare", "mapping": {"Lead Email": "Email"}}
    (place.folder / "bare.yaml").write_text(yaml.safe_dump(spec))
    place.sign_up("cid", "dan", "eve", "fay")
    run = json.loads(place.syncline("run", "bare.yaml", "--json").out)
    assert run["status"] == "succeeded"
    assert {"cid@example.com", "fay@example.com"} <= set(place.held())
    assert process.poll() is None, "the first one waits"
    place.box.faults.clear()
    place.later(31 * 60)
    assert json.loads(place.ended(process).out)["counts"]["total"] == 2
    assert place.document("status")["parked"] == []
    place.law()


def test_a_daily_quota_that_is_spent_lets_the_run_rest_and_the_next_day_it_goes_on_where_it_was(place: Place) -> None:
    two_pages(place)
    place.box.settings(creator_daily_calls=2)
    run = place.run(code=1)
    assert (run["status"], run["finished_at"], run["counts"]["total"]) == ("interrupted", None, 1000)
    assert "calls of today are used up" in run["message"]
    assert len(place.held()) == place.writes() == 3, "what was read is sent"
    (parked,) = place.document("status")["parked"]
    assert (parked["budget"].endswith("/creator"), parked["day"]) == (True, True)
    again = place.run(code=1)
    assert (again["run"], again["counts"]) == (run["run"], run["counts"]), "not before the day is over"
    asked = place.box.calls().count("creator.records")
    place.later(86_400)
    after = place.run()
    assert (after["run"], after["resumed"], after["counts"]["total"]) == (run["run"], True, 1005)
    assert place.box.calls().count("creator.records") == asked + 1, "the first page is not read again"
    assert place.writes() == len(place.held()) == 5
