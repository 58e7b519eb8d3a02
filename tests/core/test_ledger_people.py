"""What the ledger remembers of people: members, the audience of the target, and whom to leave alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import sqlalchemy as sa
from ledger_leads import answers, batch, delivered, key, met, started
from syncline import AudiencePart, Held, Status
from syncline.ledger import Ledger, suppression

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        """The moment."""
        return self.moment

    def forward(self) -> datetime:
        """One minute later."""
        self.moment += timedelta(minutes=1)
        return self.moment


@pytest.fixture
def clock() -> Clock:
    """A clock at noon."""
    return Clock()


@pytest.fixture
def timed(ledger_url: str, clock: Clock) -> Iterator[Ledger]:
    """A ledger that goes by the test's clock."""
    with Ledger.open(ledger_url, now=clock) as opened:
        yield opened


def part(status: Status, *addresses: str, whole: bool = False, list_key: str = "list") -> AudiencePart:
    """People of a list with a status, each with a first name."""
    people = pl.DataFrame({"address": addresses, "First Name": [each[0].upper() for each in addresses]},
                          schema={"address": pl.String, "First Name": pl.String})  # fmt: skip
    return AudiencePart(list_key, status, people, whole)


def told(ledger: Ledger) -> dict[str, tuple[str, bool]]:
    """Status and absence of each person in the audience."""
    return {who: (status, gone) for _, who, status, _, gone in ledger.audience("account").iter_rows()}


def test_the_audience_is_kept_by_key_with_what_is_known_of_each(timed: Ledger, clock: Clock) -> None:
    timed.record_audience("account", part(Status.ACTIVE, " Ann@Example.com", "bob@example.com"), clock.forward())
    assert sorted(timed.audience("account").rows()) == [
        ("list", "ann@example.com", "active", '{"First Name":" "}', False),
        ("list", "bob@example.com", "active", '{"First Name":"B"}', False),
    ]
    assert timed.audience("another").is_empty()


def test_an_opt_out_wins_within_one_refresh_and_the_newest_read_wins_over_older_ones(
    timed: Ledger, clock: Clock
) -> None:
    started_at = clock.forward()
    timed.record_audience("account", part(Status.UNSUBSCRIBED, "ann@example.com"), started_at)
    timed.record_audience("account", part(Status.ACTIVE, "ann@example.com", "bob@example.com"), started_at)
    timed.record_audience("account", part(Status.BOUNCED, "bob@example.com"), started_at)
    assert told(timed) == {"ann@example.com": ("unsub", False), "bob@example.com": ("bounce", False)}
    clock.forward()
    timed.record_audience("account", part(Status.ACTIVE, "ann@example.com"), clock.forward())
    assert told(timed)["ann@example.com"] == ("active", False)


def test_who_is_missing_from_a_whole_read_is_gone_but_kept(timed: Ledger, clock: Clock) -> None:
    timed.record_audience(
        "account", part(Status.ACTIVE, "ann@example.com", "bob@example.com", whole=True), clock.forward()
    )
    clock.forward()
    again = clock.forward()
    timed.record_audience("account", part(Status.ACTIVE, "ann@example.com"), again)
    assert told(timed)["bob@example.com"] == ("active", False)
    timed.record_audience("account", part(Status.ACTIVE, whole=True), again)
    assert told(timed) == {"ann@example.com": ("active", False), "bob@example.com": ("active", True)}
    assert timed.held("account") == {("list", Status.ACTIVE): Held(1, again, again)}


def test_a_whole_read_of_one_status_leaves_the_others_alone(timed: Ledger, clock: Clock) -> None:
    timed.record_audience("account", part(Status.UNSUBSCRIBED, "ann@example.com", whole=True), clock.forward())
    clock.forward()
    timed.record_audience("account", part(Status.ACTIVE, "bob@example.com", whole=True), clock.forward())
    assert told(timed) == {"ann@example.com": ("unsub", False), "bob@example.com": ("active", False)}


def test_what_was_delivered_during_a_whole_read_is_not_gone(timed: Ledger, clock: Clock) -> None:
    reading = clock.forward()
    clock.forward()
    delivered(timed, [0])
    timed.record_audience("account", part(Status.ACTIVE, "bob@example.com", whole=True), reading)
    assert told(timed)[key(0)] == ("active", False)


def test_a_delivery_never_hides_an_opt_out(timed: Ledger, clock: Clock) -> None:
    timed.record_audience("account", part(Status.UNSUBSCRIBED, key(0)), clock.forward())
    delivered(timed, [0, 1])
    assert told(timed) == {key(0): ("unsub", False), key(1): ("active", False)}


