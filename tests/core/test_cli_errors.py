"""Every command line ends in an exit code and a clear word, whatever happens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syncline.cli import main
from syncline.cli.invocation import Invocation
from syncline.errors import Busy, Fatal, NotRunnable, PluginError, Retriable, SpecError, SynclineError

Said = pytest.CaptureFixture[str]


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `syncline plugins` raise."""

    def registry(invocation: Invocation) -> None:
        raise error

    monkeypatch.setattr(Invocation, "registry", property(registry))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SpecError("the file is wrong"), 2),
        (PluginError("the package is broken"), 3),
        (NotRunnable("sync a is paused", sync="a", state="paused", why="asked for"), 5),
        (Busy("another process is running sync a"), 7),
        (Fatal("the ledger failed"), 1),
        (Retriable("try later", after=3), 1),
        (KeyboardInterrupt(), 1),
        (RuntimeError("boom"), 1),
    ],
)
def test_the_class_of_an_error_is_the_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    raising(error, monkeypatch)
    assert main(["plugins"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    if isinstance(error, SynclineError):
        assert said.err == f"{error}\n"


def test_with_json_an_error_is_one_document_on_standard_output(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    raising(Fatal("the ledger failed", mend="see the disk"), monkeypatch)
    assert main(["plugins", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "error": {"kind": "Fatal", "message": "the ledger failed; see the disk"},
        "exit": 1,
    }
    assert said.err == ""


def test_faults_keep_their_places_in_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--json", "run", "missing.yaml"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["exit"] == 2
    assert document["error"]["kind"] == "SpecError"
    (fault,) = document["error"]["faults"]
    assert fault.keys() == {"file", "line", "column", "path", "message"}
    assert (fault["file"], fault["line"], fault["column"]) == ("missing.yaml", 1, 1)


def test_a_refusal_has_its_own_document(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    raising(NotRunnable("sync a is inactive", sync="a", state="inactive", why="its report is gone"), monkeypatch)
    assert main(["--json", "plugins"]) == 5
    document = json.loads(capsys.readouterr().out)
    assert document == {"sync": "a", "status": "refused", "state": "inactive", "reason": "its report is gone"}


def test_an_unforeseen_error_says_its_class_and_place_but_not_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    raising(ValueError("ann@example.com is odd"), monkeypatch)
    assert main(["plugins"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "ValueError at test_cli_errors.py:" in said
    assert "run again with --debug" in said
    assert "ann@example.com" not in said


@pytest.mark.parametrize("arguments", [["--debug", "plugins"], ["plugins", "--debug"]])
def test_a_stack_trace_is_shown_with_debug_only(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    raising(ValueError("odd"), monkeypatch)
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert "Traceback (most recent call last)" in said
    assert "run again" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["rum"],
        ["run"],
        ["run", "a", "b"],
        ["leads", "last", "--outcome", "lost"],
        ["--jsn"],
        ["history", "a", "--limit", "0"],
    ],
)
def test_bad_usage_is_exit_two_for_people_and_for_machines(arguments: list[str], capsys: Said) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Try 'syncline" in said.err
    assert main([*arguments, "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["error"]["kind"] == "UsageError"
    assert document["exit"] == 2


def test_a_bare_command_line_shows_the_help_once(capsys: Said) -> None:
    assert main([]) == 2
    said = capsys.readouterr().err
    assert said.count("Usage: syncline") == 1
    assert "Commands:" in said


def test_a_folder_is_no_spec(tmp_path: Path, capsys: Said) -> None:
    assert main(["run", str(tmp_path)]) == 2
    assert "is a directory" in capsys.readouterr().err


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    raising(OSError(28, "No space left on device", "leads.csv"), monkeypatch)
    assert main(["plugins"]) == 1
    assert capsys.readouterr().err.startswith("cannot go on: No space left on device: leads.csv; ")


def test_a_misspelt_command_is_answered_with_the_nearest(capsys: Said) -> None:
    main(["histroy"])
    assert "there is no command 'histroy'; did you mean 'history'?" in capsys.readouterr().err


def test_a_secret_never_reaches_the_screen_in_an_error(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    url = "postgresql://ann:correct-horse@127.0.0.1:1/ledger"
    for arguments in (["status"], ["status", "--json"], ["status", "--debug"]):
        assert main([*arguments, "--ledger", url]) == 1
        said = capsys.readouterr()
        assert "correct-horse" not in said.out + said.err
        assert "Fatal" in said.out or "the ledger" in said.err
