"""Reading reports: every record once, whatever the pages do, and an end only where Creator says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from creator_reports import NOW, creator, read, window, zoho
from syncline import Deactivate, Ending, Fatal, QuotaSpent, Retriable
from syncline_creator_source import Creator
from syncline_zoho import Zoho
from syncline_zoho_sandbox import Sandbox

LEADS = 2300


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(leads=LEADS) as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Iterator[Sandbox]:
    """Its records and link names stay as they are; each test has a token cache of its own, so many are asked for."""
    shared.settings(no_records="rotate", missing_report="2894", token_limit=10_000)
    yield shared
    shared.faults.clear()
    shared.reset_calls()


@pytest.fixture
def changing(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The same one, for tests that change records or link names."""
    yield sandbox
    sandbox.reset()


@pytest.fixture
def connection(sandbox: Sandbox, tmp_path: Path) -> Iterator[Zoho]:
    made = zoho(tmp_path, sandbox)
    yield made
    made.close()


@pytest.fixture
def source(connection: Zoho) -> Creator:
    return creator(connection)


def test_every_record_comes_once_in_full_pages_with_only_the_needed_columns(sandbox: Sandbox, source: Creator) -> None:
    got = read(source, window("Email", "Name.first_name", "Interests"))
    assert got.ids == [record.ID for record in sandbox.truth()]
    assert [page.rows.height for page in got.pages if isinstance(page.rows, pl.DataFrame)] == [1000, 1000, 300]
    assert got.frame.columns == ["ID", "Email", "Name.first_name", "Interests", "Added_Time", "Modified_Time"]
    assert got.end is not None
    assert got.end.ending is Ending.COMPLETE
    assert source.calls == 4
    assert sandbox.calls().counts["creator.records"] == 3


def test_the_watermark_is_the_newest_time_seen_and_the_next_read_overlaps_it_by_an_hour(
    changing: Sandbox, source: Creator
) -> None:
    first = read(source, window("Email"))
    assert first.end is not None
    mark = datetime.fromisoformat(first.end.watermark or "")
    assert (
        mark == first.frame.select(pl.max_horizontal(pl.col("Added_Time").max(), pl.col("Modified_Time").max())).item()
    )
    late, early = mark - timedelta(minutes=50), mark - timedelta(minutes=70)
    overlapping, settled, changed = first.ids[:3]
    old = (mark - timedelta(days=20)).timestamp()
    for record, moment in ((overlapping, late), (settled, early)):
        changing.update_records({"ID": record, "Added_Time": old, "Modified_Time": moment.timestamp()})
    changing.update_records({"ID": changed, "Email": "changed@example.com"})
    (added,) = changing.insert_records({"Email": "added@example.com"})
    second = read(source, window("Email", watermark=first.end.watermark))
    assert {overlapping, changed, added} <= set(second.ids)
    assert settled not in second.ids
    assert second.end is not None
    assert datetime.fromisoformat(second.end.watermark or "") > mark


def test_the_watermark_never_moves_back_nor_past_the_start_of_the_run(changing: Sandbox, source: Creator) -> None:
    future = datetime.now(UTC) + timedelta(days=2)
    nothing = read(source, window("Email", watermark=future.isoformat()))
    assert nothing.end is not None
    assert nothing.end.watermark == future.isoformat()
    changing.insert_records({"Email": "a@example.com", "Modified_Time": future.timestamp()})
    began = window("Email")
    capped = read(source, began)
    assert capped.end is not None
    assert datetime.fromisoformat(capped.end.watermark or "") == began.now


@pytest.mark.parametrize("spelling", ["empty", "3100", "9280"])
def test_each_spelling_of_no_records_confirms_that_there_are_none(
    sandbox: Sandbox, source: Creator, spelling: str
) -> None:
    sandbox.settings(no_records=spelling)
    got = read(source, window("Email", after=NOW + timedelta(days=1)))
    assert got.pages == []
    assert got.end is not None
    assert got.end.ending is Ending.CONFIRMED_EMPTY


def test_a_lookback_reaches_that_far_back_and_unlimited_takes_everything(changing: Sandbox, connection: Zoho) -> None:
    week = read(creator(connection, lookback="7d"), window("Email"))
    limit = NOW - timedelta(days=7, seconds=1)
    assert 0 < week.frame.height < LEADS
    assert week.frame.select(pl.max_horizontal("Added_Time", "Modified_Time").min()).item() >= limit
    (old,) = changing.insert_records(
        {"Email": "old@example.com", "Added_Time": 1_600_000_000, "Modified_Time": 1_600_000_000}
    )
    assert old not in read(creator(connection), window("Email")).ids
    assert old in read(creator(connection, lookback="unlimited"), window("Email")).ids


