"""Who last changed a file: real git, in folders of the test."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from git_remotes import Checkout, no_git_configuration
from syncline.git import Origin, origin, origin_of, origins_of

NEVER = Origin("", "", None, dirty=True)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_git_configuration(tmp_path, monkeypatch)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def test_a_file_comes_from_the_commit_that_last_changed_it(checkout: Checkout) -> None:
    first = checkout.commit({"configs/a.yaml": "1", "configs/b.yaml": "1"}, by="Ann")
    second = checkout.commit({"configs/b.yaml": "2"}, by="Bob")
    third = checkout.commit({"README": "x"}, by="Eve")
    assert origin_of(checkout.folder / "configs" / "a.yaml") == Origin(first, "Ann", checkout.at(first), dirty=False)
    assert origin_of(checkout.folder / "configs" / "b.yaml") == Origin(second, "Bob", checkout.at(second), dirty=False)
    assert origin_of(checkout.folder / "configs") == Origin(third, "Eve", checkout.at(third), dirty=False)


def test_an_edited_a_staged_and_a_new_file_are_dirty(checkout: Checkout) -> None:
    commit = checkout.commit({"edited.yaml": "1", "staged.yaml": "1", "same.yaml": "1", "touched.yaml": "1"})
    checkout.write({"edited.yaml": "2", "staged.yaml": "2", "new.yaml": "1", "added.yaml": "1"})
    checkout.git("add", "staged.yaml", "added.yaml")
    os.utime(checkout.folder / "touched.yaml", (0, 0))
    found = origins_of(checkout.folder, checkout.files())
    assert {path.name: (each.commit, each.dirty) for path, each in found.items()} == {
        "edited.yaml": (commit, True),
        "staged.yaml": (commit, True),
        "same.yaml": (commit, False),
        "touched.yaml": (commit, False),
        "new.yaml": ("", True),
        "added.yaml": ("", True),
    }


def test_a_folder_is_dirty_through_what_lies_below_it_alone(checkout: Checkout) -> None:
    checkout.commit({"configs/a.yaml": "1", "notes": "1", "configs/.gitignore": "*.tmp"})
    checkout.write({"notes": "2", "configs/scratch.tmp": "1"})
    configs = checkout.folder / "configs"
    assert (origin_of(configs) or NEVER).dirty is False
    checkout.write({"configs/new.yaml": "1"})
    assert (origin_of(configs) or NEVER).dirty is True


def test_a_checkout_without_a_commit_has_new_files_only(checkout: Checkout) -> None:
    checkout.write({"a.yaml": "1"})
    assert origin_of(checkout.folder / "a.yaml") == NEVER
    assert origin_of(checkout.folder) is None


def test_a_change_that_a_merge_did_not_take_over_is_nobodys(checkout: Checkout) -> None:
    kept = checkout.commit({"a.yaml": "1", "b.yaml": "1"}, by="Ann")
    checkout.git("checkout", "-q", "-b", "side")
    side = checkout.commit({"a.yaml": "2", "b.yaml": "2"}, by="Bob")
    checkout.git("checkout", "-q", "main")
    checkout.commit({"c.yaml": "1"}, by="Eve")
    checkout.git("merge", "-q", "--no-commit", "side")
    checkout.write({"a.yaml": "1"})
    checkout.commit({}, by="Zoe")
    found = origins_of(checkout.folder, checkout.files())
    assert {path.name: (each.commit, each.author) for path, each in found.items() if path.name != "c.yaml"} == {
        "a.yaml": (kept, "Ann"),
        "b.yaml": (side, "Bob"),
    }


def test_what_a_merge_itself_wrote_comes_from_the_merge(checkout: Checkout) -> None:
    checkout.commit({"a.yaml": "1"}, by="Ann")
    checkout.git("checkout", "-q", "-b", "side")
    checkout.commit({"a.yaml": "2"}, by="Bob")
    checkout.git("checkout", "-q", "main")
    checkout.commit({"a.yaml": "3"}, by="Eve")
    checkout.git("merge", "-q", "side", ok=False)
    checkout.write({"a.yaml": "2 and 3"})
    merge = checkout.commit({}, by="Zoe")
    found = origin_of(checkout.folder / "a.yaml")
    assert found is not None
    assert (found.commit, found.author) == (merge, "Zoe")


@pytest.mark.parametrize("few", [0, 100], ids=["folder", "names"])
def test_ten_thousand_files_take_a_handful_of_calls(
    checkout: Checkout, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "FEW", few)
    size = 10_000 if few == 0 else 60
    first = checkout.commit({f"configs/{n % 40}/sync-{n}.yaml": "1" for n in range(size)}, by="Ann")
    second = checkout.commit({"configs/7/sync-7.yaml": "2"}, by="Bob")
    calls = []
    started = origin.run.__globals__["_started"]
    monkeypatch.setitem(origin.run.__globals__, "_started", lambda *given: calls.append(given) or started(*given))
    found = origins_of(checkout.folder / "configs", checkout.files("configs"))
    assert len(found) == size
    assert {each.commit for each in found.values()} == {first, second}
    assert found[checkout.folder / "configs/7/sync-7.yaml"].author == "Bob"
    assert len(calls) < 8


@pytest.mark.parametrize("name", ["ä ö.yaml", "a\nb.yaml", ":(top)x.yaml", "*.yaml", '"q".yaml', "-x.yaml"])
def test_any_name_of_a_file_is_found(checkout: Checkout, name: str) -> None:
    commit = checkout.commit({f"sub folder/{name}": "1", "sub folder/other.yaml": "1"}, by="Zoë")
    found = origin_of(checkout.folder / "sub folder" / name)
    assert found == Origin(commit, "Zoë", checkout.at(commit), dirty=False)
    checkout.write({f"sub folder/{name}": "2"})
    assert (origin_of(checkout.folder / "sub folder" / name) or NEVER).commit == commit
    assert (origin_of(checkout.folder / "sub folder" / name) or NEVER).dirty


def test_outside_a_checkout_there_is_no_origin_and_no_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "syncline")
    (tmp_path / "a.yaml").write_text("1")
    assert origin_of(tmp_path / "a.yaml") is None
    assert origin_of(tmp_path) is None
    assert origin_of(tmp_path / "missing" / "a.yaml") is None
    assert caplog.text == ""


def test_without_git_there_is_no_origin_and_one_word(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    checkout.commit({"a.yaml": "1"})
    caplog.set_level(logging.INFO, "syncline")
    monkeypatch.setenv("PATH", "/nowhere")
    assert origin_of(checkout.folder / "a.yaml") is None
    assert "the program git is missing" in caplog.text


def test_a_broken_repository_ends_nothing(checkout: Checkout, caplog: pytest.LogCaptureFixture) -> None:
    commit = checkout.commit({"a.yaml": "1"})
    caplog.set_level(logging.INFO, "syncline")
    (checkout.folder / ".git" / "objects" / commit[:2] / commit[2:]).unlink()
    assert origin_of(checkout.folder / "a.yaml") is None
    assert origin_of(checkout.folder) is None
    assert "git does not say who changed it" in caplog.text


def test_a_refusal_of_git_ends_nothing(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    checkout.commit({"a.yaml": "1"})
    caplog.set_level(logging.INFO, "syncline")
    monkeypatch.setitem(origin.run.__globals__["SETTINGS"], "GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert origin_of(checkout.folder / "a.yaml") is None
    assert "dubious ownership" in caplog.text


def test_a_history_that_is_too_long_gives_what_was_found(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    checkout.commit({"a.yaml": "1"})
    caplog.set_level(logging.INFO, "syncline")

    monkeypatch.setattr(origin, "records", lambda *given, **named: _raising())
    checkout.write({"new.yaml": "1"})
    assert origins_of(checkout.folder, checkout.files()) == {checkout.folder / "new.yaml": NEVER}
    assert "too long to find who changed 1 files" in caplog.text


def _raising() -> object:
    raise TimeoutError
    yield


def test_the_environment_of_a_hook_leads_nowhere_else(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = checkout.commit({"a.yaml": "1"}, by="Ann")
    other = Checkout(tmp_path / "other")
    other.commit({"a.yaml": "other"}, by="Bob")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", "nothing")
    found = origin_of(checkout.folder / "a.yaml")
    assert found == Origin(commit, "Ann", checkout.at(commit), dirty=False)


def test_settings_of_the_user_change_no_answer(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = checkout.commit({"sub/a.yaml": "1"}, by="Zoë")
    config = Path(os.environ["HOME"]) / ".gitconfig"
    config.write_text(
        "[log]\nshowRoot = false\nshowSignature = true\n[diff]\nrelative = true\nnoprefix = true\n"
        "[color]\nui = always\n[status]\nshowUntrackedFiles = no\n[i18n]\nlogOutputEncoding = latin1\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert origin_of(checkout.folder / "sub" / "a.yaml") == Origin(commit, "Zoë", checkout.at(commit), dirty=False)
    checkout.write({"sub/new.yaml": "2"})
    assert (origin_of(checkout.folder) or NEVER) == Origin(commit, "Zoë", checkout.at(commit), dirty=True)
    checkout.write({"sub/a.yaml": "2", "sub/new.yaml": "2"})
    assert (origin_of(checkout.folder / "sub" / "a.yaml") or NEVER) == Origin(
        commit, "Zoë", checkout.at(commit), dirty=True
    )


def test_a_program_of_the_repositorys_choice_is_not_run(checkout: Checkout, tmp_path: Path) -> None:
    checkout.commit({"a.yaml": "1"})
    checkout.git("config", "core.fsmonitor", f"touch {tmp_path / 'ran'}; false")
    assert origin_of(checkout.folder / "a.yaml") is not None
    assert origin_of(checkout.folder) is not None
    assert not (tmp_path / "ran").exists()


def test_a_time_that_git_cannot_know_is_none(checkout: Checkout) -> None:
    commit = checkout.commit({"a.yaml": "1"})
    lines = checkout.git("cat-file", "commit", commit).splitlines()
    stem = next(line for line in lines if line.startswith("committer")).rsplit(" ", 2)[0]
    lines = [f"{stem} 99999999999999 +0000" if line.startswith("committer") else line for line in lines]
    odd = checkout.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", given="\n".join(lines) + "\n")
    checkout.git("reset", "-q", "--hard", odd)
    found = origin_of(checkout.folder / "a.yaml")
    assert found is not None
    assert found.commit == odd
    assert found.at is None or found.at > datetime.now(UTC) + timedelta(days=365)
