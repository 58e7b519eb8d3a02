"""Remove: people who left the source leave the target too, if the sink is told so (`on_delete`).

Who left is found by comparing this complete read with an earlier complete read of the same records (the baseline):
editing the criteria, the mapping or a rule is never a removal, and neither is a read that stopped early.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from ..batch import ADDRESS, ID, KEY, ROW
from ..decision import Outcome
from ..plugin import ResultKind, Sink
from .answers import check_count
from .match import DETAIL, OUTCOME, PLANNED_OUTCOME, PLANNED_REASON, REASON

CHUNK = 50


class Journal(Protocol):
    """What of the ledger's journal is needed here."""

    def removed(self, seq: int, outcomes: pl.DataFrame) -> Any:
        """These members were taken out of the target."""
        ...


@dataclass(frozen=True)
class Departed:
    """Members whose record the baseline had and this read has not (`leaving`), of how many whom it had. `empty`: this
    read had no record at all, which never removes anybody."""

    leaving: pl.DataFrame
    of: int
    empty: bool


def gone(members: pl.DataFrame, before: Iterable[pl.DataFrame], now: Iterable[pl.DataFrame]) -> Departed:
    """Who is gone since the baseline; people with another record now are not gone."""
    earlier = pl.concat([frame.select(ID) for frame in before] or [pl.DataFrame(schema={ID: pl.String})])
    frames = list(now)
    current = pl.concat(
        [frame.select(ID, KEY) for frame in frames] or [pl.DataFrame(schema={ID: pl.String, KEY: pl.String})]
    )
    there = members.filter(~pl.col("removed") & pl.col("source_id").is_not_null()).join(
        earlier.unique(), left_on="source_id", right_on=ID, how="semi"
    )
    leaving = (
        there.join(current, left_on="source_id", right_on=ID, how="anti")
        .join(current, on=KEY, how="anti")
        .sort(KEY)
    )  # fmt: skip
    return Departed(leaving, there.height, current[ID].null_count() == current.height)


def remove(
    sink: Sink[Any],
    journal: Journal,
    leaving: pl.DataFrame,
    *,
    seq: int,
    row: int,
    stop: threading.Event,
    reason: str | None = None,
) -> int:
    """Take these members (with their `#address` as it was sent) out; how many could not be removed. With a `reason`,
    the way in which it is done is the detail.

    They go a few at a time, and each few are recorded. A removal that is repeated after a crash changes nothing, so no
    intent is recorded.
    """
    left = 0
    for chunk in leaving.iter_slices(CHUNK):
        if stop.is_set():
            return left + chunk.height
        results = sink.remove(chunk.select(KEY, ADDRESS))
        check_count(sink, results, chunk.height)
        done = pl.Series([result.kind is ResultKind.ACCEPTED for result in results], dtype=pl.Boolean)
        left += int((~done).sum())
        removed = chunk.filter(done)
        rows = pl.int_range(row, row + removed.height, dtype=pl.UInt64, eager=True)
        null = pl.lit(None, pl.String)
        journal.removed(
            seq,
            removed.select(
                rows.alias(ROW), pl.col("source_id").alias(ID), ADDRESS, KEY,
                pl.lit(Outcome.DELETED.value).alias(OUTCOME), pl.lit(reason or sink.removal()).alias(REASON),
                (pl.lit(sink.removal()) if reason else null).alias(DETAIL),
                null.alias(PLANNED_OUTCOME), null.alias(PLANNED_REASON),
            ),
        )  # fmt: skip
        seq, row = seq + 1, row + removed.height
    return left
