"""What a guard holds: waiting, approved, used or void, in whichever database."""

from __future__ import annotations

import polars as pl
import pytest
from ledger_leads import key, started
from syncline import SpecError
from syncline.errors import NotRunnable
from syncline.ledger import Ledger, RunRecord


def plan(*numbers: int) -> pl.DataFrame:
    """Removals of these people."""
    schema = {"kind": pl.String, "#key": pl.String, "source_id": pl.String, "mark": pl.Int64}
    return pl.DataFrame([("removal", key(n), f"id{n}", None) for n in numbers], schema=schema, orient="row")


def held(ledger: Ledger, *numbers: int, empty: bool = False) -> RunRecord:
    """A run that holds these."""
    run = started(ledger)
    ledger.hold(run, {"removals": {"leads": len(numbers)}}, plan(*numbers), empty=empty)
    return ledger.finish_run(run, status="held", message="too many")


def waiting(ledger: Ledger, run: RunRecord) -> list[str]:
    """Whom a run may remove though they are too many."""
    return ledger.approved(run.sync_id)["#key"].to_list()


def test_a_plan_is_approved_used_once_and_given_back_by_a_run_that_fails(ledger: Ledger) -> None:
    run = held(ledger, 0, 1)
    assert (waiting(ledger, run), ledger.run(run.id).hold_state) == ([], "waiting")
    assert ledger.approve(run.id).hold_state == ledger.approve(run.id).hold_state == "approved"
    assert waiting(ledger, run) == [key(0), key(1)]
    user = started(ledger)
    ledger.use_approval(user)
    assert waiting(ledger, run) == []
    assert ledger.approved(run.sync_id, run_id=user.id).height == 2
    ledger.finish_run(user, status="failed")
    assert waiting(ledger, run) == [key(0), key(1)]
    user = started(ledger)
    ledger.use_approval(user)
    ledger.finish_run(user, status="succeeded")
    with pytest.raises(NotRunnable, match="its approval was used") as refused:
        ledger.approve(run.id)
    assert (refused.value.state, user.id in refused.value.why) == ("used", True)
    assert ledger.holding(run.sync_id) is None


def test_a_good_run_makes_every_plan_before_it_void_and_a_retry_does_not(ledger: Ledger) -> None:
    first, second = held(ledger, 0), held(ledger, 0, 1)
    ledger.approve(first.id)
    assert ledger.holding(first.sync_id) == ledger.run(second.id)
    retry = ledger.start_run(ledger.syncs()[0], trigger="retry", window="")
    ledger.finish_run(retry, status="succeeded")
    assert waiting(ledger, first) == [key(0)]
    ledger.finish_run(started(ledger), status="partial")
    assert waiting(ledger, first) == []
    for run in (first, second):
        with pytest.raises(NotRunnable, match="void"):
            ledger.approve(run.id)


def test_equal_plans_have_equal_digests_and_others_have_others(ledger: Ledger) -> None:
    plans = [(held(ledger, *numbers).hold or {})["plan"] for numbers in ((0, 1), (1, 0), (0, 2))]
    assert plans[0] == plans[1] != plans[2]


def test_an_empty_read_a_good_run_and_a_plan_without_leads_cannot_be_approved(ledger: Ledger) -> None:
    with pytest.raises(NotRunnable, match="its read was empty"):
        ledger.approve(held(ledger, 0, empty=True).id)
    run = held(ledger, 0)
    ledger.forget(key(0))
    with pytest.raises(NotRunnable, match="nobody of its plan is left"):
        ledger.approve(run.id)
    good = ledger.finish_run(started(ledger), status="succeeded")
    with pytest.raises(SpecError, match="holds nothing"):
        ledger.approve(good.id)


def test_held_leads_go_with_the_row_detail(ledger: Ledger) -> None:
    run = held(ledger, 0)
    ledger.prune(0)
    assert ledger.held_leads(run.id).is_empty()
