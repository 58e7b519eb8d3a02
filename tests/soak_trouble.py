"""Rounds in which nobody is killed, but the ledger fails: its disk is full, or its server is stopped and started."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from fault_place import obeys_the_law
from postgresql_server import NOBODY, Server
from soak_child import Ended
from soak_people import Plan
from soak_round import DONE, Day, Round, seen_of
from soak_world import LOOK, World

ROOM = 40
"""Megabytes of the small disk: an empty database of PostgreSQL takes ten."""
LEFT = 160_000
"""Most bytes that are left on it."""
SAID = ("the ledger", "the disk")


class Troubled(Round):
    """A run may end with a clear error; started again when the trouble is over, nothing is lost and nobody sent twice.

    A run that could record its failure is over, and another one goes on; so a day may have several.
    """

    def compare(self, world: World, expected: Day) -> Day:
        """The end of a day, with the same day without trouble."""
        found = seen_of(world, Ended(0, "", "", 0.0, {}))
        for run in world.history():
            leads = world.leads(run["run"])
            obeys_the_law(run, leads)
            assert run["status"] != "running", run
            if self.plan.public:
                self.unsure |= {each["email"].lower() for each in leads if each["outcome"] == "unknown"}
        assert found.run["status"] in ("succeeded", "partial"), found.run
        assert not world.left_behind(), world.left_behind()
        assert found.run["counts"]["total"] == expected.run["counts"]["total"]
        self.same_ends(found, expected)
        return found

    def clear(self, ended: Ended) -> None:
        """The run said what went wrong, as one document and without a stack trace."""
        assert ended.code == 1, ended
        assert "Traceback" not in ended.out + ended.err, ended
        said = json.loads(ended.out)
        message = said.get("message") or said["error"]["message"]
        assert any(word in message for word in SAID), message
        self.tally.figures["clear errors"] += 1


class Restarted(Troubled):
    """The database server is stopped, as by a power failure, and started again in the middle of runs."""

    def __init__(self, plan: Plan, world: World, server: Server) -> None:
        super().__init__(plan, world)
        self._server = server

    def day(self, world: World, expected: Day) -> None:
        restarts = self.chance.randint(1, 3)
        for start in range(20):
            child = world.start()
            if start < restarts and not child.wait(self.chance.uniform(0.0, expected.seconds)):
                self._server.restart()
                self.tally.figures["restarts in a run"] += 1
            (ended,) = child.end()
            if ended.code in DONE:
                self.tally.figures["runs that went through"] += start < restarts
                return
            self.clear(ended)
        raise AssertionError("the run does not come to an end")


class Full(Troubled):
    """The disk of the ledger has little room left; when a run has failed, somebody makes room."""

    def __init__(self, plan: Plan, world: World, disk: Disk) -> None:
        super().__init__(plan, world)
        self._disk = disk

    def day(self, world: World, expected: Day) -> None:
        for start in range(20):
            left = self.chance.randint(0, LEFT) if start < 2 else None
            with self._disk.filled(left) as limit:
                (ended,) = world.start(before=limit).end()
                if ended.code in DONE:
                    return
                self.clear(ended)
                assert left is not None, ended
                self.tally.figures["full disks"] += 1
                (look,) = world.start(LOOK[0]).end()  # a reader may need room, too
                if look.code:
                    self.clear(look)
                else:
                    for run in json.loads(look.out)["runs"]:
                        obeys_the_law(run, None)
        raise AssertionError("the run does not come to an end")


class Disk:
    """A small disk: a file system in memory where mounting is allowed, else a limit on the size of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}m", "tmpfs", folder]
        self.mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0

    @contextlib.contextmanager
    def filled(self, left: int | None) -> Iterator[Callable[[], None]]:
        """The disk with so many bytes left (None: with room); what a process has to do to feel it."""
        filler = self.folder / "filler"
        if left is None:
            yield lambda: None
        elif self.mounted:
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                space = os.statvfs(self.folder)
                os.posix_fallocate(file.fileno(), 0, max(1, space.f_bavail * space.f_frsize - left))
            try:
                yield lambda: None
            finally:
                filler.unlink()
        else:
            largest = max((each.stat().st_size for each in self.folder.rglob("*") if each.is_file()), default=0)
            yield lambda: _limit(largest + left)

    def tablespace(self, server: Server) -> str:
        """A tablespace of this server on the disk."""
        place = self.folder / "tablespace"
        place.mkdir()
        shutil.chown(place, NOBODY)
        return server.tablespace(place)

    def close(self) -> None:
        """Take it away."""
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)


def _limit(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
