"""The private folder of one followed branch: a shallow repository, and a checkout for each commit in use."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
from pathlib import Path
from typing import IO

from ..errors import Fatal

log = logging.getLogger("syncline")
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


class Taken(Fatal):
    """Another process follows a branch in this place."""


class Place:
    """`repository` is the one that fetches; `whole(commit)` a folder that is there in full or not at all.

    One process at a time owns a place: `Taken` when another one does. Whatever an interrupted process has left
    half-done is removed. `source` says what is followed here: a place that was another's is emptied.
    """

    def __init__(self, folder: Path, source: str) -> None:
        self.folder = folder.absolute()
        self.repository = self.folder / "repository.git"
        self._half = self.folder / "half-done"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            self._lock = _locked(self.folder)
            self._tidy(source)
        except OSError as error:
            raise Fatal(
                "this folder cannot hold a followed branch",
                where=str(folder),
                why=os.strerror(error.errno) if error.errno else type(error).__name__,
                mend="check its permissions and the disk",
            ) from None

    def _tidy(self, source: str) -> None:
        mark = self.folder / "source"
        if not mark.exists() or mark.read_text(encoding="utf-8", errors="replace") != source:
            mark.unlink(missing_ok=True)
            self.remove_others(set())
            self.forget_repository()
            mark.write_text(source, encoding="utf-8")
        _remove(self._half)

    def close(self) -> None:
        """Let another process have the place."""
        self._lock.close()

    def forget_repository(self) -> None:
        """Everything that was fetched; checkouts stay as they are."""
        _remove(self.repository)

    def whole(self, commit: str) -> Path:
        """Where the checkout of a commit is, or will be."""
        return self.folder / commit

    def half(self, commit: str) -> Path:
        """Where the checkout of a commit is made: a fresh path in an existing folder."""
        _remove(self._half)
        self._half.mkdir(mode=0o700)
        return self._half / commit

    def finish(self, commit: str) -> Path:
        """The half checkout becomes the whole one, in one step; one that was there before makes way."""
        whole = self.whole(commit)
        if whole.exists():
            whole.rename(self._half / "old")
        (self._half / commit).rename(whole)
        _remove(self._half)
        return whole

    def remove_others(self, commits: set[str]) -> None:
        """All checkouts but these."""
        for path in sorted(self.folder.iterdir()):
            if _COMMIT.fullmatch(path.name) and path.name not in commits:
                try:
                    path.rename(self.half(path.name))  # out of sight first: nobody sees one that is half removed
                except OSError as error:
                    _left(path, error)
                _remove(self._half)


def _locked(folder: Path) -> IO[bytes]:
    """The lock of a place; the system lets go of it when the process ends, however it ends."""
    lock = (folder / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Taken(
            "a branch is followed in this folder already",
            where=str(folder),
            why="another process is at work there",
            mend="end it, or give each process a folder of its own",
        ) from None
    return lock


def links_that_leave(folder: Path, names: list[bytes]) -> list[Path]:
    """Those of the symbolic links in a checkout that lead out of it, by whatever detour."""
    top = os.path.realpath(folder)
    links = [folder / os.fsdecode(name) for name in names]
    return [each for each in links if each.is_symlink() and not Path(os.path.realpath(each)).is_relative_to(top)]


def as_text(link: Path) -> None:
    """The link becomes a file that holds where it led to, as on a system without links: nothing is read through it."""
    target = os.fsencode(link.readlink())
    link.unlink()
    link.write_bytes(target)


def _remove(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except OSError as error:
        _left(path, error)


def _left(path: Path, error: OSError) -> None:
    """It takes room, and is tried again; the branch can be followed all the same."""
    log.warning("%s cannot be removed: %s", path, os.strerror(error.errno) if error.errno else type(error).__name__)
