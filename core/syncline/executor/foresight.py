"""Foresight: what a run needs of the calls that an account may make in a day, against what is left of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..budget import Quota, left_today
from ..clock import iso
from ..ledger import ASIDE, CARRIED_OUT, Ledger, SyncRecord
from ..plugin import Source
from ..spec import Spec

log = logging.getLogger("syncline")
LOOKED_BACK = 20
"""So many runs are looked through for one that read everything."""


@dataclass(frozen=True)
class Foresight:
    """A run that needs `needed` calls of the `budget`, of which `left` remain today; its last call is made in the day
    that begins at `ends` (None: nobody knows)."""

    budget: str
    quota: Quota
    needed: int
    left: int
    ends: datetime | None

    @property
    def enough(self) -> bool:
        """Whether it can finish today."""
        return self.needed <= self.left

    def __str__(self) -> str:
        told = f"{self.needed:,} calls of {self.budget} are needed, and {self.left:,} are left today"
        if self.enough:
            return told
        goes_on = "the run cannot finish today, and goes on each day where it was"
        return f"{told}: {goes_on}{f'; it probably ends on {self.day}' if self.day else ''}"

    @property
    def day(self) -> str:
        """The day on which it ends, in the zone of the quota; "" where that is not known."""
        return "" if self.ends is None else f"{self.ends.astimezone(self.quota.where):%Y-%m-%d}"

    def document(self) -> dict[str, Any]:
        """As it stands in the document of a preview."""
        return {
            "budget": self.budget,
            "calls": self.quota.calls,
            "needed": self.needed,
            "left": self.left,
            "enough": self.enough,
            "ends": iso(self.ends),
        }


def foresee(ledger: Ledger, source: Source[Any], needed: int, *, besides: int = 0) -> Foresight | None:
    """What is to be expected when the source needs so many calls, and `besides` were made that are not on record; None
    where no number of calls a day is known, and some are left."""
    budget = source.budget()
    if budget is None or budget[1].quota is None:
        return None
    name, quota = budget[0], budget[1].quota
    now = ledger.now().timestamp()
    left = left_today(name, quota, *ledger.spent(), now)
    if left is None:
        return None
    left = max(0, left - besides)
    ends = quota.ends(needed, left, now)
    return Foresight(name, quota, needed, left, None if ends is None else datetime.fromtimestamp(ends, UTC))


def foretell(ledger: Ledger, sync: SyncRecord, spec: Spec, source: Source[Any]) -> None:
    """Say so, before it starts, when a run cannot finish today: as far as the last run that read everything tells."""
    if (needed := _expected(ledger, sync, spec)) is None:
        return
    found = foresee(ledger, source, needed)
    if found is not None and not found.enough:
        log.warning("about %s", found, extra={"sync": sync.name})


def _expected(ledger: Ledger, sync: SyncRecord, spec: Spec) -> int | None:
    """Calls that a run needs which reads everything again, or those that one still needs which rests."""
    if spec.retrieve.mode != "all":
        return None
    runs = [run for run in ledger.runs(sync.id, LOOKED_BACK) if run.trigger not in ASIDE]
    whole = next((run for run in runs if run.status in CARRIED_OUT and run.source_calls), None)
    if whole is None:
        return None
    made = runs[0].source_calls if runs[0].finished_at is None else 0
    return max(1, whole.source_calls - made)
