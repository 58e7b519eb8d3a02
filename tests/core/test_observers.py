"""Observers are told from many threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from syncline import hookimpl
from syncline.observers import Observers
from syncline.registry import Registry

RECEIPT = {"run": "20261123-1", "batch": None, "read": 1, "to_send": 1, "sent": 1}


class Counting:
    """Counts without a lock of its own."""

    def __init__(self) -> None:
        self.told = self.inside = self.most = 0

    @hookimpl
    def syncline_batch_committed(self, receipt: dict[str, Any]) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        before = self.told
        time.sleep(0)
        self.told = before + 1
        self.inside -= 1


def test_an_observer_is_told_of_one_thing_at_a_time_whatever_the_threads() -> None:
    registry = Registry([])
    counting = Counting()
    registry.add_observer("counting", counting)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(2000):
            pool.submit(Observers(registry).tell, "syncline_batch_committed", receipt=RECEIPT)
    assert (counting.told, counting.most) == (2000, 1)


def test_one_observer_that_hangs_keeps_no_other_from_being_told_of_another_run() -> None:
    registry = Registry([])
    hanging, go = threading.Event(), threading.Event()
    told = []

    class Hanging:
        @hookimpl
        def syncline_run_finished(self, run: dict[str, Any]) -> None:
            hanging.set()
            go.wait()

    class Other:
        @hookimpl
        def syncline_run_started(self, run: dict[str, Any]) -> None:
            told.append(run["run"])

    registry.add_observer("hanging", Hanging())
    registry.add_observer("other", Other())
    observers = Observers(registry)
    thread = threading.Thread(target=observers.tell, args=("syncline_run_finished",), kwargs={"run": {"run": "a"}})
    thread.start()
    hanging.wait()
    observers.tell("syncline_run_started", run={"run": "b"})
    go.set()
    thread.join()
    assert told == ["b"]


def test_an_observer_may_tell_of_something_itself() -> None:
    registry = Registry([])
    observers = Observers(registry)
    told = []

    class Both:
        @hookimpl
        def syncline_state_changed(self, sync: str, state: str, reason: str) -> None:
            observers.tell("syncline_sync_deactivated", sync=sync, reason=reason)

        @hookimpl
        def syncline_sync_deactivated(self, sync: str, reason: str) -> None:
            told.append((sync, reason))

    registry.add_observer("both", Both())
    observers.tell("syncline_state_changed", sync="signups", state="inactive", reason="the report is gone")
    assert told == [("signups", "the report is gone")]
