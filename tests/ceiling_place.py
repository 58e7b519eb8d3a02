"""How close a run comes to what a remote limit allows, by a clock that leaps over the waiting.

Calls are real: HTTP to the sandbox, which counts them in its own windows and locks whoever goes over. What is waited
for passes at once, for Syncline and for the sandbox together, as soon as no call is on its way.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from fault_place import Place, signup
from syncline import registry
from syncline.cli.invocation import Invocation
from syncline.cli.options import Options
from syncline.clock import Clock
from syncline_zoho_sandbox import Sandbox
from syncline_zoho_sandbox.remote import LoggedCall

WINDOW = 300
SHORT = 0.05
"""A wait of less real seconds is waited."""
CHUNK = 2000


class Leaping(Clock):
    """The machine's clock, ahead by all that was waited. Heartbeats follow it and do not move it."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self._ahead = timedelta(0)
        self._lock = threading.Lock()
        self._waiting: set[int | None] = set()

    def __call__(self) -> datetime:
        return super().__call__() + self._ahead

    def wait(self, event: threading.Event, seconds: float) -> bool:
        until = self() + timedelta(seconds=seconds)
        if threading.current_thread().name == "heartbeat":
            while self() < until:
                if event.wait(SHORT):
                    return True
            return event.is_set()
        if seconds <= SHORT:
            return event.wait(max(0.0, seconds))
        me = threading.get_ident()
        self._waiting.add(me)
        try:
            while not event.is_set() and self() < until:
                if self._is_still():
                    self._leap(until)
                else:
                    event.wait(0.002)
        finally:
            self._waiting.discard(me)
        return event.is_set()

    def _is_still(self) -> bool:
        """Whether no call is on its way: every thread that sends waits here, or for work."""
        at = sys._current_frames()
        sending = [each.ident for each in threading.enumerate() if each.name.startswith("deliver")]
        return all(each in self._waiting or (each in at and at[each].f_code.co_name == "_worker") for each in sending)

    def _leap(self, until: datetime) -> None:
        with self._lock:
            left = until - self()
            if left > timedelta(0):
                self._box.clock.advance(left.total_seconds())
                self._ahead += left


@dataclass(frozen=True)
class Measured:
    """Runs side by side: `sent` leads in `seconds` of the leaping clock, where the limit allows `allowed` seconds; what
    the sandbox noted of their `calls`, and the `real` seconds of this machine."""

    name: str
    sent: int
    seconds: float
    allowed: float
    calls: tuple[LoggedCall, ...]
    runs: tuple[dict[str, Any], ...]
    real: float

    @property
    def ratio(self) -> float:
        """To the time that the limit allows."""
        return self.seconds / self.allowed if self.allowed else 0.0

    def count(self, endpoint: str) -> int:
        """Calls of one endpoint."""
        return sum(call.endpoint == endpoint for call in self.calls)

    @property
    def lock_outs(self) -> int:
        """Calls that were answered with a lock."""
        return sum(call.code in ("2008", "2955") or call.status == 429 for call in self.calls)

    def fullest(self, endpoint: str) -> int:
        """The most calls of one endpoint in any window of five minutes, by the sandbox's clock."""
        times = sorted(call.at for call in self.calls if call.endpoint == endpoint)
        return max((n - bisect_right(times, at - WINDOW) for n, at in enumerate(times, 1)), default=0)


class Ceiling:
    """A place whose Zoho keeps to the documented limits, or to `calls` in place of 500 in five minutes."""

    def __init__(self, place: Place, calls: int = 500) -> None:
        self.place, self.calls = place, calls
        self.box = place.box
        place.clock = Leaping(self.box)
        place.connect(budget={"calls": calls, "window": "5m"})
        place.write(mapping={"Lead Email": "Email", "First Name": "Name.first_name", "Company": "Company"})
        self.box.settings(
            lead_calls=calls, field_calls=max(100, calls // 5), creator_minute_calls=50, creator_concurrent_calls=6
        )

    def sign_up(self, start: int, stop: int, company: str = "Initech") -> list[str]:
        """Records of people with these numbers; their IDs."""
        ids: list[str] = []
        for at in range(start, stop, CHUNK):
            people = (signup(f"p{n}", Company=company) for n in range(at, min(stop, at + CHUNK)))
            ids += self.box.insert_records(*people)
        return ids

    def change(self, ids: Sequence[str]) -> None:
        """These records say something else."""
        for at in range(0, len(ids), CHUNK):
            self.box.update_records(*({"ID": each, "Company": "Initrode"} for each in ids[at : at + CHUNK]))

    def preview(self) -> Any:
        """What a run would do."""
        return self.place.document("preview", self.place.spec.name)

    def run(self, name: str, sent: int, *specs: str) -> Measured:
        """Let the syncs run, several of them side by side; `sent` leads are what the limit is reckoned for."""
        self.box.reset_calls()
        start, real = self.place.clock(), time.monotonic()
        runs = self._together(specs) if len(specs) > 1 else [self.place.document("run", *(specs or ("sign-ups.yaml",)))]
        seconds = (self.place.clock() - start).total_seconds()
        return Measured(name, sent, seconds, self.allowed(sent), self._log(), tuple(runs), time.monotonic() - real)

    def allowed(self, calls: int) -> float:
        """Seconds that so many calls take when every window is full."""
        return calls / self.calls * WINDOW

    def _log(self) -> tuple[LoggedCall, ...]:
        """What the sandbox noted of every call of the run."""
        return self.box.calls(last=10_000_000).calls

    def _together(self, specs: Sequence[str]) -> list[dict[str, Any]]:
        """As `serve` does: one process, one thread for each sync."""
        place = self.place
        with (
            contextlib.chdir(place.folder),
            mock.patch.dict(os.environ, place.environment, clear=True),
            mock.patch.object(registry, "installed", return_value=place._own),
        ):
            invocation = Invocation(Options(as_json=True), place.clock)
            try:
                executor = invocation.executor(beside=place.folder)
                bound = [invocation.bound(place.folder / spec) for spec in specs]
                with ThreadPoolExecutor(len(bound), thread_name_prefix="sync") as pool:
                    return [run.document() for run in pool.map(executor.run, bound)]
            finally:
                invocation.close()
