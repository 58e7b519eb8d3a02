"""What the ledger knows of syncs, and of their firings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..errors import SpecError
from . import (
    firings,
    syncs,
)
from .database import Database
from .firings import Refusal
from .records import Firing, Origin, Revision, SyncRecord, Wanted
from .syncs import Expect


class OfSyncs:
    """What the ledger knows of syncs, and of their firings. A part of `Ledger`."""

    _database: Database

    def meet(
        self,
        name: str,
        *,
        identity: Mapping[str, str],
        spec: Mapping[str, Any],
        source_scope: str,
        replaces: str | None = None,
        origin: Origin | None = None,
        deployment: str | None = None,
        expect: Expect = lambda known: None,
    ) -> SyncRecord:
        """The sync of this name, created now if it is new (then `replaces` hands over watermark and members).

        A changed `spec` becomes a revision; a changed `identity` is a `SpecError`. `enabled` in the spec pauses the
        sync and lets it go on; an edited schedule counts from now, and wakes a sync that is completed.
        `deployment` (None: as it was) says from which folder it is taken in. Before anything is changed, `expect` is
        told of the sync as it is (None: not there); what it raises leaves it so.
        """
        wanted = Wanted(name, identity, spec, source_scope, replaces, origin, deployment)
        return syncs.meet(self._database, wanted, expect)

    def meet_all(self, wanted: Sequence[Wanted]) -> list[SyncRecord | SpecError]:
        """`meet` for many at once, in one transaction: for each the sync, or why it cannot be."""
        return syncs.meet_all(self._database, wanted)

    def sync(self, name: str) -> SyncRecord | None:
        """The sync of this name, if the ledger has met it."""
        return syncs.named(self._database, name)

    def syncs(self, names: Sequence[str] | None = None) -> list[SyncRecord]:
        """All syncs, by name; or those of these names that the ledger has met."""
        return syncs.listed(self._database, names)

    def set_state(self, sync_id: int, state: str, reason: str, *, expect: Expect = lambda known: None) -> bool:
        """active, paused, completed or inactive, with the reason; whether it was in another state before. Inactive is
        final: `NotRunnable`. A sync that becomes active is due from now on; what it missed is left. `expect`: see
        `meet`."""
        return syncs.set_state(self._database, sync_id, state, reason, expect)

    def set_zone(self, sync_id: int, zone: str | None) -> None:
        """The source's own zone is this."""
        syncs.set_zone(self._database, sync_id, zone)

    def end_rest(self, sync_ids: Sequence[int]) -> None:
        """What made these syncs fail may be mended: they are tried again at once."""
        syncs.end_rest(self._database, sync_ids)

    def changed_since(self, number: int) -> list[SyncRecord]:
        """The syncs whose `stamp` is higher, in the order of their last changes; of -1 all."""
        return syncs.changed_since(self._database, number)

    def events(self, sync_id: int) -> list[tuple[datetime, str, str]]:
        """(at, state, reason) of each change of state, oldest first; the first is its creation."""
        return syncs.events_of(self._database, sync_id)

    def revisions(self, sync_id: int) -> list[Revision]:
        """All revisions, oldest first."""
        return syncs.revisions_of(self._database, sync_id)

    def join(self) -> str:
        """From now on this process serves: the name of its node, which `beat` keeps alive and `leave` ends."""
        return firings.join(self._database)

    def beat(self, node: str) -> None:
        """A sign of life of a node; one that is silent for a minute, or whose process is gone, loses its firings."""
        firings.beat(self._database, node)

    def leave(self, node: str) -> None:
        """The node serves no longer; what it claimed and did not carry out waits for the others."""
        firings.leave(self._database, node)

    def serving(self) -> list[tuple[str, datetime]]:
        """The nodes that are alive, each with the moment since when it serves, the longest first."""
        return firings.serving(self._database)

    def claim(
        self, node: str, sync_id: int, due: datetime | None, *, passed_over: Sequence[datetime] = ()
    ) -> Firing | Refusal:
        """Claim the firing of a sync at `due`, for this node alone; None: what is open of an earlier one.

        What another node left behind comes first, and a later firing takes the place of one that waits. Those that it
        stands for besides, since the last one, are `passed_over`: that is on record in the same step.
        """
        return firings.claim(self._database, node, sync_id, due, passed_over)

    def unfinished(self) -> list[tuple[int, datetime]]:
        """(sync id, due) of the firings that wait, or whose node is gone, oldest first."""
        return firings.unfinished(self._database)

    def skip(self, sync_id: int, due: datetime, message: str, *, waiting: bool = False) -> None:
        """The firing is not carried out, for this reason; nothing happens if it was claimed. With `waiting` those that
        were due before and still wait are not either."""
        firings.skip(self._database, sync_id, due, message, waiting=waiting)

    # The next three do nothing when the firing went to another process meanwhile.

    def release(self, firing: Firing) -> None:
        """Give a claimed firing back, to be claimed again at once."""
        firings.release(self._database, firing)

    def drop(self, firing: Firing, message: str) -> None:
        """A claimed firing is not carried out, for this reason."""
        firings.drop(self._database, firing, message)

    def postpone(self, firing: Firing, message: str, *, after: float = 0.0) -> datetime | None:
        """A claimed firing could not be carried out: when it is tried again, `after` seconds from now at least; None
        when it is not ours any more."""
        return firings.postpone(self._database, firing, message, after)

    def firings(self, sync_id: int, limit: int = 20) -> list[dict[str, Any]]:
        """The firings of a sync, newest first: due, state (claimed, waiting, done, skipped), attempts, at, message."""
        return firings.listed(self._database, sync_id, limit)
