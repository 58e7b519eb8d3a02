"""Compares the specs of a folder with a ledger. Reads only: nothing is written, no network, no secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ..adoption import same_deployment
from ..errors import SpecError
from ..ledger import Ledger, SyncRecord, difference, not_runnable, rescheduled, same_identity, state_after
from ..ledger.syncs import BY_SPEC
from ..registry import Registry
from ..schedule import upcoming
from ..spec import Spec
from ..spec.retrieval import notes
from ..window import window_of
from .model import ACTING, INACTIVE, Action, Kind, Plan
from .resending import sent_again

MANY = 2
"""More removals at once than this, and than half of the deployment's syncs, wait for a second word."""
LATEST = "Etc/GMT+12"
"""The zone in which a wall-clock time comes last: a moment that is too early there is so everywhere."""


def compare(
    specs: Sequence[Spec], ledger: Ledger, registry: Registry, *, folder: str, deployment: str, prune: bool = False
) -> Plan:
    """What taking these specs in would change. They are all specs of `folder`, which must be without faults.

    With `prune`, syncs that the same deployment has taken in and whose specs are gone are removed; of no other
    deployment, and none that its last spec protects.
    """
    records = {record.name: record for record in ledger.syncs()}
    comparison = _Comparison(ledger, registry, records, {spec.name: spec for spec in specs})
    actions = [comparison.of(spec) for spec in specs]
    left = [record for record in records.values() if record.name not in comparison.specs and record.state != "inactive"]
    own = [record for record in left if record.deployment == deployment]
    actions += [_gone(record, deployment, prune=prune and bool(specs)) for record in left]
    ended = sum(action.kind is Kind.REMOVE for action in actions)
    held = ""
    stayed = sum(record.deployment == deployment for record in records.values() if record.name in comparison.specs)
    if ended > MANY and 2 * ended > len(own) + stayed:
        held = f"this ends {ended} of the {len(own) + stayed} syncs of this deployment at once"
    return Plan(folder, deployment, sorted(actions, key=comparison.place), held)


