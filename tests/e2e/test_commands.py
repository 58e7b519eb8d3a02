"""Every command as people and machines meet it: real processes, the embedded Zoho, the ready spec of `configs`."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from syncline_zoho_sandbox import Sandbox

CONFIGS = Path(__file__).parents[2] / "configs"
LEADS = 200
SPEC = "webinar-signups.yaml"
SYNC = "webinar-signups"
COMMAND = [sys.executable, "-c", "import sys; from syncline.cli import main; sys.exit(main())"]
CONNECTIONS = "connections:\n  zoho:\n    type: zoho_sandbox\n    leads: {leads}\n    settings: {settings}\n"
IN_TOTAL = ("new", "re_added", "duplicate", "ignored", "rejected", "unknown")


@dataclass(frozen=True)
class Workplace:
    """A folder with the ready spec, its connections and, once something ran, the ledger and the sandbox's state."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables of every process here."""
        apart = ("NO_COLOR", "SYNCLINE_LEDGER", "COLUMNS", "FORCE_COLOR")
        own = {name: value for name, value in os.environ.items() if name not in apart}
        return own | {"XDG_CACHE_HOME": str(self.folder / "cache")}

    def syncline(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [*COMMAND, *arguments], cwd=self.folder, env=self.environment | variables,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start one command in a session of its own."""
        return subprocess.Popen(
            [*COMMAND, *arguments], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def document(self, *arguments: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.syncline(*arguments, "--json").stdout)

    def sandbox(self) -> Sandbox:
        """The Zoho of this place, to be changed between two runs."""
        return Sandbox(self.folder / ".syncline" / "sandbox", leads=LEADS)

    def rewrite(self, old: str, new: str) -> None:
        """Change the spec."""
        path = self.folder / SPEC
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def workplace(folder: Path, *, leads: int = LEADS, settings: str = "{}") -> Workplace:
    """A fresh place."""
    shutil.copy(CONFIGS / SPEC, folder)
    (folder / "connections.yaml").write_text(CONNECTIONS.format(leads=leads, settings=settings))
    return Workplace(folder)


@pytest.fixture
def fresh(tmp_path: Path) -> Workplace:
    """A place where nothing ran."""
    return workplace(tmp_path)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A place where one run succeeded; for tests that only read."""
    place = workplace(tmp_path_factory.mktemp("done"))
    assert place.syncline("run", SPEC).returncode == 0
    return place


# ------------------------------------------------------------------------------------------------ before a run


def test_the_ready_specs_are_valid_without_network_and_secrets(fresh: Workplace) -> None:
    made = fresh.syncline("validate")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == "ok: 1 spec, 3 tests\n"
    assert not (fresh.folder / ".syncline").exists()


def test_a_failing_test_of_a_spec_shows_what_was_expected_and_what_came(fresh: Workplace) -> None:
    fresh.rewrite("{ignored: invalid_pattern}", "{ignored: group_email}")
    made = fresh.syncline("validate", SPEC)
    assert made.returncode == 2
    assert re.search(rf"^{SPEC}:\d+: test 'a misspelt domain is ignored' failed$", made.stderr, re.MULTILINE)
    assert "expected: ignored: group_email" in made.stderr
    assert "got:      ignored: invalid_pattern" in made.stderr
    (failure,) = fresh.document("validate", SPEC)["failures"]
    assert (failure["file"], failure["expected"]) == (SPEC, "ignored: group_email")
    line = (fresh.folder / SPEC).read_text().splitlines()[failure["line"] - 1]
    assert "a misspelt domain is ignored" in line


def test_all_faults_of_all_files_come_at_once(fresh: Workplace) -> None:
    fresh.rewrite("type: creator", "type: creatr")
    (fresh.folder / "other.yaml").write_text("version: 1\nname: Other\n")
    made = fresh.syncline("validate")
    assert made.returncode == 2
    assert f"{SPEC}:" in made.stderr
    assert "did you mean 'creator'?" in made.stderr
    assert "other.yaml:2:7: name:" in made.stderr
    document = fresh.document("validate")
    assert document["ok"] is False
    assert document["exit"] == 2
    assert {fault["file"] for fault in document["error"]["faults"]} == {SPEC, "other.yaml"}


def test_a_spec_with_faults_does_not_run(fresh: Workplace) -> None:
    fresh.rewrite("type: creator", "type: creatr")
    assert fresh.syncline("run", SPEC).returncode == 2
    assert not (fresh.folder / ".syncline").exists()


def test_the_schema_is_written_checked_and_printed(fresh: Workplace) -> None:
    printed = fresh.syncline("schema")
    assert json.loads(printed.stdout)["$defs"]
    assert fresh.syncline("schema", "--output", "s.json").returncode == 0
    assert (fresh.folder / "s.json").read_text() == printed.stdout
    assert fresh.syncline("schema", "--check", "s.json").returncode == 0
    (fresh.folder / "s.json").write_text("{}")
    stale = fresh.syncline("schema", "--check", "s.json")
    assert stale.returncode == 1
    assert "syncline schema --output s.json" in stale.stdout


def test_plugins_are_listed_with_their_packages_and_options(fresh: Workplace) -> None:
    document = fresh.document("plugins")
    assert ("source", "creator") in [(each["kind"], each["name"]) for each in document["plugins"]]
    options = fresh.syncline("plugins", "marketinghub").stdout
    assert re.search(r"^list +.*required", options, re.MULTILINE)
    assert re.search(r"^on_duplicate +(update, skip|skip, update) +update", options, re.MULTILINE)
    unknown = fresh.syncline("plugins", "marketinghubb")
    assert unknown.returncode == 3
    assert "`syncline plugins` lists them" in unknown.stderr


def test_check_says_line_by_line_what_is_there_and_what_to_mend(fresh: Workplace) -> None:
    good = fresh.syncline("check", SPEC)
    assert good.returncode == 0, good.stderr
    assert all(line.startswith(("✓", "  ")) for line in good.stdout.splitlines())
    fresh.rewrite("report: all_signups", "report: all_sign_ups")
    bad = fresh.document("check", SPEC)
    assert bad["ok"] is False
    assert any(not each["ok"] and each["mend"] for each in bad["checks"])
    assert fresh.syncline("check", SPEC).returncode == 1


def test_a_preview_tells_counts_and_calls_and_writes_nothing(fresh: Workplace) -> None:
    document = fresh.document("preview", SPEC)
    assert document["counts"]["total"] == LEADS
    assert document["counts"]["total"] == sum(document["counts"][name] for name in IN_TOTAL)
    assert document["calls"]["sink_writes"] > 0
    assert not (fresh.folder / ".syncline" / "ledger.db").exists()
    with fresh.sandbox() as zoho:
        assert zoho.calls().count("marketinghub.listsubscribe") == 0
    shown = fresh.syncline("preview", SPEC)
    assert "nothing was written" in shown.stdout
    assert "by the call budget" in shown.stdout


# ------------------------------------------------------------------------------------------------ a run


def test_a_run_prints_the_contracts_document_and_nothing_else(fresh: Workplace) -> None:
    made = fresh.syncline("run", SPEC, "--json")
    assert made.returncode == 0, made.stderr
    document = json.loads(made.stdout)
    assert list(document) == [
        "run", "sync", "status", "trigger", "started_at", "finished_at", "counts", "duplicate", "ignored", "rejected",
        "calls", "resumed",
    ]  # fmt: skip
    assert (document["sync"], document["status"], document["trigger"]) == (SYNC, "succeeded", "manual")
    assert document["counts"]["total"] == sum(document["counts"][name] for name in IN_TOTAL) == LEADS
    assert sum(document["ignored"].values()) == document["counts"]["ignored"] > 0
    again = fresh.document("--json", "run", SPEC)
    assert again["duplicate"]["updated"] == again["counts"]["new"] == 0
    history = fresh.document("history", SYNC)
    assert history == {"sync": SYNC, "runs": [again, document]}


def test_people_see_tables_and_the_next_step(done: Workplace) -> None:
    shown = done.syncline("history", SPEC).stdout
    assert re.search(rf"succeeded +manual +{LEADS} ", shown)
    assert "Ignored, by reason" in shown
    assert re.search(r"run +empty_email +invalid_pattern +group_email +file_duplicate +do_not_mail +bounced", shown)


def test_progress_goes_to_standard_error_and_tells_the_result_apart(fresh: Workplace) -> None:
    made = fresh.syncline("run", SPEC)
    assert made.returncode == 0
    assert re.fullmatch(rf"{SYNC}: run \S+ started\n", made.stderr)
    assert f"{SYNC}: succeeded" in made.stdout
    assert "→ see who was ignored: syncline leads " in made.stdout


def test_logs_as_json_are_one_object_on_each_line_with_run_and_sync(fresh: Workplace) -> None:
    made = fresh.syncline("--log-format", "json", "run", SPEC, "--json")
    run = json.loads(made.stdout)["run"]
    lines = [json.loads(line) for line in made.stderr.splitlines()]
    assert {"the run started", "the run ended"} <= {line["event"] for line in lines}
    assert {(line["run"], line["sync"]) for line in lines} == {(run, SYNC)}


def test_every_lead_is_listed_once_with_its_outcome(done: Workplace) -> None:
    made = done.syncline("leads", "last", "--json")
    leads = [json.loads(line) for line in made.stdout.splitlines()]
    assert len(leads) == LEADS
    assert all(list(lead) == ["email", "source_id", "outcome", "reason", "detail"] for lead in leads)
    ignored = done.syncline("leads", "last", "--json", "--outcome", "ignored", "--reason", "invalid_pattern").stdout
    assert {json.loads(line)["reason"] for line in ignored.splitlines()} == {"invalid_pattern"}
    run = done.document("history", SYNC)["runs"][0]["run"]
    assert len(done.syncline("leads", run[:-1], "--json", "--limit", "7").stdout.splitlines()) == 7


def test_leads_go_into_a_private_csv_file_or_to_standard_output(done: Workplace, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    assert done.syncline("leads", "last", "--csv", str(path)).returncode == 0
    rows = list(csv.reader(path.read_text().splitlines()))
    assert rows[0] == ["email", "source_id", "outcome", "reason", "detail"]
    assert len(rows) == 1 + LEADS
    assert path.stat().st_mode & 0o077 == 0
    assert done.syncline("leads", "last", "--csv", "-").stdout.splitlines() == path.read_text().splitlines()


def test_a_table_of_leads_says_that_there_are_more(done: Workplace) -> None:
    made = done.syncline("leads", "last", "--limit", "3")
    assert "… and more" in made.stdout
    assert done.syncline("leads", "nothing-like-it").returncode == 2


def test_a_broken_pipe_ends_quietly(done: Workplace) -> None:
    with done.start("leads", "last", "--json") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_status_lists_every_sync_of_folder_and_ledger(done: Workplace) -> None:
    document = done.document("status")
    (sync,) = document["syncs"]
    assert (sync["sync"], sync["file"], sync["state"]) == (SYNC, SPEC, "active")
    assert sync["last_run"]["status"] == "succeeded"
    assert sync["next_run"].endswith("T04:00:00.000Z")
    assert document["parked"] == []
    assert re.search(rf"^{SYNC} +active .*succeeded", done.syncline("status").stdout, re.MULTILINE)


def test_status_of_a_folder_where_nothing_ran_writes_nothing(fresh: Workplace) -> None:
    (sync,) = fresh.document("status")["syncs"]
    assert (sync["state"], sync["last_run"], sync["reason"]) == (None, None, "not run yet")
    assert not (fresh.folder / ".syncline").exists()


def test_show_tells_the_definition_and_the_life_of_a_sync(done: Workplace) -> None:
    document = done.document("show", SYNC)
    assert document["mapping"]["Lead Email"] == "Email"
    assert [event["state"] for event in document["events"]] == ["active"]
    assert [revision["number"] for revision in document["revisions"]] == [1]
    assert len(document["next_runs"]) == 3
    shown = done.syncline("show", SPEC).stdout
    assert "every day at 09:30 (Asia/Kolkata)" in shown
    assert re.search(r"^Company +Company, or 'Unknown' where it is empty", shown, re.MULTILINE)
    assert done.syncline("show", "nobody").returncode == 2


def test_a_change_of_the_spec_is_shown_as_a_revision(fresh: Workplace) -> None:
    fresh.syncline("run", SPEC)
    fresh.rewrite('time: "09:30"', 'time: "10:30"')
    fresh.syncline("run", SPEC)
    assert fresh.document("show", SYNC)["revisions"][1]["changes"] == [
        {"path": "schedule.time", "old": "09:30", "new": "10:30"}
    ]


def test_explain_tells_the_stages_and_the_verdict_of_each_rule(done: Workplace) -> None:
    line = done.syncline("leads", "last", "--json", "--outcome", "ignored", "--reason", "group_email", "--limit", "1")
    email = json.loads(line.stdout)["email"]
    document = done.document("explain", SYNC, email)
    assert document["history"][0]["outcome"] == "ignored"
    verdicts = {stage["name"]: stage["verdict"] for stage in document["stages"] if stage["stage"] == "rule"}
    assert verdicts["group_email"] == "group_email"
    assert verdicts["empty_email"] == "passed"
    assert document["now"]["reason"] == "group_email"
    shown = done.syncline("explain", SPEC, email).stdout
    assert "group_email: ✗ group_email" in shown
    assert "A run now would count it as ignored/group_email" in shown


def test_explain_answers_from_the_ledger_alone_if_asked_to(done: Workplace) -> None:
    document = done.document("explain", SYNC, "nobody@example.com", "--offline")
    assert document["history"] == []
    assert document["why_not"]


def test_doctor_finds_a_sound_house_and_a_missing_secret(fresh: Workplace) -> None:
    sound = fresh.syncline("doctor")
    assert sound.returncode == 0, sound.stdout
    assert not (fresh.folder / ".syncline").exists()
    (fresh.folder / "connections.yaml").write_text(
        "connections:\n  zoho:\n    type: zoho\n    client_id: ${env:SYNC_ID}\n    client_secret: ${env:SYNC_SECRET}\n"
        "    refresh_token: ${file:token}\n"
    )
    (fresh.folder / "token").write_text("correct-horse-battery")
    (fresh.folder / "token").chmod(0o644)
    made = fresh.syncline("doctor", SYNC_ID="staple-of-the-house")
    assert made.returncode == 1
    assert "SYNC_ID is set" in made.stdout
    assert "→ export SYNC_SECRET=…" in made.stdout
    assert "→ chmod 600 token" in made.stdout
    assert "staple" not in made.stdout + made.stderr
    assert "correct-horse" not in made.stdout + made.stderr


def test_forget_erases_a_person_and_never_repeats_the_address(fresh: Workplace) -> None:
    fresh.syncline("run", SPEC)
    line = fresh.syncline("leads", "last", "--json", "--outcome", "new", "--limit", "1")
    email = json.loads(line.stdout)["email"]
    made = fresh.syncline("forget", email, "--json", "--debug")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["erased"]["outcomes"] == 1
    assert email not in made.stdout + made.stderr
    assert fresh.document("explain", SYNC, email, "--offline")["history"] == []
    assert email not in fresh.syncline("leads", "last", "--json").stdout


# ------------------------------------------------------------------------------------------------ what goes wrong


def test_refused_leads_end_a_run_as_partial_and_a_retry_sends_them_again(fresh: Workplace) -> None:
    with fresh.sandbox() as zoho:
        zoho.faults.add("code", "marketinghub.listsubscribe", code="2007", count=3)
        made = fresh.syncline("run", SPEC, "--json")
    document = json.loads(made.stdout)
    assert made.returncode == 4, made.stderr
    assert document["status"] == "partial"
    rejected = document["counts"]["rejected"]
    assert rejected == sum(document["rejected"].values()) > 0
    assert fresh.document("status")["syncs"][0]["dead_letters"] == rejected
    again = fresh.syncline("retry", "last", "--json")
    assert again.returncode == 0, again.stderr
    retried = json.loads(again.stdout)
    assert (retried["trigger"], retried["counts"]["total"]) == ("retry", rejected)
    nothing = fresh.syncline("retry", document["run"])
    assert nothing.returncode == 2
    assert "left to send again" in nothing.stderr


def test_a_renamed_report_ends_the_sync_and_the_next_run_is_refused(fresh: Workplace) -> None:
    fresh.syncline("run", SPEC)
    with fresh.sandbox() as zoho:
        zoho.rename_report("all_signups", "every_signup")
    made = fresh.syncline("run", SPEC, "--json")
    assert made.returncode == 1
    assert json.loads(made.stdout)["status"] == "inactive"
    refused = fresh.syncline("run", SPEC, "--json")
    assert refused.returncode == 5
    document = json.loads(refused.stdout)
    assert (document["sync"], document["status"], document["state"]) == (SYNC, "refused", "inactive")
    assert "every_signup" in document["reason"]
    assert "replaces: webinar-signups" in fresh.syncline("run", SPEC).stderr


def test_a_paused_spec_is_refused(fresh: Workplace) -> None:
    (fresh.folder / SPEC).write_text((fresh.folder / SPEC).read_text() + "enabled: false\n")
    assert fresh.syncline("run", SPEC).returncode == 5
    assert fresh.document("status")["syncs"][0]["state"] == "paused"


def test_a_secret_of_a_connection_is_never_printed(fresh: Workplace) -> None:
    (fresh.folder / "connections.yaml").write_text(
        "connections:\n  zoho:\n    type: zoho\n    client_id: ${env:ID}\n    client_secret: ${env:SECRET}\n"
        "    refresh_token: ${env:TOKEN}\n    hosts: {accounts: 'http://127.0.0.1:9', creator: 'http://127.0.0.1:9',"
        " marketinghub: 'http://127.0.0.1:9'}\n"
    )
    secrets = {"ID": "id-of-the-house", "SECRET": "correct-horse", "TOKEN": "battery-staple"}
    missing = fresh.syncline("run", SPEC)
    assert missing.returncode == 2
    assert "${env:ID} is not set" in missing.stderr
    made = fresh.syncline("check", SPEC, "--debug", **secrets)
    assert made.returncode == 1
    assert not any(secret in made.stdout + made.stderr for secret in secrets.values())


# ------------------------------------------------------------------------------------------------ signals


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[tuple[Workplace, subprocess.Popen[str]]]:
    """A run that waits for its call budget."""
    place = workplace(tmp_path, settings="{lead_calls: 60, call_window: 300}")
    process = place.start("run", SPEC, "--json")
    try:
        assert process.stderr is not None
        lines = []
        while "waiting for the call budget until" not in (line := process.stderr.readline()):
            lines.append(line)
            assert line, f"the run ended: {lines}"
        yield place, process
    finally:
        process.kill()
        process.communicate()


def test_another_process_is_refused_while_a_sync_runs(waiting: tuple[Workplace, subprocess.Popen[str]]) -> None:
    place, _ = waiting
    made = place.syncline("run", SPEC, "--json")
    assert made.returncode == 7
    assert json.loads(made.stdout)["error"]["kind"] == "Busy"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_a_run_gracefully(
    number: signal.Signals, waiting: tuple[Workplace, subprocess.Popen[str]]
) -> None:
    _, process = waiting
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    document = json.loads(out)
    assert document["status"] == "interrupted"
    assert document["counts"]["total"] == sum(document["counts"][name] for name in IN_TOTAL)
    assert "stopping: " in err
    assert "Traceback" not in err


def test_the_second_signal_ends_a_run_at_once_and_the_next_one_goes_on(tmp_path: Path) -> None:
    place = workplace(tmp_path)
    with place.sandbox() as zoho:
        zoho.faults.add("delay", "marketinghub.listsubscribe", seconds=600, count=1)
        process = place.start("run", SPEC, "--json")
        while not zoho.calls().count("marketinghub.listsubscribe"):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "stopping: " not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert (out, "stopped at once" in err) == ("", True)
    made = place.syncline("run", SPEC, "--json")
    assert made.returncode in (0, 4), made.stderr
    document = json.loads(made.stdout)
    assert document["resumed"] is True
    assert document["counts"]["total"] == LEADS
