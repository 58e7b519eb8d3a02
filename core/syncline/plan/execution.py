"""Carries a plan out: one action after the other, each of them whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..adoption import adopt
from ..errors import Fatal, SynclineError
from ..ledger import Ledger, Origin, SyncRecord
from ..observers import Observers
from ..spec import Spec
from .model import Action, Kind, Plan

Origins = Callable[[Iterable[Path]], Mapping[Path, Origin]]
"""For the paths of specs: from which commit and author each comes, as far as that is known."""
REMOVED = "removed by apply: its spec is gone"


@dataclass(frozen=True)
class Done:
    """What became of one action: done; failed, and why; or left, because one before it failed."""

    action: Action
    status: Literal["done", "failed", "left"]
    message: str = ""


def carry_out(
    plan: Plan, specs: Sequence[Spec], ledger: Ledger, observers: Observers, origins: Origins
) -> Iterator[Done]:
    """Do what the plan says, and yield each action as it was done. `specs` are those that it was made of.

    An action whose sync is no longer as it was when the plan was made is not done. After a failure nothing more is
    done; to plan and carry out anew is always safe, and finds what is left.
    """
    acting = plan.acting
    work = _Work(ledger, observers, {spec.name: spec for spec in specs}, _origins(plan, specs, origins))
    for place, action in enumerate(acting):
        try:
            work.do(action)
        except SynclineError as error:
            yield Done(action, "failed", str(error))
            for later in acting[place + 1 :]:
                yield Done(later, "left")
            return
        yield Done(action, "done")
    of = {record.name: record.deployment for record in ledger.syncs()}
    for action in plan.actions:
        if action.kind is Kind.UNCHANGED and of.get(action.sync) != plan.deployment:
            work.do(action)  # the ledger notes that it is of this deployment now


@dataclass(frozen=True)
class _Work:
    """One `carry_out` on its way."""

    ledger: Ledger
    observers: Observers
    specs: Mapping[str, Spec]
    origins: Mapping[str, Origin]

    def do(self, action: Action) -> None:
        """Carry out one action."""
        if action.kind is Kind.REMOVE:
            self._remove(action)
            return
        spec, origin = self.specs[action.sync], self.origins.get(action.sync)
        adopt(self.ledger, self.observers, spec, origin, expect=lambda known: _expect(action, known))

    def _remove(self, action: Action) -> None:
        known = self.ledger.sync(action.sync)
        _expect(action, known)
        if known is None:
            return
        if self.ledger.set_state(known.id, "inactive", REMOVED, expect=lambda now: _expect(action, now)):
            news = {"sync": action.sync, "reason": REMOVED}
            self.observers.tell("syncline_state_changed", state="inactive", **news)
            self.observers.tell("syncline_sync_deactivated", **news)


def _origins(plan: Plan, specs: Sequence[Spec], origins: Origins) -> dict[str, Origin]:
    """By the names of the syncs that get a revision."""
    revised = {action.sync for action in plan.acting if action.kind is not Kind.REMOVE}
    paths = {spec.name: spec.path for spec in specs if spec.name in revised}
    found = origins(paths.values()) if paths else {}
    return {name: found[path] for name, path in paths.items() if path in found}


def _expect(action: Action, known: SyncRecord | None) -> None:
    """Raise `Fatal` where the sync is not as the plan found it."""
    if told := moved_on(action, known):
        raise Fatal(told, mend="make a new plan")


def moved_on(action: Action, known: SyncRecord | None) -> str:
    """How a sync differs from what a plan found; empty when it does not, or when that does not matter."""
    if action.kind in (Kind.KEPT, Kind.REFUSED):
        return ""
    if (known is None) != (action.revision is None):
        return f"sync {action.sync} {'is gone' if known is None else 'was created meanwhile'}"
    if known is None or (known.revision, known.state) == (action.revision, action.state):
        return ""
    if action.kind is Kind.UNCHANGED and known.revision == action.revision and known.state != "inactive":
        return ""
    return (
        f"sync {action.sync} moved on: it was at revision {action.revision} and {action.state}, "
        f"and is at revision {known.revision} and {known.state} now"
    )
