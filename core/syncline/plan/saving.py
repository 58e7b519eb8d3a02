"""A plan as a file: written whole or not at all, and carried out only while everything is as it was."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import msgspec

from ..errors import Fatal
from ..folders import CONNECTIONS, DEFAULTS, SETTINGS, base_of, layers, spec_files
from ..ledger import Ledger
from ..spec import Spec
from .execution import moved_on
from .model import Plan

FORMAT = 1
MOST_BYTES = 256 * 1024 * 1024
"""A plan of 10,000 syncs has a tenth of it."""
_CHECKSUM = b',"checksum":"'
S = TypeVar("S")


@dataclass(frozen=True)
class Saved:
    """A plan and what it was made of. `files` are digests of every file that took part, by their paths as they are
    reached from here; `ledger` is the identity of the ledger (None: it held no sync), at `where`."""

    version: int
    syncline: str
    made_at: datetime
    connections: str | None
    files: Mapping[str, str]
    ledger: str | None
    where: str
    plan: Plan


def save(path: Path, plan: Plan, ledger: Ledger, files: Mapping[str, str], connections: Path | None) -> None:
    """Write the plan for its owner alone; the file appears when it is complete. No secret is in it, only references."""
    saved = Saved(
        version=FORMAT,
        syncline=version("syncline"),
        made_at=ledger.now(),
        connections=str(connections) if connections else None,
        files=files,
        ledger=_identity(ledger),
        where=ledger.url,
        plan=plan,
    )
    body = msgspec.json.encode(saved)[:-1]
    whole = body + _CHECKSUM + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "xb", opener=_private) as stream:  # Path.open takes no opener
            stream.write(whole)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Fatal("the plan cannot be written", where=str(path), why=os.strerror(error.errno or 0)) from None


def load(path: Path) -> Saved:
    """The plan of a file. `Fatal` when it is none, was damaged, or was made by another version."""
    try:
        with path.open("rb") as stream:
            text = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise Fatal("the plan cannot be read", where=str(path), why=os.strerror(error.errno or 0)) from None
    if len(text) > MOST_BYTES:
        raise Fatal("this is no plan", where=str(path), why=f"it is larger than {MOST_BYTES // 2**20} MiB")
    body, found, rest = text.rpartition(_CHECKSUM)
    if not found or rest != hashlib.sha256(body).hexdigest().encode() + b'"}\n':
        raise Fatal(
            "this is no plan, or it was damaged", where=str(path), why="its checksum is wrong", mend="make a new plan"
        )
    made = _decoded(body, _Made, path)
    if (made.version, made.syncline) != (FORMAT, version("syncline")):
        raise Fatal(
            "this plan was made by another version of Syncline",
            where=str(path),
            why=f"{made.syncline}, this is {version('syncline')}",
            mend="make a new plan",
        )
    return _decoded(body, Saved, path)


def _decoded(body: bytes, kind: type[S], path: Path) -> S:
    """A checksum proves that nothing was damaged, not who wrote it: what does not fit is refused in words."""
    try:
        return msgspec.json.decode(body + b"}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Fatal(
            "this is no plan", where=str(path), why="it was not written by `plan --out`", mend="make a new plan"
        ) from None


@dataclass(frozen=True)
class _Made:
    """What can be read of a plan of any version."""

    version: int
    syncline: str


def digests(folder: Path, connections: Path | None) -> dict[str, str]:
    """A digest of each file that says something about the syncs of a folder."""
    found: dict[str, str] = {}
    folders = [each for each in (base_of(folder), folder) if each is not None]
    names = [each.name for each in spec_files(folder, connections)]
    for name in (DEFAULTS, SETTINGS, *([] if connections else [CONNECTIONS]), *names):
        for path in layers(folders[-1] / name):
            found[str(path)] = _digest(path)
    if connections is not None and connections.exists():
        found[str(connections)] = _digest(connections)
    return dict(sorted(found.items()))


def _digest(path: Path) -> str:
    """Of what cannot be read it is empty; loading the specs says why."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def refusals(
    saved: Saved, specs: Sequence[Spec], files: Mapping[str, str], ledger: Ledger, *, oldest: timedelta
) -> list[str]:
    """Every reason why the plan can no longer be carried out as it says; `specs` and `files` are those of now."""
    found = [*_age(saved, ledger.now(), oldest), *_changed(saved, files)]
    if not found:
        found += _unlike(saved.plan, specs)
    other = ledger.url != saved.where if saved.ledger is None else _identity(ledger) != saved.ledger
    if other:
        return [*found, f"it was made for another ledger: {saved.where}, and this is {ledger.url}"]
    return [*found, *_moved(saved.plan, ledger)]


def _identity(ledger: Ledger) -> str | None:
    """None for a ledger without syncs, which may not be there yet; then only its place can be compared."""
    return ledger.identity if ledger.syncs() else None


def _age(saved: Saved, now: datetime, oldest: timedelta) -> Iterator[str]:
    age = now - saved.made_at
    if age > oldest:
        hours = [each.total_seconds() / 3600 for each in (age, oldest)]
        yield f"it is too old: made {hours[0]:.0f} hours ago, and {hours[1]:.0f} are allowed"


def _changed(saved: Saved, files: Mapping[str, str]) -> Iterator[str]:
    for path in sorted({*saved.files, *files}):
        if path not in files:
            yield f"{path} is gone"
        elif path not in saved.files:
            yield f"{path} is new"
        elif files[path] != saved.files[path]:
            yield f"{path} was changed"


def _unlike(plan: Plan, specs: Sequence[Spec]) -> Iterator[str]:
    """Specs that are read otherwise than they were, though no file changed: the program is another."""
    found = {spec.name: msgspec.json.decode(msgspec.json.encode(spec.raw)) for spec in specs}
    for action in plan.actions:
        if action.spec and found.get(action.sync) != action.spec:
            yield f"{action.file} is read otherwise than when the plan was made"


def _moved(plan: Plan, ledger: Ledger) -> Iterator[str]:
    known = {record.name: record for record in ledger.syncs()}
    for action in plan.actions:
        if told := moved_on(action, known.get(action.sync)):
            yield told


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
