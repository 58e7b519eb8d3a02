"""The shell completes commands, options, spec files, syncs and runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from syncline.cli import main
from syncline.ledger import Ledger


def completed(words: str, folder: Path, **environment: str) -> list[str]:
    """What bash would offer for the last of `words`, in a real process."""
    line = words.split(" ")
    made = subprocess.run(
        [sys.executable, "-c", "import sys; from syncline.cli import main; sys.exit(main())"],
        env={**os.environ, "_SYNCLINE_COMPLETE": "bash_complete", "COMP_WORDS": words.strip(),
             "COMP_CWORD": str(len(line) - 1), **environment},
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    return [each.partition(",")[2] for each in made.stdout.splitlines() if each]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two spec files, and a ledger that has met one sync with one run."""
    (tmp_path / "signups.yaml").write_text("version: 1\nname: webinar-signups\n")
    (tmp_path / "connections.yaml").write_text("connections: {}\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "jobs.yaml").write_text("name: jobs\n")
    with Ledger.open(f"sqlite:///{tmp_path}/.syncline/ledger.db") as ledger:
        sync = ledger.meet("old-signups", identity={}, spec={}, source_scope="")
        run = ledger.start_run(sync, trigger="manual", window="{}")
        ledger.finish_run(run, status="succeeded")
        (tmp_path / "run-id").write_text(run.id)
    return tmp_path


def test_commands_and_options_complete(folder: Path) -> None:
    assert completed("syncline his", folder) == ["history"]
    assert "--outcome" in completed("syncline leads --o", folder)


def test_spec_files_complete_without_the_files_beside_them(folder: Path) -> None:
    assert completed("syncline run ", folder) == ["signups.yaml", "more/jobs.yaml"]
    assert completed("syncline run more/", folder) == ["more/jobs.yaml"]
    assert completed("syncline run nowhere/x", folder) == []


def test_syncs_of_the_folder_and_of_the_ledger_complete(folder: Path) -> None:
    assert completed("syncline history ", folder) == ["old-signups", "webinar-signups"]
    assert completed("syncline history web", folder) == ["webinar-signups"]
    assert completed("syncline show ./s", folder) == ["./signups.yaml"]
    assert completed("syncline show more/", folder) == ["more/jobs.yaml"]


def test_runs_complete(folder: Path) -> None:
    run = (folder / "run-id").read_text()
    assert completed("syncline leads ", folder) == ["last", run]
    assert completed(f"syncline leads {run[:6]}", folder) == [run]


def test_plugins_complete(folder: Path) -> None:
    assert "trim" in completed("syncline plugins tr", folder)


def test_a_ledger_that_cannot_be_read_is_no_trouble(folder: Path) -> None:
    assert completed("syncline leads ", folder, SYNCLINE_LEDGER="sqlite:////dev/null/nowhere.db") == ["last"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed_and_its_place_is_said_beside_it(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    said = capsys.readouterr()
    assert f"_SYNCLINE_COMPLETE={shell}_complete" in said.out
    assert said.err.startswith("Put this into ")
