"""How far back a run may read, and in which zone a moment is meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import Table
from syncline.errors import Fatal, SpecError
from syncline.ledger import Ledger
from syncline.spec.retrieval import REACH, doubts, earliest, moment, notes
from syncline.window import window_of
from workshop import Workshop, person

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
ZONES = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
CREATED = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", now=lambda: NOW) as ledger:
        yield Workshop(tmp_path / "shop", ledger)


def after(text: str, shop: Workshop, *, created: datetime | None = CREATED, zone: str | None = None) -> datetime | None:
    spec = shop.bound(retrieve={"after": text}).spec
    return window_of(spec, created=created, watermark=None, zone=lambda: zone, now=NOW).after


def test_the_earliest_moment_that_is_offered_is_valid_and_a_second_before_is_not(shop: Workshop) -> None:
    offered = earliest(CREATED)
    assert after(offered.isoformat(), shop) == offered
    with pytest.raises(SpecError, match="the earliest valid moment is 2026-10-02T12:00:01") as caught:
        after((offered - timedelta(seconds=1)).isoformat(), shop)
    assert "created 2026-11-01T12:00:00+00:00" in str(caught.value)


def test_a_sync_that_does_not_exist_yet_would_be_created_now(shop: Workshop) -> None:
    with pytest.raises(SpecError, match="it would be created now, 2026-11-23T12:00:00"):
        after("2026-10-24T11:59:59+00:00", shop, created=None)
    assert after("2026-10-24T12:00:00+00:00", shop, created=None) == NOW - REACH


def test_a_moment_without_an_offset_is_meant_in_the_zone_of_the_source(shop: Workshop) -> None:
    assert after("2026-11-01T09:30:00", shop, zone="Asia/Kolkata") == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert after("2026-11-01T09:30:00", shop) == datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    with pytest.raises(SpecError, match=r"the earliest valid moment is 2026-10-02T17:30:01\+05:30"):
        after("2026-10-02T17:30:00", shop, zone="Asia/Kolkata")


def test_a_zone_that_is_not_known_here_ends_the_run_in_words(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "zone", lambda self: "Mars/Base")
    with pytest.raises(Fatal, match="says that its time zone is 'Mars/Base', which is not known here"):
        shop.run([person("ann")], retrieve={"after": "2026-11-20T09:30:00"})


@given(MOMENTS)
def test_the_earliest_moment_is_a_whole_second_within_the_reach(created: datetime) -> None:
    offered = earliest(created)
    assert offered.microsecond == 0
    assert timedelta(0) <= offered - (created - REACH) < timedelta(seconds=1)


@given(MOMENTS, st.integers(-20, 20), ZONES, st.booleans(), st.booleans())
def test_what_is_doubted_without_a_zone_is_wrong_in_every_zone(
    created: datetime, hours: int, zone: timezone, exists: bool, late: bool
) -> None:
    now = created + timedelta(days=3) if exists else created
    edge = now if late else created - REACH
    written = (edge + timedelta(hours=hours)).replace(tzinfo=None)
    found = doubts({"retrieve": {"after": written.isoformat()}}, now, created=created if exists else None)
    meant = written.replace(tzinfo=zone)
    if found and "in the future" in found[0]:
        assert meant > now
    elif found:
        assert meant < earliest(created)
    else:
        assert written.replace(tzinfo=timezone(-timedelta(hours=12))) >= earliest(created)
        assert written.replace(tzinfo=timezone(timedelta(hours=14))) <= now


@given(MOMENTS, ZONES)
def test_what_is_doubted_with_an_offset_is_exactly_what_is_wrong(at: datetime, zone: timezone) -> None:
    text = at.astimezone(zone).isoformat()
    found = doubts({"retrieve": {"after": text}}, NOW, created=CREATED)
    assert bool(found) == (at > NOW or at < earliest(CREATED))
    assert moment(text, "Europe/Berlin") == at


def test_most_specs_need_no_note() -> None:
    for raw in ({}, {"retrieve": "all"}, {"source": {"lookback": "7d"}, "retrieve": "since_last_fetch"}):
        assert notes(raw, NOW) == []
