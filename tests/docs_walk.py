"""Does what a page says, in order: its command lines, its files and its edits of files.

A page is followed in one shell, so that `cd`, variables and processes in the background are what they are for a reader.
Its blocks say by the words of their fences what they are:

- `sh`: command lines, each of which succeeds; `sh fails`: the last of them does not; `sh asks`: one that asks questions
  and is left out;
- `diff FILE`: an edit of a file; `yaml KIND FILE`: a whole file;
- `text`: what the command lines before it print; `text after 5m`: what the last one prints after so much time.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from docs_pages import Block, blocks
from moved_clock import MovedClock

CHILD = Path(__file__).with_name("docs_child.py")
PATIENCE = 120.0
"""Real seconds after which what a page shows is given up; a machine under load is slow."""
SETTLED = 30.0
"""Real seconds in which those who serve have done everything that was due."""
MOMENT = timedelta(seconds=3)
"""In which those who serve have looked at files and at the ledger."""
_VARYING = (
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}"), "20261123-093000-5f0c"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"), "2026-11-23 09:30"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?"), "2026-11-23T09:30:00"),
    (re.compile(r"(commit )[0-9a-f]{12}\b"), r"\g<1>3f9c2b81d0a4"),
    (re.compile(r"(to the sink; )[^\n]+"), r"\1a moment"),
    (re.compile(r"[ ─]+$", re.MULTILINE), ""),
)
"""What differs from run to run: run ids, moments, commits, durations; and blanks and rules at the ends of lines."""


class Walk:
    """A folder in which a reader follows a page; `said` is what the last block of command lines printed.

    `clock` is a file for the clock of every `syncline` of the walk, which shows a moment shortly after a full hour at
    first; without one they go by the machine's own, and nothing can be shown `after` a time.
    """

    def __init__(self, folder: Path, clock: Path | None = None) -> None:
        self.folder = folder
        self.said = ""
        self.last = ""
        self._own = folder / ".walk"
        self._own.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYNCLINE_", "FORCE_COLOR"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        self.clock = None
        if clock is not None:
            hour = datetime.now(UTC).replace(minute=0, second=5, microsecond=0)
            self.clock = MovedClock.at(hour.replace(tzinfo=None).isoformat(), clock)
            command = self._own / "syncline"
            words = (sys.executable, "-W", "error", str(CHILD), str(self.clock))
            command.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
            command.chmod(0o755)
            path = f"{self._own}{os.pathsep}{path}"
        people = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in ANN.items()}
        git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CEILING_DIRECTORIES": str(folder)}
        self.environment = kept | {"PATH": path, "XDG_CACHE_HOME": str(folder / ".cache")} | git | people

    def __enter__(self) -> Self:
        """Start the shell."""
        self._shell = subprocess.Popen(
            ["sh"], cwd=self.folder, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True, encoding="utf-8",
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs in the background, and the shell."""
        try:
            jobs = self._own / "jobs"
            ending = f"jobs -p >{jobs}\nfor job in $(cat {jobs}); do kill $job; done\nwait\n"
            self._shell.communicate(ending, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.communicate()

    def follow(self, page: Path, until: int | None = None) -> Iterator[tuple[Block, str]]:
        """Each block of output that the page shows, with what was really printed; up to the line `until`."""
        found = [block for block in blocks(page) if until is None or block.line < until]
        for block, following in zip(found, [*found[1:], None], strict=True):
            waits = following is not None and following.words[:2] == ("text", "after")
            self.do(block, fails=None if waits else block.words[1:] == ("fails",))
            if block.words[:2] == ("text", "after"):
                yield block, self._after(block)
            elif block.words[:1] == ("text",):
                yield block, self.said

    def do(self, block: Block, *, fails: bool | None = False) -> None:
        """Carry out a block, if it asks for something. `fails` is about its last command line; None: it may."""
        if block.words[:1] == ("sh",) and block.words[1:] != ("asks",):
            *lines, last = statements(block)
            self.said = "".join([*map(self.run, lines), self.run(last, fails=fails)])
        elif block.words[:1] == ("diff",):
            self.edit(block)
        elif block.words[:1] == ("yaml",) and len(block.words) > 2:
            path = self.folder / block.words[2]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")

    def run(self, line: str, *, fails: bool | None = False) -> str:
        """One command line; what it wrote to standard output, or else to standard error. `fails` None: it may fail."""
        if line.startswith(("make ", ". ")):
            return ""
        out, err = self._own / "out", self._own / "err"
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f'{{ {line}\n}} >{out} 2>{err} </dev/null\necho "$? $PWD"\n')
        self._shell.stdin.flush()
        code, _, folder = self._shell.stdout.readline().strip().partition(" ")
        assert folder, f"the shell ended at {line}"
        self.folder, self.last = Path(folder), line
        said, wrong = out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
        assert fails is None or (code != "0") is fails, f"{line}\nended with {code}\n{said}{wrong}"
        return said or wrong

    def edit(self, block: Block) -> None:
        """Change the file that the block names: lines with `-` give way to lines with `+`."""
        path = self.folder / block.words[1]
        old = "".join(f"{line[1:]}\n" for line in block.lines if line[:1] in (" ", "-"))
        new = "".join(f"{line[1:]}\n" for line in block.lines if line[:1] in (" ", "+"))
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{block}: {path.name} holds these lines {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def _after(self, block: Block) -> str:
        """What the last command line prints when the clock was moved on, and everybody has done what was due by then.

        The reader looks at once, a few times in between, and then after that time; where it is not yet what the page
        shows, again and again, and in the end so much later once more.
        """
        assert self.clock is not None, f"{block}: this page is followed without a clock"
        later = timedelta(minutes=int(block.words[2].removesuffix("m")))
        until, moves, settled_at = time.monotonic() + PATIENCE, [MOMENT, MOMENT, MOMENT, later], 0.0
        while not agrees(block.text, self.said) and time.monotonic() < until:
            if moves or time.monotonic() > settled_at:
                self._move(moves.pop(0) if moves else later)
                settled_at = time.monotonic() + SETTLED
            time.sleep(0.1)
            self.said = self.run(self.last, fails=None)
        return self.said

    def _move(self, later: timedelta) -> None:
        assert self.clock is not None
        self.clock.move_to((self.clock() + later).replace(tzinfo=None).isoformat())


ANN = {"NAME": "Ann", "EMAIL": "ann@example.com"}


def statements(block: Block) -> Iterator[str]:
    """The command lines of a block, those of several lines as one: as far as a shell needs it."""
    held = ""
    for line in block.lines:
        held += f"{line}\n"
        whole = subprocess.run(["sh", "-n"], input=held, capture_output=True, encoding="utf-8").returncode == 0
        if whole and not held.endswith("\\\n"):
            yield held.strip()
            held = ""
    assert not held, f"{block}: the shell does not take this as whole:\n{held}"


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
