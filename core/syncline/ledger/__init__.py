"""The ledger's room: the only one where SQL is spoken."""

from .journal import Journal
from .ledger import Ledger
from .records import DeadLetter, OpenBatch, RunRecord, SyncRecord, iso, utcnow
from .streak import BAD, GOOD, Standing, Streak

__all__ = [
    "BAD",
    "GOOD",
    "DeadLetter",
    "Journal",
    "Ledger",
    "OpenBatch",
    "RunRecord",
    "Standing",
    "Streak",
    "SyncRecord",
    "iso",
    "utcnow",
]
