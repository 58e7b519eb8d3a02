"""The command line, by a clock that several processes share and that leaps over what all of them wait for.

contention_child.py FOLDER CLOCK WORDS…: CLOCK is that of `moved_clock`. While every thread that sends waits, a file of
this process in FOLDER says until when; whoever moves the clock looks at the files of all.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from moved_clock import MovedClock
from syncline import registry
from syncline.cli import main
from workshop import Own

SENDERS = ("deliver", "MainThread")
STEP = 0.05
"""Real seconds between two looks at the clock."""
IDLE = ("_worker", "wait", "acquire")
"""Where a thread stands that has no call on its way: without work, or waiting for another one."""


@dataclass(frozen=True)
class Shared(MovedClock):
    """Tells in `told` until when (seconds since the epoch) all senders of this process wait."""

    told: Path = field(kw_only=True)
    waiting: dict[int, float] = field(default_factory=dict, kw_only=True)
    lock: threading.Lock = field(default_factory=threading.Lock, kw_only=True)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if not threading.current_thread().name.startswith(SENDERS):
            return super().wait(event, seconds)
        until, me = self() + timedelta(seconds=seconds), threading.get_ident()
        with self.lock:
            self.waiting[me] = until.timestamp()
        try:
            while not event.is_set() and self() < until:
                self._tell()
                event.wait(STEP)
        finally:
            with self.lock:
                self.told.unlink(missing_ok=True)
                del self.waiting[me]
        return event.is_set()

    def _tell(self) -> None:
        with self.lock:
            at = sys._current_frames()
            senders = [each.ident for each in threading.enumerate() if each.name.startswith(SENDERS)]
            busy = [n for n in senders if n not in self.waiting and n in at and at[n].f_code.co_name not in IDLE]
            if busy:
                self.told.unlink(missing_ok=True)
                return
            half = self.told.with_suffix(".half")
            half.write_text(str(min(self.waiting.values())))
            half.replace(self.told)


if __name__ == "__main__":
    own = Own()
    registry.installed = lambda: own  # type: ignore[assignment]  # the same question, another answer
    plain = MovedClock.parsed(sys.argv[2])
    clock = Shared(plain.start, plain.real, plain.speed, plain.file, told=Path(sys.argv[1]) / f"{os.getpid()}.until")
    sys.exit(main(sys.argv[3:], clock=clock))
