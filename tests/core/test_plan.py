"""`syncline plan`: what a folder would change, by real ledgers and the command that a user types."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
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


DAILY = {"frequency": "daily", "time": "09:30", "timezone": "Asia/Kolkata"}


# ------------------------------------------------------------------------------------------- what becomes of a sync


def test_each_sync_is_created_updated_paused_resumed_removed_or_unchanged(folder: Folder) -> None:
    for name in ("edited", "stopped", "same", "gone"):
        folder.write(name)
    folder.write("stopped-before", enabled=False)
    assert set(folder.kinds().values()) == {"create"}
    assert folder.ask("apply")[0] == 0
    folder.write("edited", mapping={"Email": "Email"})
    folder.write("stopped", enabled=False)
    folder.write("stopped-before")
    folder.write("new")
    folder.path("gone").unlink()
    assert folder.kinds("--prune") == {
        "new": "create",
        "edited": "update",
        "stopped": "pause",
        "stopped-before": "resume",
        "gone": "remove",
        "same": "unchanged",
    }
    assert folder.kinds()["gone"] == "kept"


def test_an_update_tells_each_key_old_and_new(plain: Folder) -> None:
    plain.write("a", mapping={"Email": "Email", "Name": {"field": "Name", "default": "Friend"}, "Mood": "Mood"})
    plain.ask("apply")
    plain.write("a", mapping={"Email": "Email", "Name": {"field": "Name", "default": "Guest"}, "City": "City"},
                ignore=["defaults", {"required": {"fields": ["Name"]}}], schedule=DAILY)  # fmt: skip
    changes = {each["path"]: (each["old"], each["new"]) for each in plain.plan()["a"]["changes"]}
    assert changes == {
        "mapping.Name.default": ("Friend", "Guest"),
        "mapping.Mood": ("Mood", None),
        "mapping.City": (None, "City"),
        "ignore": (None, ["defaults", {"required": {"fields": ["Name"]}}]),
        "schedule": (None, DAILY),
    }
    code, out, _ = plain.say("plan")
    assert code == 0
    assert out.splitlines()[:2] == ["~ a: update, revision 1 → 2", "    configs/a.yaml"]
    for line in (
        "+ ignore: [defaults, {required: {fields: [Name]}}]",
        "~ mapping.Name.default: Friend → Guest",
        "- mapping.Mood: Mood",
        "+ mapping.City: City",
    ):
        assert f"    {line}\n" in out


def test_a_list_tells_the_entries_that_came_and_went(plain: Folder) -> None:
    plain.write("a", transforms=["trim", {"lowercase": {"fields": ["Email"]}}])
    plain.ask("apply")
    plain.write("a", transforms=["trim", {"lowercase": {"fields": ["Email"]}}, {"title_case": {"fields": ["Name"]}}])
    _, out, _ = plain.say("plan")
    assert "    ~ transforms:\n        + {title_case: {fields: [Name]}}\n" in out


def test_an_edited_schedule_tells_the_next_run_before_and_after(plain: Folder) -> None:
    plain.clock = At(datetime(2026, 11, 26, 12, tzinfo=UTC))
    plain.write("a", schedule=DAILY)
    assert plain.plan()["a"]["next_run"] == {"before": None, "after": "2026-11-27T04:00:00.000Z"}
    plain.ask("apply")
    plain.write("a", schedule=DAILY | {"time": "19:00"})
    assert plain.plan()["a"]["next_run"] == {
        "before": "2026-11-27T04:00:00.000Z",
        "after": "2026-11-26T13:30:00.000Z",
    }
    plain.write("a", schedule=None)
    assert plain.plan()["a"]["next_run"] == {"before": "2026-11-27T04:00:00.000Z", "after": None}
    plain.write("a", schedule=DAILY, enabled=False)
    assert plain.plan()["a"]["next_run"] is None


def test_a_schedule_that_is_taken_away_has_no_next_run_to_ask_for(plain: Folder) -> None:
    plain.clock = At(datetime(2026, 11, 26, 12, tzinfo=UTC))
    plain.write("a", schedule=DAILY, enabled=False)
    plain.ask("apply")
    plain.write("a")
    assert plain.plan()["a"]["becomes"] == "active"
    assert "next run" not in plain.say("plan")[1]
    plain.write("a", schedule=DAILY | {"time": "19:00"}, enabled=False)
    assert plain.plan()["a"]["becomes"] == "paused"
    assert "next run" not in plain.say("plan")[1]


class At(Clock):
    """A clock that stands."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