def test_after_is_exact_in_the_application_s_zone(changing: Sandbox, source: Creator) -> None:
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
    at, before = (
        changing.insert_records({"Email": "x@example.com", "Added_Time": t, "Modified_Time": t})[0]
        for t in (moment.timestamp(), moment.timestamp() - 1)
    )
    got = read(source, window("Email", after=moment)).ids
    assert at in got
    assert before not in got


def test_the_config_s_criteria_hold_together_with_the_window(source: Creator, connection: Zoho) -> None:
    either = creator(connection, criteria='Status == "Cancelled" || Country == "Atlantis"')
    got = read(either, window("Status", after=NOW - timedelta(days=9)))
    everything = read(source, window("Status", after=NOW - timedelta(days=9)))
    cancelled = {record for record, row in everything.rows().items() if row["Status"] == "Cancelled"}
    assert set(got.ids) == cancelled
    assert cancelled


def test_a_broken_off_read_goes_on_from_its_page(source: Creator, connection: Zoho, sandbox: Sandbox) -> None:
    whole = read(source, window("Email"))
    for pages in (1, 2, 3):
        of = window("Email")
        begun = read(creator(connection), of, most=pages)
        sandbox.reset_calls()
        rest = read(creator(connection), of, since=begun.pages[-1].cursor)
        assert begun.ids + rest.ids == whole.ids
        assert rest.end is not None
        assert whole.end is not None
        assert rest.end == whole.end
        assert sandbox.calls().counts.get("creator.records", 0) == 3 - pages


def test_a_cursor_that_has_expired_starts_the_window_over(source: Creator) -> None:
    stale = json.dumps({"record_cursor": "expired"})
    got = read(source, window("Email"), since=stale)
    assert len(got.ids) == LEADS
    assert got.end is not None
    assert got.end.ending is Ending.COMPLETE


