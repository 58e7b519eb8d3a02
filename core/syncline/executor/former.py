"""What known leads hold before they are updated: kept with the run's row detail, so that the run can be undone."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl

from ..batch import KEY
from ..decision import Outcome
from ..ledger import FORMER, Ledger
from ..pipeline.match import PLANNED_OUTCOME
from ..pipeline.people import People


def formerly(ledger: Ledger, sync_id: int | None, people: People, keys: pl.Series) -> dict[str, dict[str, Any]]:
    """Fields by person, as far as they are known: what the target shows, and for the rest what was delivered last."""
    found: dict[str, dict[str, Any]] = {}
    if sync_id is not None:
        for key, values in ledger.member_values(sync_id, keys).select(KEY, "values").iter_rows():
            if values:
                found[key] = msgspec.json.decode(values)
    for key, shown in people.shown(keys).items():
        seen = {name: value for name, value in shown.items() if value is not None}
        found[key] = found.get(key, {}) | seen
    return found


def with_former(ledger: Ledger, sync_id: int, people: People, to_send: pl.DataFrame) -> pl.DataFrame:
    """Leads to be sent with `#former`, if any of them is to be updated."""
    updated = to_send.filter(pl.col(PLANNED_OUTCOME) == Outcome.DUPLICATE.value)[KEY]
    if not updated.len():
        return to_send
    found = formerly(ledger, sync_id, people, updated)
    texts = [msgspec.json.encode(found[key]).decode() if key in found else None for key in to_send[KEY]]
    return to_send.with_columns(pl.Series(FORMER, texts, dtype=pl.String))
