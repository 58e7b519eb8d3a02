"""The page on security names tests that exist, and the audit never passes in silence."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "security.md"

sys.path.insert(0, str(ROOT / "tests"))
import audit  # noqa: E402  # a command that lies among the tests


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) >= 50
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert missing == []


def test_every_threat_of_the_page_has_a_test() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    told = ("| threat", "| who", "| ---", "| the **", "| a **", "| **")
    threats = [row for row in rows if row.count("|") == 4 and not row.startswith(told)]
    assert len(threats) >= 35
    assert [row for row in threats if "::test_" not in row] == []


def test_every_test_of_hostile_input_is_on_the_page_by_its_file() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "tests" / "security").glob("test_*.py") if path.name not in text] == []


@pytest.mark.parametrize(
    ("found", "code", "told"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "nothing is known against any of 1"),
        ([{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}], 1, "a 1: X-1, mended in 2"),
        ([{"name": "a", "skip_reason": "not found"}], 2, "NOT DONE for 1 of 1 packages (not found)"),
        ([], 2, "NOT DONE for all of all packages (no route)"),
    ],
)
def test_the_audit_says_what_it_found_and_what_it_could_not_ask(
    found: list[dict[str, object]], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.judged(found, "no route") == code
    assert told in capsys.readouterr().out


def test_an_audit_that_was_left_out_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--offline"]) == 0
    assert "NOT DONE" in capsys.readouterr().out
