"""kill -9 at any instant: what was committed is there, what was not is not, and the run can be taken up."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import ledger_child
import pytest
from ledger_leads import answers, batch, delivered, key, law_of_the_sums, met, sent_rows, started
from syncline import Fatal, Outcome
from syncline.errors import Busy
from syncline.ledger import Ledger, RunRecord

ROWS = ledger_child.ROWS
SENT = sent_rows(ROWS)


def child(url: str, moment: str) -> subprocess.Popen[str]:
    """The process that works on this ledger."""
    command = [sys.executable, ledger_child.__file__, url, moment]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(ledger_child.__file__).parent)


def killed(url: str, moment: str) -> None:
    """Let the process die at this moment."""
    with child(url, moment) as process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL


def complete(ledger: Ledger, run: RunRecord) -> RunRecord:
    """Do what the pipeline does with a run that was cut off: settle what is open, read on, close."""
    with ledger.journal(run, account="account", target="list") as journal:
        for left in ledger.open_batches(run):
            if left.sent:
                journal.answered(left.seq, answers(sorted(left.sent)))
            if left.waiting:
                journal.sending(left.seq, sorted(left.waiting))
                journal.answered(left.seq, answers(sorted(left.waiting)))
        if ledger.next_row(run) == 0:
            journal.open_batch(0, *batch(ROWS), "c0")
            journal.sending(0, SENT)
            journal.answered(0, answers(SENT))
    return ledger.finish_run(run, status="succeeded")


@pytest.mark.parametrize("moment", [each for each in ledger_child.MOMENTS if each != "after_finish"])
def test_a_run_killed_at_any_moment_is_taken_up_and_ends_with_exact_counts(ledger_url: str, moment: str) -> None:
    killed(ledger_url, moment)
    with Ledger.open(ledger_url) as ledger:
        before = ledger.run("last")
        law_of_the_sums(ledger, before)
        run = started(ledger)
        assert (run.id, run.resumed, run.status) == (before.id, True, "running")
        ended = complete(ledger, run)
        counts = law_of_the_sums(ledger, ended)
        assert (counts.total, counts.of(Outcome.NEW), counts.of(Outcome.IGNORED)) == (8, 6, 2)
        assert ended.cursor == "c0"
        assert ledger.members(run.sync_id).height == len(SENT)


@pytest.mark.parametrize(
    ("moment", "sent", "waiting", "new"),
    [
        ("after_open_batch", set(), {0, 1, 2, 4, 5, 6}, 0),
        ("after_sending", {0, 1}, {2, 4, 5, 6}, 0),
        ("in_answer", {0, 1}, {2, 4, 5, 6}, 0),
        ("after_first_answer", {1}, {2, 4, 5, 6}, 1),
        ("in_closing", {1, 2, 4, 5, 6}, set(), 1),
    ],
)
def test_the_open_batch_tells_exactly_what_was_sent(
    ledger_url: str, moment: str, sent: set[int], waiting: set[int], new: int
) -> None:
    killed(ledger_url, moment)
    with Ledger.open(ledger_url) as ledger:
        run = ledger.run("last")
        (left,) = ledger.open_batches(run)
        assert (set(left.sent), set(left.waiting)) == (sent, waiting)
        assert left.payload.equals(batch(ROWS)[1])
        assert run.counts.of(Outcome.NEW) == new == ledger.members(run.sync_id).height


def test_a_finish_that_was_cut_off_did_not_happen(ledger_url: str) -> None:
    killed(ledger_url, "in_finish")
    with Ledger.open(ledger_url) as ledger:
        sync = ledger.sync("signups")
        assert sync is not None
        assert (ledger.run("last").status, sync.watermark) == ("running", None)


def test_a_finish_that_returned_stays(ledger_url: str) -> None:
    killed(ledger_url, "after_finish")
    with Ledger.open(ledger_url) as ledger:
        sync = ledger.sync("signups")
        assert sync is not None
        assert (ledger.run("last").status, sync.watermark) == ("succeeded", "done")
        assert started(ledger).resumed is False


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_whatever_was_acknowledged_before_a_kill_is_in_the_ledger(ledger_url: str, lines: int) -> None:
    with child(ledger_url, "never") as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += process.stdout.readlines()
    said = [line.split() for line in told if line.endswith("\n")]
    opened, sending, answered = (
        {int(n) for word, n in said if word == each} for each in ("opened", "sending", "answered")
    )
    with Ledger.open(ledger_url) as ledger:
        run = started(ledger)
        counts = law_of_the_sums(ledger, run)
        arrived = {key(row) for row in answered}
        assert arrived <= set(ledger.members(run.sync_id).get_column("#key"))
        assert counts.of(Outcome.NEW) == ledger.members(run.sync_id).height >= len(answered)
        assert ledger.next_batch(run) > max(opened)
        open_rows = {row for left in ledger.open_batches(run) for row in left.sent}
        assert sending - answered <= open_rows | {
            row for row in sending if key(row) in set(ledger.members(run.sync_id)["#key"])
        }
        ended = ledger.finish_run(run, status="interrupted")
        assert law_of_the_sums(ledger, ended).reasons(Outcome.UNKNOWN).get("in_flight") is None


def test_what_is_in_flight_at_the_end_becomes_unknown_and_stays_to_be_retried(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, *batch(ROWS), "c0")
        journal.sending(0, [0, 1])
        journal.answered(0, answers([0]))
    ended = ledger.finish_run(run, status="failed", message="the network is down")
    counts = law_of_the_sums(ledger, ended)
    assert counts.reasons(Outcome.UNKNOWN) == {"answer_lost": 1, "not_sent": 4}
    letters = {letter.row: letter for letter in ledger.unknowns(run.id)}
    assert {row: letter.message for row, letter in letters.items()} == {
        1: "answer_lost", 2: "not_sent", 4: "not_sent", 5: "not_sent", 6: "not_sent",
    }  # fmt: skip
    assert letters[4].payload.equals(batch([4])[1])
    assert ended.document()["message"] == "the network is down"
    assert ended.cursor is None


def test_two_processes_never_hold_one_sync(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        met(ledger)
        with child(ledger_url, "never") as process:
            assert process.stdout is not None
            process.stdout.readline()
            with pytest.raises(Busy, match=f"process {process.pid} on .*, run {ledger.run('last').id}") as refused:
                started(ledger)
            assert refused.value.exit_code == 7
            process.kill()
            process.wait()
            taken = started(ledger)
        assert taken.resumed


def test_a_holder_that_was_silent_too_long_is_fenced_off(ledger_url: str) -> None:
    from datetime import timedelta

    from syncline.clock import Clock

    late = timedelta()
    with Ledger.open(ledger_url) as ledger, Ledger.open(ledger_url, now=lambda: Clock()() + late) as other:
        run = started(ledger)
        with ledger.journal(run, account="a", target="l") as journal:
            journal.open_batch(0, *batch(ROWS), "c0")
            with pytest.raises(Busy):
                started(other)
            late = timedelta(seconds=61)
            taken = started(other)
            assert (taken.id, taken.resumed) == (run.id, True)
            with pytest.raises(Fatal, match="no longer ours"):
                journal.sending(0, [0])
            with pytest.raises(Fatal, match="no longer ours"):
                journal.answered(0, answers([0]))
        with pytest.raises(Fatal, match="no longer ours"):
            ledger.heartbeat(run)
        with pytest.raises(Fatal, match="no longer ours"):
            ledger.finish_run(run, status="succeeded")
        (left,) = other.open_batches(taken)
        assert left.sent == frozenset()
        assert other.finish_run(taken, status="failed").status == "failed"


def test_a_finished_run_is_followed_by_a_new_one(ledger: Ledger) -> None:
    first = delivered(ledger, [0, 1])
    second = started(ledger)
    assert (second.resumed, second.id != first.id) == (False, True)
    assert ledger.finish_run(second, status="succeeded").counts.total == 0