def test_a_sync_that_ran_once_wakes_by_its_schedule_alone(plain: Folder) -> None:
    plain.write("a", schedule={"frequency": "once"})
    assert plain.ask("run", "configs/a.yaml")[0] == 0
    plain.write("a", schedule={"frequency": "once"}, mapping={"Email": "Email"})
    edited = plain.plan()["a"]
    assert (edited["state"], edited["becomes"]) == ("completed", "completed")
    assert edited["notes"] == ["stays completed: frequency is once, and its run is done"]
    plain.write("a", schedule=DAILY)
    edited = plain.plan()["a"]
    assert (edited["state"], edited["becomes"]) == ("completed", "active")
    assert edited["next_run"]["after"] is not None


def test_a_sync_paused_by_hand_is_shown_and_not_resumed(folder: Folder) -> None:
    folder.write("a")
    folder.ask("apply")
    with folder.ledger() as ledger:
        sync = ledger.sync("a")
        assert sync is not None
        ledger.set_state(sync.id, "paused", "holidays")
    told = "stays paused: holidays; `syncline resume a` lets it run again"
    assert (folder.plan()["a"]["action"], folder.plan()["a"]["notes"]) == ("unchanged", [told])
    assert told in folder.say("plan")[1]
    folder.write("a", mapping={"Email": "Email"})
    assert folder.ask("apply")[0] == 0
    assert folder.states() == {"a": "paused"}


# --------------------------------------------------------------------------------------------- leads sent again


def test_an_edit_of_what_is_sent_tells_how_many_known_leads_are_sent_again(folder: Folder) -> None:
    folder.write("a", transforms=["trim"], description="one")
    folder.ask("run", "configs/a.yaml")
    assert folder.plan()["a"]["sent_again"] is None
    folder.write("a", transforms=["trim"], description="two", retrieve="since_last_fetch")
    assert folder.plan()["a"]["sent_again"] is None
    folder.write("a", transforms=[], description="one")
    assert folder.plan()["a"]["sent_again"] == 3
    folder.write("a", mapping={"Email": "Email", "Name": {"field": "Name", "default": "x"}})
    assert folder.plan()["a"]["sent_again"] == 3
    assert "up to 3 known leads will be sent again; `syncline preview configs/a.yaml`" in folder.say("plan")[1]
    _, applied = folder.ask("apply")
    assert applied["results"][0]["sent_again"] == 3


def test_people_who_were_taken_out_are_not_sent_again(plain: Folder) -> None:
    plain.write("a")
    plain.ask("run", "configs/a.yaml")
    with plain.ledger() as ledger:
        sync = ledger.sync("a")
        assert sync is not None
        ledger.mark_removed(sync.id, ["ann@example.com"])
    plain.write("a", mapping={"Email": "Email"})
    assert plain.plan()["a"]["sent_again"] == 2


def test_a_sink_that_leaves_known_leads_alone_sends_none_again(plain: Folder) -> None:
    shelf = {"type": "shelf", "file": str(plain.place / "shelf.json"), "on_duplicate": "skip"}
    plain.write("a", sink=shelf)
    plain.ask("run", "configs/a.yaml")
    plain.write("a", sink=shelf, mapping={"Email": "Email"})
    assert plain.plan()["a"]["sent_again"] == 0
    assert "no known lead will be sent again" in plain.say("plan")[1]


def test_a_sink_option_counts_where_it_makes_other_leads(plain: Folder) -> None:
    shelf = {"type": "shelf", "file": str(plain.place / "shelf.json")}
    plain.write("a", sink=shelf)
    plain.ask("run", "configs/a.yaml")
    plain.write("a", sink=shelf | {"batch": 3})
    assert plain.plan()["a"]["sent_again"] is None


