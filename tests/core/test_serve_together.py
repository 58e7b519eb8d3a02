"""Several processes on one ledger, and what becomes of their work when they are stopped or killed, or it is away."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from moved_clock import MovedClock
from postgresql_server import Server
from serving import Desk
from syncline.ledger import Ledger

Start = Callable[..., Desk]
DAILY = {"frequency": "daily", "time": "09:30", "timezone": "UTC"}
EVERY_MINUTE = {"frequency": "cron", "cron": "* * * * *", "timezone": "UTC"}


def owner(desk: Desk, *numbers: int) -> int:
    """Which of these processes carries out what is due."""
    (found,) = desk.eventually(lambda: [n for n in numbers if desk.says("due at", n)])
    return int(found)


def put_to_sleep(desk: Desk, n: int) -> None:
    """Stop a process while it holds no lock of the database: nobody gets past one of those."""
    while True:
        desk.processes[n].send_signal(signal.SIGSTOP)
        with closing(sqlite3.connect(desk.url.removeprefix("sqlite:///"), timeout=0.2, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError:
                desk.processes[n].send_signal(signal.SIGCONT)


def everybody_once(desk: Desk, name: str, n: int = 3) -> None:
    people = desk.people(name)
    assert {address: person["subscribed"] for address, person in people.items()} == {
        f"{name}{number}@example.com": 1 for number in range(n)
    }


def test_processes_share_the_work_and_each_firing_is_carried_out_once(desk_at: Start, ledger_url: str) -> None:
    desk = desk_at("2026-11-02T09:00:30", ledger_url)
    names = [f"sync-{n}" for n in range(4)]
    for name in names:
        desk.spec(name, schedule=EVERY_MINUTE)
    for _ in range(3):
        desk.serving("specs", "--runs", "1")
    for minute in (1, 2, 3):
        desk.clock.move_to(f"2026-11-02T09:1{minute}:00")
        due = f"2026-11-02T09:1{minute}:00.000Z"
        for name in names:
            desk.eventually(lambda name=name, due=due: due in [run["due"] for run in desk.ended(name, 1)])
    assert sum(desk.says("the run started", n) for n in range(3)) >= 2
    assert desk.end(desk.processes[0]) == 0
    desk.end(desk.processes[1], signal.SIGKILL)
    desk.clock.move_to("2026-11-02T09:20:00")
    for name in names:
        runs = desk.eventually(
            lambda name=name: [run for run in desk.ended(name, 1) if run["due"] == "2026-11-02T09:20:00.000Z"]
        )
        assert [run["status"] for run in runs] == ["succeeded"]
        dues = [run["due"] for run in desk.runs(name)]
        assert len(dues) == len(set(dues)), "a firing was carried out twice"
        assert {state for state, _ in desk.states(name)} <= {"done", "skipped", "claimed"}


def test_the_work_of_a_killed_process_is_taken_over_at_once_and_counts_stay_exact(
    desk_at: Start, ledger_url: str
) -> None:
    desk = desk_at("2026-11-02T09:00:00", ledger_url)
    gate = desk.held_up("daily")
    desk.spec("daily", schedule=DAILY)
    for _ in range(2):
        desk.serving("specs")
    desk.clock.move_to("2026-11-02T09:30:00")
    killed = owner(desk, 0, 1)
    desk.eventually(lambda: desk.people("daily"))
    (before,) = desk.runs("daily")
    desk.end(desk.processes[killed], signal.SIGKILL)
    desk.eventually(lambda: desk.says("the run goes on", 1 - killed))
    gate.touch()
    (run,) = desk.eventually(lambda: desk.ended("daily", 1))
    assert (run["run"], run["resumed"], run["status"], run["trigger"]) == (before["run"], True, "succeeded", "schedule")
    assert (run["counts"]["total"], run["counts"]["new"]) == (3, 3)
    assert desk.states("daily") == [("done", 2)]
    everybody_once(desk, "daily")


def test_a_stopped_process_finishes_its_batch_and_leaves_the_rest_to_the_others(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    gate = desk.held_up("daily")
    desk.spec("daily", schedule=DAILY)
    for _ in range(2):
        desk.serving("specs", "--log-format", "json")
    desk.clock.move_to("2026-11-02T09:30:00")
    first = owner(desk, 0, 1)
    desk.eventually(lambda: desk.people("daily"))
    desk.processes[first].send_signal(signal.SIGTERM)
    desk.eventually(lambda: desk.says("stopping: calls in flight finish", first))
    gate.touch()
    assert desk.over(desk.processes[first]) == 0
    runs = desk.eventually(lambda: desk.ended("daily", 2))
    assert [(run["status"], run["due"]) for run in runs] == [
        ("interrupted", "2026-11-02T09:30:00.000Z"),
        ("succeeded", "2026-11-02T09:30:00.000Z"),
    ]
    assert runs[0]["counts"]["new"] + runs[1]["counts"]["new"] == 3
    assert (desk.states("daily"), desk.sync("daily").failures) == ([("done", 2)], 0)
    everybody_once(desk, "daily")
    assert desk.end(desk.processes[1 - first]) == 0
    for n in range(2):
        said = [json.loads(line) for line in desk.said(n).splitlines()]
        assert all({"event", "level", "timestamp"} <= line.keys() for line in said)
        assert all("sync" in line for line in said if "run" in line or line["event"].startswith("due at"))
        ended = [line for line in said if line["event"].startswith("the run ended")]
        assert [(line["run"], line["sync"]) for line in ended] == [(runs[0 if n == first else 1]["run"], "daily")]
        assert said[0]["event"] == "serving the folder specs, at most 4 runs at once"
        planned = "all specs are read; runs that are planned: 1, the next at 2026-11-02T09:30:00.000Z"
        assert planned in [line["event"] for line in said]
        assert said[-1]["event"] == "stopped"


def test_a_second_signal_stops_at_once_and_the_next_process_goes_on_from_there(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    gate = desk.held_up("daily")
    desk.spec("daily", schedule=DAILY)
    served = desk.serving("specs")
    desk.clock.move_to("2026-11-02T09:30:00")
    desk.eventually(lambda: desk.people("daily"))
    served.send_signal(signal.SIGTERM)
    desk.eventually(lambda: desk.says("stopping: calls in flight finish"))
    assert desk.end(served) == 1
    (cut_off,) = desk.runs("daily")
    assert cut_off["status"] == "running"
    gate.touch()
    desk.serving("specs")
    (run,) = desk.eventually(lambda: desk.ended("daily", 1))
    assert (run["run"], run["resumed"], run["counts"]["new"]) == (cut_off["run"], True, 3)
    assert desk.states("daily") == [("done", 2)]
    everybody_once(desk, "daily")


def test_a_process_that_slept_for_longer_than_its_lease_does_no_harm_and_serves_on(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    gate = desk.held_up("daily")
    desk.spec("daily", schedule=DAILY)
    for _ in range(2):
        desk.serving("specs")
    desk.clock.move_to("2026-11-02T09:30:00")
    asleep = owner(desk, 0, 1)
    desk.eventually(lambda: desk.people("daily"))
    put_to_sleep(desk, asleep)
    desk.clock.move_to("2026-11-02T09:33:00")
    desk.eventually(lambda: desk.says("the run goes on", 1 - asleep))
    gate.touch()
    (run,) = desk.eventually(lambda: desk.ended("daily", 1))
    desk.processes[asleep].send_signal(signal.SIGCONT)
    desk.eventually(lambda: desk.says("no longer ours", asleep))
    assert (run["status"], run["counts"]["new"]) == ("succeeded", 3)
    assert desk.end(desk.processes[1 - asleep]) == 0
    desk.clock.move_to("2026-11-03T09:30:00")
    assert len(desk.eventually(lambda: desk.ended("daily", 2))) == 2
    assert desk.states("daily") == [("done", 2), ("done", 1)]
    assert desk.sync("daily").failures == 0
    everybody_once(desk, "daily")


def test_a_process_whose_clock_is_ahead_holds_up_no_other(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    desk.spec("daily", schedule=DAILY)
    desk.serving("specs")
    true = desk.clock
    desk.clock = MovedClock.at("2026-11-04T09:31:00", desk.folder / "ahead")
    ahead = desk.serving("specs")
    desk.eventually(lambda: desk.ended("daily", 1))
    assert desk.end(ahead) == 0
    desk.clock = true
    assert desk.states("daily") == [("skipped", 0), ("skipped", 0), ("done", 1)]  # it has seen to what lay behind it
    for day in (3, 4, 5):
        desk.clock.move_to(f"2026-11-0{day}T09:30:05")
    runs = desk.eventually(lambda: desk.ended("daily", 2))
    assert sorted(run["due"] for run in runs) == [f"2026-11-0{day}T09:30:00.000Z" for day in (4, 5)]


# -------------------------------------------------------------------------------------- a ledger that is out of reach


class Wire:
    """The way to a PostgreSQL server, which can be cut and mended: a port of this machine."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._pairs: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accept()

    def _accept(self) -> None:
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(self._place))
            self._pairs += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def cut(self) -> None:
        """Nobody gets through, and whoever was is cut off."""
        for each in (self._listener, *self._pairs):
            with closing(each):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        self._pairs.clear()

    def mend(self) -> None:
        """As it was."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept()


@pytest.fixture
def wired(postgresql: Server) -> Iterator[tuple[str, str, Wire]]:
    """A ledger's URL, the same by a wire, and the wire."""
    with postgresql.fresh_database() as url:
        wire = Wire(postgresql.folder / ".s.PGSQL.5432")
        name = url.partition("?")[0].rpartition("/")[2]
        yield url, f"postgresql://postgres@127.0.0.1:{wire.port}/{name}", wire
        wire.cut()


