"""Dead letters that return in later runs: what the ledger keeps of them, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moved_clock import MovedClock
from syncline.ledger import Ledger
from workshop import Workshop, person

START = "2026-11-02T09:00:00"


@pytest.fixture
def clock(tmp_path: Path) -> MovedClock:
    return MovedClock.at(START, tmp_path / "clock")


@pytest.fixture
def shop(ledger_url: str, clock: MovedClock, tmp_path: Path) -> Iterator[Workshop]:
    """A shop whose ledger goes by the moved clock."""
    with Ledger.open(ledger_url, now=clock) as ledger:
        yield Workshop(tmp_path / "shop", ledger)


def test_a_refusal_that_may_pass_returns_when_it_is_due_and_counts_in_that_run(
    shop: Workshop, clock: MovedClock
) -> None:
    first = shop.run([person("ann", 1, "heal 1"), person("ben", 2, "refuse 1"), person("eve", 3)])
    (ann,) = shop.ledger.dead_letters(run_id=first.id, code="4712")
    assert ann.return_at is not None
    waiting = shop.ledger.letters(first.sync_id)
    assert (waiting.rejected, waiting.returning, waiting.next_at) == (2, 1, ann.return_at)
    early = shop.run([person("eve", 3)])
    assert (early.returned, early.document()["counts"]["total"]) == (0, 1)
    clock.move_to("2026-11-02T09:16:00")
    late = shop.run([person("eve", 3)])
    assert (late.returned, shop.outcomes(late)) == (
        1,
        {"eve@example.com": "duplicate/unchanged", "ann@example.com": "new/added"},
    )
    remains = shop.ledger.remains(first.id)
    assert (dict(remains.open), dict(remains.settled)) == ({"4711": 1}, {(late.id, "delivered"): 1})
    assert [frame["#key"].to_list() for frame in shop.ledger.recorded(late)] == [["eve@example.com"]]
    assert shop.ledger.rows_read(late) == 1


def test_a_returned_lead_that_left_the_source_is_not_taken_for_one_that_was_read(
    shop: Workshop, clock: MovedClock
) -> None:
    away = {"sink": {"on_delete": "unsubscribe"}}
    people = [person("ben", 2), person("eve", 3)]
    shop.run([person("ann", 1, "heal 1"), *people], **away)
    clock.move_to("2026-11-02T09:16:00")
    second = shop.run(people, **away)
    third = shop.run(people, **away)
    assert (second.returned, third.document()["counts"]["deleted"]) == (1, 0)
    assert "ann@example.com" in shop.people()


def test_what_a_later_run_ignored_waits_no_longer(shop: Workshop) -> None:
    first = shop.run([person("ann", 1, "refuse 1"), person("ben", 2, "refuse 1")])
    embargo = ["defaults", {"sql": {"when": "Name = 'Ann'", "reason": "embargo"}}]
    second = shop.run([person("ann", 1)], ignore=embargo)
    assert shop.ledger.letters(first.sync_id).rejected == 1
    assert dict(shop.ledger.remains(first.id).settled) == {(second.id, "ignored/embargo"): 1}


def test_a_lead_that_is_read_again_as_it_was_refused_waits_too_and_a_mended_one_does_not(
    shop: Workshop, clock: MovedClock
) -> None:
    people = [person("ann", 1, "heal 1"), person("ben", 2, "heal 1")]
    first = shop.run(people)
    second = shop.run([people[0], person("ben", 2, "heal 1", Name="Benjamin")])
    assert shop.outcomes(second) == {"ann@example.com": "rejected/4712", "ben@example.com": "new/added"}
    (ann,) = shop.ledger.dead_letters(run_id=second.id)
    assert (ann.attempts, ann.key) == (1, "ann@example.com")
    assert dict(shop.ledger.remains(first.id).settled) == {(second.id, "delivered"): 1, (second.id, "replaced"): 1}
    third = shop.checked(shop.executor.retry(shop.bound(), second.id))
    assert shop.outcomes(third) == {"ann@example.com": "new/added"}
