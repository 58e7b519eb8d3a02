"""Whether a run is worth telling. All of it follows from the ledger's history, so that a restart forgets nothing and
two processes on one ledger never tell the same thing twice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from ..decision import Outcome
from ..ledger import Ledger
from ..spec import Degraded

DAY = timedelta(days=1)
LOOK_BACK = 50
"""Good runs among which the one before, with enough leads to be judged, is looked for."""


def lasting(since: datetime, latest: datetime, now: datetime) -> bool:
    """Whether a trouble is told again: when it has lasted a day, two days, four days and so on."""
    return _doublings(now - since) > _doublings(latest - since)


def _doublings(lasted: timedelta) -> int:
    """0 for less than a day, then 1, and one more whenever that has doubled."""
    return 0 if lasted < DAY else 1 + math.floor(math.log2(lasted / DAY))


def over(counts: Mapping[str, int], limits: Degraded) -> dict[str, float]:
    """outcome → its share of all leads, for each outcome whose share is over its limit."""
    total = counts["total"]
    if total < limits.leads:
        return {}
    shares = {"ignored": counts[Outcome.IGNORED] / total, "rejected": counts[Outcome.REJECTED] / total}
    bounds = {"ignored": limits.ignored, "rejected": limits.rejected}
    return {outcome: share for outcome, share in shares.items() if share > bounds[outcome]}


def newly_over(ledger: Ledger, run_id: str, counts: Mapping[str, int], limits: Degraded) -> dict[str, float]:
    """Like `over`, without what was over its limit in the run before as well."""
    found = over(counts, limits)
    if not found:
        return {}
    for before in ledger.counts_before(run_id, LOOK_BACK):
        former = before.document()["counts"]
        if former["total"] >= limits.leads:
            known = over(former, limits)
            return {outcome: share for outcome, share in found.items() if outcome not in known}
    return found
