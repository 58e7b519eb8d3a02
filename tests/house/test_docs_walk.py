"""The tutorial and the README are followed, word by word, and print what they show."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path

import pytest
from docs_pages import DOCS, ROOT, blocks, commands
from docs_walk import Walk, agrees, settled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like a fresh checkout, as far as the pages need it."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs", ignore=shutil.ignore_patterns(".syncline"))
    return tmp_path


def test_the_tutorial_prints_what_it_shows(folder: Path) -> None:
    page = DOCS / "tutorial.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    real = lines.index("## 9. A real account") + 1
    shown = 0
    for block, said in Walk(folder).follow(page, until=real):
        assert agrees(block.text, said), (
            f"{block} shows\n{settled(block.text)}\n\nbut this was printed\n{settled(said)}"
        )
        shown += 1
    assert shown == sum(block.line < real for block in blocks(page, "text"))


def test_the_set_up_in_a_script_prints_what_the_page_shows(folder: Path) -> None:
    walk, said, shown = Walk(folder), "", 0
    for block in blocks(DOCS / "how-to" / "set-up-a-sync.md"):
        if block.words[:1] == ("sh",):
            said = "".join(walk.run(line) for line in commands(block))
        elif block.words[:1] == ("text",):
            assert agrees(block.text, said), f"{block} shows\n{block.text}\n\nbut this was printed\n{said}"
            shown += 1
    assert shown == 2


def test_the_page_of_plan_and_apply_prints_what_it_shows(folder: Path) -> None:
    page = DOCS / "how-to" / "plan-and-apply.md"
    for block, said in Walk(folder).follow(page):
        assert agrees(block.text, said), (
            f"{block} shows\n{settled(block.text)}\n\nbut this was printed\n{settled(said)}"
        )


def test_the_readme_shows_what_the_demo_prints(folder: Path) -> None:
    walk = Walk(folder / "configs")
    (shown,) = blocks(ROOT / "README.md", "text")
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
