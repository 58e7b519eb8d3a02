"""Kills runs at any instant, again and again, and compares what came of it with runs that nobody killed.

soak.py [--rounds 500] [--seed N] [--ledger sqlite|postgresql] [--trouble kill|restart|full] [--jobs 2] [--round N]

Each round makes up people on two days by its seed, carries them over without faults, and then once more while the
process is killed: by SIGKILL from outside at a random moment, or by its own hand at a named step of DESIGN 7; some
answers are late, some are lost. It is started again until it is done. Then everything that can be seen must be equal:
the target (who, with what, told what, called how often), the runs with their counts and leads, the members, the dead
letters, the cursor; and nothing may be left behind. The law of the sums is looked at while runs go and after each
death. With `--trouble restart` the database server is stopped and started in the middle of runs instead, with `full`
the disk of the ledger is full: a run goes through, or ends with a clear error and goes on when it is started again.

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
from soak_people import GROUP, Plan, planned
from soak_round import Day, Round, Tally, plain_days
from soak_trouble import Disk, Full, Restarted
from soak_world import LOOK, SPEC, World
from syncline.ledger import Ledger
from syncline.spec import folder
from syncline_zoho_sandbox import Sandbox
from workshop import Own

MEMORY = Path("/dev/shm")  # a kill is no power failure: what was written is there, on a disk or not
_ALL = ("answers lost", "unknown", "unknown settled by a retry")
SHOWN = {
    "kill": ("kills", "kills within a send", "at named steps", "looks", *_ALL),
    "restart": ("restarts in a run", "runs that went through", "clear errors", *_ALL),
    "full": ("full disks", "clear errors", *_ALL),
}


def main() -> int:
    """Play the rounds; exit 1 when one of them did not survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))  # not secret
    parser.add_argument("--round", type=int, action="append", help="only the round of this number; may be repeated")
    parser.add_argument("--ledger", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--trouble", choices=("kill", "restart", "full"), default="kill", help="what goes wrong")
    parser.add_argument("--small", action="store_true", help="few people in a round")
    asked = parser.parse_args()
    if asked.trouble == "restart" and asked.ledger != "postgresql":
        parser.error("only a database server can be restarted: --ledger postgresql")
    numbers = asked.round or list(range(asked.rounds))
    place = Path(tempfile.mkdtemp(prefix="syncline-soak-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    started = time.monotonic()
    own = ready(place)
    groups = sorted({number // GROUP for number in numbers})
    parts = [[each for each in numbers if each // GROUP in groups[n :: asked.jobs]] for n in range(asked.jobs)]
    parts = [part for part in parts if part]
    survived, played, figures, steps = gathered(
        [lambda say, n=n, part=part: work(asked, own, place / f"job-{n}", part, say) for n, part in enumerate(parts)],
        len(numbers),
    )
    kinds = ", ".join(f"{figures[name]} {name}" for name in ("on the sandbox", "on a shelf"))
    print(f"seed {asked.seed}, ledger on {asked.ledger}; rounds {kinds}; {time.monotonic() - started:.0f} s")
    print("; ".join(f"{name} {figures[name]}" for name in SHOWN[asked.trouble]))
    if steps:
        print("deaths at steps: " + ", ".join(f"{name} {n}" for name, n in sorted(steps.items())))
    print(f"{survived} survived of {played}")
    if survived == played:
        shutil.rmtree(place, ignore_errors=True)
    return 0 if survived == len(numbers) else 1


def ready(place: Path) -> Own:
    """Play one round in a process of its own, and import here whatever that needed."""
    own, names = Own(), place / "modules"

    def probe(say: Callable[[Any], None]) -> None:
        world = World(place / "probe", f"sqlite:///{place}/probe/ledger.db", planned(0, 1, small=True), own, None)
        world.environment["SOAK_MODULES"] = str(names)
        world.ends.begin(faults=False)
        world.ends.day(0)
        lines = [("run", SPEC, "--json"), *LOOK, ("retry", "last", "--json")]
        ended = world.start(*lines).end()
        assert ended[-1].code in (0, 2, 4), ended  # 2: there is nothing to retry

    pid, reading = forked(probe)
    os.close(reading)
    assert os.waitpid(pid, 0)[1] == 0
    warm(names.read_text().splitlines())
    checker = folder.checker_of(own)
    folder.checker_of = lambda registry: checker  # the plugins are the same in all processes, and so is their schema
    return own


def gathered(
    works: Sequence[Callable[[Callable[[Any], None]], None]], rounds: int
) -> tuple[int, int, Counter[str], Counter[str]]:
    """Let processes do the works side by side: how many rounds survived of how many, and what happened in them."""
    survived, figures, steps, done = 0, Counter[str](), Counter[str](), 0
    with DefaultSelector() as selector:
        pids = []
        for each in works:
            pid, reading = forked(each)
            pids.append(pid)
            selector.register(reading, EVENT_READ, bytearray())
        while selector.get_map():
            try:
                ready = selector.select()
            except KeyboardInterrupt:  # the processes end with their round: nobody listens any more
                print(f"stopped; {done} of {rounds} were played", file=sys.stderr)
                return survived, done, figures, steps
            for key, _ in ready:
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
    return survived, done, figures, steps


class Desk:
    """Where one process plays rounds, with a sandbox and a database server of its own."""

    def __init__(self, asked: argparse.Namespace, own: Own, place: Path, stack: ExitStack) -> None:
        self._asked, self._own, self._place = asked, own, place
        self._box = stack.enter_context(Sandbox(place / "zoho", leads=0))
        self._server = stack.enter_context(shared_server(place)) if asked.ledger == "postgresql" else None
        self._space = "pg_default"
        self._disk: Disk | None = None
        if asked.trouble == "full":
            self._disk = Disk(place / "disk")
            stack.callback(self._disk.close)
            if self._server is not None:
                self._space = self._disk.tablespace(self._server)
        self._empty = f"sqlite:///{place}/empty.db"
        if self._server is not None:
            self._empty = stack.enter_context(self._server.fresh_database())
        _made(self._empty)
        self._group, self._days = -1, list[Day]()

    def play(self, number: int) -> dict[str, Any]:
        """One round, and what came of it."""
        plan = planned(self._asked.seed, number, small=self._asked.small)
        folder = self._place / f"round-{number}"
        with ExitStack() as databases:
            played, words = None, ""
            try:
                if self._group != number // GROUP:
                    self._days = plain_days(self._world(plan, folder / "plain", databases))
                    self._group = number // GROUP
                played = self._round(plan, self._world(plan, folder / "tried", databases, fresh=plan.fresh))
                played.play(self._days)
            except Exception:  # noqa: BLE001  # whatever it is, the round did not survive, and the next one is played
                words = f"round {number} did not survive; its traces are in {folder}\n{traceback.format_exc()}"
                words += f"again: python tests/soak.py {self._again(number)}\n"
                databases.pop_all()  # what the ledger holds is to be looked at
        if not words:
            shutil.rmtree(folder, ignore_errors=True)
        tally = played.tally if played else Tally()
        return {"survived": not words, "words": words, "figures": tally.figures, "steps": tally.steps}

    def _round(self, plan: Plan, world: World) -> Round:
        if self._disk is not None:
            return Full(plan, world, self._disk)
        if self._asked.trouble == "restart" and self._server is not None:
            return Restarted(plan, world, self._server)
        return Round(plan, world)

    def _world(self, plan: Plan, folder: Path, databases: ExitStack, *, fresh: bool = False) -> World:
        if self._server is not None:
            template = None if fresh else self._empty.partition("?")[0].rpartition("/")[2]
            ledger = databases.enter_context(self._server.fresh_database(template, self._space))
            return World(folder, ledger, plan, self._own, self._box)
        place = folder if self._disk is None else self._disk.folder / folder.parent.name / folder.name
        world = World(folder, f"sqlite:///{place}/ledger.db", plan, self._own, self._box)
        place.mkdir(parents=True, exist_ok=True)
        databases.callback(shutil.rmtree, place, ignore_errors=True)
        if not fresh:
            shutil.copy(self._empty.removeprefix("sqlite:///"), place / "ledger.db")
        return world

    def _again(self, number: int) -> str:
        words = f"--seed {self._asked.seed} --round {number} --ledger {self._asked.ledger}"
        return words + (" --small" if self._asked.small else "") + f" --trouble {self._asked.trouble}"


def _made(url: str) -> None:
    """Make an empty ledger, in a process of its own."""
    pid, reading = forked(lambda say: Ledger.open(url).close())
    os.close(reading)
    assert os.waitpid(pid, 0)[1] == 0


def work(asked: argparse.Namespace, own: Own, place: Path, numbers: Sequence[int], say: Callable[[Any], None]) -> None:
    """Play these rounds one after the other."""
    place.mkdir()
    with ExitStack() as stack:
        desk = Desk(asked, own, place, stack)
        for number in numbers:
            say(desk.play(number))


if __name__ == "__main__":
    sys.exit(main())