def test_a_run_tells_the_same_before_it_sends(plain: Folder) -> None:
    plain.write("a")
    plain.say("run", "configs/a.yaml")
    plain.write("a", mapping={"Email": "Email"})
    code, out, err = plain.say("run", "configs/a.yaml", "--json")
    assert code == 0
    assert err.startswith("the spec was edited: up to 3 known leads will be sent again\n")
    assert json.loads(out)["duplicate"]["updated"] == 3
    assert "the spec was edited" not in plain.say("run", "configs/a.yaml")[2]


# -------------------------------------------------------------------------------------------------------- refusals


def test_an_edited_identity_is_refused_alike_by_plan_apply_and_run(folder: Folder) -> None:
    folder.write("a")
    folder.write("b")
    folder.ask("apply")
    folder.write("a", sink={"type": "shelf", "file": "/elsewhere.json"})
    folder.write("b", description="edited")
    code, made = folder.ask("plan")
    refused = {each["sync"]: each for each in made["actions"]}["a"]
    assert (code, refused["action"]) == (2, "refused")
    for word in ("the identity of this sync cannot change", "/elsewhere.json", "`replaces: a`"):
        assert word in refused["reason"]
    assert folder.say("plan", "--detailed-exitcode")[0] == 1
    code, _, err = folder.say("apply")
    assert (code, err) == (2, "nothing was applied: mend the refused edits first\n")
    assert folder.kinds()["b"] == "update"
    code, _, err = folder.say("run", "configs/a.yaml")
    assert (code, "`replaces: a`" in err) == (2, True)


def test_an_inactive_sync_is_refused_and_keeps_the_others_from_nothing(folder: Folder) -> None:
    folder.write("a")
    folder.ask("apply")
    with folder.ledger() as ledger:
        sync = ledger.sync("a")
        assert sync is not None
        ledger.set_state(sync.id, "inactive", "the report was renamed")
    folder.write("b")
    code, made = folder.ask("plan")
    refused = {each["sync"]: each for each in made["actions"]}["a"]
    assert code == 5
    for word in ("the report was renamed", "`replaces: a`", "take this file away"):
        assert word in refused["reason"]
    assert folder.say("plan", "--detailed-exitcode")[0] == 1
    code, applied = folder.ask("apply")
    assert (code, [each["sync"] for each in applied["results"]]) == (5, ["b"])
    assert folder.states() == {"a": "inactive", "b": "active"}


def test_replaces_must_name_a_sync_that_is_known(plain: Folder) -> None:
    plain.write("new", replaces="old")
    code, made = plain.ask("plan")
    assert (code, made["actions"][0]["action"]) == (2, "refused")
    assert "replaces: 'old' is not a sync that this ledger knows" in made["actions"][0]["reason"]
    plain.path("new").unlink()
    plain.write("old")
    plain.ask("apply")
    plain.path("old").unlink()
    plain.write("new", replaces="old")
    assert plain.kinds() == {"new": "create", "old": "kept"}
    assert "create, in place of old" in plain.say("plan")[1]


def test_what_is_replaced_is_created_first(plain: Folder) -> None:
    plain.write("a", replaces="b")
    plain.write("b", replaces="c")
    plain.write("c")
    code, applied = plain.ask("apply")
    assert (code, [each["sync"] for each in applied["results"]]) == (0, ["c", "b", "a"])


def test_a_moment_more_than_thirty_days_before_the_creation_is_refused(plain: Folder) -> None:
    plain.clock = At(datetime(2026, 11, 26, 12, tzinfo=UTC))
    plain.write("a", retrieve={"after": "2026-10-20T00:00:00Z"})
    code, made = plain.ask("plan")
    assert (code, made["actions"][0]["action"]) == (2, "refused")
    assert "the earliest valid moment is 2026-10-27T12:00:00+00:00" in made["actions"][0]["reason"]
    plain.write("a", retrieve={"after": "2026-10-27T13:00:00Z"})
    assert plain.ask("apply")[0] == 0
    plain.clock = At(datetime(2027, 11, 26, 12, tzinfo=UTC))
    assert plain.kinds() == {"a": "unchanged"}
    plain.write("a", retrieve={"after": "2026-10-26T13:00:00Z"})
    assert plain.kinds() == {"a": "refused"}


