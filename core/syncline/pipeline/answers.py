"""Answers: what the sink's result for a lead makes of the outcome that was planned for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ..batch import ROW
from ..decision import Outcome
from ..errors import PluginError
from ..plugin import Result, ResultKind, Sink
from .match import PLANNED_OUTCOME, PLANNED_REASON

ANSWERS = pl.Schema(
    {
        ROW: pl.UInt64,
        "outcome": pl.String,
        "reason": pl.String,
        "detail": pl.String,
        "code": pl.String,
        "accepted": pl.Boolean,
        "awaiting": pl.Boolean,
    }
)
"""What a journal is told became of leads."""
_LOST = Result(ResultKind.UNKNOWN, "answer_lost")


def settled(result: Result) -> Result:
    """After reading back: whatever is not surely there, and must not be sent blindly, stays unknown."""
    return result if result.kind in (ResultKind.ACCEPTED, ResultKind.REFUSED) else _LOST


def final(row: int, outcome: str, reason: str, answer: Result) -> tuple[Any, ...]:
    """The row of `ANSWERS` for a lead that was planned to end with this outcome and reason."""
    detail, code = answer.message or None, answer.code or None
    if answer.kind is ResultKind.ACCEPTED:
        if answer.awaiting and outcome == Outcome.NEW:
            reason = "awaiting_confirmation"
        return row, outcome, reason, detail, code, True, answer.awaiting
    if answer.kind is ResultKind.UNKNOWN:
        return row, "unknown", answer.code or "answer_lost", detail, code, False, False
    if answer.ignored:
        word = f"the target refused it with code {answer.code}" if answer.code else None
        return row, "ignored", answer.ignored, word, code, False, False
    return row, "rejected", answer.code or "refused", detail, code, False, False


def alike(leads: pl.DataFrame, answer: Result) -> pl.DataFrame:
    """`ANSWERS` for leads that all got this answer; `leads` has `#row` and what was planned."""
    plans = leads.group_by(PLANNED_OUTCOME, PLANNED_REASON).len().drop("len")
    ends = [(*plan, *final(0, plan[0], plan[1], answer)[1:]) for plan in plans.iter_rows()]
    if len(ends) == 1:
        same = zip(ANSWERS.names()[1:], ends[0][2:], strict=True)
        return leads.select(ROW, *(pl.lit(value, ANSWERS[name]).alias(name) for name, value in same))
    schema = {PLANNED_OUTCOME: pl.String, PLANNED_REASON: pl.String} | {k: ANSWERS[k] for k in ANSWERS.names()[1:]}
    found = pl.DataFrame(ends, schema=schema, orient="row")
    rows = leads.select(ROW, PLANNED_OUTCOME, PLANNED_REASON)
    return rows.join(found, on=[PLANNED_OUTCOME, PLANNED_REASON], how="left", maintain_order="left").select(
        pl.col(name).cast(kind) for name, kind in ANSWERS.items()
    )


def check_count(sink: Sink[Any], results: Sequence[Result], leads: int) -> None:
    """Raises `PluginError` unless there is one result for each lead."""
    if len(results) != leads:
        raise PluginError(f"sink {sink.name!r} gave {len(results)} results for {leads} leads")
