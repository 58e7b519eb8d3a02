"""Leases: one run at a time for a sync, and for a list that is filled by one alone; freed when nobody uses them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from ledger_leads import met, started
from syncline.clock import Clock
from syncline.errors import Busy, LeaseLost
from syncline.ledger import Ledger, process
from syncline.ledger.process import Holder, this_process
from test_ledger_crash import child


@pytest.fixture
def late(ledger_url: str, ledger: Ledger) -> Iterator[Ledger]:
    """The same ledger, seen a minute later: whoever gave no sign of life meanwhile is taken for dead."""
    with Ledger.open(ledger_url, now=lambda: Clock()() + timedelta(seconds=61)) as opened:
        yield opened


def test_a_lease_that_a_run_of_this_process_left_behind_is_free_at_once(ledger: Ledger) -> None:
    run = started(ledger)
    with pytest.raises(Busy, match="this process is running sync signups") as busy:
        started(ledger)
    assert (busy.value.run, busy.value.pid, busy.value.own) == (run.id, os.getpid(), True)
    ledger.let_go(run)
    ledger.let_go(run)
    taken = started(ledger)
    assert (taken.id, taken.resumed) == (run.id, True)


def test_a_lease_that_could_not_be_given_back_is_free_all_the_same(ledger: Ledger) -> None:
    run = started(ledger)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger._database, "write", lambda: iter(()))  # the database is away
        with pytest.raises(TypeError):
            ledger.let_go(run)
    assert started(ledger).id == run.id


def test_a_lease_of_another_opening_of_the_ledger_in_this_process_is_in_use(ledger_url: str, ledger: Ledger) -> None:
    started(ledger)
    with Ledger.open(ledger_url) as another, pytest.raises(Busy) as busy:
        started(another)
    assert busy.value.own


def test_a_start_that_failed_leaves_nothing_in_use(ledger: Ledger) -> None:
    started(ledger)
    with pytest.raises(Busy):
        started(ledger)
    assert len(ledger._database.tokens) == 1


def test_of_another_process_is_said_which_one_it_is(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        met(ledger)
        with child(ledger_url, "never") as holder:
            assert holder.stdout is not None
            holder.stdout.readline()
            with pytest.raises(Busy, match="another process is running") as busy:
                started(ledger)
            holder.kill()
    assert (busy.value.pid, busy.value.own) == (holder.pid, False)


def test_whoever_lost_the_lease_writes_nothing_more_not_even_how_many_calls_were_made(
    ledger: Ledger, late: Ledger
) -> None:
    run = started(ledger)
    taken = started(late)
    late.set_calls(taken, 5, 7)
    with pytest.raises(LeaseLost, match="no longer ours"):
        ledger.set_calls(run, 1, 1)
    with pytest.raises(LeaseLost) as lost:
        ledger.finish_run(run, status="succeeded")
    ledger.let_go(run)
    late.heartbeat(taken)
    assert (lost.value.exit_code, late.run(run.id).source_calls, late.run(run.id).sink_calls) == (7, 5, 7)


def test_a_list_is_filled_by_one_run_alone_until_it_ends(ledger: Ledger) -> None:
    one, two, three = started(ledger, "one"), started(ledger, "two"), started(ledger, "three")
    assert ledger.occupy(one, "hub\nnews") is None
    assert ledger.occupy(one, "hub\nnews") is None
    assert ledger.occupy(two, "hub\nnews") == "one"
    assert ledger.occupy(three, "hub\nevents") is None
    ledger.finish_run(one, status="succeeded")
    assert ledger.occupy(two, "hub\nnews") is None
    ledger.let_go(two)
    again = started(ledger, "one")
    assert ledger.occupy(again, "hub\nnews") is None


def test_a_list_is_free_when_the_run_that_has_it_is_dead_or_silent(ledger: Ledger, late: Ledger) -> None:
    one, two = started(ledger, "one"), started(ledger, "two")
    assert ledger.occupy(one, "hub\nnews") is None
    late.heartbeat(two)
    assert late.occupy(two, "hub\nnews") is None


def test_a_list_is_free_when_the_process_that_had_it_was_killed(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        met(ledger)
        with child(ledger_url, "never") as holder:
            assert holder.stdout is not None
            holder.stdout.readline()
            with ledger._database.write() as connection:
                connection.exec_driver_sql("UPDATE leases SET target = 'hub'")
            mine = started(ledger, "another")
            assert ledger.occupy(mine, "hub") == "signups"
            holder.kill()
            holder.wait()
        assert ledger.occupy(mine, "hub") is None


def test_a_process_of_another_user_that_is_hidden_is_not_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = this_process().host
    hidden = tmp_path / "proc"
    (hidden / "self").mkdir(parents=True)
    (hidden / "self/stat").touch()
    (hidden / "1/stat").mkdir(parents=True)  # cannot be read
    monkeypatch.setattr(process, "_PROC", hidden)
    assert not Holder(host, os.getpid(), "4711").is_gone()
    assert not Holder(host, 1, "4711").is_gone()
    with subprocess.Popen(["/bin/true"]) as ended:
        ended.wait()
    assert Holder(host, ended.pid, "4711").is_gone()


def test_a_process_that_was_killed_and_not_waited_for_is_gone() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as zombie:
        holder = Holder(this_process().host, zombie.pid, process._born(zombie.pid) or "")
        assert not holder.is_gone()
        zombie.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        assert holder.is_gone()