def test_faults_of_files_come_all_at_once_and_nothing_is_planned(plain: Folder) -> None:
    plain.write("a", retrieve="sometimes")
    plain.write("B")
    plain.write("c")
    code, _, err = plain.say("plan")
    assert (code, len(err.splitlines())) == (2, 2)
    assert plain.say("plan", "--detailed-exitcode")[0] == 1
    assert plain.say("apply")[0] == 2
    assert not Path(plain.url.removeprefix("sqlite:///")).exists()


def test_a_spec_file_is_no_folder(plain: Folder) -> None:
    plain.write("a")
    code, _, err = plain.say("plan", "configs/a.yaml", "--prune")
    assert (code, err) == (2, "configs/a.yaml: this is a file; name its folder: configs\n")
    assert plain.say("apply", "configs/a.yaml")[0] == 2


# --------------------------------------------------------------------------------------------------------- pruning


def test_a_protected_sync_is_never_removed_by_what_its_last_spec_says(folder: Folder) -> None:
    folder.write("a", protect=True)
    folder.write("b")
    folder.write("stays")
    folder.ask("apply")
    folder.path("a").unlink()
    folder.path("b").unlink()
    assert folder.kinds("--prune") == {"a": "kept", "b": "remove", "stays": "unchanged"}
    assert folder.ask("apply", "--prune")[0] == 0
    assert folder.states() == {"a": "active", "b": "inactive", "stays": "active"}


def test_an_empty_folder_prunes_nothing(folder: Folder) -> None:
    folder.write("a")
    folder.ask("apply")
    folder.path("a").unlink()
    for command in ("plan", "apply"):
        code, _, err = folder.say(command, "configs", "--prune")
        assert (code, "nothing is pruned, for the folder holds no spec" in err) == (1, True)
    assert folder.ask("plan", "configs")[0] == 0
    assert folder.states() == {"a": "active"}


def test_an_invalid_file_prunes_nothing(folder: Folder) -> None:
    folder.write("a")
    folder.write("b")
    folder.ask("apply")
    folder.path("a").unlink()
    folder.path("b").write_text("version: 1\nname: b\n")
    for command in ("plan", "apply"):
        assert folder.say(command, "--prune")[0] == 2
    assert folder.states() == {"a": "active", "b": "active"}


def test_most_of_the_syncs_are_ended_at_once_only_with_a_second_word(folder: Folder) -> None:
    for n in range(5):
        folder.write(f"s{n}")
    folder.ask("apply")
    for n in range(3):
        folder.path(f"s{n}").unlink()
    code, made = folder.ask("plan", "--prune")
    assert (code, made["held"]) == (0, "this ends 3 of the 5 syncs of this deployment at once")
    code, applied = folder.ask("apply", "--prune")
    assert (code, applied["held"], applied["results"]) == (6, made["held"], [])
    assert "then say --yes" in folder.say("apply", "--prune")[2]
    assert set(folder.states().values()) == {"active"}
    assert folder.ask("apply", "--prune", "--yes")[0] == 0
    assert list(folder.states().values()) == ["inactive"] * 3 + ["active"] * 2


def test_a_saved_plan_is_the_second_word(plain: Folder) -> None:
    for n in range(4):
        plain.write(f"s{n}")
    plain.ask("apply")
    for n in range(3):
        plain.path(f"s{n}").unlink()
    plain.ask("plan", "--prune", "--out", "plan.json")
    assert plain.ask("apply", "plan.json")[0] == 0
    assert list(plain.states().values()) == ["inactive"] * 3 + ["active"]


