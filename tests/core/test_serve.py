"""The run loop, through the command line: real processes, a real ledger, a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from serving import Desk

Start = Callable[..., Desk]


@pytest.fixture
def desk_at(tmp_path: Path, ledger_url: str) -> Iterator[Start]:
    """Makes a desk whose clock shows this moment (UTC)."""
    made: list[Desk] = []

    def make(start: str, speed: float = 1.0) -> Desk:
        made.append(Desk(tmp_path, ledger_url, start, speed))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_due_sync_runs_once_at_its_time(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    desk.spec("daily", schedule={"frequency": "daily", "time": "09:30", "timezone": "UTC"})
    served = desk.serving("specs")
    assert desk.runs("daily") == []
    desk.clock.move_to("2026-11-02T09:30:00")
    desk.eventually(lambda: desk.ended("daily", 1))
    desk.clock.move_to("2026-11-03T09:30:00")
    runs = desk.eventually(lambda: desk.ended("daily", 2))
    assert [(run["status"], run["trigger"], run["due"]) for run in runs] == [
        ("succeeded", "schedule", "2026-11-02T09:30:00.000Z"),
        ("succeeded", "schedule", "2026-11-03T09:30:00.000Z"),
    ]
    assert desk.end(served) == 0
    assert [(each["state"], each["attempts"]) for each in desk.firings("daily")] == [("done", 1)] * 2
