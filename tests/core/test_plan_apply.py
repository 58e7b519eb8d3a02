"""`syncline apply`: the ledger agrees with the folder, observers hear of it, and a failure leaves no half."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from plan_folder import Folder, Said
from syncline.errors import Fatal
from syncline.ledger import Ledger, SyncRecord

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def folder(tmp_path: Path, ledger_url: str, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """On both databases."""
    return Folder(tmp_path / "work", ledger_url, capsys, monkeypatch)


@pytest.fixture
def plain(tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """On SQLite, where the database does not matter."""
    return Folder(tmp_path / "work", f"sqlite:///{tmp_path}/ledger/ledger.db", capsys, monkeypatch)


def test_apply_says_what_it_does_and_that_it_did(plain: Folder) -> None:
    plain.write("a")
    plain.write("b", enabled=False)
    code, out, _ = plain.say("apply", "configs")
    assert code == 0
    assert out == (
        "+ a: create\n    configs/a.yaml\n    only by hand\n"
        "+ b: create\n    configs/b.yaml\n    only by hand\n    paused: its spec says enabled: false\n"
        "Plan for configs: 2 to create.\n+ a: created\n+ b: created\napplied: 2 of 2\n"
    )
    assert plain.states() == {"a": "active", "b": "paused"}
    code, out, _ = plain.say("apply", "configs")
    assert (code, out) == (0, "Plan for configs: nothing to do; 2 unchanged.\napplied: nothing was to be done\n")


def test_apply_runs_nothing_and_sends_nothing(plain: Folder) -> None:
    plain.write("a")
    plain.ask("apply")
    assert not (plain.place / "shelf.json").exists()
    with plain.ledger() as ledger:
        assert ledger.runs(None) == []


def test_observers_hear_of_every_change_of_a_state(folder: Folder) -> None:
    folder.write("a")
    folder.write("b")
    folder.write("c")
    folder.ask("apply")
    assert folder.watch.told == [(name, "active", "created") for name in ("a", "b", "c")]
    folder.watch.told.clear()
    folder.write("a", enabled=False)
    folder.write("c", mapping={"Email": "Email"})
    folder.path("b").unlink()
    folder.ask("apply", "--prune")
    removed = "removed by apply: its spec is gone"
    assert folder.watch.told == [("a", "paused", "its spec says enabled: false"), ("b", "inactive", removed)]
    assert folder.watch.ended == [("b", removed)]
    folder.ask("apply", "--prune")
    assert len(folder.watch.told) == 2


def test_a_removed_sync_is_final_and_a_later_one_may_take_its_place(folder: Folder) -> None:
    folder.write("a")
    folder.write("b")
    folder.say("run", "configs/a.yaml")
    folder.path("a").unlink()
    folder.ask("apply", "--prune")
    assert folder.ask("plan", "--prune")[1]["counts"]["remove"] == 0
    folder.write("a")
    assert folder.kinds()["a"] == "refused"
    assert folder.say("run", "configs/a.yaml")[0] == 5
    folder.path("a").unlink()
    folder.write("a2", replaces="a")
    assert folder.ask("apply")[0] == 0
    _, run = folder.ask("run", "configs/a2.yaml")
    assert run["duplicate"]["unchanged"] == 3


def test_a_failure_midway_says_what_was_done_and_applying_again_does_the_rest(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        folder.write(name)
    meet = Ledger.meet

    def full(ledger: Ledger, name: str, **given: object) -> SyncRecord:
        if name == "c":
            raise Fatal("the disk is full")
        return meet(ledger, name, **given)  # type: ignore[arg-type]  # handed on as given

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "meet", full)
        code, applied = folder.ask("apply")
    assert code == 1
    assert {each["sync"]: (each["status"], each["message"]) for each in applied["results"]} == {
        "a": ("done", None),
        "b": ("done", None),
        "c": ("failed", "the disk is full"),
        "d": ("left", None),
    }
    assert folder.states() == {"a": "active", "b": "active"}
    assert folder.ask("apply")[0] == 0
    assert list(folder.states()) == list(NAMES)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "meet", full)
        folder.write("c", enabled=False)
        code, _, err = folder.say("apply")
    assert code == 1
    assert "! c: not paused: the disk is full" in err
    assert err.endswith("0 of 1 applied; mend what failed and apply again\n")


def test_a_sync_that_another_process_changed_between_plan_and_apply_is_not_overwritten(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("a")
    folder.ask("apply")
    folder.write("a", mapping={"Email": "Email"})
    folder.write("b")
    beneath(folder, monkeypatch, lambda ledger: ledger.meet("b", identity={}, spec={}, source_scope=""))
    code, applied = folder.ask("apply")
    assert code == 1
    assert [(each["sync"], each["status"]) for each in applied["results"]] == [("b", "failed"), ("a", "left")]
    assert "sync b was created meanwhile; make a new plan" in applied["results"][0]["message"]


def test_a_sync_that_was_paused_meanwhile_is_not_removed(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("a")
    folder.write("b")
    folder.ask("apply")
    folder.path("a").unlink()

    def pause(ledger: Ledger) -> None:
        sync = ledger.sync("a")
        assert sync is not None
        ledger.set_state(sync.id, "paused", "holidays")

    beneath(folder, monkeypatch, pause)
    assert folder.ask("apply", "--prune")[0] == 1
    assert folder.states()["a"] == "paused"


def beneath(folder: Folder, monkeypatch: pytest.MonkeyPatch, change: Callable[[Ledger], object]) -> None:
    """Change the ledger once, as another process would, after the plan was made and before it is carried out."""
    opened = Ledger.open

    def spying(url: str, *, read_only: bool = False, **given: object) -> Ledger:
        ledger = opened(url, read_only=read_only, **given)  # type: ignore[arg-type]  # handed on as given
        if not read_only:
            monkeypatch.setattr(Ledger, "open", opened)
            change(ledger)
        return ledger

    monkeypatch.setattr(Ledger, "open", spying)


def test_many_processes_that_apply_one_folder_create_each_sync_once(folder: Folder) -> None:
    for name in NAMES:
        folder.write(name)
    program = (
        "import sys; import syncline.registry; from workshop import Own; syncline.registry.installed = Own\n"
        "from syncline.cli import main; sys.exit(main(['apply', 'configs', '--json']))"
    )
    made = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment())
        for _ in range(3)
    ]
    documents = [json.loads(each.communicate()[0]) for each in made]
    assert {each.returncode for each in made} <= {0, 1}
    assert folder.states() == dict.fromkeys(NAMES, "active")
    done = {line["sync"] for each in documents for line in each["results"] if line["status"] == "done"}
    assert done == set(NAMES)
    with Ledger.open(folder.url, read_only=True) as ledger:
        assert [len(ledger.revisions(sync.id)) for sync in ledger.syncs()] == [1] * len(NAMES)
    assert folder.ask("apply")[1]["unchanged"] == len(NAMES)


def environment() -> dict[str, str]:
    """That of this process, with the folder of the tests on the path."""
    tests = str(Path(__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (tests, os.environ.get("PYTHONPATH"))))}


def test_threads_that_prune_at_once_end_a_sync_once(folder: Folder) -> None:
    folder.write("a")
    folder.ask("apply")
    changed: list[bool] = []
    with folder.ledger() as ledger:
        sync = ledger.sync("a")
        assert sync is not None

        def end() -> None:
            changed.append(ledger.set_state(sync.id, "inactive", "removed by apply: its spec is gone"))

        threads = [threading.Thread(target=end) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(changed) == [False, False, False, True]


def test_a_revision_carries_commit_and_author_where_they_are_known(plain: Folder) -> None:
    def git(*words: str) -> str:
        known = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
        who = ("-c", "user.name=Ann Lee", "-c", "user.email=ann@example.com")
        return subprocess.run(["git", *who, *words], env=known, check=True, capture_output=True, text=True).stdout

    plain.write("a")
    git("init", "-q")
    git("add", "configs/a.yaml")
    git("commit", "-qm", "the first sync")
    plain.write("b")
    plain.ask("apply", "configs")
    (first,) = plain.ask("show", "a", "--revisions")[1]["revisions"]
    assert (first["commit"], first["author"]) == (git("rev-parse", "HEAD").strip(), "Ann Lee")
    assert f"commit {first['commit'][:12]} by Ann Lee" in plain.say("show", "a", "--revisions")[1]
    assert plain.ask("show", "b", "--revisions")[1]["revisions"][0]["commit"] is None


# ----------------------------------------------------------------------------------------------------- revisions


def test_every_revision_is_shown_with_its_differences(folder: Folder) -> None:
    folder.write("a")
    folder.ask("apply")
    folder.write("a", mapping={"Email": "Email", "Name": {"field": "Name", "default": "x"}}, transforms=["trim"])
    folder.ask("apply")
    folder.write("a", mapping={"Email": "Email", "Name": {"field": "Name", "default": "y"}}, transforms=["trim"])
    folder.ask("apply")
    _, shown = folder.ask("show", "a", "--revisions")
    assert [each["number"] for each in shown["revisions"]] == [1, 2, 3]
    assert shown["revisions"][2]["changes"] == [{"path": "mapping.Name.default", "old": "x", "new": "y"}]
    _, out, _ = folder.say("show", "a", "--revisions")
    lines = out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        line for line in lines if line.startswith("revision ")
    ]
    assert lines[1] == "    first seen"
    assert "    ~ mapping.Name: Name → {default: x, field: Name}" in lines
    assert "    + transforms: [trim]" in lines
    assert lines[-1] == "    ~ mapping.Name.default: x → y"


def test_a_sync_that_the_ledger_has_not_met_has_no_revision(plain: Folder) -> None:
    plain.write("a")
    assert plain.ask("show", "configs/a.yaml", "--revisions") == (0, {"sync": "a", "revisions": []})
    assert plain.say("show", "configs/a.yaml", "--revisions")[1].startswith("no revision yet")
