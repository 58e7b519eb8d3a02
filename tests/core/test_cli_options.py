"""The shared options, and where files, folders and the ledger are looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from syncline.cli.invocation import Invocation, is_path
from syncline.cli.options import Options, command, common
from syncline.folders import spec_files

SHARED: dict[str, tuple[list[str], Any]] = {
    "as_json": (["--json"], True),
    "debug": (["--debug"], True),
    "ledger": (["--ledger", "sqlite:///x.db"], "sqlite:///x.db"),
    "connections": (["--connections", "c.yaml"], Path("c.yaml")),
    "log_format": (["--log-format", "json"], "json"),
    "no_color": (["--no-color"], True),
}


def parsed(arguments: list[str]) -> Options:
    """The options that a group with one command keeps."""

    @command()
    def work(invocation: Invocation) -> int:
        return 0

    @click.group()
    @common
    def top() -> None: ...

    top.add_command(work)
    invocation = Invocation(Options())
    result = CliRunner().invoke(top, arguments, obj=invocation, standalone_mode=False)
    assert result.exception is None, result.exception
    return invocation.options


@given(st.dictionaries(st.sampled_from(sorted(SHARED)), st.booleans()))
def test_shared_options_mean_the_same_before_and_after_the_command(places: dict[str, bool]) -> None:
    before = [word for name, first in places.items() if first for word in SHARED[name][0]]
    after = [word for name, first in places.items() if not first for word in SHARED[name][0]]
    options = parsed([*before, "work", *after])
    assert options == Options(**{name: SHARED[name][1] for name in places})


def test_the_later_of_two_options_wins() -> None:
    assert parsed(["--ledger", "sqlite:///one.db", "work", "--ledger", "sqlite:///two.db"]).ledger == "sqlite:///two.db"


def test_the_ledger_is_that_of_the_option_then_the_variable_then_the_file_then_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCLINE_LEDGER", raising=False)
    assert Invocation(Options()).ledger_url() == "sqlite:///.syncline/ledger.db"
    (tmp_path / "syncline.yaml").write_text("ledger: sqlite:///kept/here.db\n")
    (tmp_path / "a.yaml").write_text("name: a\n")
    assert Invocation(Options()).ledger_url() == "sqlite:///kept/here.db"
    monkeypatch.setenv("SYNCLINE_LEDGER", "sqlite:///variable.db")
    assert Invocation(Options()).ledger_url() == "sqlite:///variable.db"
    assert Invocation(Options(ledger="sqlite:///option.db")).ledger_url() == "sqlite:///option.db"


def test_a_relative_ledger_of_a_settings_file_lies_beside_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCLINE_LEDGER", raising=False)
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "syncline.yaml").write_text("ledger: sqlite:///l.db\n")
    assert Invocation(Options()).ledger_url(folder) == f"sqlite:///{folder}/l.db"


def test_the_password_of_a_ledger_is_masked_from_then_on() -> None:
    invocation = Invocation(Options(ledger="postgresql://ann:hunter%202hunter@db.example.com/ledger"))
    invocation.ledger_url()
    assert "hunter" not in invocation.redactor.clean("refused: hunter 2hunter, hunter%202hunter")


def test_specs_are_looked_for_here_and_else_in_configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    invocation = Invocation(Options())
    assert invocation.folder() == Path()
    (tmp_path / "configs").mkdir()
    (tmp_path / "connections.yaml").write_text("connections: {}\n")
    assert invocation.folder() == Path("configs")
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    assert invocation.folder() == Path()
    assert list(spec_files(tmp_path)) == [tmp_path / "mine.yaml"]


@given(st.from_regex(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z"))
def test_no_name_of_a_sync_is_taken_for_a_file(name: str) -> None:
    assert not is_path(name)
    assert is_path(f"{name}.yaml")
    assert is_path(f"configs/{name}")
