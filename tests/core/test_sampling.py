"""Samples are one page of the source, made into leads as a run would make them, and judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from shelf import Table, TableConfig, load
from syncline import End, Ending, Fatal, Field, Pages, Partition, Window
from syncline.budget import Budgets, MemoryStore
from syncline.ledger import Ledger
from syncline.sampling import first_page, samples, shown_fields
from workshop import Workshop, person

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield Workshop(tmp_path, ledger)


def sampled(shop: Workshop, **keys: Any) -> Any:
    return samples(shop.bound(**keys), shop.executor.runtime(Budgets(MemoryStore())), now=NOW)


def test_one_page_is_read_and_five_leads_are_shown_and_nothing_is_written(shop: Workshop) -> None:
    shop.records([*(person(f"p{n}", n, mood=" glad ") for n in range(10)), {"ID": "x", "fault": True}])
    found = sampled(shop, transforms=["trim"])
    assert found.read == 10
    assert [each.lead["Email"] for each in found.leads] == [f"p{n}@example.com" for n in range(5)]
    assert {each.lead["Mood"] for each in found.leads} == {"glad"}
    assert load(shop.shelf)["calls"] == 0
    assert shop.ledger.syncs() == []


def test_no_call_is_spent_on_a_second_page(tmp_path: Path) -> None:
    class Counting(Table):
        pages = 0

        def read(self, partition: Partition, since: str | None) -> Pages:
            for page in super().read(partition, since):
                self.pages += 1
                yield page
            return End(Ending.COMPLETE)

    table = tmp_path / "table.json"
    table.write_text(json.dumps([person(f"p{n}", n) for n in range(100)]))
    source = Counting(TableConfig(file=str(table)))
    page = first_page(source, Window(created=NOW, now=NOW))
    assert page is not None
    assert (page.height, source.pages) == (10, 1)


def test_who_would_be_kept_out_is_shown_with_the_reason(shop: Workshop) -> None:
    shop.records([person("ann", 1), person("ann", 2), person("bob", 3) | {"Email": "bob@gnail.com"}])
    found = sampled(shop, ignore=["defaults", {"file_duplicate": {"keep": "last"}}])
    assert [each.ignored for each in found.leads] == ["file_duplicate", None, "invalid_pattern"]
    assert "gmail.com" in (found.leads[2].detail or "")
    assert dict(found.ignored) == {"file_duplicate": 1, "invalid_pattern": 1}


def test_a_source_without_records_has_no_samples(shop: Workshop) -> None:
    shop.records([])
    assert (sampled(shop).read, sampled(shop).leads) == (0, [])


def test_what_a_run_would_raise_is_raised(shop: Workshop) -> None:
    shop.records([person("ann", 1)])
    with pytest.raises(Fatal, match="gives no field 'Surname'"):
        sampled(shop, mapping={"Email": "Email", "Name": "Surname"})


def test_fields_that_a_source_does_not_tell_are_those_of_its_first_page(tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    table.write_text('[{"ID": "1", "Name": {"first": "Ann"}, "Age": 3, "Fit": true, "Likes": ["a"]}]')
    assert shown_fields(Table(TableConfig(file=str(table))), NOW) == [
        Field("ID"), Field("Name.first"), Field("Age", type="number"), Field("Fit", type="boolean"),
        Field("Likes", type="list"),
    ]  # fmt: skip
    table.write_text("[]")
    assert shown_fields(Table(TableConfig(file=str(table))), NOW) is None
