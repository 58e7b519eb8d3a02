"""What a run knows of people before it sends anything: what the ledger has of them, and who else fills the list."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from ..assembly import Assembly
from ..batch import KEY
from ..clock import Clock
from ..decision import Outcome
from ..errors import Fatal, Stopped
from ..ledger import Ledger, RunRecord, SyncRecord
from ..pipeline.match import OUTCOME, Match
from ..pipeline.people import People, nobody
from ..plugin import AudiencePart
from .progress import Progress

log = logging.getLogger("syncline")
POLL = 1.0
"""Seconds between two looks whether a list is free."""


@dataclass(frozen=True)
class Turn:
    """The turn of a run at a list into which nobody may be sent twice: of all runs that fill it, one does so."""

    ledger: Ledger
    run: RunRecord
    progress: Progress
    stop: threading.Event
    clock: Clock

    def wait(self, account: str, target: str) -> None:
        """Return when the list is the run's own; it is so until the run ends. Raises `Stopped`."""
        told = ""
        while (holder := self.ledger.occupy(self.run, f"{account}\n{target}")) is not None:
            if holder != told:
                told = holder
                log.info("waits for its list, which sync %s fills", holder)
                self.progress.waits(f"the list, which {holder} fills")
            if self.clock.wait(self.stop, POLL):
                raise Stopped(f"stopped while sync {holder} filled the list")
        if told:
            self.progress.waits(None)


def people_of(
    ledger: Ledger,
    sync: SyncRecord | None,
    assembly: Assembly,
    *,
    keep: bool,
    again: Collection[int] = (),
    turn: Turn | None = None,
) -> People:
    """See `Executor.people`. `again` are ids of dead letters; with a `turn`, it is waited for before people are looked
    at for sending."""
    account = assembly.account
    if sync is not None and sync.account not in (None, account):
        raise Fatal(
            f"sync {sync.name} has filled another account so far, and what it knows is of people there",
            where=f"sink.connection: {assembly.spec.sink.connection}",
            mend="take a ledger of its own for this account (--ledger), or give the sync a new name; if it is the"
            f" same account behind a new client, say `replaces: {sync.name}` there",
        )

    def known() -> dict[str, Any]:
        return {
            "members": ledger.members(sync.id) if sync else nobody(),
            "awaiting": ledger.awaiting(account, besides=sync.id if sync else None),
            "unsure": ledger.unsure(sync.id, besides=again) if sync else None,
            "refused": ledger.held_back(sync.id, besides=again) if sync else None,
            "audience": ledger.audience(account),
            "held": ledger.held(account),
        }

    def store(part: AudiencePart, started: datetime) -> None:
        if keep:
            ledger.record_audience(account, part, started)

    def alone(people: People) -> None:
        if turn is not None:
            turn.wait(account, people.target)
            people.renew(**known())

    target = sync.target if sync else None
    return People(assembly.sink, keep=store, now=ledger.now, target=target, alone=alone, **known())


def match_of(ledger: Ledger, assembly: Assembly, people: People, recorded: Sequence[pl.DataFrame]) -> Match:
    """See `Executor.match`."""
    handled = None if assembly.unique else set[str]()
    if recorded:
        decided = pl.concat(recorded).filter(pl.col(OUTCOME) != Outcome.IGNORED.value)
        handled = set(decided[KEY].drop_nulls())
    return Match(assembly.sink, people, ledger.suppressed, handled=handled)
