"""What people ask the ledger: runs, leads, one person's history, dead letters."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest
from ledger_leads import answers, batch, delivered, key, met, sent_rows, started
from syncline import SpecError
from syncline.clock import Clock
from syncline.errors import NotRunnable
from syncline.ledger import Ledger, key_index


def test_a_run_says_of_itself_what_design_ten_wants(ledger: Ledger) -> None:
    run = delivered(ledger, range(8), calls=(3, 6))
    document = json.loads(json.dumps(ledger.run(run.id).document()))
    assert list(document) == [
        "run", "sync", "status", "trigger", "started_at", "finished_at", "counts", "duplicate", "ignored", "rejected",
        "calls", "resumed",
    ]  # fmt: skip
    assert document["calls"] == {"source": 3, "sink": 6}
    assert document["counts"] == {
        "total": 8, "new": 6, "re_added": 0, "duplicate": 0, "ignored": 2, "rejected": 0, "unknown": 0, "deleted": 0,
    }  # fmt: skip
    assert document["ignored"]["group_email"] == 2
    assert document["started_at"].endswith("Z")


def test_runs_are_found_by_the_beginning_of_their_id_or_as_the_last(ledger: Ledger) -> None:
    with pytest.raises(SpecError, match="no run yet"):
        ledger.run("last")
    first, second = delivered(ledger, [0]), delivered(ledger, [1], name="other")
    assert ledger.run("last").id == second.id
    assert ledger.run(first.id).id == first.id
    assert ledger.run(second.id[:-1]).id.startswith(second.id[:-1])
    with pytest.raises(SpecError, match="no run 'zzz'"):
        ledger.run("zzz")
    with pytest.raises(SpecError, match="more than one"):
        ledger.run("20")
    with pytest.raises(SpecError, match="no run"):
        ledger.run("%")
    assert [run.id for run in ledger.runs(None)] == [second.id, first.id]
    assert [run.id for run in ledger.runs(first.sync_id, limit=5)] == [first.id]
    assert len(ledger.runs(None, limit=1)) == 1


def test_leads_are_told_by_outcome_and_reason_in_order(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        for seq in range(3):
            rows = range(8 * seq, 8 * seq + 8)
            journal.open_batch(seq, *batch(rows), None)
            journal.answered(seq, answers(sent_rows(rows)[seq:]))
    told = pl.concat(ledger.leads(run.id, outcome="ignored"))
    assert told.get_column("#row").to_list() == [3, 7, 11, 15, 19, 23]
    assert told.row(0) == (3, "id3", key(3), key(3), "ignored", "group_email", "a role address")
    assert pl.concat(ledger.leads(run.id)).get_column("#row").to_list() == list(range(24))
    assert pl.concat(ledger.leads(run.id, reason="in_flight")).height == 3
    assert list(ledger.leads(run.id, outcome="rejected")) == []
    recorded = pl.concat(ledger.recorded(run))
    assert recorded.columns == ["#id", "#row", "#address", "#key"]
    assert recorded.item(5, "#address") == key(5).title()


def test_a_person_is_traced_through_all_runs_newest_first(ledger: Ledger) -> None:
    sync = met(ledger)
    runs = [delivered(ledger, [0, 1, 2, 3]), delivered(ledger, [4, 5]), delivered(ledger, [0, 3])]
    open_run = started(ledger)
    with ledger.journal(open_run, account="a", target="l") as journal:
        journal.open_batch(0, *batch([0, 8]), None)
    trace = ledger.trace(sync.id, key(0))
    assert [(each["run"], each["outcome"]) for each in trace] == [
        (open_run.id, "unknown"), (runs[2].id, "new"), (runs[0].id, "new"),
    ]  # fmt: skip
    assert trace[1] == {
        "run": runs[2].id, "started_at": runs[2].started_at, "row": 0, "source_id": "id0", "outcome": "new",
        "reason": "added", "detail": None,
    }  # fmt: skip
    assert len(ledger.trace(sync.id, key(0), limit=2)) == 2
    assert ledger.trace(sync.id, "nobody@example.com") == []


def test_the_key_index_finds_every_person_whatever_its_parts(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_index, "PART_ENTRIES", 8)
    run = delivered(ledger, range(100))
    with ledger._database.read() as connection:
        parts = connection.exec_driver_sql("SELECT count(*) FROM key_index").scalar_one()
    assert parts > 5
    assert [len(ledger.trace(run.sync_id, key(row))) for row in range(100)] == [1] * 100


def test_a_dead_letter_keeps_the_payload_and_counts_attempts_until_it_is_settled(ledger: Ledger) -> None:
    for attempt in (1, 2):
        run = started(ledger)
        with ledger.journal(run, account="a", target="l") as journal:
            journal.open_batch(0, *batch([0, 1]), None)
            journal.answered(0, answers([0], "rejected", "2001", detail="no such field", code="2001"))
            journal.answered(0, answers([1], "rejected", "2002", detail="too long", code="2002"))
        ledger.finish_run(run, status="partial")
        letters = ledger.dead_letters(sync_id=run.sync_id)
        assert [(each.row, each.code, each.attempts, each.run_id) for each in letters] == [
            (0, "2001", attempt, run.id), (1, "2002", attempt, run.id),
        ]  # fmt: skip
    first = letters[0]
    assert (first.key, first.source_id, first.message) == (key(0), "id0", "no such field")
    assert first.payload.equals(batch([0])[1])
    assert first.first_at < first.last_at
    assert [each.code for each in ledger.dead_letters(run_id=run.id, code="2002")] == ["2002"]
    assert len(ledger.dead_letters(limit=1)) == 1
    ledger.settle_dead_letter([letters[1].id], run.id, "taken")
    assert [each.row for each in ledger.dead_letters()] == [0]
    delivered(ledger, [0])
    assert ledger.dead_letters() == []


def test_each_change_of_a_spec_is_a_revision_with_its_difference(ledger: Ledger) -> None:
    first = ledger.meet("s", identity={"a": "1"}, spec={"source": {"lookback": "30d"}, "x": [1]}, source_scope="all")
    same = ledger.meet("s", identity={"a": "1"}, spec={"x": (1,), "source": {"lookback": "30d"}}, source_scope="all")
    assert (same.revision, same.created_at) == (1, first.created_at)
    changed = ledger.meet("s", identity={"a": "1"}, spec={"source": {"lookback": "7d"}, "y": 2}, source_scope="week")
    assert (changed.revision, changed.source_scope) == (2, "week")
    newest = ledger.revisions(first.id)[-1]
    number, spec, diff = newest.number, newest.spec, newest.diff
    assert (number, spec) == (2, {"source": {"lookback": "7d"}, "y": 2})
    assert sorted(diff) == [("source.lookback", "30d", "7d"), ("x", [1], None), ("y", None, 2)]


def test_a_changed_identity_is_refused_with_the_way_out(ledger: Ledger) -> None:
    met(ledger)
    with pytest.raises(SpecError, match=r"list: 'webinar' → 'fair'.*new name.*replaces: signups"):
        ledger.meet("signups", identity={"list": "fair"}, spec={}, source_scope="all")
    with pytest.raises(SpecError, match="replaces: 'nobody'"):
        ledger.meet("new", identity={}, spec={}, source_scope="all", replaces="nobody")


def test_states_change_with_reasons_until_inactive_which_is_final(ledger: Ledger) -> None:
    sync = met(ledger)
    ledger.set_state(sync.id, "paused", "holidays")
    with pytest.raises(NotRunnable, match=r"paused.*holidays") as refused:
        started(ledger)
    assert (refused.value.state, refused.value.exit_code) == ("paused", 5)
    ledger.set_state(sync.id, "active", "back")
    ledger.set_state(sync.id, "inactive", "the report was renamed")
    with pytest.raises(NotRunnable, match="the report was renamed"):
        ledger.set_state(sync.id, "active", "please")
    with pytest.raises(NotRunnable):
        ledger.start_run(sync, trigger="manual", window="{}")
    assert [(state, reason) for _, state, reason in ledger.events(sync.id)] == [
        ("active", "created"), ("paused", "holidays"), ("active", "back"), ("inactive", "the report was renamed"),
    ]  # fmt: skip


def test_old_row_detail_is_dropped_and_counts_stay(ledger_url: str) -> None:
    late = timedelta()
    with Ledger.open(ledger_url, now=lambda: Clock()() + late) as ledger:
        old = delivered(ledger, range(8))
        late = timedelta(days=91)
        new = delivered(ledger, range(8))
        assert ledger.prune(90) == 1
        assert list(ledger.leads(old.id)) == []
        assert ledger.run(old.id).counts == old.counts
        assert [each["run"] for each in ledger.trace(new.sync_id, key(0))] == [new.id]
        assert ledger.prune(90) == 0
