"""A person at a terminal: a process on a pseudo terminal, whose questions are awaited and answered."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from struct import pack
from types import TracebackType

PATIENCE = 120.0
"""Seconds without a word after which a process is taken for stuck; no test waits for it to pass."""
PROGRAM = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C on this terminal reaches the process
from syncline.cli import main
sys.exit(main())
"""
COMMAND = [sys.executable, "-c", PROGRAM]


class Typist:
    """Use as a context manager. `seen` is all that stood on the screen so far, with `echo` what was typed too."""

    def __init__(self, folder: Path, *arguments: str, width: int = 200, echo: bool = False, **variables: str) -> None:
        self.seen = ""
        self._read = 0
        self._screen, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, pack("HHHH", 50, width, 0, 0))
        if not echo:
            settings = termios.tcgetattr(inner)
            settings[3] &= ~termios.ECHO
            termios.tcsetattr(inner, termios.TCSANOW, settings)
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "FORCE_COLOR")}
        environment: Mapping[str, str] = kept | {"NO_COLOR": "1", "TERM": "xterm"} | variables
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], cwd=folder, env=environment, stdin=inner, stdout=inner, stderr=inner,
            start_new_session=True,
        )  # fmt: skip
        os.close(inner)

    def __enter__(self) -> Typist:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._screen)

    def until(self, text: str) -> str:
        """Wait until the screen shows `text` after what was awaited before; what came up to there."""
        while (found := self.seen.find(text, self._read)) < 0:
            assert self._more(), f"never came: {text!r}\n{self.seen[self._read :]}"
        shown = self.seen[self._read : found]
        self._read = found + len(text)
        return shown

    def answer(self, question: str, line: str) -> str:
        """Wait for the question, and type a line; what stood before the question."""
        shown = self.until(question)
        self.type(line + "\n")
        return shown

    def type(self, keys: str) -> None:
        """Press keys; Ctrl-C is \\x03, Ctrl-D is \\x04."""
        os.write(self._screen, keys.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._more():
            pass
        return self.process.wait(timeout=PATIENCE)

    @property
    def rest(self) -> str:
        """What came after what was awaited last."""
        return self.seen[self._read :]

    def _more(self) -> bool:
        ready, _, _ = select.select([self._screen], [], [], PATIENCE)
        assert ready, f"nothing more comes after\n{self.seen}"
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # the other side is closed
            return False
        self.seen += re.sub(r"\r(?=\n)|\x1b\[[0-9;]*m", "", data.decode("utf-8", "replace"))
        return bool(data)
