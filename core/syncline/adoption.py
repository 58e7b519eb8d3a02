"""Adoption: the ledger takes a spec in, as a new sync, as a revision of one, or as what it knows already."""

from __future__ import annotations

from .ledger import Ledger, Origin, SyncRecord
from .observers import Observers
from .spec.model import Spec
from .window import scope_of


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
