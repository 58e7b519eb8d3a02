"""Kills serving processes at random moments, again and again, and counts firings that were doubled or dropped.

soak_serve.py [--rounds 200] [--seed N] [--postgresql]: three processes serve six syncs that are due every minute, by a
clock that is ten times as fast. In each round one of them is killed (SIGKILL) at a random moment and started anew.
Exit 1 when any firing was carried out twice or not at all.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from postgresql_server import shared_server
from serving import Desk
from syncline.ledger import iso
from workshop import person

SPEED = 10.0
SYNCS = [f"sync-{n}" for n in range(6)]
PROCESSES = 3


def main() -> int:
    """Carry the rounds out and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--postgresql", action="store_true")
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder}/ledger.db"
        if asked.postgresql:
            url = stack.enter_context(stack.enter_context(shared_server(folder)).fresh_database())
        desk = Desk(folder, url, "2026-11-02T09:00:00", SPEED)
        stack.callback(desk.close)
        for name in SYNCS:
            desk.spec(
                name,
                sink={"type": "shelf", "file": str(folder / f"{name}.shelf"), "delay": 0.1, "side_by_side": 2},
                schedule={"frequency": "cron", "cron": "* * * * *", "timezone": "UTC"},
            )
            desk.records(name, people(0))
        started = time.monotonic()
        killed = rounds(desk, chance, asked.rounds)
        found = examined(desk)
    print(
        f"{asked.rounds} rounds, seed {asked.seed}, {'PostgreSQL' if asked.postgresql else 'SQLite'}, "
        f"{time.monotonic() - started:.0f} s: killed {killed['in a run']} times in a run and {killed['idle']} times "
        f"outside of one; {found['firings']} firings, {found['runs']} runs, {found['resumed']} taken over, "
        f"{found['passed over']} passed over; doubled {found['doubled']}, dropped {found['dropped']}, "
        f"open {found['open']}"
    )
    return 1 if found["doubled"] or found["dropped"] or found["open"] else 0


def people(generation: int) -> list[dict[str, Any]]:
    """Eight people; their names change with each generation, so that each run has something to send."""
    return [person(f"p{n}", n, Name=f"P{n} {generation}") for n in range(8)]


def rounds(desk: Desk, chance: random.Random, n: int) -> Counter[str]:
    """Kill and start anew, so many times; then end all processes in good order."""
    serving = [desk.serving("specs") for _ in range(PROCESSES)]
    killed: Counter[str] = Counter()
    for generation in range(1, n + 1):
        for name in SYNCS:
            desk.records(name, people(generation))
        time.sleep(chance.uniform(0.2, 3.0))
        place = chance.randrange(PROCESSES)
        with desk.ledger() as ledger:
            running = [run for run in ledger.runs(None, 20) if run.status == "running"]
        killed["in a run" if running else "idle"] += 1
        serving[place].send_signal(signal.SIGKILL)
        serving[place].wait()
        serving[place] = desk.serve("specs")
        if generation % 20 == 0:
            print(f"round {generation}", file=sys.stderr, flush=True)
    time.sleep(10)
    for each in serving:
        each.send_signal(signal.SIGTERM)
    for each in serving:
        each.wait(60)
    return killed


def examined(desk: Desk) -> Counter[str]:
    """What became of every minute of every sync."""
    found: Counter[str] = Counter()
    for name in SYNCS:
        with desk.ledger() as ledger:
            sync = ledger.sync(name)
            assert sync is not None
            firings = ledger.firings(sync.id, 100_000)
            runs = [run.document() for run in ledger.runs(sync.id)]
        states = {each["due"]: each["state"] for each in firings}
        carried = Counter(run.get("due") for run in runs if run["status"] in ("succeeded", "partial"))
        found["runs"] += len(runs)
        found["resumed"] += sum(run["resumed"] for run in runs)
        found["firings"] += len(states)
        due = min(states)
        while due <= max(states):
            state, times = states.get(due), carried[iso(due)]
            found["doubled"] += times > 1
            found["passed over"] += state == "skipped"
            found["open"] += state in ("claimed", "waiting") and due < max(states)
            found["dropped"] += state is None or (state == "done" and times == 0)
            due += timedelta(minutes=1)
    return found


if __name__ == "__main__":
    sys.exit(main())
