"""Who is told of what, and when: judged from the ledger, sent to a real web server."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from receiving import Hook
from syncline.ledger import Ledger
from syncline.notices import Notices, receivers
from syncline.notices.courier import ATTEMPTS
from syncline.notices.judgement import lasting
from syncline.observers import Observers
from syncline.secrets import Redactor
from syncline.spec import Degraded, Notification
from workshop import Workshop, person

GOOD = [person("ann", 1), person("ben", 2)]
BAD = [person("ben", 2, "full")]


@dataclass
class House:
    """A sync whose runs are told to a web server; every run is carried out by a process of its own."""

    folder: Path
    url: str
    hook: Hook
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 9, 30, tzinfo=UTC))
    limits: Degraded = field(default_factory=lambda: Degraded(leads=4))
    entry: dict[str, Any] = field(default_factory=dict)

    def process(self, ledger: Ledger) -> tuple[Workshop, Notices]:
        shop = Workshop(self.folder, ledger)
        entry = Notification("notifications[0]", "webhook", {"url": self.hook.url}, **self.entry)
        found, faults = receivers([entry], Redactor(), self.folder)
        assert not faults
        notices = Notices(ledger, found, self.limits)
        shop.registry.add_observer("syncline.notices", notices)
        return shop, notices

    def run(self, records: Any, later: timedelta = timedelta(minutes=5), **keys: Any) -> list[str]:
        """What is told of a run over these records."""
        self.now += later
        told = len(self.hook.told)
        with Ledger.open(self.url, now=lambda: self.now) as ledger:
            shop, notices = self.process(ledger)
            shop.records(records)
            shop.fired(**keys)
            notices.close()
        return self.hook.told[told:]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as made:
        yield made


@pytest.fixture
def house(tmp_path: Path, ledger_url: str, hook: Hook) -> House:
    return House(tmp_path, ledger_url, hook)


def test_the_first_failure_is_told_and_the_first_good_run_after_it(house: House) -> None:
    assert house.run(GOOD) == []
    assert house.run(BAD) == ["failed sign-ups"]
    assert house.run(BAD) == []
    assert house.run(GOOD) == ["recovered sign-ups"]
    assert house.run(GOOD) == []


def test_a_failure_that_lasts_is_told_again_at_growing_distances(house: House) -> None:
    told = [day for day in range(20) if house.run(BAD, timedelta(days=1))]
    assert told == [0, 1, 2, 4, 8, 16]


def test_a_failure_is_told_again_by_the_first_run_after_the_moment() -> None:
    since = datetime(2026, 11, 23, tzinfo=UTC)

    def told(latest: float, now: float) -> bool:
        return lasting(since, since + timedelta(days=latest), since + timedelta(days=now))

    assert [told(0, 0.9), told(0.9, 1.1), told(1.1, 1.9), told(1.9, 9), told(9, 15.9)] == [
        False, True, False, True, False,
    ]  # fmt: skip


def test_what_is_told_says_what_where_why_and_what_to_do_and_names_nobody(house: House) -> None:
    house.run(GOOD)
    house.run(BAD)
    (got,) = house.hook.got
    assert got["text"].splitlines()[0] == got["title"] == "sign-ups failed"
    assert "the shelf is full" in got["reason"]
    assert got["run"]["status"] == "failed"
    assert (got["version"], got["failures"], got["since"]) == (1, 1, got["at"])
    assert "syncline history sign-ups" in got["commands"]
    assert "Leads: 1 in all: unknown 1" in got["text"]
    assert "example.com" not in json.dumps(got)


def test_a_stopped_run_and_a_retry_are_neither_good_nor_bad_and_a_held_run_is_bad(house: House) -> None:
    ends = ["schedule succeeded", "retry failed", "schedule interrupted", "schedule held",
            "retry succeeded", "schedule interrupted", "schedule failed", "manual partial",
            "schedule interrupted", "schedule succeeded"]  # fmt: skip
    with Ledger.open(house.url, now=lambda: house.now) as ledger:
        _, notices = house.process(ledger)
        sync = ledger.meet("fair", identity={}, spec={}, source_scope="")
        for trigger, status in map(str.split, ends):
            house.now += timedelta(minutes=5)
            run = ledger.finish_run(ledger.start_run(sync, trigger=trigger, window="{}"), status=status)
            notices.syncline_run_finished(run.document())
        notices.close()
    assert [f"{got['title']}, {got['run']['trigger']} {got['run']['status']}" for got in house.hook.got] == [
        "fair is held by a guard, schedule held",
        "fair works again, manual partial",
    ]


def refused(n: int, of: int) -> list[dict[str, Any]]:
    """So many that the shelf refuses, among all."""
    return [person(f"p{i}", i + 1, "refuse" if i < n else None) for i in range(of)]


def ignored(n: int, of: int) -> list[dict[str, Any]]:
    return [person("info" if i < n else f"p{i}", i + 1) for i in range(of)]


def test_a_degraded_run_is_told_once_until_it_was_well_again(house: House) -> None:
    assert house.run(refused(0, 10)) == []
    assert house.run(refused(1, 10)) == ["degraded sign-ups"]
    assert house.run(refused(2, 10)) == []
    assert house.run(refused(3, 3)) == []  # too few to be judged, and not what the next one is held against
    assert house.run(refused(2, 10)) == []
    assert house.run(refused(0, 10)) == []
    assert house.run(refused(1, 10)) == ["degraded sign-ups"]
    got = house.hook.got[-1]
    assert got["shares"] == {"rejected": 0.1}
    assert got["reason"] == "10.0% of the leads are rejected (the limit is 5%)"
    assert got["commands"] == [f"syncline leads {got['run']['run']} --outcome rejected",
                               f"syncline retry {got['run']['run']}"]  # fmt: skip
    assert "rejected 1 (4711 1)" in got["text"]


def test_another_share_over_its_limit_is_told_though_one_was_already(house: House) -> None:
    half_ignored = ignored(8, 10)
    assert house.run(half_ignored) == ["degraded sign-ups"]
    half_ignored[9]["Mood"] = "refuse"
    assert house.run(half_ignored) == ["degraded sign-ups"]
    assert [list(got["shares"]) for got in house.hook.got] == [["ignored"], ["rejected"]]


def test_a_share_at_its_limit_is_within_it(house: House) -> None:
    house.limits = Degraded(ignored=0.5, rejected=0.1, leads=10)
    assert house.run(refused(1, 10)) == []
    assert house.run(refused(2, 10)) == ["degraded sign-ups"]


def test_a_sync_that_ended_is_told_at_once_with_its_reason(house: House) -> None:
    house.run(GOOD)
    assert house.run("gone") == ["inactive sign-ups"]
    got = house.hook.got[-1]
    assert "the table was renamed" in got["reason"]
    assert got["run"]["status"] == "inactive"


def test_a_receiver_is_told_of_what_it_wants(house: House) -> None:
    house.entry = {"on": ("recovered",), "syncs": ("sign-*",)}
    assert house.run(BAD) == []
    assert house.run(GOOD) == ["recovered sign-ups"]
    house.entry = {"syncs": ("webinar-*", "fair")}
    assert house.run(BAD) == []


# ------------------------------------------------------------------------------------- runs that could not start


def test_a_run_that_cannot_start_is_told_once_and_its_recovery_too(house: House) -> None:
    with Ledger.open(house.url, now=lambda: house.now) as ledger:
        shop, notices = house.process(ledger)
        observers = Observers(shop.registry)
        for failures in (1, 2, 3):
            observers.tell("syncline_run_postponed", sync="sign-ups", reason="${env:X} is not set", failures=failures,
                           until="2026-11-23T10:00:00Z")  # fmt: skip
        house.now += timedelta(minutes=5)
        for _ in range(2):
            shop.records(GOOD)
            shop.fired()
            house.now += timedelta(minutes=5)
        notices.close()
    assert house.hook.told == ["failed sign-ups", "recovered sign-ups"]
    assert house.hook.got[0]["reason"] == "it cannot start: ${env:X} is not set"
    assert house.hook.got[0]["run"] is None


def test_a_run_that_failed_is_not_told_a_second_time_when_it_is_postponed(house: House) -> None:
    with Ledger.open(house.url, now=lambda: house.now) as ledger:
        shop, notices = house.process(ledger)
        shop.records(BAD)
        shop.fired()  # is told as a run that ended, and as one that is tried again
        notices.close()
    assert house.hook.told == ["failed sign-ups"]


def test_a_recovery_that_another_process_told_is_not_told_again(house: House) -> None:
    with Ledger.open(house.url, now=lambda: house.now) as ledger:
        shop, notices = house.process(ledger)
        Observers(shop.registry).tell(
            "syncline_run_postponed", sync="sign-ups", reason="no", failures=1, until="2026-11-23T10:00:00Z"
        )
        house.run(GOOD)
        house.now += timedelta(minutes=5)
        shop.fired()
        notices.close()
    assert house.hook.told == ["failed sign-ups"]


# ------------------------------------------------------------------------------------------------------ sending


def test_a_receiver_in_trouble_gets_the_notice_when_it_is_well_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.hook.answers = [(503, {}, ""), (429, {"retry-after": "0"}, ""), (500, {}, "")]
    assert house.run(BAD) == ["failed sign-ups"]
    assert len(house.hook.requests) == 4
    assert "was not sent" not in caplog.text


def test_what_cannot_be_sent_is_a_warning_without_the_secret_address(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.hook.answers = [(404, {}, "no_service\x1b[2J")]
    assert house.run(BAD) == []
    assert len(house.hook.requests) == 1
    (warning,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert warning.startswith("the notification 'sign-ups failed' was not sent to notifications[0] (webhook 127.0.0.1)")
    assert "HTTP 404 (no_service\ufffd[2J)" in warning
    assert "S3CRET" not in caplog.text


def test_a_redirect_is_not_followed(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.hook.answers = [(302, {"location": house.hook.url}, "")]
    assert house.run(BAD) == []
    assert "redirects are never followed" in caplog.text


def test_a_receiver_that_stays_in_trouble_is_given_up(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.hook.answers = [(503, {}, "")] * 10
    assert house.run(BAD) == []
    assert len(house.hook.requests) == ATTEMPTS
    assert "HTTP 503" in caplog.text


def test_a_receiver_that_hangs_ends_no_run_and_is_not_waited_for(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.hook.hold.clear()
    with Ledger.open(house.url) as ledger:
        shop, notices = house.process(ledger)
        shop.records(BAD)
        assert shop.executor.run(shop.bound()).status == "failed"
        notices.close(0.1)
    assert "the process ends before notifications[0] (webhook 127.0.0.1) took all notifications" in caplog.text


def test_headers_are_sent_along(tmp_path: Path, ledger: Ledger, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", hook.url)
    monkeypatch.setenv("TOKEN", "correct-horse")
    config = {"url": "${env:HOOK}", "headers": {"Authorization": "Bearer ${env:TOKEN}"}}
    redactor = Redactor()
    (receiver,), _ = receivers([Notification("notifications[0]", "webhook", config)], redactor, tmp_path)
    notices = Notices(ledger, [receiver], Degraded())
    notices.syncline_sync_deactivated("sign-ups", "gone")
    notices.close()
    path, headers = hook.requests[0]
    assert path == "/services/T0/S3CRET"
    assert headers["authorization"] == "Bearer correct-horse"
    assert headers["content-type"] == "application/json"
    assert "S3CRET" not in redactor.clean(hook.url)
    assert "S3CRET" not in repr(receiver.channel)
    assert "correct-horse" not in repr(receiver.channel)


def test_a_reference_that_leads_nowhere_takes_only_its_own_receiver_away(tmp_path: Path) -> None:
    entries = [
        Notification("notifications[0]", "webhook", {"url": "${env:SYNCLINE_NOT_SET}"}),
        Notification("notifications[1]", "webhook", {"url": "ftp://example.com"}),
        Notification("notifications[2]", "webhook", {"url": "https://example.com/x"}),
    ]
    found, faults = receivers(entries, Redactor(), tmp_path)
    assert [each.label for each in found] == ["notifications[2] (webhook example.com)"]
    assert [str(fault).removeprefix(f"{tmp_path}/") for fault in faults] == [
        "syncline.yaml: notifications[0].webhook.url: ${env:SYNCLINE_NOT_SET} is not set; "
        "set it: export SYNCLINE_NOT_SET=…",
        "syncline.yaml: notifications[1].webhook.url: is not an address; it starts with https:// or http://",
    ]
