"""A clock that a test moves on, and that may run faster than the machine's; those of several processes agree."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from syncline.clock import Clock

STEP = 0.02
"""Real seconds between two looks at a clock that may be moved meanwhile."""


@dataclass(frozen=True)
class MovedClock(Clock):
    """Shows `start` at the second `real` of the machine's own clock, runs `speed` times as fast from there, and is
    ahead by as many seconds as stand in `file`."""

    start: datetime
    real: float
    speed: float
    file: Path

    @classmethod
    def parsed(cls, text: str) -> MovedClock:
        """From what `str` gives."""
        start, real, speed, file = text.split(maxsplit=3)
        return cls(datetime.fromisoformat(start), float(real), float(speed), Path(file))

    @classmethod
    def at(cls, start: str, file: Path, speed: float = 1.0) -> MovedClock:
        """A clock that shows this moment (UTC) now."""
        file.write_text("0")
        return cls(datetime.fromisoformat(start).replace(tzinfo=UTC), time.time(), speed, file)

    def __str__(self) -> str:
        return f"{self.start.isoformat()} {self.real} {self.speed} {self.file}"

    def __call__(self) -> datetime:
        ahead = float(self.file.read_text() or 0)
        return self.start + timedelta(seconds=(time.time() - self.real) * self.speed + ahead)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        until = self() + timedelta(seconds=seconds)
        while not event.is_set():
            left = (until - self()).total_seconds() / self.speed
            if left <= 0:
                return False
            event.wait(min(left, STEP))
        return True

    def move_to(self, moment: str) -> None:
        """Show this moment (UTC) now; it must lie ahead."""
        ahead = datetime.fromisoformat(moment).replace(tzinfo=UTC) - self()
        assert ahead > timedelta(0), f"the clock shows {self()} already"
        half = self.file.with_suffix(".half")
        half.write_text(str(float(self.file.read_text()) + ahead.total_seconds()))
        half.replace(self.file)
