"""Guard: how many leads a run would remove or change, held against what one run may.

Whatever trips a guard waits, and what was approved goes. New leads are never held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from ..batch import ID, KEY
from ..decision import Outcome
from ..spec.guards import Limit
from .aside import Aside
from .match import DETAIL, FINGERPRINT, OUTCOME, PLANNED_OUTCOME, PLANNED_REASON, REASON

REMOVAL, CHANGE = "removal", "change"
PLAN = pl.Schema({"kind": pl.String, KEY: pl.String, "source_id": pl.String, "mark": pl.Int64})
"""Leads that a guard looks at; `mark` is the fingerprint of what a change would send, null for a removal."""
HELD = "held"


class Decided(NamedTuple):
    """A batch before it goes out: the outcomes of all its leads, those to be sent, the cursor after it, and the leads
    that the sink is told of instead of getting them."""

    outcomes: pl.DataFrame
    to_send: pl.DataFrame
    cursor: str | None
    kept_out: pl.DataFrame


@dataclass(frozen=True)
class Tally:
    """`leads` of `of` would be removed or changed, `approved` of them by somebody's word, against `limit`."""

    leads: int
    of: int
    limit: Limit | None
    approved: int = 0

    @property
    def tripped(self) -> bool:
        """Whether some have to wait."""
        return self.waiting > 0

    @property
    def waiting(self) -> int:
        """How many have to wait: all but the approved, where there are more than allowed."""
        over = self.limit is not None and self.limit.is_over(self.leads, self.of)
        return self.leads - self.approved if over else 0

    def document(self) -> dict[str, Any]:
        """`{"leads", "of", "limit", "approved", "waiting"}`; `limit` null: no guard."""
        limit = self.limit.document() if self.limit else None
        return {
            "leads": self.leads, "of": self.of, "limit": limit, "approved": self.approved, "waiting": self.waiting,
        }  # fmt: skip


def judged(plan: pl.DataFrame, of: int, limit: Limit | None, approved: pl.DataFrame) -> tuple[pl.DataFrame, Tally]:
    """Which leads of the plan have to wait, and the tally. Approved is exactly what stands in both."""
    allowed = plan.join(approved.select("kind", KEY, "mark"), on=["kind", KEY, "mark"], how="semi", nulls_equal=True)
    tally = Tally(plan.height, of, limit, allowed.height)
    left = plan.join(allowed.select(KEY), on=KEY, how="anti", maintain_order="left")
    return (left if tally.tripped else plan.clear()), tally


def removals(leaving: pl.DataFrame) -> pl.DataFrame:
    """Members (`#key`, source_id) as a plan to remove them."""
    none = pl.lit(None, pl.Int64).alias("mark")
    return leaving.select(pl.lit(REMOVAL).alias("kind"), KEY, "source_id", none).cast(dict(PLAN))  # type: ignore[arg-type]  # a schema is a mapping


def changes(to_send: pl.DataFrame) -> pl.DataFrame:
    """Those among leads to be sent whom the target knows, as a plan to change them."""
    known = to_send.filter(pl.col(PLANNED_OUTCOME) == Outcome.DUPLICATE.value)
    kind = pl.lit(CHANGE).alias("kind")
    return known.select(kind, KEY, pl.col(ID).alias("source_id"), pl.col(FINGERPRINT).alias("mark")).cast(dict(PLAN))  # type: ignore[arg-type]  # a schema is a mapping


def screened(
    decided: Iterable[Decided], judge: Callable[[pl.DataFrame], pl.DataFrame], *, stopped: Callable[[], bool]
) -> Iterator[Decided]:
    """The batches again, once all of them are decided; changes that `judge` lets wait are not sent.

    They are set aside until then. A run that was `stopped` meanwhile has seen half, and does nothing.
    """
    with Aside() as aside:
        seen, plans = [], [pl.DataFrame(schema=PLAN)]
        for batch in decided:
            plans.append(changes(batch.to_send))
            seen.append((batch.cursor, [aside.put(part) for part in (batch.outcomes, batch.to_send, batch.kept_out)]))
        if stopped():
            return
        waiting = judge(pl.concat(plans))
        for cursor, spans in seen:
            outcomes, to_send, kept_out = map(aside.got, spans)
            yield Decided(*_without(outcomes, to_send, waiting), cursor, kept_out)


def _without(outcomes: pl.DataFrame, to_send: pl.DataFrame, waiting: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A batch in which these changes are not sent: they count as duplicates that are held."""
    held = pl.col(KEY).is_in(waiting[KEY].implode()) & (pl.col(PLANNED_OUTCOME) == Outcome.DUPLICATE.value)
    word = {
        OUTCOME: pl.lit(Outcome.DUPLICATE.value),
        REASON: pl.lit(HELD),
        DETAIL: pl.lit("differs, but a guard holds the change"),
        PLANNED_OUTCOME: pl.lit(None, pl.String),
        PLANNED_REASON: pl.lit(None, pl.String),
    }
    marked = held.fill_null(value=False)
    outcomes = outcomes.with_columns(
        pl.when(marked).then(value).otherwise(pl.col(name)).alias(name) for name, value in word.items()
    )
    return outcomes, to_send.filter(~marked)