def test_a_ledger_that_is_out_of_reach_for_a_while_ends_nothing(desk_at: Start, wired: tuple[str, str, Wire]) -> None:
    direct, by_wire, wire = wired
    desk = desk_at("2026-11-02T09:00:00", by_wire)
    gate = desk.held_up("held")
    desk.spec("held", schedule=DAILY)
    desk.spec("late", schedule=DAILY | {"time": "09:40"})
    served = desk.serving("specs")
    desk.url = direct
    desk.clock.move_to("2026-11-02T09:30:00")
    desk.eventually(lambda: desk.people("held"))
    wire.cut()
    desk.eventually(lambda: desk.says("everything waits for the ledger: "))
    gate.touch()
    desk.spec("new", schedule=DAILY | {"time": "09:50"})
    desk.clock.move_to("2026-11-02T09:40:00")
    desk.eventually(lambda: desk.says("the firing waits for the ledger"))
    wire.mend()
    desk.eventually(lambda: desk.says("the ledger can be reached again"))
    (late,) = desk.eventually(lambda: desk.ended("late", 1))
    assert (late["status"], late["due"]) == ("succeeded", "2026-11-02T09:40:00.000Z")
    desk.eventually(lambda: desk.says("now active: created (sync=new)"))
    desk.clock.move_to("2026-11-02T09:50:00")
    (held,) = desk.eventually(lambda: desk.ended("held", 1))
    assert (held["status"], held["resumed"], held["due"]) == ("succeeded", True, "2026-11-02T09:30:00.000Z")
    assert held["counts"]["new"] == 3
    everybody_once(desk, "held")
    desk.eventually(lambda: desk.ended("new", 1))
    assert desk.said().count("everything waits for the ledger: ") <= 3
    assert desk.end(served) == 0
    with Ledger.open(direct, read_only=True) as ledger:
        assert ledger.serving() == []


def test_a_process_that_is_stopped_while_its_ledger_is_out_of_reach_ends_well(
    desk_at: Start, wired: tuple[str, str, Wire]
) -> None:
    _, by_wire, wire = wired
    desk = desk_at("2026-11-02T09:00:00", by_wire)
    desk.spec("daily", schedule=DAILY)
    served = desk.serving("specs")
    wire.cut()
    desk.eventually(lambda: desk.says("everything waits for the ledger: "))
    assert desk.end(served) == 0
    assert desk.says("the ledger was not told of the end of this process")
    assert "Traceback" not in desk.said()
