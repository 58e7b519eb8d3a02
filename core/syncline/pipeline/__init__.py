"""One run, a straight line: extract → shape → screen → match → deliver → record.

Everything between extraction and delivery works on one batch at a time; extraction reads ahead in its own thread,
deliveries go out in others, so that the three overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from ..batch import ADDRESS, ID, KEY, ROW
from ..plugin import End, Rule
from .deliver import Call, Delivery
from .extract import Extraction
from .match import DETAIL, OUTCOME, PLANNED_OUTCOME, PLANNED_REASON, REASON, Match
from .screen import Screened, screen
from .shape import Shape

if TYPE_CHECKING:
    from ..ledger import Journal, OpenBatch

RECORDED = (ROW, ID, ADDRESS, KEY, OUTCOME, REASON, DETAIL, PLANNED_OUTCOME, PLANNED_REASON)
"""The columns of a batch's outcomes, as the ledger keeps them."""


class Pipeline:
    """The stages of one run, wired together; `flow` is the run."""

    def __init__(self, shape: Shape, rules: Sequence[Rule[Any]], match: Match, mapped: Sequence[str]) -> None:
        self._shape = shape
        self._rules = rules
        self._match = match
        self._mapped = list(mapped)

    def flow(
        self,
        extraction: Extraction,
        journal: Journal,
        delivery: Delivery,
        *,
        first_batch: int = 0,
        recorded: Callable[[int, int, int], None] = lambda seq, read, to_send: None,
    ) -> End:
        """Everything the source gives is recorded, and sent where it must be; how the read ended.

        `recorded(seq, read, to_send)` is told after each batch's intent is on record.
        """
        for seq, (outcomes, to_send, cursor) in enumerate(self.decided(extraction), first_batch):
            journal.open_batch(seq, outcomes, to_send, cursor)
            recorded(seq, outcomes.height, to_send.height)
            delivery.submit(seq, to_send)
        return extraction.end

    def decided(self, extraction: Extraction) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, str | None]]:
        """For each batch: the outcomes of all its leads, the leads to be sent, and the cursor after it."""
        for batch in self.judged(extraction):
            frame = self._match.decide(batch)
            outcomes = pl.concat([frame.select(RECORDED), self._kept_out(batch)]).sort(ROW)
            yield outcomes, frame.filter(pl.col(PLANNED_OUTCOME).is_not_null()), batch.cursor

    def judged(self, extraction: Extraction) -> Iterator[Screened]:
        """The batches, shaped and screened."""

        def shaped() -> Iterator[Screened]:
            for batch in extraction:
                frame = self._match.encode(self._shape.apply(batch.frame), self._mapped)
                yield Screened.fresh(frame, batch.cursor)

        return screen(shaped(), self._rules, self._match.refresh)

    @staticmethod
    def _kept_out(batch: Screened) -> pl.DataFrame:
        null = pl.lit(None, pl.String)
        return batch.ignored.join(batch.verdicts, on=ROW, how="left").select(
            ROW, ID, ADDRESS, KEY,
            pl.lit("ignored").alias(OUTCOME), pl.col("reason").alias(REASON), pl.col("detail").alias(DETAIL),
            null.alias(PLANNED_OUTCOME), null.alias(PLANNED_REASON),
        )  # fmt: skip


def resume(delivery: Delivery, open_batches: Iterable[OpenBatch]) -> None:
    """Before a run that was broken off goes on: settle what was sent without an answer, send what never went out."""
    batches = list(open_batches)
    if lost := [Call(batch.seq, _rows(batch.payload, batch.sent)) for batch in batches if batch.sent]:
        delivery.settle(lost)
    for batch in batches:
        if batch.waiting:
            delivery.resubmit(batch.seq, _rows(batch.payload, batch.waiting))


def _rows(frame: pl.DataFrame, rows: Iterable[int]) -> pl.DataFrame:
    return frame.filter(pl.col(ROW).is_in(pl.Series(sorted(rows), dtype=pl.UInt64).implode()))
