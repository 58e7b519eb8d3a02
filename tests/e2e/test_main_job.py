"""The main job through the command line, on both ledgers, and against a Zoho that is only known by its hosts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from syncline_zoho_sandbox import Sandbox

ROOT = Path(__file__).parents[2]
CODE = "import sys; from syncline.cli import main; sys.exit(main())"


class Desk:
    """A folder with the shipped spec, a ledger, and a Zoho elsewhere."""

    def __init__(self, folder: Path, ledger_url: str, box: Sandbox) -> None:
        self.folder, self.ledger_url, self.box = folder, ledger_url, box
        self.spec = folder / "webinar-signups.yaml"
        shutil.copy(ROOT / "configs" / "webinar-signups.yaml", self.spec)
        hosts = json.dumps({name: url for name, url in box.hosts.items() if name != "recruit"})
        (folder / "connections.yaml").write_text(
            "connections:\n  zoho:\n    type: zoho\n    data_center: in\n    client_id: ${env:ZOHO_CLIENT_ID}\n"
            "    client_secret: ${env:ZOHO_CLIENT_SECRET}\n    refresh_token: ${file:token.txt}\n"
            f"    hosts: {hosts}\n    budget: {{calls: 100000, window: 5m}}\n"
        )
        (folder / "token.txt").write_text(box.refresh_token + "\n")

    def syncline(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """One command line; its exit code is as expected."""
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", CODE, *words],
            cwd=self.folder,
            env={
                "HOME": str(self.folder),
                "PATH": os.environ["PATH"],
                "SYNCLINE_LEDGER": self.ledger_url,
                "ZOHO_CLIENT_ID": self.box.client_id,
                "ZOHO_CLIENT_SECRET": self.box.client_secret,
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        for secret in (self.box.client_secret, self.box.refresh_token):
            assert secret not in done.stdout + done.stderr
        return done

    def document(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The JSON document that a command prints."""
        found: dict[str, Any] = json.loads(self.syncline(*words, "--json", code=code).stdout)
        return found


