"""Departure: people who left the source are taken out of the target, within the guard."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import polars as pl

from ..assembly import Assembly
from ..batch import ADDRESS, KEY
from ..errors import Fatal, SynclineError
from ..ledger import Journal, Ledger, RunRecord, SyncRecord
from ..pipeline.remove import GUARD_LEADS, GUARD_SHARE, gone, remove, tripped
from ..plugin import End, Ending
from ..spec.model import Spec
from ..window import restored, scope_of


class Held(SynclineError):
    """A guard holds the removals of this run."""

    exit_code = 6


def baseline(spec: Spec, run: RunRecord) -> str | None:
    """What a later complete read compares itself with: which records were read, and the run that read them.

    None after a retry, and when the spec was edited to read other records while the run was broken off.
    """
    if run.trigger == "retry" or not restored(run.window, spec)[1]:
        return None
    return f"{scope_of(spec)}@{run.id}"


@dataclass(frozen=True)
class Departure:
    """Carries departures of one run over to the target; nothing happens unless the sink's config asks for it."""

    ledger: Ledger
    sync: SyncRecord
    run: RunRecord
    assembly: Assembly
    stop: threading.Event

    def carry_over(self, end: End, journal: Journal) -> None:
        """After everything was read and sent. Raises `Held` when the guard trips, `Fatal` when some could not go."""
        spec, sink = self.assembly.spec, self.assembly.sink
        scope, _, former = (self.sync.scope or "").partition("@")
        whole = spec.retrieve.mode == "all" and end.ending is not Ending.STOPPED_EARLY
        _, same = restored(self.run.window, spec)
        if sink.removal() is None or not whole or not same or scope != scope_of(spec) or not former:
            return
        members = self.ledger.members(self.sync.id)
        leaving = gone(members, self.ledger.recorded(self.ledger.run(former)), self.ledger.recorded(self.run))
        known = members.filter(~pl.col("removed")).height
        if tripped(leaving.height, known):
            raise Held(
                f"{leaving.height} of {known} known leads are gone from the source; none of them was removed",
                why=f"more than {GUARD_LEADS} leads and more than {GUARD_SHARE:.0%}",
                mend="look whether the source is whole; `on_delete: keep` keeps them all",
            )
        leaving = self._addressed(leaving)
        seq, row = self.ledger.next_batch(self.run), self.ledger.next_row(self.run)
        if left := remove(sink, journal, leaving, seq=seq, row=row, stop=self.stop):
            raise Fatal(
                f"{left} of {leaving.height} departed leads could not be removed", mend="the next run tries again"
            )

    def _addressed(self, leaving: pl.DataFrame) -> pl.DataFrame:
        """With the address as it was delivered, for the key is its normalised form."""
        values = self.ledger.member_values(self.sync.id, leaving[KEY])
        address = pl.col("values").str.json_decode(pl.Struct({self.assembly.key_field: pl.String}))
        delivered = values.select(KEY, address.struct.field(self.assembly.key_field).alias(ADDRESS))
        found = leaving.join(delivered, on=KEY, how="left", maintain_order="left")
        return found.with_columns(pl.coalesce(ADDRESS, KEY).alias(ADDRESS))
