"""Transactions of several processes on PostgreSQL wait for each other in one order, and never in a circle."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import psycopg
import pytest
from ledger_leads import answers, batch, delivered, key, met, started
from postgresql_server import Server
from syncline import AudiencePart, Status
from syncline.clock import Clock
from syncline.ledger import Firing, Ledger, erasure, finish, firings, people, receipts, runs, suppression, syncs

START = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def url(postgresql: Server) -> Iterator[str]:
    """The URL of a ledger on PostgreSQL: on SQLite there is one writer at a time."""
    with postgresql.fresh_database() as found:
        yield found


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """An empty ledger there."""
    with Ledger.open(url) as opened:
        yield opened


class Crossing:
    """Two transactions that cross: the first stops at a place until the second, begun then, waits or is over."""

    def __init__(self, url: str, second: Callable[[], Any]) -> None:
        self._url = url
        self._second = second
        self._pool = ThreadPoolExecutor(1)
        self.other: Future[Any] | None = None

    def here(self) -> None:
        """The first is at the place (told again, it goes on)."""
        if self.other is not None:
            return
        self.other = self._pool.submit(self._second)
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self.other.done():
                waiting = connection.execute(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
                ).fetchone()
                if waiting and waiting[0]:
                    break
                time.sleep(0.01)

    def result(self) -> Any:
        """What the second gave, once the first is over."""
        assert self.other is not None, "the first never came to the place"
        found = self.other.result()
        self._pool.shutdown()
        return found


@contextmanager
def stopping(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, crossing: Crossing, *, after: bool
) -> Iterator[None]:
    """The first transaction stops before or after this function."""
    plain = getattr(module, name)

    def stopped(*arguments: Any, **options: Any) -> Any:
        if not after:
            crossing.here()
        found = plain(*arguments, **options)
        if after:
            crossing.here()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(module, name, stopped)
        yield


def test_an_audience_may_be_read_while_another_sync_delivers_to_its_list(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(ledger, [0, 1])
    run = started(ledger)
    there = AudiencePart("list", Status.ACTIVE, pl.DataFrame({"address": [key(0), key(1)]}))

    def deliver() -> None:
        with ledger.journal(run, account="account", target="list") as journal:
            journal.open_batch(0, *batch([0, 1]), "c0")
            journal.sending(0, [0, 1])
            journal.answered(0, answers([0, 1]))

    crossing = Crossing(url, deliver)
    with stopping(monkeypatch, people, "_mark_seen", crossing, after=False):
        ledger.record_audience("account", there, ledger.now())
    crossing.result()
    assert ledger.members(run.sync_id).get_column("seen").to_list() == [True, True]


def test_a_removal_may_go_on_while_the_audience_is_read(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(ledger, [0, 1, 2])
    run = started(ledger)
    there = AudiencePart("list", Status.ACTIVE, pl.DataFrame({"address": [key(0), key(1)]}))

    def remove() -> None:
        with ledger.journal(run, account="account", target="list") as journal:
            journal.open_batch(0, *batch([2]), "c0", wait=False)
            journal.removed(1, batch([0])[0].drop("planned_outcome", "planned_reason"), wait=False)
            journal.answered(0, answers([2]))

    crossing = Crossing(url, remove)
    with stopping(monkeypatch, people, "_mark_seen", crossing, after=False):
        ledger.record_audience("account", there, ledger.now())
    crossing.result()
    assert ledger.members(run.sync_id).filter("removed").get_column("#key").to_list() == [key(0)]


def test_a_stalled_run_that_ends_while_another_process_takes_it_over(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(ledger)
    with Ledger.open(url, now=lambda: Clock()() + timedelta(seconds=61)) as other:
        crossing = Crossing(url, lambda: started(other))
        with stopping(monkeypatch, finish, "fence", crossing, after=True):
            ended = ledger.finish_run(run, status="succeeded", watermark="done")
        taken = crossing.result()
    assert (ended.status, taken.resumed) == ("succeeded", False)


def test_a_sync_may_be_edited_while_it_is_paused(url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = met(ledger)
    crossing = Crossing(url, lambda: ledger.set_state(sync.id, "paused", "holidays"))
    with stopping(monkeypatch, syncs, "stamp", crossing, after=True):
        edited = met(ledger, description="now with a description")
    crossing.result()
    assert (edited.revision, ledger.syncs()[0].state) == (2, "paused")


def test_a_zone_may_be_learnt_while_the_sync_is_paused(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = met(ledger)
    crossing = Crossing(url, lambda: ledger.set_state(sync.id, "paused", "holidays"))
    with stopping(monkeypatch, syncs, "stamp", crossing, after=True):
        ledger.set_zone(sync.id, "Asia/Kolkata")
    crossing.result()
    assert [(each.zone, each.state) for each in ledger.syncs()] == [("Asia/Kolkata", "paused")]


def test_a_firing_may_be_skipped_by_one_while_another_claims_it(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, node = met(ledger), ledger.join()
    crossing = Crossing(url, lambda: ledger.skip(sync.id, START, "missed"))
    with stopping(monkeypatch, firings, "held_by", crossing, after=True):
        claimed = ledger.claim(node, sync.id, START)
    crossing.result()
    assert isinstance(claimed, Firing)
    assert [each["state"] for each in ledger.firings(sync.id)] == ["claimed"]


def test_a_firing_may_be_postponed_while_it_is_claimed_from_a_silent_node(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = met(ledger)
    firing = ledger.claim(ledger.join(), sync.id, START)
    assert isinstance(firing, Firing)
    with Ledger.open(url, now=lambda: Clock()() + timedelta(seconds=61)) as other:
        node = other.join()
        crossing = Crossing(url, lambda: ledger.postpone(firing, "the network is down"))
        with stopping(monkeypatch, firings, "held_by", crossing, after=True):
            other.claim(node, sync.id, START)
        crossing.result()
    assert ledger.syncs()[0].failures == 0  # it was no longer that node's to postpone


def test_a_person_may_be_forgotten_while_a_run_delivers_to_them(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(ledger, [0, 1])
    run = started(ledger)
    with ledger.journal(run, account="account", target="list") as journal:
        journal.open_batch(0, *batch([0, 1]), "c0")
        journal.sending(0, [0, 1])
        journal.answered(0, answers([0], "rejected", "2001"))
    ledger.finish_run(run, status="partial")
    run = started(ledger)

    def deliver() -> None:
        with ledger.journal(run, account="account", target="list") as journal:
            journal.open_batch(0, *batch([0, 1]), "c0")
            journal.sending(0, [0, 1])
            journal.answered(0, answers([0, 1]))

    crossing = Crossing(url, lambda: ledger.forget(key(0)))
    with stopping(monkeypatch, receipts, "settle_leads", crossing, after=True):
        deliver()
    assert crossing.result()["members"] == 1
    assert key(0) not in ledger.members(run.sync_id)["#key"]
    assert erasure.prune(ledger._database, 0.0) >= 0


def test_people_may_be_suppressed_by_two_runs_in_any_order(url: str, ledger: Ledger) -> None:
    def suppress(*rows: int, then: Callable[[], None] = lambda: None) -> None:
        with ledger._database.write() as connection:
            for row in rows:
                suppression.suppress(ledger._database, connection, [key(row)], "do_not_mail")
                then()

    crossing = Crossing(url, lambda: suppress(1, 0))
    suppress(0, 1, then=crossing.here)
    crossing.result()
    assert ledger.suppressed(pl.Series([key(0), key(1)])).all()


def test_two_runs_that_come_by_the_same_id_in_one_second_get_two(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        met(ledger, name)
    short = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(runs.secrets, "token_hex", lambda n: next(short) if n == 2 else uuid.uuid4().hex)
    with Ledger.open(url, now=lambda: START) as frozen:
        crossing = Crossing(url, lambda: started(frozen, "two"))
        with stopping(monkeypatch, runs, "_insert", crossing, after=True):
            first = started(frozen, "one")
        assert [first.id, crossing.result().id] == ["20261123-000000-aaaa", "20261123-000000-bbbb"]
