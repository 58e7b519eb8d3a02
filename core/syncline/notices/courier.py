"""A courier carries notices to one receiver, in a thread of its own, so that no run waits for a mail server."""

from __future__ import annotations

import logging
import queue
import threading
from contextvars import Context, copy_context

from ..errors import Retriable, SynclineError
from .notice import Notice
from .receiver import Receiver

log = logging.getLogger("syncline")
ATTEMPTS = 4
BACK_OFF = 2.0
"""Seconds before the second attempt, doubled each time, when the receiver names no time."""
LONGEST = 60.0
"""A receiver that asks for a longer pause is tried after this one."""
MOST = 1000
"""Notices that wait at most; a receiver that takes none for so long is told no more."""


class Courier:
    """Whatever goes wrong is a warning in the log, and nothing else: a notice never ends a run."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self._waiting: queue.Queue[tuple[Context, Notice] | None] = queue.Queue(MOST)
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, notice: Notice) -> None:
        """Carry this one too; returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="notices", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait((copy_context(), notice))
        except queue.Full:
            self._lost(notice, f"{MOST} others wait already")

    def hurry(self) -> None:
        """The process ends: attempts follow one another without a pause."""
        self._hurry.set()

    def close(self, seconds: float) -> None:
        """Wait for what is on its way, so many seconds at most. Nothing may be taken afterwards."""
        if self._thread is None:
            return
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            seconds = 0.0
        self._thread.join(max(seconds, 0.0))
        if self._thread.is_alive():
            log.warning("the process ends before %s took all notifications", self.receiver.label)

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            context, notice = item
            context.run(self._carry, notice)

    def _carry(self, notice: Notice) -> None:
        for attempt in range(ATTEMPTS):
            try:
                self.receiver.send(notice)
            except Retriable as error:
                if attempt == ATTEMPTS - 1:
                    self._lost(notice, str(error))
                else:
                    self._hurry.wait(min(error.after or BACK_OFF * 2**attempt, LONGEST))
            except SynclineError as error:
                self._lost(notice, str(error))
                return
            except Exception as error:  # noqa: BLE001 - the thread has to live on for the next notice
                self._lost(notice, f"a defect: {type(error).__name__}")
                return
            else:
                return

    def _lost(self, notice: Notice, why: str) -> None:
        what = f"{notice.sync} {notice.event}"
        log.warning("the notification %r was not sent to %s: %s", what, self.receiver.label, why)
