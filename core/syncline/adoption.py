"""Adoption: the ledger takes a spec in, as a new sync, as a revision of one, or as what it knows already."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from . import git
from .errors import SpecError
from .folders import base_of, layers
from .ledger import Ledger, Origin, SyncRecord, Wanted
from .observers import Observers
from .spec.model import Spec
from .window import scope_of

log = logging.getLogger("syncline")
_NEVER = datetime.min.replace(tzinfo=UTC)
Expect = Callable[[SyncRecord | None], None]


def adopt(
    ledger: Ledger,
    observers: Observers,
    spec: Spec,
    origin: Origin | None = None,
    *,
    expect: Expect = lambda known: None,
) -> SyncRecord:
    """The sync of the spec: created at the first time, revised when the spec changed; `origin` goes into a revision.

    Observers are told of a change of state that this brings about. Raises `SpecError` when the identity was edited,
    when `replaces` names nothing, and when the sync is another deployment's; `expect` may raise as well, see
    `Ledger.meet`.
    """
    former = ledger.sync(spec.name)
    if former is not None:
        same_deployment(former, spec.deployment)
    wanted = _wanted(spec, origin)
    sync = ledger.meet(
        wanted.name,
        identity=wanted.identity,
        spec=wanted.spec,
        source_scope=wanted.source_scope,
        replaces=wanted.replaces,
        origin=wanted.origin,
        deployment=wanted.deployment,
        expect=expect,
    )
    _tell(observers, former, sync)
    return sync


def adopt_all(
    ledger: Ledger,
    observers: Observers,
    specs: Sequence[Spec],
    origins_of: Callable[[Iterable[Path]], Mapping[Path, Origin]],
) -> list[SyncRecord | SpecError]:
    """`adopt` for many: for each spec its sync, or why it cannot be. Quick where the ledger knows them already;
    `origins_of` is asked only for the others."""
    known = {sync.name: sync for sync in ledger.syncs([spec.name for spec in specs])}
    answers: dict[str, SyncRecord | SpecError] = {}
    fresh: list[Spec] = []
    for spec in specs:
        former = known.get(spec.name)
        try:
            if former is not None:
                same_deployment(former, spec.deployment)
            if former is not None and _wanted(spec, None).is_in(former):
                answers[spec.name] = former
            else:
                fresh.append(spec)
        except SpecError as error:
            answers[spec.name] = error
    if fresh:
        origins = origins_of([spec.path for spec in fresh])
        met = ledger.meet_all([_wanted(spec, origins.get(spec.path)) for spec in fresh])
        for spec, answer in zip(fresh, met, strict=True):
            answers[spec.name] = answer
            if isinstance(answer, SyncRecord):
                former = known.get(spec.name)
                if former is not None and answer.revision > former.revision:
                    log.info("revision %d is applied", answer.revision, extra={"sync": spec.name})
                _tell(observers, former, answer)
    return [answers[spec.name] for spec in specs]


def _wanted(spec: Spec, origin: Origin | None) -> Wanted:
    return Wanted(
        spec.name, dict(spec.identity), dict(spec.raw), scope_of(spec), spec.replaces, origin, spec.deployment
    )


def _tell(observers: Observers, former: SyncRecord | None, sync: SyncRecord) -> None:
    if former is None or former.state != sync.state:
        observers.tell("syncline_state_changed", sync=sync.name, state=sync.state, reason=sync.reason)


def same_deployment(known: SyncRecord, deployment: str | None) -> None:
    """Raise `SpecError` where a sync is known to be another deployment's: both folders say how they are called, or they
    are two environments of one base. A folder that only moved is no other."""
    if None in (known.deployment, deployment) or known.deployment == deployment:
        return
    old, new = str(known.deployment), str(deployment)
    if (":" not in old and ":" not in new) or _tree(old) == _tree(new):
        raise SpecError(
            f"this ledger knows the sync as one of the deployment {old}, and this folder is {new}",
            where=known.name,
            mend="give each environment a ledger of its own, and each sync of a ledger a name of its own; "
            "to move the sync for good, say the same `deployment` in syncline.yaml",
        )


def _tree(deployment: str) -> str:
    """Machine and base folder of a deployment that has no name; of one that has, the name."""
    host, colon, path = deployment.partition(":")
    return f"{host}:{base_of(Path(path)) or path}" if colon else deployment


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