@dataclass(frozen=True)
class _Comparison:
    """One `compare` on its way."""

    ledger: Ledger
    registry: Registry
    records: Mapping[str, SyncRecord]
    specs: Mapping[str, Spec]

    def of(self, spec: Spec) -> Action:
        """What becomes of the sync of a spec."""
        known = self.records.get(spec.name)
        raw = msgspec.json.decode(msgspec.json.encode(spec.raw))  # as the ledger would give it back
        here: dict[str, Any] = {"sync": spec.name, "file": str(spec.path), "spec": raw}
        if known is not None:
            here |= {"revision": known.revision, "state": known.state}
        if known is not None and known.state == "inactive":
            mend = not_runnable(known.name, known.state, known.reason).mend
            reason = f"it is inactive: {known.reason}; {mend}; then take this file away"
            return Action(Kind.REFUSED, reason=reason, exit_code=INACTIVE, **here)
        try:
            self._allowed(spec, known)
        except SpecError as error:
            reason, code = f"{error.what}; {error.mend}", error.exit_code
            return Action(Kind.REFUSED, reason=reason, exit_code=code, **here)
        if known is None:
            state = "active" if spec.enabled else "paused"
            following = (None, self._next(raw, None)) if spec.schedule and spec.enabled else None
            return Action(
                Kind.CREATE,
                becomes=state,
                next_run=following,
                replaces=spec.replaces,
                notes=notes(raw, self.ledger.now()),
                **here,
            )
        return self._known(spec, known, raw, here)

    def _known(self, spec: Spec, known: SyncRecord, raw: Mapping[str, Any], here: dict[str, Any]) -> Action:
        diff = difference(known.spec, raw)
        becomes, why = (state_after(known, raw, diff) if diff else None) or (known.state, "")
        said = [*notes(raw, self.ledger.now(), created=known.created_at), *_standing(known, becomes, why)]
        if known.deployment not in (None, spec.deployment):
            said.append(f"was taken in from {known.deployment} so far")
        here |= {"changes": diff, "becomes": becomes, "notes": said}
        if not diff:
            return Action(Kind.UNCHANGED, **here)
        if {path for path, _, _ in diff} == {"enabled"}:
            kind = {"paused": Kind.PAUSE, "active": Kind.RESUME}.get(becomes) if becomes != known.state else None
            return Action(kind or Kind.UPDATE, **here)
        following = None
        if rescheduled(diff):
            before = self._next(known.spec, known.zone) if known.state == "active" else None
            after = self._next(raw, known.zone) if becomes == "active" else None
            if before or (becomes == "active" and raw.get("schedule")):  # else there is no run to speak of
                following = (before, after)
        again = sent_again(self.ledger, self.registry, known, raw)
        return Action(Kind.UPDATE, next_run=following, sent_again=again, **here)

    def _allowed(self, spec: Spec, known: SyncRecord | None) -> None:
        """Raise `SpecError` for what `run` would refuse as well."""
        if known is not None:
            same_deployment(known, spec.deployment)
            same_identity(known, dict(spec.identity))
        elif spec.replaces is not None and spec.replaces not in self.records and spec.replaces not in self.specs:
            raise SpecError(
                f"replaces: {spec.replaces!r} is not a sync that this ledger knows",
                mend="correct the name, or leave `replaces` out to start from nothing",
            )
        now = self.ledger.now()
        zone = (known.zone if known else None) or LATEST
        window_of(spec, created=known.created_at if known else now, watermark=None, zone=lambda: zone, now=now)

    def _next(self, raw: Mapping[str, Any], zone: str | None) -> datetime | None:
        """The next run by a schedule; None where there is none, or where only the source knows the zone."""
        schedule = raw.get("schedule")
        zone = schedule.get("timezone") or zone if schedule else None
        return next(iter(upcoming(schedule, self.ledger.now(), zone)), None) if schedule and zone else None

    def place(self, action: Action) -> tuple[int, int, str]:
        """Where an action stands: by its kind, what is replaced before what replaces it, then by name."""
        order = [*ACTING, *(kind for kind in Kind if kind not in ACTING)]
        return order.index(action.kind), self._depth(action.sync), action.sync

    def _depth(self, sync: str) -> int:
        """How many new syncs of the folder come before this one in a chain of `replaces`."""
        depth, seen = 0, {sync}
        while (spec := self.specs.get(sync)) and spec.replaces and spec.replaces not in seen:
            sync = spec.replaces
            seen.add(sync)
            depth += sync not in self.records
        return depth


def _gone(record: SyncRecord, deployment: str, *, prune: bool) -> Action:
    """What becomes of a sync whose spec is not in the folder."""
    here: dict[str, Any] = {"sync": record.name, "revision": record.revision, "state": record.state}
    if record.deployment != deployment:
        of = f"it is of {record.deployment}" if record.deployment else "nobody knows of which folder it is"
        return Action(Kind.KEPT, becomes=record.state, reason=f"not in this folder; {of}", **here)
    if record.spec.get("protect", False):
        return Action(Kind.KEPT, becomes=record.state, reason="not in this folder; protected by its last spec", **here)
    if not prune:
        return Action(Kind.KEPT, becomes=record.state, reason="not in this folder; --prune would end it", **here)
    return Action(Kind.REMOVE, becomes="inactive", reason="its spec is gone from this folder", **here)


def _standing(known: SyncRecord, becomes: str, why: str) -> Iterator[str]:
    """What is to be known of the state of a sync beside its spec."""
    if becomes != known.state:
        yield f"becomes {becomes}: {why}"
    elif known.state == "paused" and known.reason != BY_SPEC:
        yield f"stays paused: {known.reason}; `syncline resume {known.name}` lets it run again"
    elif known.state == "completed":
        yield f"stays completed: {known.reason}"
