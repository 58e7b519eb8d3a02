"""Adoption: the ledger takes a spec in, as a new sync, as a revision of one, or as what it knows already."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from . import git
from .folders import layers
from .ledger import Ledger, Origin, SyncRecord
from .observers import Observers
from .spec.model import Spec
from .window import scope_of

_NEVER = datetime.min.replace(tzinfo=UTC)


def adopt(ledger: Ledger, observers: Observers, spec: Spec, origin: Origin | None = None) -> SyncRecord:
    """The sync of the spec: created at the first time, revised when the spec changed; `origin` goes into a revision.

    Observers are told of a change of state that this brings about. Raises `SpecError` when the identity was edited or
    `replaces` names nothing.
    """
    former = ledger.sync(spec.name)
    sync = ledger.meet(
        spec.name,
        identity=dict(spec.identity),
        spec=dict(spec.raw),
        source_scope=scope_of(spec),
        replaces=spec.replaces,
        origin=origin,
    )
    if former is None or former.state != sync.state:
        observers.tell("syncline_state_changed", sync=sync.name, state=sync.state, reason=sync.reason)
    return sync


def origins(paths: Iterable[Path]) -> dict[Path, Origin]:
    """Where specs come from, as far as Git knows: of the files that make up each, the commit of the newest change.

    The commit of a file that was edited since ends in `-dirty`.
    """
    files = {path: layers(path) for path in paths}
    known: dict[Path, git.Origin] = {}
    for folder in {file.parent for each in files.values() for file in each}:
        known |= git.origins_of(folder, [file for each in files.values() for file in each if file.parent == folder])
    found = {}
    for path, each in files.items():
        committed = [known[file] for file in each if file in known and known[file].commit]
        if committed:
            newest = max(committed, key=lambda origin: (origin.dirty, origin.at or _NEVER))
            found[path] = Origin(f"{newest.commit}-dirty" if newest.dirty else newest.commit, newest.author)
    return found
