"""The ledger's room: the only one where SQL is spoken."""

from .journal import Journal
from .ledger import Ledger
from .records import DeadLetter, OpenBatch, RunRecord, SyncRecord, iso, utcnow

__all__ = ["DeadLetter", "Journal", "Ledger", "OpenBatch", "RunRecord", "SyncRecord", "iso", "utcnow"]