def test_a_member_who_is_seen_in_the_list_has_confirmed(timed: Ledger, clock: Clock) -> None:
    run = started(timed)
    with timed.journal(run, account="account", target="list") as journal:
        journal.open_batch(0, *batch([0, 1, 2]), None)
        journal.sending(0, [0, 1, 2])
        journal.answered(0, answers([0, 1, 2], "new", "awaiting_confirmation", awaiting=True))
    timed.finish_run(run, status="succeeded")
    timed.record_audience("account", part(Status.ACTIVE, key(0)), clock.forward())
    timed.record_audience("account", part(Status.ACTIVE, key(1), list_key="another"), clock.forward())
    seen = timed.members(run.sync_id).sort("#key").select("#key", "seen", "awaiting").rows()
    assert seen == [(key(0), True, False), (key(1), False, True), (key(2), False, True)]


def test_seen_stays_when_the_person_is_delivered_again(timed: Ledger, clock: Clock) -> None:
    run = delivered(timed, [0])
    timed.record_audience("account", part(Status.ACTIVE, key(0)), clock.forward())
    timed.mark_removed(run.sync_id, [key(0)])
    assert timed.member(run.sync_id, key(0))["removed"] is True  # type: ignore[index]  # the member is there
    clock.forward()
    delivered(timed, [0])
    found = timed.member(run.sync_id, key(0))
    assert found is not None
    assert (found["seen"], found["removed"], found["delivered_at"]) == (True, False, clock.moment)
    assert timed.member(run.sync_id, "nobody@example.com") is None


def test_a_sync_that_replaces_another_inherits_watermark_and_members(ledger: Ledger) -> None:
    run = started(ledger, "old")
    with ledger.journal(run, account="account", target="list") as journal:
        journal.open_batch(0, *batch([0, 1]), None)
        journal.answered(0, answers([0, 1]))
    ledger.finish_run(run, status="succeeded", watermark="2026-11-23")
    heir = ledger.meet("new", identity={"list": "other"}, spec={}, source_scope="all", replaces="old")
    assert heir.watermark == "2026-11-23"
    assert ledger.members(heir.id).sort("#key").equals(ledger.members(run.sync_id).sort("#key"))


def test_fingerprints_of_any_size_and_odd_keys_come_back_exactly(ledger: Ledger) -> None:
    extremes = [-(2**63), 2**63 - 1, 0]
    names = ['quo"te@example.com', "back\\slash@example.com", "ünïcode-😀@example.com"]
    outcomes, payload = batch([0, 1, 2])
    payload = payload.with_columns(pl.Series("#fingerprint", extremes), pl.Series("#key", names))
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, outcomes, payload, None)
        journal.answered(0, answers([0, 1, 2]))
    rows = ledger.members(run.sync_id).select("#key", "fingerprint").rows()
    assert sorted(rows) == sorted(zip(names, extremes, strict=True))
    assert ledger.member_values(run.sync_id, pl.Series(names)).height == 3


def test_more_members_than_one_piece_are_all_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline.ledger.people.PIECE", 5)
    run = delivered(ledger, [4 * n for n in range(15)])
    assert ledger.members(run.sync_id).get_column("#key").n_unique() == 15
    assert ledger.audience("account").height == 15


def test_suppressed_people_are_known_by_a_keyed_hash_only(ledger: Ledger) -> None:
    sync = met(ledger)
    keys = pl.Series("#key", ["ann@example.com", "bob@example.com", None])
    assert ledger.suppressed(keys).to_list() == [False, False, False]
    ledger.suppress(["ann@example.com", "ann@example.com"], "2006")
    assert ledger.suppressed(keys).to_list() == [True, False, False]
    assert ledger.member(sync.id, "ann@example.com") is None


def test_an_answer_that_says_do_not_mail_suppresses_the_person(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="a", target="l") as journal:
        journal.open_batch(0, *batch([0, 1]), None)
        journal.answered(0, answers([0], "ignored", "do_not_mail", code="2006"))
    assert ledger.suppressed(pl.Series([key(0), key(1)])).to_list() == [True, False]


def test_no_thread_asks_the_suppression_list_while_another_has_read_half_of_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.suppress(["ann@example.com"], "asked for it")
    ann = pl.Series(["ann@example.com", "bob@example.com", None])
    answers_meanwhile: list[list[bool]] = []
    plain = suppression.secret_of

    def interrupted(connection: sa.Connection) -> bytes:
        monkeypatch.setattr(suppression, "secret_of", plain)
        with ThreadPoolExecutor(1) as another:
            answers_meanwhile.append(another.submit(ledger.suppressed, ann).result().to_list())
        return plain(connection)

    monkeypatch.setattr(suppression, "secret_of", interrupted)
    assert ledger.suppressed(ann).to_list() == [True, False, False]
    assert answers_meanwhile == [[True, False, False]]
