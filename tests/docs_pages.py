"""The pages of the documentation, taken apart: fenced blocks, links, headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^( *)```(.*)$")
_HEADING = re.compile(r"^#{1,6} +(.*)$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: the words after the fence, its lines without the indent, and where it begins."""

    page: Path
    line: int
    words: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The block as a file would hold it."""
        return "".join(f"{line}\n" for line in self.lines)

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, *words: str) -> list[Block]:
    """The fenced blocks of a page, in order; with `words` only those whose fence begins with them."""
    found: list[Block] = []
    lines: list[str] = []
    open_at, indent, info = 0, 0, ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and not open_at:
            open_at, indent, info, lines = number, len(fence[1]), fence[2], []
        elif fence and not fence[2]:
            found.append(Block(page, open_at, tuple(info.split()), tuple(lines)))
            open_at = 0
        elif open_at:
            lines.append(line[indent:])
    assert not open_at, f"{page}:{open_at}: a fence that is never closed"
    return [block for block in found if block.words[: len(words)] == words]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    kept, fenced = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            kept.append(line)
    return "\n".join(kept)


def links(page: Path) -> list[str]:
    """The targets of all links of a page."""
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """What a link may name after `#`, as GitHub makes it of the headings."""
    headings = (_HEADING.match(line) for line in prose(page).splitlines())
    texts = (re.sub(r"[^\w\- ]", "", found[1].lower()) for found in headings if found)
    return {text.replace(" ", "-") for text in texts}


def commands(block: Block) -> list[str]:
    """The command lines of a block, those of several lines joined, comments left out."""
    joined = block.text.replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.strip().startswith("#")]
