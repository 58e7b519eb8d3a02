"""Fault 5: the calls of a day are used up, by the other side's word or by our own count; another day goes on."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml
from fault_place import Place, person
from test_answers import two_pages

RECORDS = "creator.records"
ZONE = "Asia/Kolkata"
"""That of the sandbox's first application, and so of its Super Admin."""


def creator_calls(place: Place) -> int:
    return sum(call.endpoint.startswith("creator.") and call.code != "4000" for call in place.box.calls().calls)


def refused(place: Place) -> int:
    return sum(call.code == "4000" for call in place.box.calls().calls)


def midnight(place: Place) -> datetime:
    """The next one of the account."""
    there = place.clock().astimezone(ZoneInfo(ZONE))
    return datetime(there.year, there.month, there.day, tzinfo=there.tzinfo) + timedelta(days=1)


@pytest.fixture
def noon(place: Place) -> Place:
    """A place where it is noon for the account, so that no day ends while a test runs."""
    place.later((midnight(place) + timedelta(hours=12) - place.clock()).total_seconds())
    return place


def test_a_quota_of_our_own_is_never_gone_over_and_two_days_read_each_page_and_send_each_lead_once(noon: Place) -> None:
    place = noon
    place.connect(quota={"calls": 2, "zone": ZONE})
    place.box.settings(creator_daily_calls=2)
    two_pages(place)
    rest = place.run(code=1)
    until = midnight(place)
    assert f"start again after {until:%Y-%m-%d} 00:01 {ZONE}: the run goes on where it was" in rest["message"]
    (parked,) = place.document("status")["parked"]
    assert (parked["day"], parked["until"]) == (True, f"{until.astimezone(UTC):%Y-%m-%dT%H}:31:00.000Z")
    told = place.syncline("status").out
    assert "no call of the day is left until" in told
    assert "/creator, 2 calls today" in told
    assert (creator_calls(place), refused(place)) == (2, 0), "nobody asks for what is known to be refused"
    place.later((until - place.clock()).total_seconds() + 61)
    run = place.run()
    assert (run["run"], run["counts"]["total"], run["counts"]["new"]) == (rest["run"], 1005, 5)
    assert (creator_calls(place), refused(place)) == (4, 0)
    pages = [call for call in place.box.calls().calls if call.endpoint == RECORDS]
    assert len(pages) == 2, "each page is read once"
    assert place.writes() == len(place.held()) == 5
    assert place.document("status")["parked"] == []


def test_where_nobody_knows_when_the_day_begins_the_account_is_asked_again_each_hour(noon: Place) -> None:
    place = noon
    place.box.settings(creator_daily_calls=1)
    two_pages(place)
    place.run(code=1)
    (parked,) = place.document("status")["parked"]
    until = datetime.fromisoformat(parked["until"])
    assert (until.minute, until - place.clock() < timedelta(minutes=61)) == (1, True)
    assert refused(place) == 1
    place.run(code=1)
    assert refused(place) == 1
    place.later(3661)
    place.run(code=1)
    assert refused(place) == 2


def test_other_work_goes_on_while_no_call_of_the_day_is_left(noon: Place) -> None:
    place = noon
    two_pages(place)
    place.box.settings(creator_daily_calls=2)
    place.run(code=1)
    place.records(person("zoe"))
    source = {"type": "table", "file": str(place.folder / "table.json")}
    sink = yaml.safe_load(place.spec.read_text())["sink"]
    other = {"version": 1, "name": "other", "source": source, "retrieve": "all", "sink": sink}
    other["mapping"] = {"Lead Email": "Email", "First Name": "Name"}
    (place.folder / "other.yaml").write_text(yaml.safe_dump(other))
    run = place.run("run", "other.yaml")
    assert (run["status"], run["counts"]["new"]) == ("succeeded", 1)
    assert "zoe@example.com" in place.held()


def test_calls_are_counted_for_the_account_and_status_says_how_many(noon: Place) -> None:
    place = noon
    two_pages(place)
    made = place.run()["calls"]["source"]
    (today,) = place.document("status")["today"]
    assert (today["calls"], today["budget"][-8:]) == (made, "/creator") == (creator_calls(place), "/creator")


def test_preview_and_run_say_beforehand_that_a_day_is_not_enough(noon: Place) -> None:
    place = noon
    place.connect(quota={"calls": 9, "zone": ZONE})
    two_pages(place)
    told = place.document("preview", place.spec.name)["today"]
    assert (told["calls"], told["needed"], told["left"], told["enough"]) == (9, 3, 6, True)
    assert place.run()["calls"]["source"] == 3
    place.connect(quota={"calls": 4, "zone": ZONE})
    told = place.syncline("run", place.spec.name, "--json", code=1)
    day = f"{midnight(place):%Y-%m-%d}"
    before = f"3 calls of {place.document('status')['today'][0]['budget']} are needed, and 1 are left today"
    assert (
        f"{before}: the run cannot finish today, and goes on each day where it was; it probably ends on {day}"
        in told.err
    )
    place.law()


def test_served_a_run_waits_for_the_next_day_and_is_then_finished_under_its_own_id(noon: Place) -> None:
    place = noon
    place.connect(quota={"calls": 2, "zone": ZONE})
    two_pages(place)
    due = place.clock() + timedelta(minutes=2)
    place.write(schedule={"frequency": "daily", "time": f"{due:%H:%M}", "timezone": "UTC"})
    served = place.start("serve", ".")
    place.eventually(lambda: place.ledger.exists() and place.document("status")["syncs"][0]["state"], "the sync is met")
    place.later(150)
    postponed = place.eventually(lambda: place.document("status")["syncs"][0]["retry_at"], "it is postponed")
    until = midnight(place)
    assert until < datetime.fromisoformat(postponed) < until + timedelta(minutes=2)
    (rest,) = place.runs()
    assert (rest["status"], rest["counts"]["total"]) == ("interrupted", 1000)
    place.later((until - place.clock()).total_seconds() + 125)
    (run,) = place.eventually(lambda: [run for run in place.runs() if run["finished_at"]], "its end")
    assert (run["run"], run["status"], run["resumed"]) == (rest["run"], "succeeded", True)
    assert (run["counts"]["total"], run["due"]) == (1005, rest["due"])
    assert place.document("status")["syncs"][0]["failures"] == 0
    place.ended_by(served, signal.SIGTERM, 0)
    assert place.writes() == len(place.held()) == 5
    assert (creator_calls(place), refused(place)) == (4, 0)
    place.law()
