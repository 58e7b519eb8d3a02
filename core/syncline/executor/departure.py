"""Departure: people who left the source are taken out of the target, within the guard."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import polars as pl

from ..assembly import Assembly
from ..batch import ADDRESS, KEY
from ..errors import Fatal
from ..ledger import ASIDE, Journal, Ledger, RunRecord, SyncRecord
from ..pipeline.remove import Departed, gone, remove
from ..plugin import End, Ending
from ..spec.model import Spec
from ..window import restored, scope_of
from .guarding import Guard


def baseline(spec: Spec, run: RunRecord) -> str | None:
    """What a later complete read compares itself with: which records were read, and the run that read them.

    None after a retry or an undo, and when the spec was edited to read other records while the run was broken off.
    """
    if run.trigger in ASIDE or not restored(run.window, spec)[1]:
        return None
    return f"{scope_of(spec)}@{run.id}"


def comparable(sync: SyncRecord, assembly: Assembly) -> str | None:
    """The run with which a complete read of the spec as it is can be compared; None: nobody can be said to be gone, or
    the sink is not to remove anybody."""
    scope, _, former = (sync.scope or "").partition("@")
    spec = assembly.spec
    whole = spec.retrieve.mode == "all" and scope == scope_of(spec)
    return former if whole and former and assembly.sink.removal() is not None else None


@dataclass(frozen=True)
class Departure:
    """Carries departures of one run over to the target; nothing happens unless the sink's config asks for it."""

    ledger: Ledger
    sync: SyncRecord
    run: RunRecord
    assembly: Assembly
    guard: Guard
    stop: threading.Event

    def carry_over(self, end: End, journal: Journal) -> None:
        """After everything was read and sent. Raises `Held` when a guard tripped, `Fatal` when some could not go."""
        if end.ending is Ending.STOPPED_EARLY:
            return
        departed = self._departed()
        if departed is not None:
            if departed.empty:
                self.guard.nobody(departed.leaving, departed.of)
            else:
                self._remove(self.guard.removals(departed.leaving, departed.of), journal)
        self.guard.close()

    def _departed(self) -> Departed | None:
        _, same = restored(self.run.window, self.assembly.spec)
        former = comparable(self.sync, self.assembly) if same else None
        if former is None:
            return None
        members = self.ledger.members(self.sync.id)
        return gone(members, self.ledger.recorded(self.ledger.run(former)), self.ledger.recorded(self.run))

    def _remove(self, leaving: pl.DataFrame, journal: Journal) -> None:
        leaving = addressed(self.ledger, self.sync, self.assembly, leaving)
        seq, row = self.ledger.next_batch(self.run), self.ledger.next_row(self.run)
        if left := remove(self.assembly.sink, journal, leaving, seq=seq, row=row, stop=self.stop):
            raise Fatal(
                f"{left} of {leaving.height} departed leads could not be removed", mend="the next run tries again"
            )


def addressed(ledger: Ledger, sync: SyncRecord, assembly: Assembly, leaving: pl.DataFrame) -> pl.DataFrame:
    """With the address as it was delivered, for the key is its normalised form."""
    values = ledger.member_values(sync.id, leaving[KEY])
    address = pl.col("values").str.json_decode(pl.Struct({assembly.key_field: pl.String}))
    delivered = values.select(KEY, address.struct.field(assembly.key_field).alias(ADDRESS))
    found = leaving.join(delivered, on=KEY, how="left", maintain_order="left")
    return found.with_columns(pl.coalesce(ADDRESS, KEY).alias(ADDRESS))
