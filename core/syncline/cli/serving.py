"""`serve`, wired: what is served, the loop, those who watch, and the signals that end it."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Fatal, SpecError, SynclineError
from .invocation import Invocation
from .stopping import SECOND, graceful
from .watching import watched

if TYPE_CHECKING:
    from ..executor import Executor
    from ..git import Branch
    from ..ledger import SyncRecord
    from ..serve import Definitions, Folder, Followed, Loop
    from ..spec.model import Spec

log = logging.getLogger("syncline")
SILENT = 60.0
"""Seconds after which a loop that did not come round is not well."""
PROCESSES = 16
"""Most processes of a user that follow one branch on one machine: each has a checkout of its own."""
DAY = 86_400.0
STOPPED_AT_ONCE = (json.dumps({"event": "stopped at once: others go on from here", "level": "warning"}) + "\n").encode()
"""What a signal handler writes where the logs are JSON: it must not wait for the lock of the logs."""


@dataclass(frozen=True)
class Remote:
    """The branch that is followed, and how many seconds lie between two looks at it."""

    url: str
    branch: str
    interval: float


def serve(invocation: Invocation, folder: Path | None, *, remote: Remote | None, runs: int, listen: str | None) -> int:
    """Serve until stopped; returns the exit code."""
    from ..endpoint import Endpoint
    from ..serve import Loop, Teller

    here = folder if remote is None else None
    if here is not None and not here.is_dir():
        what = "this is a file" if here.exists() else "there is no such folder"
        raise SpecError(what, where=str(here), mend="name the folder of the specs")
    stop = threading.Event()
    second = SECOND if invocation.options.log_format != "json" else STOPPED_AT_ONCE
    with ExitStack() as stack:
        stack.enter_context(graceful(stop, first=b"", second=second))
        executor = invocation.executor(beside=here)
        executor.stop = stop
        beside = here or invocation.folder()
        telemetry = stack.enter_context(
            watched(invocation, executor.ledger, beside, serving=True, scraped=listen is not None)
        )
        stack.enter_context(invocation.registry.observing("syncline.serve", Teller()))
        followed = None if remote is None else _followed(invocation, executor, folder, remote, stack)
        definitions = followed or _definitions(invocation, executor, here)
        loop = Loop(executor, definitions, slots=runs)
        if listen is not None:
            health, ready = partial(_ill, loop), partial(_unready, loop, followed)
            metrics = telemetry.text if telemetry is not None else None
            stack.enter_context(Endpoint(listen, health=health, ready=ready, metrics=metrics))
        work: list[Callable[[], None]] = [loop.run, partial(_forget_details, invocation, executor, here)]
        if followed is not None and remote is not None:
            work.append(partial(followed.follow, remote.interval, executor.clock, executor.stop, loop.wake))
        log.info("serving %s, at most %d runs at once", _place(folder, remote), runs)
        _together(work, stop, loop.wake)
        log.info("stopped")
    return 0


# ------------------------------------------------------------------------------------------------ what is served


def _definitions(invocation: Invocation, executor: Executor, folder: Path | None) -> Definitions:
    from ..serve import Applied

    if folder is not None:
        return _folder(invocation, executor, folder)
    connections = invocation.options.connections or invocation.folder() / "connections.yaml"
    return Applied(connections, invocation.registry, invocation.redactor)


def _folder(invocation: Invocation, executor: Executor, folder: Path, *, deployment: str | None = None) -> Folder:
    from ..adoption import adopt_all, origins
    from ..serve import Folder

    def adopt(specs: Sequence[Spec]) -> list[SyncRecord | SpecError]:
        return adopt_all(executor.ledger, executor.observers, specs, origins)

    connections, registry = invocation.options.connections, invocation.registry
    return Folder(folder, connections, registry, invocation.redactor, adopt, deployment=deployment)


def _followed(
    invocation: Invocation, executor: Executor, folder: Path | None, remote: Remote, stack: ExitStack
) -> Followed:
    from ..serve import Followed

    inside = folder or Path()
    if inside.is_absolute() or ".." in inside.parts:
        raise SpecError("DIR must lie inside the repository", where=str(inside), mend="name it relative to its root")
    branch = stack.enter_context(_branch(invocation, executor, remote))
    deployment = f"git:{branch.shown} {branch.branch}/{inside}"  # a checkout has another path for each commit
    folder_of = partial(_folder, invocation, executor, deployment=deployment)
    return Followed(branch, inside, lambda place: invocation.load([place]), folder_of)


def _branch(invocation: Invocation, executor: Executor, remote: Remote) -> Branch:
    """The branch in a place of this process's own: the first one that no other process has."""
    from ..git import Branch, Taken

    label = hashlib.blake2b(f"{remote.url} {remote.branch}".encode(), digest_size=8).hexdigest()
    for number in range(PROCESSES):
        place = invocation.cache_folder() / "git" / f"{label}-{number}"
        try:
            return Branch(remote.url, remote.branch, place, invocation.redactor, stop=executor.stop)
        except Taken:
            continue
    raise Fatal(f"{PROCESSES} processes follow this branch already", where=remote.branch, mend="stop some of them")


def _place(folder: Path | None, remote: Remote | None) -> str:
    if remote is not None:
        return f"branch {remote.branch}"
    return f"the folder {folder}" if folder is not None else "what was applied to the ledger"


# -------------------------------------------------------------------------------------------------- while it goes


def _together(work: Sequence[Callable[[], None]], stop: threading.Event, wake: threading.Event) -> None:
    """Do all of this at once until `stop` is set; the first error ends the rest, and is raised.

    This thread only waits: a signal is handled in it, and must find no lock that it holds.
    """
    failed: list[BaseException] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - it is raised again below, in the thread that can
            failed.append(error)
            stop.set()

    told = False
    threads = [threading.Thread(target=guarded, args=(job,)) for job in work]
    for each in threads:
        each.start()
    for each in threads:
        while each.is_alive():
            each.join(0.1)
            if stop.is_set():
                if not told and not failed:
                    log.info("stopping: calls in flight finish, the rest is left for later; once more to stop at once")
                told = True
                wake.set()
    if failed:
        raise failed[0]


def _forget_details(invocation: Invocation, executor: Executor, folder: Path | None) -> None:
    """Once a day, drop the row detail of runs that are older than the `retention` of syncline.yaml."""
    while not executor.stop.is_set():
        try:
            executor.ledger.prune(invocation.settings(folder).retention)
        except SynclineError as error:  # what could not be tidied up waits for the next day
            log.warning("row detail past its retention was not dropped: %s", error)
        executor.clock.wait(executor.stop, DAY)


def _ill(loop: Loop) -> list[str]:
    return [f"the run loop has been silent for {loop.silent:.0f} seconds"] if loop.silent > SILENT else []


def _unready(loop: Loop, followed: Followed | None) -> list[str]:
    reasons = _ill(loop)
    if not loop.ready:
        waiting = followed is not None and followed.commit is None
        reasons += followed.troubles() if followed is not None and waiting else ["the specs are being read"]
    return reasons
