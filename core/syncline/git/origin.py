"""Where a file comes from: the commit that last changed it, who made it, and whether the file was edited since."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import Fatal
from .program import Ended, records, run

log = logging.getLogger("syncline")

LIMIT = 20.0
"""Seconds for one question. A history that takes longer is given up, and what was found by then is the answer."""

FEW = 100
"""Up to so many files are named to git; of more, everything below their folder is looked at, which is quicker then."""

FORMAT = "%H %ct %an"

_HISTORY = (
    "-c", "log.showRoot=true", "log", "-z", "--raw", "-c", "--no-abbrev", "--no-renames", "--no-relative",
    "--no-ext-diff", "--no-color", "--no-show-signature", "--encoding=UTF-8", f"--format=%x01{FORMAT}",
)  # fmt: skip
_DIFFERENCES = (
    "diff", "--name-only", "-z", "--no-renames", "--no-relative", "--no-ext-diff", "--no-color",
    "--ignore-submodules=all",
)  # fmt: skip
_CHANGES = ("status", "--porcelain", "-z", "--untracked-files=normal", "--ignore-submodules=all")


@dataclass(frozen=True)
class Origin:
    """`commit` (the whole name) by `author` (the name alone, no address) at `at` (UTC; None if git holds no true time).

    `dirty`: the file differs from that commit. A file that was never committed has an empty `commit` and is dirty.
    """

    commit: str
    author: str
    at: datetime | None
    dirty: bool


def origin_of(path: Path) -> Origin | None:
    """The origin of a file; of a folder: the commit that is checked out, dirty if anything below it differs.

    None outside a checkout, and where git is missing or does not want to read it (then a line in the log says why).
    In a shallow checkout that does not reach back far enough, its oldest commit stands for what came before.
    """
    if not path.is_dir():
        return origins_of(path.parent, [path]).get(path)
    try:
        head = _head(path)
        if head is None:
            return None
        changed = run(*_CHANGES, "--", ".", folder=path, limit=LIMIT)
        return _origin(head, dirty=bool(_sound(changed, path).out))
    except _Unknown:
        return None
    except (Fatal, TimeoutError, OSError) as error:
        _note(path, error)
        return None


def origins_of(folder: Path, paths: Iterable[Path]) -> dict[Path, Origin]:
    """The origins of many files in and below `folder`, with a handful of calls of git, however many they are.

    A file has no entry where `origin_of` says None, when it lies outside of `folder`, or when its last change lies
    so far back that it was not found in time.
    """
    named = {name: path for path in paths if (name := _name(folder, path)) is not None}
    if not named or not folder.is_dir():
        return {}
    try:
        found = _found(folder, list(named))
    except _Unknown:
        return {}
    except (Fatal, TimeoutError, OSError) as error:
        _note(folder, error)
        return {}
    return {named[name]: origin for name, origin in found.items()}


def commit_line(text: str) -> tuple[str, str, datetime | None]:
    """Commit, author and time of a line of `FORMAT`."""
    commit, seconds, author = text.split(" ", 2)
    try:
        at = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):  # git keeps any number as a time
        at = None
    return commit, "".join(each for each in author if each.isprintable()), at


class _Unknown(Exception):
    """Git has no answer for this place; the log says why where somebody could mend it."""


def _name(folder: Path, path: Path) -> str | None:
    """The name of the file as seen from `folder`; links are not followed, since git keeps the link itself."""
    top, inside = os.path.abspath(folder), os.path.abspath(path)  # noqa: PTH100  # `..` is resolved, links are not
    return os.path.relpath(inside, top) if Path(inside).is_relative_to(top) and inside != top else None


def _found(folder: Path, names: list[str]) -> dict[str, Origin]:
    prefix = _prefix(folder)
    wanted = {prefix + os.fsencode(name): name for name in names}
    never = Origin("", "", None, dirty=True)
    if _head(folder) is None:
        return dict.fromkeys(names, never)
    specs = names if len(names) <= FEW else ["."]
    tree = _sound(run("ls-tree", "-r", "-z", "--full-name", "HEAD", "--", *specs, folder=folder, limit=LIMIT), folder)
    blobs = {}
    for entry in filter(None, tree.out.split(b"\0")):
        kind, _, path = entry.partition(b"\t")
        if path in wanted:
            blobs[path] = kind.split()[2]
    differing = _sound(run(*_DIFFERENCES, "HEAD", "--", *specs, folder=folder, limit=LIMIT), folder)
    dirty = set(differing.out.split(b"\0"))
    found = {name: never for path, name in wanted.items() if path not in blobs}
    try:
        for path, line in _last_changes(folder, specs, blobs):
            found[wanted[path]] = _origin(line, dirty=path in dirty)
    except TimeoutError:
        log.info("%s: the history is too long to find who changed %d files", folder, len(names) - len(found))
    return found


def _last_changes(folder: Path, specs: list[str], blobs: dict[bytes, bytes]) -> Iterator[tuple[bytes, str]]:
    """Each file of `blobs` (path: content) with the line of the newest commit that made it what it is at HEAD.

    The content is compared, because the walk also meets changes on side branches that a merge did not take over.
    """
    left, line, content = dict(blobs), "", b""
    with closing(records(*_HISTORY, "HEAD", "--", *specs, folder=folder, limit=LIMIT)) as walk:
        for record in walk if left else ():
            if content:
                if left.get(record) == content:
                    del left[record]
                    yield record, line
                    if not left:
                        return
                content = b""
            elif record.startswith(b"\x01"):
                line = record[1:].decode(errors="replace")
            elif mark := record.lstrip(b"\n"):
                parents = len(mark) - len(mark.lstrip(b":"))
                content = mark[parents:].split()[2 * parents + 1]


def _prefix(folder: Path) -> bytes:
    """The place of `folder` in its checkout. Raises `_Unknown` outside of one."""
    answer = run("rev-parse", "--is-inside-work-tree", "--show-prefix", folder=folder, limit=LIMIT)
    inside, _, prefix = _sound(answer, folder).out.partition(b"\n")
    if inside != b"true":
        raise _Unknown
    return prefix.removesuffix(b"\n")


def _head(folder: Path) -> str | None:
    """The line of the commit that is checked out; None before the first one."""
    _prefix(folder)
    if run("rev-parse", "--verify", "--quiet", "HEAD", folder=folder, limit=LIMIT).code:
        return None
    shown = run(
        "log", "-1", "--no-show-signature", "--encoding=UTF-8", f"--format={FORMAT}", folder=folder, limit=LIMIT
    )
    return _sound(shown, folder).text


def _origin(line: str, *, dirty: bool) -> Origin:
    return Origin(*commit_line(line), dirty=dirty)


def _sound(ended: Ended, folder: Path) -> Ended:
    """The answer of git. Raises `_Unknown` when it failed; that there is no checkout is worth no line in the log."""
    if ended.code == 0:
        return ended
    if "not a git repository" not in ended.words.lower():
        words = next((line for line in ended.words.splitlines() if line.startswith(("fatal:", "error:"))), "no word")
        log.info("%s: git does not say who changed it: %s", folder, words)
    raise _Unknown


def _note(place: Path, error: Exception) -> None:
    why = f"no answer within {LIMIT:g} seconds" if isinstance(error, TimeoutError) else str(error)
    log.info("%s: git does not say who changed it: %s", place, why)
