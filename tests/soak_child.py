"""Commands in processes that are forked from one which has imported everything: a start costs milliseconds.

Each is a process of its own, ended by a real SIGKILL where it is to die; its entry point is `syncline.cli.main`, as is
the program's. The parent has one thread, no database and no connection, so that nothing is shared but memory.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soak_steps import Counting, watch
from syncline import registry
from syncline.cli import main
from workshop import Own

PATIENCE = 300.0
"""Real seconds after which a command hangs; the machine may be busy."""


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, or minus the signal."""

    code: int
    out: str
    err: str
    seconds: float
    steps: dict[str, int]

    @property
    def killed(self) -> bool:
        """Whether it was killed."""
        return self.code == -signal.SIGKILL


class Child:
    """One or more command lines, carried out one after the other in a process of its own in `folder`.

    It dies at the `nth` of the step `step`, if given; `before` is done in it before the first line.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        lines: Sequence[Sequence[str]],
        own: Own,
        *,
        step: str | None = None,
        nth: int = 0,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        assert len(list(Path("/proc/self/task").iterdir())) == 1, "only a process with one thread may fork"
        self.folder, self.lines = folder, lines
        self.name = folder / f"said-{time.monotonic_ns()}"
        self._started = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(self._work(environment, own, step, nth, before))
        self._pidfd = os.pidfd_open(self.pid)

    def _work(
        self, environment: Mapping[str, str], own: Own, step: str | None, nth: int, before: Callable[[], None]
    ) -> int:
        """What the new process does; its exit code."""
        code = 70
        try:
            os.chdir(self.folder)
            os.environ.clear()
            os.environ.update(environment)
            registry.installed = lambda: own  # type: ignore[assignment]  # the same question, another answer
            counting = Counting(step, nth)
            watch(counting)
            before()
            for number, line in enumerate(self.lines):
                for descriptor, end in ((1, "out"), (2, "err")):
                    file = os.open(f"{self.name}.{number}.{end}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                    os.dup2(file, descriptor)
                    os.close(file)
                sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
                code = main(line)
                sys.stdout.flush()
                sys.stderr.flush()
            Path(f"{self.name}.steps").write_text(json.dumps(counting.seen))
            if modules := environment.get("SOAK_MODULES"):
                Path(modules).write_text("\n".join(sys.modules))
        except BaseException:  # noqa: BLE001  # nothing may come back into the parent's code
            import traceback

            os.write(2, traceback.format_exc().encode())
            return 71
        return code

    def wait(self, seconds: float = PATIENCE) -> bool:
        """Whether it ended within so many seconds."""
        return bool(select.select([self._pidfd], [], [], seconds)[0])

    def kill(self) -> None:
        """As a power failure would end it."""
        signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def end(self) -> list[Ended]:
        """Wait for its end; what each line said (the exit code is that of the last one)."""
        if not self.wait():
            self.kill()
            os.waitpid(self.pid, 0)
            raise AssertionError(f"{' '.join(self.lines[0])} hangs in {self.folder}\n{self._said(0, 'err')}")
        seconds = time.monotonic() - self._started
        _, status = os.waitpid(self.pid, 0)
        os.close(self._pidfd)
        code = os.waitstatus_to_exitcode(status)
        steps = Path(f"{self.name}.steps")
        seen = json.loads(steps.read_text()) if steps.exists() else {}
        ended = [Ended(code, self._said(n, "out"), self._said(n, "err"), seconds, seen) for n in range(len(self.lines))]
        for path in self.folder.glob(f"{self.name.name}.*"):
            path.unlink()
        return ended

    def _said(self, number: int, end: str) -> str:
        path = Path(f"{self.name}.{number}.{end}")
        return path.read_text() if path.exists() else ""


def warm(modules: Sequence[str]) -> None:
    """Import what a run imports, so that no child has to; what was made so far is never searched for garbage."""
    for name in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def forked(work: Callable[[Callable[[Any], None]], None]) -> tuple[int, int]:
    """A process that does this work, and what it is given to say, as lines of JSON: its pid and the reading end."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            work(lambda said: os.write(writing, f"{json.dumps(said)}\n".encode()) and None)
        except BrokenPipeError:  # whom it was said to is gone
            os._exit(1)
        except BaseException:  # noqa: BLE001  # nothing may come back into the parent's code
            import traceback

            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    return pid, reading