def test_pruning_never_ends_the_syncs_of_another_folder_on_the_same_ledger(folder: Folder) -> None:
    folder.write("ours")
    folder.write("ours-too")
    folder.write("theirs", folder="other")
    folder.write("theirs-too", folder="other")
    folder.ask("apply", "configs")
    folder.ask("apply", "other")
    folder.path("ours-too").unlink()
    made = folder.plan("configs", "--prune")
    assert {sync: each["action"] for sync, each in made.items()} == {
        "ours": "unchanged", "ours-too": "remove", "theirs": "kept", "theirs-too": "kept",
    }  # fmt: skip
    assert made["theirs"]["reason"].startswith("not in this folder; it is of ")
    assert folder.ask("apply", "configs", "--prune", "--yes")[0] == 0
    states = folder.states()
    assert (states["ours-too"], states["theirs"], states["theirs-too"]) == ("inactive", "active", "active")


def test_a_folder_that_was_renamed_and_says_its_name_prunes_as_before(plain: Folder) -> None:
    plain.write("a")
    plain.write("b")
    (plain.place / "configs" / "syncline.yaml").write_text("deployment: crm\n")
    plain.ask("apply")
    (plain.place / "configs").rename(plain.place / "moved")
    plain.path("b", "moved").unlink()
    assert plain.kinds("moved", "--prune") == {"a": "unchanged", "b": "remove"}


def test_a_folder_that_was_renamed_and_says_no_name_takes_its_specs_along_and_ends_nothing(plain: Folder) -> None:
    plain.write("a")
    plain.write("b")
    plain.ask("apply")
    (plain.place / "configs").rename(plain.place / "moved")
    plain.path("b", "moved").unlink()
    made = plain.plan("moved", "--prune")
    assert (made["a"]["action"], made["b"]["action"]) == ("unchanged", "kept")
    assert "was taken in from" in made["a"]["notes"][0]
    plain.ask("apply", "moved")
    assert plain.plan("moved")["a"]["notes"] == []
    plain.write("c", folder="moved")
    plain.path("a", "moved").unlink()
    assert plain.kinds("moved", "--prune") == {"c": "create", "a": "remove", "b": "kept"}


def test_a_moved_folder_changes_no_state(plain: Folder) -> None:
    plain.write("a", enabled=False)
    plain.ask("apply")
    with plain.ledger() as ledger:
        sync = ledger.sync("a")
        assert sync is not None
        ledger.set_state(sync.id, "active", "resumed by hand")
    (plain.place / "configs").rename(plain.place / "moved")
    assert plain.plan("moved")["a"]["becomes"] == "active"
    assert plain.ask("apply", "moved")[0] == 0
    assert plain.states() == {"a": "active"}
    assert plain.plan("moved")["a"]["notes"] == []


def test_a_name_that_another_deployment_has_is_refused_by_plan_apply_and_run(folder: Folder) -> None:
    folder.write("newsletter")
    folder.write("newsletter", folder="other", description="ours")
    (folder.place / "configs" / "syncline.yaml").write_text("deployment: crm\n")
    (folder.place / "other" / "syncline.yaml").write_text("deployment: events\n")
    folder.ask("apply", "configs")
    refused = folder.plan("other", "--prune")["newsletter"]
    assert refused["action"] == "refused"
    assert "one of the deployment crm, and this folder is events" in refused["reason"]
    assert folder.ask("apply", "other")[0] == 2
    assert folder.ask("run", "other/newsletter.yaml")[0] == 2
    assert folder.kinds("configs") == {"newsletter": "unchanged"}


def test_two_environments_do_not_share_a_ledger(plain: Folder) -> None:
    plain.write("a")
    for name in ("prod", "test"):
        (plain.place / "configs" / "overlays" / name).mkdir(parents=True)
    plain.ask("apply", "configs/overlays/prod")
    assert plain.kinds("configs/overlays/prod") == {"a": "unchanged"}
    for other in ("configs/overlays/test", "configs"):
        code, made = plain.ask("plan", other)
        assert (code, made["actions"][0]["action"]) == (2, "refused")
        assert "give each environment a ledger of its own" in made["actions"][0]["reason"]


