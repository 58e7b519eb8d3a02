"""Takes many specs into the ledger, quickly where nothing changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..adoption import adopt
from ..errors import SpecError
from ..ledger import Ledger, Origin, SyncRecord
from ..observers import Observers
from ..spec.model import Spec
from ..window import scope_of

log = logging.getLogger("syncline")
Origins = Callable[[Sequence[Path]], Mapping[Path, Origin]]


@dataclass(frozen=True)
class Adopter:
    """`origins` says of spec files which commits they come from; it is asked for those that bring something new."""

    ledger: Ledger
    observers: Observers
    origins: Origins

    def __call__(self, specs: Sequence[Spec]) -> list[SyncRecord | SpecError]:
        """For each spec its sync, or why it cannot be applied."""
        known = {sync.name: sync for sync in self.ledger.syncs([spec.name for spec in specs])}
        same = {spec.name for spec in specs if spec.name in known and _says(spec, known[spec.name])}
        fresh = [spec.path for spec in specs if spec.name not in same]
        origins = self.origins(fresh) if fresh else {}
        answers: list[SyncRecord | SpecError] = []
        for spec in specs:
            if spec.name in same:
                answers.append(known[spec.name])
                continue
            try:
                sync = adopt(self.ledger, self.observers, spec, origins.get(spec.path))
            except SpecError as error:
                answers.append(error)
                continue
            if spec.name in known and sync.revision > known[spec.name].revision:
                log.info("revision %d is applied", sync.revision, extra={"sync": sync.name})
            answers.append(sync)
        return answers


def _says(spec: Spec, sync: SyncRecord) -> bool:
    """Whether the ledger has this spec already."""
    return (dict(spec.raw), dict(spec.identity), scope_of(spec)) == (sync.spec, sync.identity, sync.source_scope)
