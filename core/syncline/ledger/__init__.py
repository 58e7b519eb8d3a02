"""The ledger's room: the only one where SQL is spoken."""

from ..clock import iso
from .firings import CARRIED_OUT, Refusal, wait_after
from .frames import FORMER
from .journal import Journal
from .ledger import Ledger
from .records import DeadLetter, Firing, OpenBatch, Origin, Revision, RunRecord, SyncRecord, Undoing, Wanted
from .returning import Waiting
from .streak import ASIDE, BAD, GOOD, Standing, Streak
from .syncs import difference, not_runnable, rescheduled, same_identity, state_after

__all__ = [
    "ASIDE",
    "BAD",
    "CARRIED_OUT",
    "FORMER",
    "GOOD",
    "DeadLetter",
    "Firing",
    "Journal",
    "Ledger",
    "OpenBatch",
    "Origin",
    "Refusal",
    "Revision",
    "RunRecord",
    "Standing",
    "Streak",
    "SyncRecord",
    "Undoing",
    "Waiting",
    "Wanted",
    "difference",
    "iso",
    "not_runnable",
    "rescheduled",
    "same_identity",
    "state_after",
    "wait_after",
]
