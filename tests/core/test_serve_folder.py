"""A folder that is followed: what is sound is applied, what is not replaces nothing, whatever is done to the files."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from serving import Desk
from syncline.adoption import adopt_all, origins
from syncline.errors import Fatal, SpecError
from syncline.ledger import Ledger, SyncRecord
from syncline.observers import Observers
from syncline.secrets import Redactor
from syncline.serve import Folder
from syncline.serve import folder as module
from syncline.spec.model import Spec
from workshop import Own


class Out:
    """A ledger that can be out of reach, in the place where the folder asks for it."""

    def __init__(self, ledger: Ledger, observers: Observers) -> None:
        self.ledger, self.observers, self.reach = ledger, observers, True

    def __call__(self, specs: list[Spec]) -> list[SyncRecord | SpecError]:
        if not self.reach:
            raise Fatal("the ledger's server cannot be reached")
        return adopt_all(self.ledger, self.observers, specs, origins)


class Followed:
    """A desk whose folder is followed here, without a process."""

    def __init__(self, folder: Path, inside: str = "specs") -> None:
        self.desk = Desk(folder, f"sqlite:///{folder}/ledger.db", "2026-11-02T09:00:00")
        self.ledger = Ledger.open(self.desk.url, now=self.desk.clock)
        self.registry = Own()
        self.reach = Out(self.ledger, Observers(self.registry))
        self.folder = self.fresh(inside)

    def fresh(self, inside: str = "specs") -> Folder:
        """As a process that starts anew follows it."""
        return Folder(self.desk.folder / inside, None, self.registry, Redactor(), self.reach)

    def look(self, times: int = 2) -> tuple[list[str], list[str], list[str]]:
        """Names that are adopted, held and left after two looks: changes are taken when two looks agree."""
        found: tuple[list[str], list[str], list[str]] = ([], [], [])
        for _ in range(times):
            while True:
                step = self.folder.step()
                for names, more in zip(
                    found, ([each.name for each in step.adopted], step.held, step.left), strict=True
                ):
                    names.extend(more)
                if not step.more:
                    break
        return found

    def spec(self, name: str, **keys: Any) -> Path:
        return self.desk.spec(name, **keys)

    def bound(self, name: str) -> Any:
        sync = self.ledger.sync(name)
        assert sync is not None
        return self.folder.bound(sync)

    def revision(self, name: str) -> int:
        sync = self.ledger.sync(name)
        return sync.revision if sync else 0


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    made = Followed(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "syncline")
    return caplog


def lines(told: pytest.LogCaptureFixture) -> list[str]:
    """What was said since the last time."""
    said = [record.getMessage() for record in told.records]
    told.clear()
    return said


def test_an_edit_is_applied_when_the_file_has_come_to_rest(followed: Followed) -> None:
    path = followed.spec("a")
    assert followed.look(1) == (["a"], [], [])
    text = path.read_text()
    for n in range(1, 4):  # it is being written, as slowly as can be
        path.write_text(text[: n * len(text) // 4])
        assert followed.look(1) == ([], [], [])
    path.write_text(text.replace("Name: Name", "Name: Full Name"))
    assert followed.look(1) == ([], [], [])
    assert followed.look(1) == (["a"], [], [])
    assert followed.revision("a") == 2
    assert followed.look() == ([], [], [])


def test_a_file_with_faults_replaces_nothing_and_is_told_once_and_once_more_when_it_is_sound(
    followed: Followed, told: pytest.LogCaptureFixture
) -> None:
    path = followed.spec("a")
    sound = path.read_text()
    followed.look()
    lines(told)
    path.write_text(sound.replace("type: shelf", "type: shelv"))
    followed.look(6)
    (said,) = lines(told)
    assert said.startswith(f"not applied, what ran before goes on: {path}:")
    assert "did you mean 'shelf'?" in said
    assert followed.folder.serves("a")
    assert followed.bound("a").spec.sink.type == "shelf"
    assert len(followed.folder.troubles()) == 1
    path.write_text(sound)
    assert followed.look()[0] == ["a"]
    assert lines(told) == [f"{path} is sound again"]
    assert (followed.folder.troubles(), followed.revision("a")) == ([], 1)


def test_after_a_restart_a_file_with_faults_stands_for_the_sync_that_the_ledger_knows(followed: Followed) -> None:
    path = followed.spec("a")
    followed.look()
    path.write_text(path.read_text().replace("retrieve: all", "retrieve: everything"))
    followed.folder = followed.fresh()
    assert followed.look() == ([], ["a"], [])
    assert followed.folder.serves("a")
    assert followed.bound("a").spec.retrieve.mode == "all"


def test_of_many_files_those_with_faults_are_held_whichever_part_they_are_read_in(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 2)
    paths = [followed.spec(name) for name in "abcdef"]
    assert followed.look(1)[0] == list("abcdef")
    paths[5].write_text(paths[5].read_text().replace("retrieve: all", "retrieve: everything"))
    followed.folder = followed.fresh()
    assert followed.look(1) == (list("abcde"), ["f"], [])


def test_an_edited_identity_is_refused_while_what_ran_goes_on(
    followed: Followed, told: pytest.LogCaptureFixture
) -> None:
    followed.spec("a")
    followed.look()
    lines(told)
    other = str(followed.desk.folder / "other.json")
    path = followed.spec("a", source={"file": other})
    assert followed.look(4) == ([], ["a"], [])
    (said,) = lines(told)
    assert said.startswith(f"not applied, what ran before goes on: {path}: a: the identity of this sync cannot change")
    assert "give the sync a new name and say `replaces: a`" in said
    assert followed.bound("a").spec.source.config["file"] != other


def test_a_renamed_file_is_the_same_sync_and_a_removed_one_is_not_run_here_any_more(
    followed: Followed, told: pytest.LogCaptureFixture
) -> None:
    path = followed.spec("a")
    followed.look()
    lines(told)
    renamed = path.rename(path.with_name("z.yaml"))
    adopted, _, left = followed.look()
    assert (adopted, left) == (["a"], [])
    renamed.unlink()
    assert followed.look() == ([], [], ["a"])
    assert not followed.folder.serves("a")
    assert lines(told)[-1] == f"{renamed} is gone: its sync is not run here any more"


def test_of_two_files_with_one_name_the_first_is_served_and_the_second_takes_over_when_it_goes(
    followed: Followed, told: pytest.LogCaptureFixture
) -> None:
    first = followed.spec("a")
    second = followed.spec("a", file="b.yaml", description="the other")
    followed.look()
    assert "the other" not in str(followed.ledger.sync("a"))
    assert [str(first) in each for each in lines(told) if "has the name 'a' already" in each] == [True]
    first.write_text(first.read_text().replace("Name: Name", "Name: Full Name"))
    assert followed.look()[0] == ["a"]
    assert followed.revision("a") == 2
    first.unlink()
    adopted, _, left = followed.look()
    assert (adopted, left) == (["a"], [])
    assert "the other" in str(followed.ledger.sync("a"))
    assert followed.folder.troubles() == []
    second.unlink()
    assert followed.look()[2] == ["a"]


def test_a_second_file_of_a_name_that_comes_later_changes_nothing(followed: Followed) -> None:
    followed.spec("b")
    followed.look()
    followed.spec("b", file="a.yaml", description="the other")
    assert followed.look(4)[0] == []
    assert followed.revision("b") == 1
    assert len(followed.folder.troubles()) == 1


def test_a_file_that_takes_another_name_leaves_the_former_one(
    followed: Followed, told: pytest.LogCaptureFixture
) -> None:
    path = followed.spec("a")
    followed.look()
    text = path.read_text()
    path.write_text(text.replace("name: a\n", "name: b\n"))
    assert followed.look() == (["b"], [], ["a"])
    assert (followed.folder.serves("a"), followed.folder.serves("b")) == (False, True)
    assert any("a is not run here any more" in each for each in lines(told))


def test_two_files_may_swap_their_names(followed: Followed) -> None:
    first, second = followed.spec("a"), followed.spec("b")
    followed.look()
    texts = first.read_text(), second.read_text()
    first.write_text(texts[1])
    second.write_text(texts[0])
    adopted, _, left = followed.look()
    assert (sorted(adopted), left, followed.folder.troubles()) == (["a", "b"], [], [])
    first.write_text(texts[1].replace("Name: Name", "Name: Full Name"))
    assert followed.look()[0] == ["b"]


def test_a_change_of_defaults_concerns_every_file_of_the_folder(followed: Followed) -> None:
    followed.spec("a")
    followed.spec("b", description="its own")
    followed.look()
    defaults = followed.desk.specs / "defaults.yaml"
    defaults.write_text("description: of all\n")
    assert followed.look()[0] == ["a", "b"]
    assert (followed.revision("a"), followed.revision("b")) == (2, 1)
    defaults.write_text("description: [of all\n")
    assert followed.look()[0] == []
    assert followed.folder.serves("a")
    defaults.unlink()
    assert followed.look()[0] == ["a", "b"]
    assert (followed.revision("a"), followed.revision("b")) == (3, 1)


def test_a_file_that_goes_while_defaults_change_is_gone_all_the_same(followed: Followed) -> None:
    path = followed.spec("a")
    followed.spec("b")
    followed.look()
    path.unlink()
    (followed.desk.specs / "defaults.yaml").write_text("description: of all\n")
    assert followed.look(3)[2] == ["a"]


def test_an_overlay_that_comes_later_changes_the_sync_and_one_that_goes_changes_it_back(tmp_path: Path) -> None:
    followed = Followed(tmp_path, "specs/overlays/prod")
    over = followed.desk.specs / "overlays" / "prod"
    over.mkdir(parents=True)
    followed.spec("a", description="base")
    followed.look()
    (over / "a.yaml").write_text("description: production\n")
    assert followed.look()[0] == ["a"]
    assert followed.ledger.sync("a").spec["description"] == "production"  # type: ignore[union-attr]  # it was met
    (over / "a.yaml").unlink()
    followed.look(3)
    assert followed.ledger.sync("a").spec["description"] == "base"  # type: ignore[union-attr]  # it was met
    followed.ledger.close()


def test_connections_with_faults_or_without_their_file_leave_those_that_were_sound_in_use(
    followed: Followed, told: pytest.LogCaptureFixture
) -> None:
    connections = followed.desk.specs / "connections.yaml"
    connections.write_text("connections: {hut: {type: hut, key: brass}}\n")
    for name in ("a", "b"):
        followed.spec(name, source={"type": "hut_table", "connection": "hut"})
    followed.look()
    lines(told)
    connections.write_text("connections: {hut: {type: hut, keys: iron}}\n")
    followed.look(4)
    said = lines(told)
    assert said
    assert all("connections.yaml:1:" in each for each in said)
    assert len(said) == len(set(said)), "each fault is told once, not for every spec"
    assert followed.bound("a").source_connection.config.key == "brass"
    followed.spec("a", source={"type": "hut_table", "connection": "hut"}, description="edited meanwhile")
    followed.look()
    assert followed.revision("a") == 1
    connections.write_text("connections: {hut: {type: hut, key: silver}}\n")
    assert sorted(followed.look()[0]) == ["a", "b"]
    assert lines(told) == [f"{connections} is sound again", "revision 2 is applied"]
    assert (followed.revision("a"), followed.bound("b").source_connection.config.key) == (2, "silver")
    connections.unlink()
    followed.look()
    assert followed.bound("a").source_connection.config.key == "silver"


def test_a_folder_that_is_gone_or_cannot_be_read_takes_no_sync_with_it(
    followed: Followed, told: pytest.LogCaptureFixture
) -> None:
    followed.spec("a")
    followed.look()
    lines(told)
    away = followed.desk.specs.rename(followed.desk.folder / "away")
    assert followed.look(4) == ([], [], [])
    assert followed.folder.serves("a")
    assert lines(told) == [
        f"not applied, what ran before goes on: {followed.desk.specs}: cannot be read (No such file or directory)"
    ]
    assert followed.bound("a").spec.name == "a"
    away.rename(followed.desk.specs)
    assert followed.look() == ([], [], [])
    assert lines(told) == [f"{followed.desk.specs} is sound again"]


def test_nothing_that_lies_in_a_folder_holds_it_up(followed: Followed, told: pytest.LogCaptureFixture) -> None:
    followed.spec("a")
    here = followed.desk.specs
    os.mkfifo(here / "pipe.yaml")
    (here / "loop.yaml").symlink_to(here / "loop.yaml")
    (here / "nowhere.yaml").symlink_to(here / "there-is-none.yaml")
    (here / "folder.yaml").mkdir()
    followed.spec("hidden").rename(here / "folder.yaml" / "hidden.yaml")
    (here / "binary.yaml").write_bytes(os.urandom(1000))
    (here / os.fsdecode(b"\xff\xfe.yaml")).write_text("name: [")
    (here / "bomb.yaml").write_text("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b, *b]\n" + "d: *b\n" * 200)
    assert followed.look(3)[0] == ["a"]
    assert followed.folder.serves("a")
    assert sum("bomb.yaml" in record.getMessage() for record in told.records) == module.TOLD + 1
    assert {each.partition(":")[0].rpartition("/")[2] for each in followed.folder.troubles()} == {
        "binary.yaml", "bomb.yaml", "loop.yaml", "nowhere.yaml", r"\udcff\udcfe.yaml",
    }  # fmt: skip


def test_an_edit_that_meets_a_ledger_out_of_reach_is_applied_later(followed: Followed) -> None:
    followed.spec("a")
    followed.spec("b")
    followed.look()
    (followed.desk.specs / "b.yaml").unlink()
    followed.spec("a", description="edited")
    followed.look(1)
    followed.reach.reach = False
    for _ in range(3):
        with pytest.raises(Fatal):
            followed.folder.step()
    followed.reach.reach = True
    assert followed.look(1) == (["a"], [], ["b"])
    assert followed.revision("a") == 2


def test_another_revision_of_the_folder_takes_the_place_of_the_former_as_a_whole(followed: Followed) -> None:
    for name in ("a", "b"):
        followed.spec(name)
    (followed.desk.specs / "syncline.yaml").write_text("retention: 30\n")
    followed.look()
    former = followed.desk.specs
    followed.desk.specs = followed.desk.folder / "next"
    followed.desk.specs.mkdir()
    (followed.desk.specs / "syncline.yaml").write_text("retention: 30\n")
    followed.spec("a", description="edited")
    followed.spec("c")
    followed.folder.move(followed.desk.specs)
    assert followed.look(1) == (["a", "c"], [], ["b"])
    assert not followed.folder.serves("b")
    assert followed.bound("a").spec.path.parent == followed.desk.specs
    assert former.exists()


def test_enabled_false_pauses_and_true_resumes_but_not_what_a_person_paused(followed: Followed) -> None:
    for name in ("by-spec", "by-hand"):
        followed.spec(name)
    followed.look()
    by_hand = followed.ledger.sync("by-hand")
    assert by_hand is not None
    followed.ledger.set_state(by_hand.id, "paused", "holidays")
    for enabled, states in ((False, ["paused", "paused"]), (True, ["active", "paused"])):
        for name in ("by-spec", "by-hand"):
            followed.spec(name, enabled=enabled)
        followed.look()
        assert [followed.ledger.sync(name).state for name in ("by-spec", "by-hand")] == states  # type: ignore[union-attr]  # both are there
    sync = followed.ledger.sync("by-spec")
    assert sync is not None
    assert [event[1:] for event in followed.ledger.events(sync.id)][1:] == [
        ("paused", "its spec says enabled: false"),
        ("active", "its spec says enabled: true"),
    ]
    assert sync.due_after == pytest.approx(datetime.now(UTC), abs=timedelta(days=400))
