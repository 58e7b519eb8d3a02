"""The row-wise sink keeps the promises of a call of several leads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
import yaml
from syncline import ACCEPTED, Config, Deactivate, Fatal, Lost, Result, ResultKind, Retriable, RowSink
from syncline.ledger import Ledger
from syncline.registry import Offer
from syncline.secrets import Redactor
from syncline.spec import bind, load_paths
from workshop import Workshop, person


class Box(RowSink[Config]):
    """Takes a lead, or raises what it holds for that address, as often as is listed."""

    name: ClassVar[str] = "box"
    key_field = "Email"
    repeatable = True
    batch_size = 4
    raised: ClassVar[dict[str, list[Exception]]] = {}
    taken: ClassVar[list[str]] = []

    def row(self, lead: Mapping[str, str | None]) -> Result:
        address = lead["Email"] or ""
        if left := self.raised.get(address):
            raise left.pop(0)
        self.taken.append(address)
        return ACCEPTED


@pytest.fixture
def box() -> Box:
    """An empty one."""
    Box.raised, Box.taken = {}, []
    return Box(Config())


def leads(*names: str) -> pl.DataFrame:
    """As they are delivered."""
    return pl.DataFrame({"#key": names, "Email": names})


@pytest.mark.parametrize("error", [Fatal("full"), Deactivate("gone"), Retriable("busy")])
def test_an_error_of_the_first_lead_says_that_nothing_was_carried_out(box: Box, error: Exception) -> None:
    Box.raised = {"a": [error]}
    with pytest.raises(type(error)):
        box.deliver(leads("a", "b"))
    assert Box.taken == []


@pytest.mark.parametrize("error", [Fatal("full"), Deactivate("gone"), Retriable("busy")])
def test_an_error_midway_leaves_the_results_of_those_before(box: Box, error: Exception) -> None:
    Box.raised = {"b": [error]}
    kinds = [result.kind for result in box.deliver(leads("a", "b", "c"))]
    assert kinds == [ResultKind.ACCEPTED, ResultKind.RETRYABLE, ResultKind.RETRYABLE]
    assert Box.taken == ["a"]


def test_a_lost_answer_is_that_of_one_lead(box: Box) -> None:
    Box.raised = {"b": [Lost("no answer")], "d": [Lost("no answer")]}
    kinds = [result.kind for result in box.deliver(leads("a", "b", "c"))]
    assert kinds == [ResultKind.ACCEPTED, ResultKind.UNKNOWN, ResultKind.ACCEPTED]
    with pytest.raises(Lost):
        box.deliver(leads("d"))


def test_a_run_sends_nobody_twice_when_a_lead_midway_must_wait(tmp_path: Path, ledger: Ledger, box: Box) -> None:
    Box.raised = {"q2@example.com": [Retriable("busy", after=0.01), Retriable("busy", after=0.01)]}
    shop = Workshop(tmp_path, ledger)
    shop.registry._add(Offer("sink", "box", Box, "tests", "1"))
    shop.records([person(f"q{n}", n) for n in range(6)])
    path = tmp_path / "sign-ups.yaml"
    shop.bound(mapping={"Email": "Email"})
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"sink": {"type": "box"}}))
    loaded = load_paths([path], shop.registry)
    assert not loaded.faults
    run = shop.checked(shop.executor.run(bind(loaded.specs[0], shop.registry, {}, Redactor())))
    assert set(shop.outcomes(run).values()) == {"new/added"}
    assert sorted(Box.taken) == [f"q{n}@example.com" for n in range(6)]
