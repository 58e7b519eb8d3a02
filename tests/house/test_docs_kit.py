"""The page about tests of plugins: its plugin passes, its mistake is found in the words shown, its lists are whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs_pages import DOCS, ROOT, blocks
from docs_walk import Walk
from syncline.testing import Contract, Fault, SinkContract, SourceContract

PAGE = DOCS / "how-to" / "test-a-plugin.md"
ACME = ROOT / "tests" / "fixtures" / "acme_source"
ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the plugin and the test of the page."""
    for name in ("guests.py", "test_guests.py"):
        (block,) = blocks(PAGE, "python", name)
        (tmp_path / name).write_text(block.text, encoding="utf-8")
    return tmp_path


def outcome(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | {"COLUMNS": "300"})


def test_the_plugin_of_the_page_passes_and_its_mistake_is_found_in_these_words(folder: Path) -> None:
    done = outcome(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (mistake,), (words,) = blocks(PAGE, "diff"), blocks(PAGE, "text")
    Walk(folder).edit(mistake)
    done = outcome(folder)
    assert done.returncode == 1
    said = "".join(f"{line.removeprefix('E').strip()}\n" for line in done.stdout.splitlines())
    shown = "".join(f"{line.strip()}\n" for line in words.lines)
    assert shown in said.replace("syncline.testing.promises.BrokenPromise: ", ""), done.stdout


def test_the_test_of_the_example_package_is_quoted_as_it_is() -> None:
    (block,) = blocks(PAGE, "python", "acme")
    assert block.text in (ACME / "tests" / "test_contract.py").read_text(encoding="utf-8")


def test_every_fault_is_on_the_page_in_its_own_words() -> None:
    told = dict(ROW.findall(PAGE.read_text(encoding="utf-8").partition("## The faults")[2]))
    assert told == {fault.name: fault.value for fault in Fault}


@pytest.mark.parametrize(
    ("part", "contract"), [("both", Contract), ("a sink", SinkContract), ("a source", SourceContract)]
)
def test_everything_that_an_author_can_say_is_on_the_page(part: str, contract: type[Contract]) -> None:
    table = PAGE.read_text(encoding="utf-8").partition(f"Of {part}:\n")[2].strip().partition("\n\n")[0]
    named = [name.partition("(")[0] for name, _ in ROW.findall(table)]
    assert named
    options = {name for each in contract.__mro__ for name in vars(each).get("__annotations__", ())}
    assert [name for name in named if name not in options and not hasattr(contract, name)] == []
    common = dict(ROW.findall(PAGE.read_text(encoding="utf-8")))
    assert [name for name in options if name[0] != "_" and name not in common] == []
