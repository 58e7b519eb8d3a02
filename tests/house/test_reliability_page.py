"""The page on reliability names tests and commands that exist, and a test for each promise."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "reliability.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+(?:\.py|/))`", PAGE))
    assert len(named) >= 25
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_command_that_the_page_names_is_a_target() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"make ([\w-]+)", PAGE))
    assert named >= {"soak", "soak-serve", "mutants"}
    assert named - targets == set()


def test_every_promise_has_a_test() -> None:
    table = PAGE.partition("| promise | test |")[2].partition("\n\n")[0]
    promises = [line for line in table.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(promises) >= 12
    assert [line for line in promises if "tests/" not in line] == []


def test_every_figure_is_filled_in() -> None:
    figures = PAGE.partition("## Figures of the last runs")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in figures.splitlines() if line.startswith("| ")][2:]
    assert rows
    assert [row for row in rows if not re.search(r"\d", row[-1])] == []
