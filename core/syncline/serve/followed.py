"""Follows a branch of a Git remote: each of its commits is a whole, and the last sound one is served."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..clock import Clock
from ..errors import Fatal, Retriable
from ..git import Branch, Revision
from ..ledger import SyncRecord
from ..spec import Bound, Loaded
from .definitions import Step
from .folder import Folder

log = logging.getLogger("syncline")
T = TypeVar("T")


class Followed:
    """`inside` is the folder of the specs in the repository, `load` reads such a folder with all faults.

    A commit with any fault is reported and not served; neither is anything while the remote is out of reach: the last
    good revision stays, over restarts too. `follow` is to be run in a thread of its own.
    """

    def __init__(
        self, branch: Branch, inside: Path, load: Callable[[Path], Loaded], folder: Callable[[Path], Folder]
    ) -> None:
        self._branch, self._inside, self._load, self._folder_of = branch, inside, load, folder
        self._folder: Folder | None = None
        self._next: Revision | None = None
        self._unreachable: list[str] = []
        self._unsound: list[str] = []
        self._lock = threading.Lock()
        self._taken = threading.Event()
        self.commit: str | None = None

    def step(self) -> Step:
        """See `Definitions`."""
        with self._lock:
            fresh, self._next = self._next, None
        if fresh is not None:
            place = fresh.folder / self._inside
            if self._folder is None:
                self._folder = self._folder_of(place)
            else:
                self._folder.move(place)
            self.commit = fresh.commit
            self._taken.set()
            log.info("commit %s by %s is served now", fresh.commit[:12], fresh.author)
        return self._folder.step() if self._folder is not None else Step(waiting=True)

    def serves(self, name: str) -> bool:
        """Whether the commit that is served has this sync."""
        return self._folder is not None and self._folder.serves(name)

    def bound(self, sync: SyncRecord) -> Bound:
        """See `Definitions`."""
        if self._folder is None:
            raise Fatal("no commit was read yet", where=self._branch.shown)
        return self._folder.bound(sync)

    def troubles(self) -> list[str]:
        """What keeps the newest commit from being served, and what is wrong with the one that is."""
        inside = self._folder.troubles() if self._folder is not None else ["no commit was read yet"]
        return [*self._unreachable, *self._unsound, *inside]

    def follow(self, interval: float, clock: Clock, stop: threading.Event, wake: threading.Event) -> None:
        """Look for new commits until stopped; the first time for one that an earlier process served."""
        kept = self._tried(self._branch.kept)
        if kept is not None:
            self._offer(kept, clock, stop, wake)
        while not stop.is_set():
            fresh = self._tried(self._branch.pull)
            if fresh is not None and fresh.commit == self.commit:
                self._unsound = []
            elif fresh is not None and self._is_sound(fresh):
                self._offer(fresh, clock, stop, wake)
            clock.wait(stop, interval)

    def _tried(self, ask: Callable[[], T]) -> T | None:
        try:
            found = ask()
        except (Retriable, Fatal) as error:
            trouble = [str(error)]
            if trouble != self._unreachable:
                log.error("the branch could not be read, and what is served stays: %s", error)
            self._unreachable = trouble
            return None
        if self._unreachable:
            log.info("the branch can be read again")
        self._unreachable = []
        return found

    def _is_sound(self, revision: Revision) -> bool:
        """Whether the whole of a revision is without faults; these are told."""
        place = revision.folder / self._inside
        if not place.is_dir():
            faults = [f"{self._inside}: there is no such folder in it"]
        else:
            loaded = self._load(place)
            faults = [str(fault).replace(f"{revision.folder}/", "") for fault in loaded.faults]
            if not faults and not loaded.specs:
                faults = [f"{self._inside}: there are no specs in it"]
        self._unsound = [f"commit {revision.commit[:12]}: {fault}" for fault in faults]
        for trouble in self._unsound:
            log.error("not served, and the last good commit stays: %s", trouble)
        return not faults

    def _offer(self, revision: Revision, clock: Clock, stop: threading.Event, wake: threading.Event) -> None:
        """Have the loop serve a revision. When it does, and not before, the files of the former one may go."""
        self._taken.clear()
        with self._lock:
            self._next = revision
        wake.set()
        while not stop.is_set() and not clock.wait(self._taken, 1.0):
            wake.set()
        if self._taken.is_set():
            self._tried(lambda: self._branch.keep(revision.commit))
