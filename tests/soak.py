"""Kills runs at any instant, again and again, and compares what came of it with runs that nobody killed.

soak.py [--rounds 500] [--seed N] [--ledger sqlite|postgresql] [--jobs 2] [--round N] [--small]

Each round makes up people on two days by its seed, carries them over without faults, and then once more while the
process is killed: by SIGKILL from outside at a random moment, or by its own hand at a named step of DESIGN 7; some
answers are late, some are lost. It is started again until it is done. Then everything that can be seen must be equal:
the target (who, with what, told what, called how often), the runs with their counts and leads, the members, the dead
letters, the cursor; and nothing may be left behind. The law of the sums is looked at while runs go and after each
death.

Every start is a process of its own, whose entry point is the command line (`syncline.cli.main`) and whose death is a
real one. It is forked from a process that has imported everything, so that a start costs milliseconds, not a second.
A part of the rounds runs against the sandbox, which is a process beside, over HTTP; the rest against files.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any

import msgspec
from postgresql_server import shared_server
from soak_child import forked, warm
from soak_people import planned
from soak_round import Round
from soak_world import World
from syncline_zoho_sandbox import Sandbox
from workshop import Own

MEMORY = Path("/dev/shm")  # a kill is no power failure: what was written is there, on a disk or not
SHOWN = (
    "kills", "kills within a send", "at named steps", "looks", "answers lost", "unknown", "unknown settled by a retry",
)  # fmt: skip


def main() -> int:
    """Play the rounds; exit 1 when one of them did not survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))  # not secret
    parser.add_argument("--round", type=int, help="only the round of this number")
    parser.add_argument("--ledger", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--small", action="store_true", help="few people in a round")
    asked = parser.parse_args()
    numbers = [asked.round] if asked.round is not None else list(range(asked.rounds))
    place = Path(tempfile.mkdtemp(prefix="syncline-soak-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    started = time.monotonic()
    own = ready(place)
    parts = [numbers[n :: asked.jobs] for n in range(min(asked.jobs, len(numbers)))]
    survived, figures, steps = gathered(
        [lambda say, n=n, part=part: work(asked, own, place / f"job-{n}", part, say) for n, part in enumerate(parts)],
        len(numbers),
    )
    kinds = ", ".join(f"{figures[name]} {name}" for name in ("on the sandbox", "on a shelf"))
    print(f"seed {asked.seed}, ledger on {asked.ledger}; rounds {kinds}; {time.monotonic() - started:.0f} s")
    print("; ".join(f"{name} {figures[name]}" for name in SHOWN))
    print("deaths at steps: " + ", ".join(f"{name} {n}" for name, n in sorted(steps.items())))
    print(f"{survived} survived of {len(numbers)}")
    if survived < len(numbers):
        return 1
    shutil.rmtree(place)
    return 0


def ready(place: Path) -> Own:
    """Play one round in a process of its own, and import here whatever that needed."""
    own, names = Own(), place / "modules"

    def probe(say: Callable[[Any], None]) -> None:
        world = World(place / "probe", f"sqlite:///{place}/probe/ledger.db", planned(0, 1, small=True), own, None)
        world.environment["SOAK_MODULES"] = str(names)
        world.ends.begin(faults=False)
        world.ends.day(0)
        (ended,) = world.start().end()
        assert ended.code in (0, 4), ended

    pid, reading = forked(probe)
    os.close(reading)
    assert os.waitpid(pid, 0)[1] == 0
    warm(names.read_text().splitlines())
    return own


def gathered(
    works: Sequence[Callable[[Callable[[Any], None]], None]], rounds: int
) -> tuple[int, Counter[str], Counter[str]]:
    """Let processes do the works side by side: how many rounds survived, and what happened in them."""
    survived, figures, steps, done = 0, Counter[str](), Counter[str](), 0
    with DefaultSelector() as selector:
        pids = []
        for each in works:
            pid, reading = forked(each)
            pids.append(pid)
            selector.register(reading, EVENT_READ, bytearray())
        while selector.get_map():
            for key, _ in selector.select():
                if not (chunk := os.read(key.fd, 65536)):
                    selector.unregister(key.fd)
                    os.close(key.fd)
                key.data.extend(chunk)
                *lines, rest = key.data.split(b"\n")
                key.data[:] = rest
                for line in lines:
                    said = msgspec.json.decode(line)
                    done += 1
                    survived += said["survived"]
                    figures.update(said["figures"])
                    steps.update(said["steps"])
                    if not said["survived"]:
                        print(said["words"], file=sys.stderr, flush=True)
                    elif done % 50 == 0:
                        print(f"{done} of {rounds} played, {survived} survived", file=sys.stderr, flush=True)
        for pid in pids:
            assert os.waitpid(pid, 0)[1] == 0, "a process that plays rounds broke"
    return survived, figures, steps


def work(asked: argparse.Namespace, own: Own, place: Path, numbers: Sequence[int], say: Callable[[Any], None]) -> None:
    """Play these rounds one after the other, with a sandbox and a database server of our own."""
    place.mkdir()
    with ExitStack() as stack:
        box = stack.enter_context(Sandbox(place / "zoho", leads=0))
        server = stack.enter_context(shared_server(place)) if asked.ledger == "postgresql" else None
        for number in numbers:
            folder = place / f"round-{number}"
            plan = planned(asked.seed, number, small=asked.small)
            with ExitStack() as databases:

                def world(name: str, folder: Path = folder, databases: ExitStack = databases) -> World:
                    ledger = f"sqlite:///{folder}/{name}/ledger.db"
                    if server is not None:
                        ledger = databases.enter_context(server.fresh_database())
                    return World(folder / name, ledger, plan, own, box)  # noqa: B023  # called within its own round

                played = Round(plan, world, seed=plan.seed)
                words = ""
                try:
                    played.play()
                except Exception:  # noqa: BLE001  # whatever it is, the round did not survive, and the next one is played
                    replay = f"--seed {asked.seed} --round {number} --ledger {asked.ledger}"
                    replay += " --small" if asked.small else ""
                    words = f"round {number} did not survive; its traces are in {folder}\n{traceback.format_exc()}"
                    words += f"again: python tests/soak.py {replay}\n"
            tally = played.tally
            say({"survived": not words, "words": words, "figures": tally.figures, "steps": tally.steps})
            if not words:
                shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
