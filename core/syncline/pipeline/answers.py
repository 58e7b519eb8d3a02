"""Answers: what the sink's result for a lead makes of the outcome that was planned for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ..batch import ROW, is_uniform
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
        "heals": pl.Boolean,
    }
)
"""What a journal is told became of leads."""
ANSWER = "answer"
Answer = Sequence[Result] | Result
"""What a sink says of leads: of each, or the same of all."""
_LOST = Result(ResultKind.UNKNOWN, "answer_lost")


def settled(result: Result) -> Result:
    """After reading back: whatever is not surely there, and must not be sent blindly, stays unknown."""
    return result if result.kind in (ResultKind.ACCEPTED, ResultKind.REFUSED) else _LOST


def final(row: int, outcome: str, reason: str, answer: Result) -> tuple[Any, ...]:
    """The row of `ANSWERS` for a lead that was planned to end with this outcome and reason."""
    detail, code = answer.message or None, answer.code or None
    if answer.kind is ResultKind.ACCEPTED:
        if answer.already:
            outcome, reason = Outcome.DUPLICATE.value, answer.already
        if answer.awaiting and outcome == Outcome.NEW:
            reason = "awaiting_confirmation"
        return row, outcome, reason, detail, code, True, answer.awaiting, False
    if answer.kind is ResultKind.UNKNOWN:
        return row, "unknown", answer.code or "answer_lost", detail, code, False, False, False
    if answer.ignored:
        word = f"the target refused it with code {answer.code}" if answer.code else None
        return row, "ignored", answer.ignored, word, code, False, False, False
    heals = answer.heals or answer.kind is ResultKind.RETRYABLE
    return row, "rejected", answer.code or "refused", detail, code, False, False, heals


def distinct(answer: Answer) -> list[Result]:
    """The results in an answer, each object once."""
    return [answer] if isinstance(answer, Result) else list({id(result): result for result in answer}.values())


def concluded(leads: pl.DataFrame, answer: Answer) -> pl.DataFrame:
    """`ANSWERS` for leads (`#row` and what was planned). Each distinct pair of plan and result is looked at once: of
    many leads nearly all are answered alike."""
    given = distinct(answer)
    plans = leads[PLANNED_OUTCOME], leads[PLANNED_REASON]
    if len(given) == 1 and all(map(is_uniform, plans)):
        end = zip(ANSWERS.items(), final(0, plans[0][0], plans[1][0], given[0]), strict=True)
        one = [pl.Series(name, [value], kind).new_from_index(0, leads.height) for (name, kind), value in end]
        return pl.DataFrame([leads[ROW], *one[1:]])
    numbers = {id(each): number for number, each in enumerate(given)}
    which = pl.lit(0) if isinstance(answer, Result) else pl.Series([numbers[id(result)] for result in answer])
    rows = leads.select(ROW, PLANNED_OUTCOME, PLANNED_REASON).with_columns(which.cast(pl.UInt32).alias(ANSWER))
    keys = [PLANNED_OUTCOME, PLANNED_REASON, ANSWER]
    ends = [(*pair, *final(0, pair[0], pair[1], given[pair[2]])[1:]) for pair in rows.select(keys).unique().iter_rows()]
    schema = {name: rows.schema[name] for name in keys} | {name: ANSWERS[name] for name in ANSWERS.names()[1:]}
    found = pl.DataFrame(ends, schema=schema, orient="row")
    return rows.join(found, on=keys, how="left", nulls_equal=True, maintain_order="left").select(ANSWERS.names())


def check_count(sink: Sink[Any], answer: Answer, leads: int) -> None:
    """Raises `PluginError` unless there is one result for each lead, or one for all."""
    if not isinstance(answer, Result) and len(answer) != leads:
        raise PluginError(f"sink {sink.name!r} gave {len(answer)} results for {leads} leads")