def test_an_overlay_has_a_name_of_its_own_behind_that_of_its_base(plain: Folder) -> None:
    plain.write("a")
    overlay = plain.place / "configs" / "overlays" / "prod"
    overlay.mkdir(parents=True)
    (plain.place / "configs" / "syncline.yaml").write_text("deployment: crm\n")
    assert plain.ask("plan", "configs")[1]["deployment"] == "crm"
    assert plain.ask("plan", "configs/overlays/prod")[1]["deployment"] == "crm/prod"
    (overlay / "syncline.yaml").write_text("deployment: crm-prod\n")
    assert plain.ask("plan", "configs/overlays/prod")[1]["deployment"] == "crm-prod"


def test_a_ledger_from_before_deployments_is_taken_over_and_then_pruned(plain: Folder) -> None:
    with plain.ledger() as ledger:
        ledger.meet("old", identity={}, spec={}, source_scope="")
    plain.write("a")
    assert plain.plan("--prune")["old"]["reason"] == "not in this folder; nobody knows of which folder it is"
    plain.path("a").unlink()
    plain.write("b")
    plain.say("run", "configs/b.yaml")
    plain.path("b").unlink()
    plain.write("c")
    assert plain.kinds("--prune") == {"c": "create", "b": "remove", "old": "kept"}


# ------------------------------------------------------------------------------------------------- nothing is written


def prints(folder: Path) -> dict[str, str]:
    """Every file under a folder with a hash of its bytes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_plan_writes_no_byte_anywhere(plain: Folder, tmp_path: Path) -> None:
    plain.write("a", schedule=DAILY)
    plain.write("b")
    plain.ask("apply")
    plain.say("run", "configs/a.yaml")
    plain.write("a", mapping={"Email": "Email"}, schedule=DAILY | {"time": "10:00"})
    plain.path("b").unlink()
    plain.write("c")
    before = prints(tmp_path)
    for arguments in ([], ["--prune"], ["--detailed-exitcode"], ["configs"]):
        plain.say("plan", *arguments)
    assert prints(tmp_path) == before


def test_a_plan_makes_no_ledger_and_looks_up_no_secret(plain: Folder, tmp_path: Path) -> None:
    plain.write("a", mapping={"Email": "Email", "Name": {"value": "${env:NO_SUCH_VARIABLE}"}})
    before = prints(tmp_path)
    assert plain.kinds() == {"a": "create"}
    assert prints(tmp_path) == before


def test_a_server_ledger_is_the_same_after_a_plan(folder: Folder) -> None:
    folder.write("a")
    folder.ask("apply")
    folder.write("a", enabled=False)
    with Ledger.open(folder.url, read_only=True) as ledger:
        before = (ledger.syncs(), ledger.revisions(ledger.syncs()[0].id), ledger.events(ledger.syncs()[0].id))
    folder.say("plan", "--prune")
    with Ledger.open(folder.url, read_only=True) as ledger:
        assert before == (ledger.syncs(), ledger.revisions(ledger.syncs()[0].id), ledger.events(ledger.syncs()[0].id))


def test_the_detailed_exit_code_tells_whether_there_is_something_to_do(plain: Folder) -> None:
    plain.write("a")
    assert plain.say("plan", "--detailed-exitcode")[0] == 2
    assert plain.say("plan")[0] == 0
    plain.ask("apply")
    assert plain.say("plan", "--detailed-exitcode")[0] == 0
    plain.path("a").unlink()
    assert plain.say("plan", "configs", "--detailed-exitcode", "--prune")[0] == 1


def test_lookback_without_a_limit_is_shown(plain: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    (plain.place / "configs" / "connections.yaml").write_text("connections:\n  zoho: {type: zoho_sandbox}\n")
    source = {"type": "creator", "connection": "zoho", "owner": "zylker", "application": "events",
              "report": "all_signups", "lookback": "unlimited"}  # fmt: skip
    plain.write("a", source=source)
    assert plain.plan()["a"]["notes"] == ["reads everything, however old (lookback: unlimited)"]
    plain.ask("apply")
    assert "    reads everything, however old (lookback: unlimited)\n" in plain.say("plan")[1]