@pytest.fixture(scope="module")
def zoho(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(state_dir=tmp_path_factory.mktemp("zoho"), leads=400) as box:
        yield box


@pytest.fixture
def desk(tmp_path: Path, ledger_url: str, zoho: Sandbox) -> Desk:
    zoho.reset()
    return Desk(tmp_path, ledger_url, zoho)


def seeded(box: Sandbox, *kinds: str) -> list[str]:
    """The addresses of the seeded records of these kinds."""
    return [each.email for each in box.truth() if each.kind in kinds]


def test_the_main_job_from_check_to_explain(desk: Desk) -> None:
    spec = desk.spec.name
    desk.syncline("validate", spec)
    desk.syncline("check", spec)
    before = desk.box.calls().count("marketinghub.listsubscribe")
    preview = desk.document("preview", spec)
    assert desk.box.calls().count("marketinghub.listsubscribe") == before
    run = desk.document("run", spec)
    counts = run["counts"]
    truth = desk.box.truth()
    assert counts["total"] == len(truth) == sum(counts[name] for name in counts if name not in ("total", "deleted"))
    kinds = {kind: sum(each.kind == kind for each in truth) for kind in {each.kind for each in truth}}
    assert counts["new"] == kinds["new"]
    assert run["duplicate"]["updated"] == sum(kinds[kind] for kind in kinds if kind.startswith("active_"))
    assert run["ignored"]["file_duplicate"] == kinds["file_duplicate"]
    assert run["ignored"]["bounced"] == kinds["bounced"]
    assert run["ignored"]["do_not_mail"] == kinds["unsubscribed"] + kinds.get("do_not_mail", 0)
    assert preview["calls"]["sink_writes"] == desk.box.calls().count("marketinghub.listsubscribe") - before
    assert preview["calls"]["source"] == run["calls"]["source"]
    assert preview["calls"]["sink"] == run["calls"]["sink"]
    second = desk.document("run", spec)
    assert (second["duplicate"]["unchanged"], second["calls"]["sink"]) == (counts["new"] + counts["duplicate"], 0)
    history = desk.document("history", "webinar-signups")
    assert [each["run"] for each in history["runs"]] == [second["run"], run["run"]]
    lines = desk.syncline("leads", run["run"], "--json").stdout.splitlines()
    leads = [json.loads(line) for line in lines]
    assert len(leads) == counts["total"]
    assert set(leads[0]) == {"email", "source_id", "outcome", "reason", "detail"}
    typo = next(
        lead for lead in leads if lead["reason"] == "invalid_pattern" and "did you mean" in (lead["detail"] or "")
    )
    story = desk.document("explain", spec, typo["email"])
    assert (story["now"]["outcome"], story["now"]["reason"]) == ("ignored", "invalid_pattern")
    assert {"mapping", "transform", "rule", "match"} <= {stage["stage"] for stage in story["stages"]}
    assert desk.document("status")["syncs"]
    assert desk.document("show", "webinar-signups")["state"] == "active"


def test_no_address_and_no_secret_goes_into_an_url_a_log_or_the_ledger_file(desk: Desk, tmp_path: Path) -> None:
    done = desk.syncline("run", desk.spec.name, "--debug")
    address = seeded(desk.box, "new")[0].strip()
    assert address not in done.stderr
    calls = json.dumps(
        [vars(call) if hasattr(call, "__dict__") else call for call in desk.box.calls().calls], default=str
    )
    assert address not in calls
    for file in (tmp_path / "ledger").glob("*"):
        for secret in (desk.box.client_secret, desk.box.refresh_token):
            assert secret.encode() not in file.read_bytes()


def test_preview_changes_nothing_anywhere(desk: Desk, tmp_path: Path) -> None:
    desk.document("run", desk.spec.name)
    record = next(each for each in desk.box.truth() if each.kind == "new")
    desk.box.update_records({"ID": record.ID, "Company": "Changed Ltd"})
    before = {file: file.read_bytes() for file in (tmp_path / "ledger").glob("ledger.db*")}
    writes = desk.box.calls().count("marketinghub.listsubscribe")
    shown = desk.document("preview", desk.spec.name)
    assert shown["duplicate"]["updated"] == 1
    assert shown["changed_fields"] == {"Company": 1}
    (sample,) = shown["samples"]
    assert sample["fields"]["Company"]["new"] == "Changed Ltd"
    assert desk.box.calls().count("marketinghub.listsubscribe") == writes
    after = {file: file.read_bytes() for file in (tmp_path / "ledger").glob("ledger.db*")}
    assert {file.name: data for file, data in after.items() if not file.name.endswith("-shm")} == {
        file.name: data for file, data in before.items() if not file.name.endswith("-shm")
    }


def test_what_happens_in_the_target_between_two_runs_is_noticed(desk: Desk) -> None:
    text = desk.spec.read_text()
    desk.spec.write_text("\n".join(line for line in text.splitlines() if "audience_check" not in line) + "\n")
    desk.document("run", desk.spec.name)
    deleted, optout = (each for each in seeded(desk.box, "new")[:2])
    desk.box.change_lead("delete", deleted.strip())
    desk.box.change_lead("unsubscribe", optout.strip())
    run = desk.document("run", desk.spec.name)
    assert run["counts"]["re_added"] == 1
    leads = [json.loads(line) for line in desk.syncline("leads", run["run"], "--json").stdout.splitlines()]
    by_address = {
        lead["email"].strip().lower(): f"{lead['outcome']}/{lead['reason']}"
        for lead in leads
        if lead["email"] and lead["reason"] != "file_duplicate"
    }
    assert by_address[deleted.strip().lower()] == "re_added/deleted_in_target"
    assert by_address[optout.strip().lower()] == "ignored/do_not_mail"


def test_a_renamed_report_makes_the_sync_inactive_and_says_what_to_do(desk: Desk) -> None:
    desk.document("run", desk.spec.name)
    desk.box.rename_report("all_signups", "every_signup")
    run = desk.document("run", desk.spec.name, code=1)
    assert run["status"] == "inactive"
    for word in ("all_signups", "every_signup", "replaces"):
        assert word in run["message"]
    refused = desk.document("run", desk.spec.name, code=5)
    assert refused["status"] == "refused"
    assert refused["state"] == "inactive"


def test_a_public_list_mails_each_person_once(desk: Desk) -> None:
    desk.spec.write_text(desk.spec.read_text().replace("list: Webinar leads", "list: Newsletter"))
    first = desk.document("run", desk.spec.name)
    mails = len(desk.box.outbox("confirmation"))
    assert mails == first["counts"]["new"] + first["duplicate"]["updated"]
    second = desk.document("run", desk.spec.name)
    assert second["counts"]["new"] == 0
    assert len(desk.box.outbox("confirmation")) == mails


def test_forget_erases_a_person_and_keeps_the_door_shut(desk: Desk) -> None:
    desk.document("run", desk.spec.name)
    address = seeded(desk.box, "new")[0].strip()
    desk.syncline("forget", address, "--yes")
    run = desk.document("run", desk.spec.name)
    leads = [json.loads(line) for line in desk.syncline("leads", run["run"], "--json").stdout.splitlines()]
    mine = [lead for lead in leads if (lead["email"] or "").strip().lower() == address.lower()]
    assert [f"{lead['outcome']}/{lead['reason']}" for lead in mine] == ["ignored/do_not_mail"]
