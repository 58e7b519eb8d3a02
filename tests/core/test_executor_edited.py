"""A run that was cut off goes on under a spec that was edited meanwhile, and dead letters under a later one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from shelf import Shelf
from syncline.executor import BrokenRun
from syncline.ledger import Ledger
from test_executor_once import cut_off
from workshop import Workshop, person

MORE = {"Email": "Email", "Name": "Name", "Mood": "Mood", "City": "City"}


@pytest.fixture
def shop(tmp_path, ledger: Ledger) -> Workshop:
    return Workshop(tmp_path / "shop", ledger)


@pytest.mark.parametrize("step", ["sending", "answered"])
def test_a_mapping_that_gained_a_field_does_not_break_a_run_that_goes_on(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    shop.records([person(f"guest{n}", n, City="Pune") for n in range(15)])
    cut_off(shop, monkeypatch, at=2, step=step)
    run = shop.run(mapping=MORE)
    assert (run.status, run.resumed, run.document()["counts"]["new"]) == ("succeeded", True, 15)
    again = shop.run(mapping=MORE)
    assert again.document()["counts"]["duplicate"] == 15
    assert {each["fields"]["City"] for each in shop.people().values()} == {"Pune"}


def test_a_retry_takes_letters_that_lack_a_field_mapped_since(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline.pipeline.LETTERS", 1)
    first = shop.run([person("ann", 1, "refuse 1"), person("ben", 2, "refuse 1", City="Pune")])
    last = shop.checked(shop.executor.retry(shop.bound(mapping=MORE), first.id))
    assert last.document()["counts"]["new"] == 2
    assert [row for frame in shop.ledger.leads(last.id) for row in frame["#row"]] == [0, 1]


def test_a_run_that_goes_on_under_another_scope_is_no_baseline_for_removals(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person(f"guest{n}", n) for n in range(15)]
    shop.records(people)
    delete = {"on_delete": "unsubscribe"}
    cut_off(shop, monkeypatch, at=12, sink=delete)
    shop.records(people[5:])  # what the edited spec reads
    resumed = shop.run(source={"page": 5}, sink=delete)
    after = shop.run(source={"page": 5}, sink=delete)
    assert (resumed.resumed, resumed.status, after.document()["counts"]["deleted"]) == (True, "succeeded", 0)
    assert all(each["status"] == "active" for each in shop.people().values())


def test_the_calls_of_a_run_are_those_of_all_its_lives(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.records([person(f"guest{n}", n) for n in range(25)])
    cut_off(shop, monkeypatch, at=15)
    before = shop.ledger.run("last").sink_calls
    run = shop.run()
    assert before > 0
    assert run.sink_calls > before + 1


def test_a_run_that_a_defect_ends_leaves_no_thread_and_no_file(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr(Shelf, "deliver", lambda sink, leads: None)
    people = [person(f"guest{n}", n) for n in range(200)]
    shop.records(people)
    before = set(threading.enumerate())
    with pytest.raises(BrokenRun) as broken:
        shop.executor.run(shop.bound(ignore=["defaults", {"file_duplicate": {"keep": "last"}}]))
    assert broken.value.run.status == "failed"
    assert [thread.name for thread in set(threading.enumerate()) - before] == []
    assert list(folder.iterdir()) == []


def test_a_reader_ends_with_a_run_that_a_defect_ends(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shelf, "deliver", lambda sink, leads: None)
    shop.records([person(f"guest{n}", n) for n in range(400)])
    before = set(threading.enumerate())
    with pytest.raises(BrokenRun) as broken:
        shop.executor.run(shop.bound())
    assert broken.value.run.status == "failed"
    assert [thread.name for thread in set(threading.enumerate()) - before] == []
