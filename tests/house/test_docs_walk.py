"""The tutorial and the README are followed, word by word, and print what they show."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path

import pytest
from docs_pages import DOCS, ROOT, blocks
from docs_walk import Walk, agrees, settled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like a fresh checkout, as far as the pages need it."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs", ignore=shutil.ignore_patterns(".syncline"))
    return tmp_path


def test_the_tutorial_prints_what_it_shows(folder: Path) -> None:
    page = DOCS / "tutorial.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    real = next(number for number, line in enumerate(lines, 1) if line.endswith(". A real account"))
    assert walked(page, folder, until=real) == sum(block.line < real for block in blocks(page, "text"))


PAGES = [
    "set-up-a-sync", "plan-and-apply", "keep-syncs-in-git", "run-syncs-when-due", "read-and-write-files",
    "fill-a-table", "hold-and-approve", "undo-a-run",
]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_is_followed_prints_what_it_shows(name: str, folder: Path) -> None:
    page = DOCS / "how-to" / f"{name}.md"
    assert walked(page, folder) == len(blocks(page, "text")) > 1


def walked(page: Path, folder: Path, until: int | None = None) -> int:
    """Follow a page and compare everything it shows; how much that was."""
    shown = 0
    with Walk(folder, folder / ".clock") as walk:
        for block, said in walk.follow(page, until):
            assert agrees(block.text, said), f"{block}: {differing(block.text, said)}"
            shown += 1
    return shown


def test_the_readme_shows_what_the_demo_prints(folder: Path) -> None:
    (shown,) = blocks(ROOT / "README.md", "text")
    with Walk(folder / "configs") as walk:
        said = walk.run("syncline run webinar-signups.yaml")
    assert agrees(shown.text, said), differing(shown.text, said)


def differing(shown: str, said: str) -> str:
    """What the page shows (-) and what was printed (+)."""
    lines = settled(shown).splitlines(), settled(said).splitlines()
    return "\n".join(difflib.unified_diff(*lines, "shown", "printed", lineterm=""))


def test_a_page_that_shows_something_else_is_noticed() -> None:
    said = "one\ntwo 20261123-093000-5f0c\nthree\n"
    assert agrees("one\n…\n", said)
    assert agrees("…\ntwo 20250101-000000-ffff\nthree\n", said)
    assert agrees("one\ntw… 20250101-000000-ffff\nthree\n", said)
    assert not agrees("one\nthree\n", said)
    assert not agrees("one\ntwo\nthree\n", said)
    assert not agrees("one\n…\nfour\n", said)
