"""One run, a straight line: extract → shape → screen → match → deliver → record.

Everything between extraction and delivery works on one batch at a time; extraction reads ahead in its own thread,
deliveries go out in others, so that the three overlap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import polars as pl

from ..batch import ADDRESS, ID, KEY, LETTER, ROW, STATUS
from ..decision import Outcome
from ..plugin import Rule
from .deliver import Delivery
from .extract import Extraction
from .guard import Decided
from .match import DETAIL, FINGERPRINT, OUTCOME, PLANNED_OUTCOME, PLANNED_REASON, REASON, VALUES, Match
from .screen import Screened, screen
from .shape import Shape, completed

if TYPE_CHECKING:
    from ..ledger import DeadLetter, Journal, OpenBatch

LETTERS = 1000
"""Most dead letters in one batch."""
RECORDED = (ROW, ID, ADDRESS, KEY, OUTCOME, REASON, DETAIL, PLANNED_OUTCOME, PLANNED_REASON)
"""The columns of a batch's outcomes, as the ledger keeps them."""


class Pipeline:
    """The stages of one run, wired together; `flow` is the run."""

    def __init__(self, shape: Shape, rules: Sequence[Rule[Any]], match: Match, mapped: Sequence[str]) -> None:
        self._shape = shape
        self._rules = rules
        self._match = match
        self._mapped = list(mapped)

    @property
    def fields(self) -> list[str]:
        """The mapped fields, those for rules and transforms among them."""
        return self._shape.fields

    def flow(
        self,
        shaped: Iterable[tuple[pl.DataFrame, str | None]],
        journal: Journal,
        delivery: Delivery,
        *,
        first_batch: int = 0,
        returned: bool = False,
        recorded: Callable[[int, int, int], None] = lambda seq, read, to_send: None,
        guarded: Callable[[Iterator[Decided]], Iterator[Decided]] = lambda decided: decided,
        former: Callable[[pl.DataFrame], pl.DataFrame] = lambda to_send: to_send,
    ) -> None:
        """All leads are recorded, and sent where they must be; `returned`: they were dead letters.

        `recorded(seq, read, to_send)` is told after each batch's intent is on record. `guarded` may hold changes back,
        `former` adds to leads to be sent what they hold now (`#former`).
        """
        intents: deque[tuple[Future[None], int, int, int]] = deque()

        def on_record(ahead: int) -> None:
            """Wait until at most so many intents are not on record."""
            while len(intents) > ahead:
                intent, *told = intents.popleft()
                intent.result()
                recorded(*told)

        with closing(self.decided(shaped)) as decided:  # whatever happens, what the rules keep in files is deleted
            for seq, (outcomes, to_send, cursor, kept_out) in enumerate(guarded(decided), first_batch):
                if kept_out.height:
                    delivery.keep_out(kept_out)
                payload = former(to_send.drop(OUTCOME, REASON, DETAIL))
                intent = journal.open_batch(seq, outcomes, payload, cursor, returned=returned, wait=False)
                delivery.submit(seq, to_send)  # its first mark comes on record after the intent, by the journal's order
                intents.append((intent, seq, outcomes.height, to_send.height))
                on_record(ahead=1)  # while it is written, the next batch is decided
            on_record(ahead=0)

    def shaped(self, extraction: Extraction) -> Generator[tuple[pl.DataFrame, str | None]]:
        """Each batch of the source as mapped leads, with the cursor after it. Close it: the source is read ahead."""
        for batch in extraction:
            yield self._shape.apply(batch.frame), batch.cursor

    def decided(self, shaped: Iterable[tuple[pl.DataFrame, str | None]]) -> Generator[Decided]:
        """What becomes of each batch."""
        fresh = (Screened.fresh(self._match.encode(frame, self._mapped), cursor) for frame, cursor in shaped)
        for batch in screen(fresh, self._rules, self._match.refresh):
            self._match.make_sure(batch)
            frame = self._match.decide(batch)
            outcomes = frame[list(RECORDED)]
            if batch.ignored.height:
                outcomes = pl.concat([outcomes, self._kept_out(batch)]).sort(ROW)
            to_send = frame.filter(pl.col(PLANNED_OUTCOME).is_not_null())
            yield Decided(outcomes, to_send, batch.cursor, self._told(batch, frame))

    def _told(self, batch: Screened, frame: pl.DataFrame) -> pl.DataFrame:
        """The leads that a sink is told of which wants to know whom it does not get."""
        if not self._match.keeps_out:
            return frame.clear()
        names = [ROW, *self._mapped, OUTCOME, REASON, DETAIL]
        by_rules = batch.ignored.join(batch.verdicts, on=ROW, how="left").with_columns(
            pl.lit(Outcome.IGNORED.value).alias(OUTCOME)
        )
        by_match = frame.filter(pl.col(OUTCOME).is_in([Outcome.IGNORED.value, Outcome.REJECTED.value]))
        return pl.concat([by_rules.select(names), by_match.select(names)]).sort(ROW)

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
    if lost := [(batch.seq, _rows(batch.payload, batch.sent)) for batch in batches if batch.sent]:
        delivery.settle(lost)
    for batch in batches:
        if batch.waiting:
            delivery.resubmit(batch.seq, _rows(batch.payload, batch.waiting))


def numbered(
    letters: Sequence[DeadLetter], start: int, fields: Sequence[str]
) -> Generator[tuple[pl.DataFrame, str | None]]:
    """Dead letters as batches of mapped leads, counted from row `start`; what was decided of them is forgotten, and
    `#letter` says which one each was.

    Letters of an earlier spec may lack some of the `fields`, or hold them as another type.
    """
    former = (FINGERPRINT, VALUES, STATUS, OUTCOME, REASON, DETAIL, PLANNED_OUTCOME, PLANNED_REASON)
    marked = (letter.payload.with_columns(pl.lit(letter.id, pl.Int64).alias(LETTER)) for letter in letters)
    alike = groupby(marked, key=lambda payload: payload.schema)
    for payloads in (part for _, group in alike for part in batched(group, LETTERS)):
        frame = completed(pl.concat(payloads).drop(former, strict=False), fields)
        yield frame.with_columns(pl.int_range(start, start + frame.height, dtype=pl.UInt64).alias(ROW)), None
        start += frame.height


def batched(items: Iterable[pl.DataFrame], size: int) -> Iterator[list[pl.DataFrame]]:
    """The items, so many at a time."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def _rows(frame: pl.DataFrame, rows: Iterable[int]) -> pl.DataFrame:
    return frame.filter(pl.col(ROW).is_in(pl.Series(sorted(rows), dtype=pl.UInt64).implode()))
