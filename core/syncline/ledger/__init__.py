"""The ledger's room: the only one where SQL is spoken."""

from .firings import GOOD, Refusal, wait_after
from .journal import Journal
from .ledger import Ledger
from .records import DeadLetter, Firing, OpenBatch, Origin, Revision, RunRecord, SyncRecord, iso
from .syncs import difference, not_runnable, rescheduled, same_identity, state_after

__all__ = [
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
    "SyncRecord",
    "difference",
    "iso",
    "not_runnable",
    "rescheduled",
    "same_identity",
    "state_after",
    "wait_after",
]
