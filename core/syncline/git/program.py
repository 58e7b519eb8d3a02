"""The program git, run so that it cannot ask, hang, run hooks, or be led elsewhere by what surrounds it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import Fatal

PASSED = frozenset(
    {"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_PROXY_COMMAND", "GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES",
     "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
     "GIT_CONFIG_COUNT"}
)  # fmt: skip
PASSED_STEMS = ("GIT_SSL_", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
"""What users may say of their surroundings. Everything else that begins with GIT_ is dropped: GIT_DIR and its like,
which a hook sets, mean another repository than ours, and traces would print credentials."""

SETTINGS: Mapping[str, str] = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C",
}
GUARDS = (
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
)
"""On the command line, where they outrank every file: no program of a repository's choice runs, none stays behind."""

LOOK = 0.1
"""Seconds between two looks at `stop`."""

GRACE = 2.0
"""Seconds that a git has to tidy up when it is ended."""


class Stopped(Exception):
    """`stop` was set while git was at work: no error, somebody asked for it."""


@dataclass(frozen=True)
class Ended:
    """How a git ended: its exit code, its output, and its words."""

    code: int
    out: bytes
    words: str

    @property
    def text(self) -> str:
        """The output as text, without the last line end."""
        return self.out.decode(errors="replace").rstrip("\n")


def run(
    *arguments: str | Path,
    folder: Path,
    limit: float,
    stop: threading.Event | None = None,
    config: Sequence[tuple[str, str]] = (),
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run git in `folder` and wait for its end.

    `config` and `environment` reach git through its environment, so that no process list shows them. After `limit`
    seconds git and all that it started are ended: `TimeoutError`; when `stop` is set, at once: `Stopped`. Raises
    `Fatal` when the program is missing.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as words:
        # files, not pipes: what git leaves running (the shared connection of an ssh) would keep a pipe open
        process = _started(arguments, folder, out, words, _environment(config, environment or {}))
        try:
            _wait(process, limit, stop)
        finally:
            _end(process)
        return Ended(process.returncode, _read(out), _read(words).decode(errors="replace"))


def records(*arguments: str | Path, folder: Path, limit: float) -> Generator[bytes]:
    """What git writes, one record before each NUL, as it comes; closing the iterator ends git.

    Raises `TimeoutError` after `limit` seconds.
    """
    with tempfile.TemporaryFile() as words:
        process = _started(arguments, folder, subprocess.PIPE, words, _environment((), {}))
        over = threading.Event()

        def late() -> None:
            over.set()
            _end(process)

        timer = threading.Timer(limit, late)
        timer.daemon = True
        timer.start()
        try:
            yield from _split(process)
        finally:
            timer.cancel()
            _end(process)
            if process.stdout:
                process.stdout.close()
        if over.is_set():
            raise TimeoutError


def _split(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    rest = b""
    while process.stdout and (chunk := process.stdout.read1(1 << 16)):  # type: ignore[attr-defined]  # a buffered reader
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest


def program() -> str:
    """Where git is. Raises `Fatal` when it is missing."""
    found = shutil.which("git")
    if found is None:
        raise Fatal(
            "the program git is missing",
            why="nothing of that name on the PATH",
            mend="install git, or work from a folder",
        )
    return found


def _started(
    arguments: Sequence[str | Path],
    folder: Path,
    out: IO[bytes] | int,
    words: IO[bytes],
    environment: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    guards = [part for guard in GUARDS for part in ("-c", guard)]
    return subprocess.Popen(  # noqa: S603  # no shell; what could be taken for an option was refused before
        [program(), *guards, *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=words,
        start_new_session=True,  # a group of its own, to be ended as one; and no terminal to ask at
    )


def _environment(config: Sequence[tuple[str, str]], more: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in PASSED or name.startswith(PASSED_STEMS)
    }
    kept.pop("SSH_ASKPASS", None)
    count = kept.get("GIT_CONFIG_COUNT", "0")
    first = int(count) if count.isdecimal() else 0
    for n, (key, value) in enumerate(config, first):
        kept |= {f"GIT_CONFIG_KEY_{n}": key, f"GIT_CONFIG_VALUE_{n}": value}
    if config:
        kept["GIT_CONFIG_COUNT"] = str(first + len(config))
    return {**kept, **SETTINGS, **more}


def _wait(process: subprocess.Popen[bytes], limit: float, stop: threading.Event | None) -> None:
    until = time.monotonic() + limit
    while True:
        try:
            process.wait(LOOK)
        except subprocess.TimeoutExpired:
            if stop is not None and stop.is_set():
                raise Stopped from None
            if time.monotonic() > until:
                raise TimeoutError from None
        else:
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and all of its group, if it is still there: first with the chance to remove its own half-done work."""
    if process.poll() is not None:
        return
    for each in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):  # gone meanwhile
            os.killpg(process.pid, each)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
