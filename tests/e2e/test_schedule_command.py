"""`syncline schedule`, and what is said of how far back a sync reads, wherever it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from syncline.cli import main
from syncline.ledger import Ledger
from syncline.registry import installed

CONFIGS = Path(__file__).parents[2] / "configs"
SPEC, SYNC = "webinar-signups.yaml", "webinar-signups"
CONNECTIONS = "connections:\n  zoho:\n    type: zoho_sandbox\n    leads: 30\n"
EVERYTHING = "reads everything, however old (lookback: unlimited)"
BERLIN = 'schedule:\n  frequency: daily\n  time: "02:30"\n  timezone: Europe/Berlin\n'
Said = tuple[int, str, str]


class Place:
    """A folder with the ready spec; commands run in this process."""

    def __init__(self, folder: Path, said: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._said = said
        (folder / SPEC).write_text((CONFIGS / SPEC).read_text())
        (folder / "connections.yaml").write_text(CONNECTIONS)

    def says(self, *arguments: str) -> Said:
        """Exit code, standard output and standard error of one command."""
        installed.cache_clear()  # each command has a process of its own, and its observers with it
        code = main(list(arguments))
        said = self._said.readouterr()
        return code, said.out, said.err

    def document(self, *arguments: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.says(*arguments, "--json")[1])

    def change(self, pattern: str, text: str) -> None:
        """Change the one place of the spec that the pattern finds."""
        path = self.folder / SPEC
        changed, times = re.subn(pattern, text, path.read_text(), flags=re.MULTILINE | re.DOTALL)
        assert times == 1
        path.write_text(changed)

    def schedule(self, text: str) -> None:
        """Another schedule."""
        self.change(r"^schedule:\n(  [^\n]*\n)+", text)

    def met(self) -> None:
        """The sync has run."""
        code, out, _ = self.says("run", SPEC, "--json")
        assert code == 0, out

    def put(self, state: str, reason: str) -> None:
        """Put the sync into another state."""
        with Ledger.open("sqlite:///.syncline/ledger.db") as ledger:
            record = ledger.sync(SYNC)
            assert record is not None
            ledger.set_state(record.id, state, reason)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SYNCLINE_LEDGER", raising=False)
    return Place(tmp_path, capsys)


def test_the_coming_runs_are_shown_in_local_time_and_in_utc(place: Place) -> None:
    code, out, err = place.says("schedule", SPEC, "--next", "2", "--from", "2026-11-23T12:00")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"{SYNC}: every day at 09:30 (Asia/Kolkata)"
    assert lines[1] == "zone: Asia/Kolkata (from the schedule)"
    assert re.fullmatch(r"local time +UTC +from now", lines[2])
    assert lines[4].startswith("Tue 2026-11-24 09:30 IST +05:30  2026-11-24 04:00  ")
    assert lines[5].startswith("Wed 2026-11-25 09:30 IST +05:30  2026-11-25 04:00  ")
    assert not (place.folder / ".syncline").exists(), "nothing is written, and nobody asked"


def test_a_change_of_the_clocks_is_named_at_its_run_and_below(place: Place) -> None:
    place.schedule(BERLIN)
    _, out, _ = place.says("schedule", SYNC, "--next", "3", "--from", "2027-03-27")
    assert re.search(r"^Sat 2027-03-27 02:30 CET \+01:00 +2027-03-27 01:30  in \d+ days *$", out, re.MULTILINE)
    assert re.search(r"^Sun 2027-03-28 03:00 CEST \+02:00 .* instead of 02:30$", out, re.MULTILINE)
    assert out.endswith("2027-03-28: clocks go forward 02:00 → 03:00: 02:30 does not exist, runs at 03:00\n")
    _, out, _ = place.says("schedule", SYNC, "--next", "2", "--from", "2027-10-30T12:00")
    assert out.endswith("2027-10-31: clocks go back 03:00 → 02:00: 02:30 happens twice, runs the first time\n")
    document = place.document("schedule", SYNC, "--next", "2", "--from", "2027-03-27T12:00")
    assert document["runs"][0] | {"seconds": 0} == {
        "due": "2027-03-28T01:00:00.000Z",
        "local": "2027-03-28T03:00:00+02:00",
        "zone": "CEST",
        "seconds": 0,
        "starts": "2027-03-28T01:00:00.000Z",
        "note": "instead of 02:30",
    }
    assert document["clock_changes"] == [
        {
            "at": "2027-03-28T01:00:00.000Z",
            "before": "2027-03-28T02:00:00",
            "after": "2027-03-28T03:00:00",
            "effect": "02:30 does not exist, runs at 03:00",
        }
    ]


def test_without_a_zone_in_the_schedule_the_source_is_asked_for_its_own(place: Place) -> None:
    place.schedule('schedule:\n  frequency: daily\n  time: "09:30"\n')
    document = place.document("schedule", SPEC, "--next", "1")
    assert (document["zone"], document["zone_from"]) == ("Asia/Kolkata", "from the source creator")
    assert document["runs"][0]["due"].endswith("T04:00:00.000Z")


def test_a_sync_that_only_the_ledger_knows_and_that_names_no_zone_says_what_is_missing(place: Place) -> None:
    place.schedule('schedule:\n  frequency: daily\n  time: "09:30"\n')
    assert place.says("apply", ".")[0] == 0
    (place.folder / SPEC).unlink()
    code, _, err = place.says("schedule", SYNC)
    assert code == 2
    assert "say `timezone` in its schedule" in err


def test_the_zone_that_a_run_found_is_remembered(place: Place) -> None:
    place.schedule('schedule:\n  frequency: daily\n  time: "09:30"\n')
    place.met()
    (place.folder / SPEC).unlink()
    assert place.document("schedule", SYNC)["zone"] == "Asia/Kolkata"


def test_the_start_with_jitter_is_shown_and_is_always_the_same(place: Place) -> None:
    place.schedule(BERLIN + "  jitter: 10m\n")
    first, second = (place.document("schedule", SPEC, "--next", "3") for _ in range(2))
    assert [run["starts"] for run in first["runs"]] == [run["starts"] for run in second["runs"]]
    assert all(run["due"] < run["starts"] for run in first["runs"])
    _, out, _ = place.says("schedule", SPEC, "--next", "1")
    assert "every day at 02:30 (Europe/Berlin); up to 10m later" in out
    assert re.search(r" 02:3\d:\d\d$", out, re.MULTILINE)


def test_a_jitter_as_long_as_the_time_between_two_runs_is_a_fault(place: Place) -> None:
    place.schedule('schedule:\n  frequency: cron\n  cron: "*/5 * * * *"\n  jitter: 5m\n')
    code, _, err = place.says("validate", SPEC)
    assert code == 2
    assert "schedule.jitter: must be shorter than the time between two runs, which is 5m at least" in err


def test_a_spec_without_a_schedule_runs_only_by_hand(place: Place) -> None:
    place.schedule("")
    assert place.says("schedule", SPEC) == (0, f"{SYNC}: only by hand\n", "")
    document = place.document("schedule", SPEC)
    assert (document["schedule"], document["zone"], document["runs"]) == (None, None, [])


def test_a_sync_that_will_not_run_says_why(place: Place) -> None:
    place.met()
    for state in ("paused", "completed", "inactive"):
        place.put(state, "somebody said so")
        _, out, _ = place.says("schedule", SYNC, "--next", "2")
        assert f"none of these runs will come: the sync is {state}: somebody said so" in out
        assert place.document("schedule", SYNC)["halted"] == f"{state}: somebody said so"


def test_a_sync_that_its_spec_pauses_says_so(place: Place) -> None:
    with (place.folder / SPEC).open("a") as file:
        file.write("enabled: false\n")
    assert place.document("schedule", SPEC)["halted"] == "paused: its spec says enabled: false"


def test_a_sync_that_is_over_is_not_asked_for_its_zone(place: Place) -> None:
    place.schedule('schedule:\n  frequency: daily\n  time: "09:30"\n')
    assert place.says("apply", ".")[0] == 0
    place.put("inactive", "its report is gone")
    place.change("report: all_signups", "report: all_signups\n  form: gone")
    document = place.document("schedule", SPEC)
    assert (document["zone"], document["runs"], document["halted"]) == (None, [], "inactive: its report is gone")


def test_a_once_is_shown_as_the_one_run_that_it_is(place: Place) -> None:
    place.schedule('schedule:\n  frequency: once\n  time: "09:30"\n  timezone: Asia/Kolkata\n')
    (run,) = place.document("schedule", SPEC, "--from", "2026-11-23T12:00")["runs"]
    assert run["due"] == "2026-11-24T04:00:00.000Z"


@pytest.mark.parametrize("moment", ["tomorrow", "0001-01-01", "9999-12-31T23:59:59-12:00"])
def test_a_moment_that_is_none_is_bad_usage(place: Place, moment: str) -> None:
    code, _, err = place.says("schedule", SPEC, "--from", moment)
    assert code == 2
    assert "is not a moment of the years 1970 to 2199 like" in err


# ----------------------------------------------------------------------------------------- how far back is read


def test_an_unlimited_lookback_is_shown_wherever_the_sync_is_shown(place: Place) -> None:
    place.change("report: all_signups", "report: all_signups\n  lookback: unlimited")
    place.change("^retrieve: .*?$", "retrieve: all")
    commands = (
        ("schedule", SPEC), ("preview", SPEC), ("check", SPEC), ("run", SPEC), ("status",), ("show", SYNC),
        ("history", SYNC),
    )  # fmt: skip
    for command in commands:
        code, out, err = place.says(*command)
        assert (code, EVERYTHING in out) == (0, True), (command, err)
    for command in commands:
        document = place.document(*command)
        if command[0] == "status":
            (document,) = document["syncs"]
        if command[0] == "check":
            document = {"notes": [each["found"] for each in document["checks"] if each["subject"] == "retrieve"]}
        assert document["notes"] == [EVERYTHING], command


def test_a_limited_lookback_needs_no_note(place: Place) -> None:
    assert EVERYTHING not in place.says("show", SPEC)[1]
    assert place.document("show", SPEC)["notes"] == []


def test_the_note_says_what_the_way_of_retrieving_makes_of_it(place: Place) -> None:
    place.change("report: all_signups", "report: all_signups\n  lookback: unlimited")
    place.change("^retrieve: .*?$", "retrieve: since_last_fetch")
    assert place.document("show", SPEC)["notes"] == [
        "the first fetch reads everything, however old (lookback: unlimited)"
    ]
    place.change("^retrieve: .*?$", f"retrieve: {{after: {moment(days=-1)}}}")
    assert place.document("show", SPEC)["notes"] == [
        "lookback: unlimited is without effect, because retrieve says after"
    ]


def test_a_lookback_that_is_a_reference_is_shown_as_one_and_told_once_it_is_resolved(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.change("report: all_signups", "report: all_signups\n  lookback: ${env:BACK}")
    place.change("^retrieve: .*?$", "retrieve: all")
    monkeypatch.setenv("BACK", "unlimited")
    assert "(lookback: ${env:BACK})" in place.says("show", SPEC)[1]
    assert "reads everything, however old" in place.says("preview", SPEC)[1]


def moment(**away: int) -> str:
    """A moment so far from now, to the second, in UTC."""
    return (datetime.now(UTC) + timedelta(**away)).isoformat(timespec="seconds")


def earliest(text: str) -> datetime:
    """The moment that a message offers."""
    found = re.search(r"the earliest valid moment is (\S+?)(?:;|\"|$|\s)", text)
    assert found, text
    return datetime.fromisoformat(found[1])


@pytest.mark.parametrize("form", [lambda text: text, lambda text: text[:19]], ids=["with an offset", "without"])
def test_too_early_a_moment_is_refused_with_the_earliest_valid_one_which_then_is_taken(
    place: Place, form: Callable[[str], str]
) -> None:
    place.change("^retrieve: .*?$", f"retrieve: {{after: {form(moment(days=-40))}}}")
    code, out, err = place.says("validate", SPEC)
    assert (code, out) == (0, "ok: 1 spec, 3 tests\n")
    assert "too far for a sync that is created now" in err
    for command in ("preview", "run"):
        code, _, err = place.says(command, SPEC)
        assert code == 2
        assert "lies more than 30 days before the sync was created" in err
    assert abs(earliest(err) - datetime.now(UTC) + timedelta(days=30)) < timedelta(minutes=5)
    code, out, _ = place.says("check", SPEC)
    assert code == 1
    assert "✗  retrieve" in out
    assert "so no run can start; the earliest valid moment is" in place.says("status")[1]
    place.change("^retrieve: .*?$", f"retrieve: {{after: {earliest(err).isoformat()}}}")
    assert place.says("run", SPEC)[0] == 0
    assert place.document("show", SYNC)["notes"] == []


def test_a_moment_in_the_future_is_said_clearly_before_and_after_an_edit(place: Place) -> None:
    place.met()
    later = moment(days=40)
    place.change("^retrieve: .*?$", f"retrieve: {{after: {later}}}")
    note = f"after: {later} lies in the future: records from before are never read, so nothing comes until then"
    assert place.says("validate", SPEC)[2] == f"{SPEC}: retrieve: {note}\n"
    for command in (("preview", SPEC), ("check", SPEC), ("run", SPEC), ("status",), ("show", SYNC), ("history", SYNC)):
        assert note in place.says(*command)[1], command


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "9999-12-31T23:59:59-12:00", "yesterday"])
def test_a_moment_that_is_none_is_a_fault_of_the_spec(place: Place, text: str) -> None:
    place.change("^retrieve: .*?$", f"retrieve: {{after: {text}}}")
    for command in ("validate", "run", "preview"):
        code, _, err = place.says(command, SPEC)
        assert code == 2
        assert "retrieve.after: must be a moment like 2026-11-01T00:00:00" in err
