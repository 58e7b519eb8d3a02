"""Does what a page says, in order: its command lines, and its edits of files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from docs_pages import Block, blocks

_VARYING = (
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}"), "20261123-093000-5f0c"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "2026-11-23 09:30"),
    (re.compile(r"(to the sink; )[^\n]+"), r"\1a moment"),
    (re.compile(r"[ ─]+$", re.MULTILINE), ""),
)
"""What differs from run to run: run ids, moments, durations; and blanks and rules at the ends of lines."""


class Walk:
    """A folder in which a reader follows a page; `said` is what the last command line printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYNCLINE_", "FORCE_COLOR"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        self.environment = kept | {"PATH": path, "XDG_CACHE_HOME": str(folder / ".cache")}

    def follow(self, page: Path, until: int | None = None) -> Iterator[tuple[Block, str]]:
        """Each block of output that the page shows, with what was really printed; up to the line `until`."""
        for block in blocks(page):
            if until is not None and block.line >= until:
                return
            if block.words[:1] == ("sh",):
                self.said = "".join(self.run(line) for line in block.lines)
            elif block.words[:1] == ("diff",):
                self.edit(block)
            elif block.words[:1] == ("text",):
                yield block, self.said

    def run(self, line: str) -> str:
        """One command line; what it wrote to standard output, or to standard error if that is all."""
        if line.startswith(("make ", ". ")):
            return ""
        if line.startswith("cd "):
            self.folder /= line.removeprefix("cd ")
            return ""
        done = subprocess.run(["sh", "-c", line], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        return done.stdout or done.stderr

    def edit(self, block: Block) -> None:
        """Change the file that the block names: lines with `-` give way to lines with `+`."""
        path = self.folder / block.words[1]
        old = "".join(f"{line[1:]}\n" for line in block.lines if line[:1] in (" ", "-"))
        new = "".join(f"{line[1:]}\n" for line in block.lines if line[:1] in (" ", "+"))
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{block}: {path.name} holds these lines {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")


def settled(text: str) -> str:
    """The text with everything that differs from run to run made equal."""
    for varying, same in _VARYING:
        text = varying.sub(same, text)
    return text.strip("\n")


def agrees(shown: str, said: str) -> bool:
    """Whether the page shows what was printed. A line `…` stands for any lines, `…` in a line for any text there."""
    parts = [
        r"(?:[^\n]*\n)*" if line == "…" else re.escape(line).replace("…", r"[^\n]*") + r"\n"
        for line in settled(shown).split("\n")
    ]
    return re.fullmatch("".join(parts), settled(said) + "\n") is not None
