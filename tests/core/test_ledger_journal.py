"""The journal: intent before the wire, answers after it, counts exact at every instant."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_leads import answers, batch, delivered, key, law_of_the_sums, met, sent_rows, started
from syncline import Fatal, Outcome
from syncline.ledger import Ledger


def test_leads_count_as_unknown_from_the_intent_to_the_answer(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, *batch(range(8)), "c0")
        assert law_of_the_sums(ledger, run).of(Outcome.UNKNOWN) == 6
        journal.sending(0, [0, 1])
        assert law_of_the_sums(ledger, run).of(Outcome.UNKNOWN) == 6
        journal.answered(0, answers([0]))
        counts = law_of_the_sums(ledger, run)
    assert (counts.total, counts.of(Outcome.NEW), counts.of(Outcome.UNKNOWN), counts.of(Outcome.IGNORED)) == (
        8,
        1,
        5,
        2,
    )


def test_the_last_answer_closes_the_batch_and_moves_the_cursor(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, *batch(range(4)), "c0")
        journal.sending(0, [0, 1, 2])
        journal.answered(0, answers([0, 1]))
        assert ledger.run(run.id).cursor is None
        journal.answered(0, answers([2]))
    assert ledger.run(run.id).cursor == "c0"
    assert ledger.open_batches(run) == []


def test_the_cursor_waits_for_the_oldest_open_batch(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, *batch(range(4)), "c0")
        journal.open_batch(1, *batch(range(4, 8)), "c1")
        journal.open_batch(2, *batch([11]), "c2")
        journal.sending(1, [4, 5, 6])
        journal.answered(1, answers([4, 5, 6]))
        assert ledger.run(run.id).cursor is None
        journal.sending(0, [0, 1, 2])
        journal.answered(0, answers([0, 1, 2]))
    assert ledger.run(run.id).cursor == "c2"


def test_a_batch_with_nothing_to_send_is_closed_at_once(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run) as journal:
        journal.open_batch(0, *batch([3, 7]), "c0")
        assert ledger.run(run.id).cursor == "c0"
        journal.open_batch(1, batch([])[0], pl.DataFrame(), "c1")
    assert (ledger.run(run.id).cursor, ledger.next_batch(run), ledger.next_row(run)) == ("c1", 2, 8)


def test_an_open_batch_tells_what_went_out_and_what_waits(ledger: Ledger) -> None:
    run = started(ledger)
    outcomes, payload = batch(range(8))
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, outcomes, payload, "c0")
        journal.sending(0, [0, 1, 2])
        journal.answered(0, answers([1]))
        journal.unsent(0, [2])
    (left,) = ledger.open_batches(run)
    assert (left.seq, set(left.sent), set(left.waiting)) == (0, {0}, {2, 4, 5, 6})
    assert left.payload.equals(payload)
    assert left.payload.schema == payload.schema
    assert left.outcomes.filter(pl.col("#row") == 1).item(0, "outcome") == "new"
    assert left.outcomes.filter(pl.col("#row") == 0).item(0, "planned_outcome") == "new"


def test_a_row_may_be_marked_as_sent_again_after_it_was_taken_up(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, *batch([0, 1]), "c0")
        journal.sending(0, [0])
    with ledger.journal(run, account="a", target="l") as journal:
        journal.sending(0, [0, 1])
        journal.answered(0, answers([0, 1]))
    assert law_of_the_sums(ledger, run).of(Outcome.NEW) == 2


def test_accepted_leads_become_members_and_part_of_the_audience(ledger: Ledger) -> None:
    sync = met(ledger)
    run = started(ledger)
    with ledger.journal(run, account="acc", target="list") as journal:
        journal.open_batch(0, *batch([0, 1, 2]), "c0")
        journal.sending(0, [0, 1, 2])
        journal.answered(0, answers([0]))
        journal.answered(0, answers([1], "new", "awaiting_confirmation", awaiting=True))
        journal.answered(0, answers([2], "rejected", "2001", detail="no such field", code="2001"))
    members = ledger.members(sync.id).sort("#key")
    assert members.get_column("#key").to_list() == [key(0), key(1)]
    assert members.get_column("awaiting").to_list() == [False, True]
    assert members.get_column("fingerprint").to_list() == [0, 1]
    assert ledger.audience("acc").select("list", "#key", "status", "gone").rows() == [("list", key(0), "active", False)]
    assert ledger.member_values(sync.id, pl.Series([key(0), "x@example.com"])).rows() == [
        (key(0), '{"Company":"No 0"}')
    ]


def test_a_sink_that_keeps_nobody_leaves_no_members(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="acc", target="list", remember=False) as journal:
        journal.open_batch(0, *batch([0]), "c0")
        journal.sending(0, [0])
        journal.answered(0, answers([0]))
    assert ledger.members(run.sync_id).is_empty()
    assert ledger.audience("acc").is_empty()


def test_an_accepted_removal_is_counted_outside_the_total_and_marks_the_member(ledger: Ledger) -> None:
    delivered(ledger, [0, 1])
    run = started(ledger)
    with ledger.journal(run, account="account", target="list") as journal:
        journal.open_batch(0, *batch([0]), None)
        journal.sending(0, [0])
        journal.answered(0, answers([0], "deleted", "unsubscribed"))
    counts = law_of_the_sums(ledger, run)
    assert (counts.total, counts.of(Outcome.DELETED)) == (0, 1)
    assert ledger.members(run.sync_id).filter("removed").get_column("#key").to_list() == [key(0)]


def test_an_answer_that_nobody_waits_for_stops_the_journal(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, *batch([0, 1]), "c0")
        journal.answered(0, answers([0]))
        with pytest.raises(Fatal, match="no open delivery"):
            journal.answered(0, answers([0]))
        with pytest.raises(Fatal, match="no open delivery"):
            journal.sending(0, [1])
    assert law_of_the_sums(ledger, run).of(Outcome.NEW) == 1


def test_many_threads_share_commits_and_lose_nothing(ledger: Ledger) -> None:
    run = started(ledger)
    rows = range(40)
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, *batch(rows), "c0")

        def deliver(row: int) -> None:
            journal.sending(0, [row])
            journal.answered(0, answers([row]))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(deliver, sent_rows(rows)))
    counts = law_of_the_sums(ledger, run)
    assert (counts.of(Outcome.NEW), counts.of(Outcome.UNKNOWN)) == (30, 0)
    assert ledger.members(run.sync_id).height == 30


def test_what_is_asked_without_waiting_is_committed_in_order_by_the_end(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        futures = [journal.open_batch(n, *batch([2 * n, 2 * n + 1]), f"c{n}", wait=False) for n in range(20)]
    assert all(future.done() and future.exception() is None for future in futures)
    assert ledger.next_batch(run) == 20
    with pytest.raises(Fatal, match="closed"):
        journal.sending(0, [0])


def test_readers_see_a_whole_state_while_the_journal_writes(ledger: Ledger) -> None:
    run = started(ledger)
    done = threading.Event()
    totals: list[int] = []

    def watch() -> None:
        while not done.is_set():
            totals.append(ledger.run(run.id).counts.total)

    with ThreadPoolExecutor(1) as pool, ledger.journal(run, account="a", target="l") as journal:
        watching = pool.submit(watch)
        for n in range(10):
            rows = range(10 * n, 10 * n + 10)
            journal.open_batch(n, *batch(rows), f"c{n}")
            journal.sending(n, sent_rows(rows))
            journal.answered(n, answers(sent_rows(rows)))
        done.set()
        watching.result()
    assert totals == sorted(totals)
    assert {total % 10 for total in totals} <= {0}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ends=st.lists(
        st.sampled_from([("new", "added"), ("duplicate", "updated"), ("rejected", "2001"), ("unknown", "answer_lost"),
                         ("ignored", "invalid_pattern"), None]),
        min_size=1, max_size=12,
    ),
    size=st.integers(1, 5),
)  # fmt: skip
def test_the_law_of_the_sums_holds_whatever_the_answers(
    ledger: Ledger, ends: list[tuple[str, str] | None], size: int
) -> None:
    run = started(ledger)
    rows = [4 * n for n in range(len(ends))]
    with ledger.journal(run, account="a", target="l") as journal:
        for seq, place in enumerate(range(0, len(rows), size)):
            mine = rows[place : place + size]
            journal.open_batch(seq, *batch(mine), f"c{seq}")
            for row in mine:
                end = ends[row // 4]
                if end is not None:
                    journal.sending(seq, [row])
                    journal.answered(seq, answers([row], *end))
                law_of_the_sums(ledger, run)
    ended = ledger.finish_run(run, status="partial")
    counts = law_of_the_sums(ledger, ended)
    assert counts.total == len(rows)
    assert counts.reasons(Outcome.UNKNOWN).get("not_sent", 0) == ends.count(None)


def test_a_removal_leaves_the_cursor_where_it_is(ledger: Ledger) -> None:
    delivered(ledger, [0, 1, 2])
    run = started(ledger)
    gone = [batch([row])[0].drop("planned_outcome", "planned_reason") for row in (0, 1)]
    with ledger.journal(run, account="account", target="list") as journal:
        journal.open_batch(0, *batch([3]), "c0", wait=False)
        journal.removed(1, gone[0], wait=False)
        journal.flush()
        journal.removed(2, gone[1])
    assert ledger.run(run.id).cursor == "c0"


def test_a_batch_that_goes_out_at_once_is_known_row_by_row_after_a_crash(ledger: Ledger) -> None:
    run = started(ledger)
    rows = [0, 1, 2, 4, 5, 6]
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, *batch(range(8)), "c0")
        journal.sending(0, rows)
        (at_once,) = ledger.open_batches(run)
        journal.unsent(0, [4, 5])
        journal.answered(0, answers([0]))
        (in_part,) = ledger.open_batches(run)
    assert (at_once.sent, at_once.waiting) == (frozenset(rows), frozenset())
    assert (in_part.sent, in_part.waiting) == (frozenset({1, 2, 6}), frozenset({4, 5}))
    assert law_of_the_sums(ledger, run).of(Outcome.NEW) == 1


def test_what_ended_as_planned_is_read_as_it_ended(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        for seq, first in enumerate((0, 8)):
            journal.open_batch(seq, *batch(range(first, first + 8)), f"c{seq}")
        journal.sending(0, [0, 1, 2, 4, 5, 6])
        journal.answered(0, answers([0, 1, 2, 4, 5, 6]))
        journal.sending(1, [8, 9, 10, 12, 13, 14])
        journal.answered(1, answers([8, 9]))
        journal.answered(1, answers([10, 12, 13, 14]))
    told = pl.concat(ledger.leads(run.id)).sort("#row")
    ended = list(zip(told["#row"], told["outcome"], told["reason"], strict=True))
    wanted = [(row, "ignored", "group_email") if row % 4 == 3 else (row, "new", "added") for row in range(16)]
    assert ended == wanted
