"""`plan --out FILE` and `apply FILE`: exactly what was planned, or a refusal with all reasons at once."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from plan_folder import Folder, Said
from syncline.clock import Clock
from syncline.ledger import Ledger


@pytest.fixture
def folder(tmp_path: Path, ledger_url: str, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """On both databases."""
    return Folder(tmp_path / "work", ledger_url, capsys, monkeypatch)


@pytest.fixture
def plain(tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """On SQLite, where the database does not matter."""
    return Folder(tmp_path / "work", f"sqlite:///{tmp_path}/ledger/ledger.db", capsys, monkeypatch)


def planned(folder: Folder, *arguments: str) -> Path:
    """The saved plan for `configs`."""
    code, made = folder.ask("plan", "configs", "--out", "plan.json", *arguments)
    assert (code, made["saved"]) == (0, "plan.json")
    return folder.place / "plan.json"


def refused(folder: Folder, *arguments: str) -> list[str]:
    """The reasons for which the saved plan is refused; nothing was done."""
    before = folder.states()
    code, document = folder.ask("apply", "plan.json", *arguments)
    assert (code, document["status"]) == (1, "refused")
    assert folder.states() == before
    reasons: list[str] = document["reasons"]
    return reasons


class Later(Clock):
    """A clock that is ahead."""

    def __init__(self, by: timedelta) -> None:
        self.by = by

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by


def test_exactly_the_saved_plan_is_done(folder: Folder) -> None:
    folder.write("a")
    folder.write("b")
    folder.write("c")
    folder.ask("apply")
    folder.write("a", mapping={"Email": "Email"})
    folder.path("b").unlink()
    folder.write("d", replaces="a")
    planned(folder, "--prune")
    code, applied = folder.ask("apply", "plan.json")
    assert code == 0
    assert [(each["sync"], each["action"], each["status"]) for each in applied["results"]] == [
        ("d", "create", "done"),
        ("a", "update", "done"),
        ("b", "remove", "done"),
    ]
    assert folder.states() == {"a": "active", "b": "inactive", "c": "active", "d": "active"}
    assert set(folder.kinds().values()) == {"unchanged"}


def test_a_plan_on_no_ledger_makes_one_when_it_is_applied(folder: Folder) -> None:
    folder.write("a")
    planned(folder)
    assert folder.ask("apply", "plan.json")[0] == 0
    assert folder.states() == {"a": "active"}


def test_a_plan_is_private_and_appears_when_it_is_whole(plain: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    plain.write("a")
    path = planned(plain)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    plain.write("b")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        code, _, err = plain.say("plan", "--out", "plan.json")
    assert (code, "the plan cannot be written" in err, "No space left" in err) == (1, True, True)
    assert path.read_bytes() == text
    assert [each.name for each in plain.place.iterdir() if each.name.startswith(".plan")] == []


def test_a_plan_holds_references_and_never_what_they_resolve_to(plain: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANNEL", "hush-hush-value")
    plain.write("a", mapping={"Email": "Email", "Name": {"value": "${env:CHANNEL}"}})
    plain.ask("run", "configs/a.yaml")
    plain.write("a", mapping={"Email": "Email", "Name": {"value": "${env:CHANNEL}!"}})
    text = planned(plain).read_text()
    assert "${env:CHANNEL}!" in text
    assert "hush-hush" not in text


def test_a_plan_with_a_refused_edit_is_not_saved(plain: Folder) -> None:
    plain.write("a", replaces="nobody")
    code, made = plain.ask("plan", "--out", "plan.json")
    assert (code, made["saved"], (plain.place / "plan.json").exists()) == (2, None, False)
    assert "not saved" in plain.say("plan", "--out", "plan.json")[2]


# -------------------------------------------------------------------------------------------------------- refusals


def test_a_changed_folder_is_refused_with_all_its_files(folder: Folder) -> None:
    folder.write("a")
    folder.write("b")
    (folder.place / "configs" / "connections.yaml").write_text("connections: {}\n")
    planned(folder)
    folder.write("a", enabled=False)
    folder.path("b").unlink()
    folder.write("c")
    (folder.place / "configs" / "connections.yaml").write_text("connections:\n  zoho: {type: zoho_sandbox}\n")
    (folder.place / "configs" / "defaults.yaml").write_text("enabled: true\n")
    (folder.place / "configs" / "syncline.yaml").write_text("retention: 5\n")
    assert refused(folder) == [
        "configs/a.yaml was changed",
        "configs/b.yaml is gone",
        "configs/c.yaml is new",
        "configs/connections.yaml was changed",
        "configs/defaults.yaml is new",
        "configs/syncline.yaml is new",
    ]


def test_a_plan_of_an_overlay_is_refused_when_its_base_changed(plain: Folder) -> None:
    plain.write("a")
    (plain.place / "configs/overlays/prod").mkdir(parents=True)
    (plain.place / "configs/overlays/prod/a.yaml").write_text("enabled: false\n")
    plain.ask("plan", "configs/overlays/prod", "--out", "plan.json")
    plain.write("a", mapping={"Email": "Email"})
    (plain.place / "configs/overlays/prod/defaults.yaml").write_text("description: All\n")
    assert refused(plain) == ["configs/a.yaml was changed", "configs/overlays/prod/defaults.yaml is new"]


def test_other_connections_are_a_change_as_well(plain: Folder) -> None:
    plain.write("a")
    other = plain.place / "other.yaml"
    other.write_text("connections: {}\n")
    planned(plain, "--connections", "other.yaml")
    other.write_text("connections:\n  zoho: {type: zoho_sandbox}\n")
    assert refused(plain) == ["other.yaml was changed"]
    other.write_text("connections: {}\n")
    assert plain.ask("apply", "plan.json")[0] == 0


def test_a_ledger_that_moved_on_is_refused_with_all_its_syncs(folder: Folder) -> None:
    for name in ("edited", "paused", "ended", "same"):
        folder.write(name)
    folder.ask("apply")
    for name in ("edited", "paused"):
        folder.write(name, mapping={"Email": "Email"})
    folder.path("ended").unlink()
    folder.write("new")
    planned(folder, "--prune")
    with folder.ledger() as ledger:
        syncs = {sync.name: sync for sync in ledger.syncs()}
        edited = syncs["edited"]
        ledger.meet("edited", identity=edited.identity, spec=dict(edited.spec) | {"description": "x"}, source_scope="")
        ledger.set_state(syncs["paused"].id, "paused", "holidays")
        ledger.set_state(syncs["ended"].id, "inactive", "the report was renamed")
        ledger.set_state(syncs["same"].id, "paused", "holidays")
        ledger.meet("new", identity={}, spec={}, source_scope="")
    assert refused(folder) == [
        "sync new was created meanwhile",
        "sync edited moved on: it was at revision 1 and active, and is at revision 2 and active now",
        "sync paused moved on: it was at revision 1 and active, and is at revision 1 and paused now",
        "sync ended moved on: it was at revision 1 and active, and is at revision 1 and inactive now",
    ]


def test_runs_between_plan_and_apply_do_no_harm(folder: Folder) -> None:
    folder.write("a")
    folder.write("b")
    folder.ask("apply")
    folder.write("b", mapping={"Email": "Email"})
    planned(folder)
    folder.say("run", "configs/a.yaml")
    assert folder.ask("apply", "plan.json")[0] == 0


def test_a_plan_is_done_once(plain: Folder) -> None:
    plain.write("a")
    planned(plain)
    assert plain.ask("apply", "plan.json")[0] == 0
    assert refused(plain) == ["sync a was created meanwhile"]


def test_a_plan_too_old_is_refused_and_how_old_is_an_option(plain: Folder) -> None:
    plain.write("a")
    planned(plain)
    plain.clock = Later(timedelta(hours=30))
    assert refused(plain) == ["it is too old: made 30 hours ago, and 24 are allowed"]
    assert plain.ask("apply", "plan.json", "--max-age", "48")[0] == 0


def test_another_ledger_is_refused(folder: Folder, tmp_path: Path) -> None:
    folder.write("a")
    folder.ask("apply")
    folder.write("a", enabled=False)
    planned(folder)
    other = f"sqlite:///{tmp_path}/other.db"
    folder.ask("apply", "--ledger", other)
    (reason,) = folder.ask("apply", "plan.json", "--ledger", other)[1]["reasons"]
    assert reason.startswith("it was made for another ledger: ")


def test_another_place_is_refused_where_the_ledger_was_empty(plain: Folder, tmp_path: Path) -> None:
    plain.write("a")
    planned(plain)
    other = f"sqlite:///{tmp_path}/other.db"
    (reason,) = plain.ask("apply", "plan.json", "--ledger", other)[1]["reasons"]
    assert reason.startswith("it was made for another ledger: ")
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("damage", ["truncated", "edited", "empty", "no plan", "no checksum"])
def test_a_damaged_file_is_refused(damage: str, plain: Folder) -> None:
    plain.write("a")
    path = planned(plain)
    text = path.read_text()
    path.write_text(
        {
            "truncated": text[: len(text) // 2],
            "edited": text.replace('"create"', '"remove"'),
            "empty": "",
            "no plan": "{}\n",
            "no checksum": text.partition(',"checksum"')[0] + "}",
        }[damage]
    )
    (reason,) = refused(plain)
    assert reason.startswith("plan.json: this is no plan, or it was damaged (its checksum is wrong)")


def test_a_plan_of_another_version_is_refused(plain: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    plain.write("a")
    with monkeypatch.context() as patched:
        patched.setattr("syncline.plan.saving.version", lambda name: "0.0.9")
        planned(plain)
    (reason,) = refused(plain)
    assert reason.startswith("plan.json: this plan was made by another version of Syncline (0.0.9, this is ")


def test_all_reasons_come_at_once(plain: Folder, tmp_path: Path) -> None:
    plain.write("a")
    plain.write("b")
    plain.ask("apply")
    plain.write("a", enabled=False)
    planned(plain)
    plain.write("b", enabled=False)
    with plain.ledger() as ledger:
        sync = ledger.sync("a")
        assert sync is not None
        ledger.set_state(sync.id, "paused", "holidays")
    plain.clock = Later(timedelta(days=3))
    reasons = refused(plain)
    assert [reason.split(":")[0] for reason in reasons] == [
        "it is too old", "configs/b.yaml was changed", "sync a moved on",
    ]  # fmt: skip
    code, out, err = plain.say("apply", "plan.json")
    assert (code, out) == (1, "")
    assert err.splitlines()[0] == "plan.json is refused, and nothing was applied; make a new plan:"
    assert err.splitlines()[1:] == [f"  - {reason}" for reason in reasons]


def test_a_folder_that_is_not_there_is_refused(plain: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    plain.write("a")
    planned(plain)
    (plain.place / "configs").rename(plain.place / "moved")
    assert refused(plain) == ["there is no configs here: apply it where it was made"]


def test_a_refused_plan_writes_no_byte_to_the_ledger(plain: Folder) -> None:
    plain.write("a")
    plain.ask("apply")
    plain.write("a", enabled=False)
    planned(plain)
    plain.write("a")
    ledger = Path(plain.url.removeprefix("sqlite:///"))
    before = ledger.read_bytes()
    assert refused(plain)
    assert ledger.read_bytes() == before


def test_options_of_a_folder_are_not_for_a_saved_plan(plain: Folder) -> None:
    plain.write("a")
    planned(plain)
    for option in ("--prune", "--yes"):
        assert plain.say("apply", "plan.json", option)[0] == 2


def test_two_processes_that_apply_one_plan_do_it_once(folder: Folder) -> None:
    folder.write("a")
    folder.write("b")
    folder.ask("apply")
    folder.write("a", mapping={"Email": "Email"})
    planned(folder)
    saved = json.loads((folder.place / "plan.json").read_text())
    assert saved["plan"]["actions"][0]["kind"] == "update"
    assert [folder.ask("apply", "plan.json")[0] for _ in range(2)] == [0, 1]
    with Ledger.open(folder.url, read_only=True) as ledger:
        sync = ledger.sync("a")
        assert sync is not None
        assert len(ledger.revisions(sync.id)) == 2