@pytest.mark.parametrize("kind", ["html", "no_content", "truncated_json", "deep_json", "status"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_page_that_is_not_creator_s_is_asked_again_and_never_taken_for_the_end(
    sandbox: Sandbox, source: Creator, monkeypatch: pytest.MonkeyPatch, kind: str, nth: int
) -> None:
    monkeypatch.setattr("syncline_creator_source.structure.PAUSE", 0.01)
    sandbox.faults.add(kind, "creator.records", nth=nth, body="{}")
    assert len(read(source, window("Email")).ids) == LEADS
    sandbox.faults.clear()
    sandbox.faults.add(kind, "creator.records", nth=nth, count=3, body="{}")
    with pytest.raises(Retriable, match="not one of Creator's"):
        read(source, window("Email"))


@pytest.mark.parametrize("kind", ["refuse", "cut", "commit_then_drop", "throttle"])
def test_trouble_on_the_wire_is_passed_over(sandbox: Sandbox, source: Creator, kind: str) -> None:
    sandbox.faults.add(kind, "creator.records", nth=2, retry_after=0)
    assert len(read(source, window("Email")).ids) == LEADS


@pytest.mark.parametrize("kind", ["repeat_page", "endless_cursor"])
def test_paging_that_leads_nowhere_ends_the_run_and_not_the_day_s_quota(
    sandbox: Sandbox, source: Creator, kind: str
) -> None:
    sandbox.faults.add(kind, "creator.records")
    with pytest.raises(Fatal, match=r"a page (repeats|leads back)"):
        read(source, window("Email"))
    assert sandbox.calls().counts["creator.records"] <= 6


@pytest.mark.parametrize("kind", ["half_page", "empty_page"])
def test_a_page_that_was_cut_is_asked_for_once_more(sandbox: Sandbox, source: Creator, kind: str) -> None:
    sandbox.faults.add(kind, "creator.records", nth=2)
    assert len(read(source, window("Email")).ids) == LEADS


def test_an_empty_page_that_promises_more_is_no_end(sandbox: Sandbox, source: Creator) -> None:
    sandbox.faults.add("empty_page", "creator.records", nth=2, count=2)
    with pytest.raises(Fatal, match="without records says that more follow"):
        read(source, window("Email"))


def test_records_that_slip_to_the_next_page_come_once(sandbox: Sandbox, source: Creator) -> None:
    sandbox.faults.add("shuffle", "creator.records")
    got = read(source, window("Email"))
    assert sorted(got.ids) == sorted(record.ID for record in sandbox.truth())


def test_a_report_without_its_time_columns_is_refused_with_the_mend(connection: Zoho) -> None:
    bare = creator(connection, report="signups_without_times")
    with pytest.raises(Fatal, match="does not show Added_Time and Modified_Time") as told:
        read(bare, window("Email"))
    assert "add Added_Time and Modified_Time as columns" in str(told.value)
    whole = creator(connection, report="signups_without_times", lookback="unlimited")
    got = read(whole, window("Email"))
    assert len(got.ids) == LEADS
    assert got.end is not None
    assert got.end.watermark is None


def test_fields_that_the_report_does_not_show_are_named(connection: Zoho) -> None:
    hidden = creator(connection, form="signup")
    with pytest.raises(Fatal, match=r"does not show Internal_Note.*add Internal_Note as a column"):
        read(hidden, window("Email", "Internal_Note"))
    with pytest.raises(Fatal, match=r"has no field Emial.*did you mean Email"):
        read(hidden, window("Emial", "Name.first_name"))


def test_a_renamed_report_ends_the_sync_and_the_new_name_is_offered(changing: Sandbox, source: Creator) -> None:
    changing.rename_report("all_signups", "all_signups_2026")
    with pytest.raises(Deactivate) as told:
        read(source, window("Email"))
    text = str(told.value)
    assert "no report all_signups in zylker/events any more" in text
    assert "did you mean all_signups_2026?" in text
    assert "`replaces:`" in text


@pytest.mark.parametrize("spelling", ["2894", "1090"])
def test_both_codes_of_a_missing_report_end_the_sync(sandbox: Sandbox, connection: Zoho, spelling: str) -> None:
    sandbox.settings(missing_report=spelling)
    with pytest.raises(Deactivate, match=spelling):
        read(creator(connection, report="gone"), window("Email"))


def test_a_renamed_application_ends_the_sync(changing: Sandbox, source: Creator) -> None:
    changing.rename_application("events", "events_2026")
    with pytest.raises(Deactivate, match=r"no application events of zylker any more.*events_2026"):
        read(source, window("Email"))


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"owner": "nobody"}, "no account owner"),
        ({"application": "payroll", "report": "salaries"}, "may not see this application"),
        ({"form": "gone"}, "no form of this link name"),
        ({"criteria": "Nope == 1"}, "3710"),
    ],
)
def test_wrong_names_that_prove_no_renaming_only_fail_the_run(
    connection: Zoho, config: dict[str, str], why: str
) -> None:
    with pytest.raises(Fatal, match=why):
        read(creator(connection, **config), window("Email"))


@pytest.mark.parametrize(
    ("script", "kind", "why"),
    [
        ({"kind": "code", "code": "2892", "status": 404, "endpoint": "creator.applications"}, Fatal, "no application"),
        ({"kind": "status", "status": 404}, Fatal, "no Creator API at this address"),
        ({"kind": "html", "status": 404}, Fatal, "no Creator API at this address"),
        ({"kind": "code", "code": "4000"}, QuotaSpent, "calls of today are used up"),
        ({"kind": "code", "code": "2945", "status": 401}, Fatal, "lacks the scope ZohoCreator.report.READ"),
        ({"kind": "code", "code": "2930", "status": 404}, Retriable, "without saying why"),
        ({"kind": "code", "code": "1030", "status": 401}, Fatal, "even a new one"),
        ({"kind": "throttle", "retry_after": 3000}, Retriable, "too many calls"),
        ({"kind": "redirect"}, Fatal, "redirect to elsewhere.example.com"),
    ],
)
def test_other_refusals_never_deactivate(
    sandbox: Sandbox, source: Creator, script: dict[str, object], kind: type[Exception], why: str
) -> None:
    sandbox.faults.add(**({"endpoint": "creator.records"} | script))  # type: ignore[arg-type]  # a table of scripts
    with pytest.raises(kind, match=why):
        read(source, window("Email"))


def test_one_record_is_read_by_its_id_and_shaped_as_in_a_page(sandbox: Sandbox, source: Creator) -> None:
    page = read(source, window()).rows()
    first = next(iter(page))
    alone = source.fetch_one(first)
    assert alone is not None
    assert alone.items() <= page[first].items()
    assert alone["Name.first_name"]
    assert source.fetch_one("1") is None
    assert source.fetch_one("../../x") is None
