"""Syncline with a ledger that keeps no lead, for `bench/ledger.py`: what the rest of a run costs.

All its steps are committed as always; only what is written of the leads is empty. A run of this kind that was killed
could not go on.
"""

from __future__ import annotations

import sys
from typing import Any

from syncline.cli import main
from syncline.ledger import open_batch


def nothing(_: Any) -> bytes:
    """In place of a blob."""
    return b""


if __name__ == "__main__":
    open_batch.pack_outcomes = open_batch.pack_payload = open_batch.hashes = nothing
    sys.exit(main())
