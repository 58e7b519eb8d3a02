"""Whole processes, measured: seconds, CPU of the process and all its children, and the most memory of the tree."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
LOOK = 0.05
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Once:
    """One run of a command."""

    seconds: float
    cpu: float
    memory: float
    """In MB."""


@dataclass
class Contestant:
    """A command, what is done before each of its runs, and how it is seen that it did its work."""

    name: str
    command: Sequence[str]
    check: Callable[[], str]
    """Gives what came out, as one text; raises when it cannot be right."""
    prepare: Callable[[], None] = lambda: None
    environment: dict[str, str] = field(default_factory=dict)
    runs: list[Once] = field(default_factory=list)
    result: str = ""

    def run(self, log: Path) -> None:
        """Once more; whatever it prints goes to the log."""
        self.prepare()
        self.runs.append(measured(self.command, log, self.environment))
        self.result = self.check()

    def median(self, what: str) -> float:
        """Of all runs."""
        return statistics.median(getattr(run, what) for run in self.runs)


def measured(command: Sequence[str], log: Path, environment: dict[str, str] | None = None) -> Once:
    """Run a command to its end; `SystemExit` with the end of its log when it fails."""
    most = 0.0
    over = threading.Event()

    def look(root: int) -> None:
        nonlocal most
        while not over.wait(LOOK):
            most = max(most, resident(root))

    with log.open("wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | (environment or {}))
        looking = threading.Thread(target=look, args=(process.pid,))
        looking.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        looking.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
    return Once(seconds, usage.ru_utime + usage.ru_stime, max(most, usage.ru_maxrss / 1024))


def resident(root: int) -> float:
    """MB of a process and all its children."""
    children: dict[int, list[int]] = {}
    pages: dict[int, int] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                parts = (place / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            children.setdefault(int(parts[1]), []).append(int(place.name))
            pages[int(place.name)] = int(parts[21])
    total, left = 0, [root]
    while left:
        one = left.pop()
        total += pages.get(one, 0)
        left += children.get(one, [])
    return total * PAGE / 2**20
