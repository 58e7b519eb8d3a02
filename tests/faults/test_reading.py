"""Faults 8, 9 and 10: looking changes nothing; a short read and an edited rule remove nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fault_place import Place, signup
from test_answers import two_pages

MANY = 60


def prints(folder: Path) -> dict[str, bytes]:
    """Every file of the ledger's folder; SQLite's shared memory is none of its content."""
    return {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file() and file.suffix != ".db-shm"}


@pytest.mark.parametrize("met", [False, True])
def test_whoever_only_looks_writes_nothing_anywhere(place: Place, *, met: bool) -> None:
    place.write(retrieve="since_last_fetch", schedule={"frequency": "daily", "time": "09:30", "timezone": "UTC"})
    place.sign_up("ann", "bob")
    if met:
        place.run()
    place.sign_up("cid")
    place.box.update_records({"ID": place.box.insert_records(signup("dan"))[0], "Company": "Initrode"})
    ledger = place.ledger.parent
    before = prints(ledger) if met else {}
    held, writes, mails = place.held(), place.writes(), place.box.outbox()
    files = set(place.folder.iterdir())
    name = place.spec.name
    for words in (("preview", name), ("validate", name), ("plan", "."), ("schedule", name), ("status",),
                  ("history", name), *([("explain", name, "cid@example.com")] if met else [])):  # fmt: skip
        place.syncline(*words, "--json")
    assert (prints(ledger) if ledger.exists() else {}) == before
    assert (place.held(), place.writes(), place.box.outbox()) == (held, writes, mails)
    assert set(place.folder.iterdir()) - files <= {place.folder / "cache"}
    assert place.run()["counts"]["new"] == (2 if met else 4)


@pytest.fixture
def crowd(place: Place) -> Place:
    """A sync that takes those out who left its source, and has filled its list with many."""
    place.write(sink={"on_delete": "unsubscribe"}, mapping={"Lead Email": "Email"})
    place.box.insert_records(*(signup(f"p{n}") for n in range(MANY)))
    assert place.run()["counts"]["new"] == MANY
    assert len(place.held()) == MANY
    return place


def test_a_preview_counts_the_calls_of_those_who_leave(place: Place) -> None:
    place.write(sink={"on_delete": "unsubscribe"}, mapping={"Lead Email": "Email"})
    gone = place.box.insert_records(*(signup(f"p{n}") for n in range(4)))
    place.run()
    place.box.delete_records(*gone[:3])
    place.box.insert_records(signup("new"))
    told = place.document("preview", place.spec.name)
    run = place.run()
    assert (told["counts"]["deleted"], run["counts"]["deleted"]) == (3, 3)
    assert told["calls"]["sink_writes"] == 4
    assert told["calls"]["sink"] == run["calls"]["sink"]


@pytest.mark.parametrize("kind", ["empty_page", "half_page"])
def test_a_source_that_is_empty_or_half_there_removes_nobody(crowd: Place, kind: str) -> None:
    crowd.box.faults.add(kind, "creator.records")
    run = crowd.run(code=6)
    assert (run["status"], run["counts"]["deleted"]) == ("held", 0)
    assert set(crowd.held().values()) == {"active"}
    crowd.box.faults.clear()
    assert crowd.run()["counts"]["deleted"] == 0


@pytest.mark.parametrize("words", ["empty", "3100", "9280"])
def test_no_records_in_any_of_their_spellings_removes_nobody(crowd: Place, words: str) -> None:
    crowd.box.settings(no_records=words)
    crowd.write(source={"criteria": 'Company == "Nobody"'}, sink={"on_delete": "unsubscribe"})
    assert crowd.run()["counts"]["total"] == 0
    assert set(crowd.held().values()) == {"active"}


def test_a_page_that_is_missing_removes_nobody(crowd: Place) -> None:
    crowd.box.insert_records(*({"Email": ""} for _ in range(1000)))
    crowd.run()
    crowd.box.faults.add("drop_page", "creator.records", nth=1)
    run = crowd.run(code=6)
    assert (run["status"], run["counts"]["deleted"]) == ("held", 0)
    assert set(crowd.held().values()) == {"active"}


def test_an_empty_page_in_the_middle_is_no_end(place: Place) -> None:
    two_pages(place)
    place.box.faults.add("empty_page", "creator.records", nth=1)
    place.box.faults.add("empty_page", "creator.records", nth=2)
    assert "says that more follow" in place.run(code=1)["message"]
    place.box.faults.clear()
    assert place.run()["counts"]["total"] == 1005


def _rule(place: Place) -> None:
    place.write(
        sink={"on_delete": "unsubscribe"},
        mapping={"Lead Email": "Email"},
        ignore=["defaults", {"sql": {"when": "\"Lead Email\" LIKE 'p%'", "reason": "no_more"}}],
    )


def _criteria(place: Place) -> None:
    place.write(
        source={"criteria": 'Company == "Initrode"'},
        sink={"on_delete": "unsubscribe"},
        mapping={"Lead Email": "Email"},
    )


def _mapping(place: Place) -> None:
    place.write(sink={"on_delete": "unsubscribe"}, mapping={"Lead Email": "Company"})


@pytest.mark.parametrize("edit", [_rule, _criteria, _mapping])
def test_an_edit_that_keeps_most_leads_out_removes_nobody(crowd: Place, edit: Callable[[Place], None]) -> None:
    edit(crowd)
    run = crowd.run()
    assert (run["counts"]["new"], run["counts"]["deleted"]) == (0, 0)
    crowd.run()
    assert set(crowd.held().values()) == {"active"}
