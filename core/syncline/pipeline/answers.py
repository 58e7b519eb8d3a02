"""Answers: what the sink's result for a lead makes of the outcome that was planned for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ..batch import ROW
from ..decision import Outcome
from ..errors import PluginError
from ..plugin import Result, ResultKind, Sink

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
        return row, outcome, reason, detail, code, True, answer.awaiting, False
    if answer.kind is ResultKind.UNKNOWN:
        return row, "unknown", answer.code or "answer_lost", detail, code, False, False, False
    if answer.ignored:
        word = f"the target refused it with code {answer.code}" if answer.code else None
        return row, "ignored", answer.ignored, word, code, False, False, False
    heals = answer.heals or answer.kind is ResultKind.RETRYABLE
    return row, "rejected", answer.code or "refused", detail, code, False, False, heals


def check_count(sink: Sink[Any], results: Sequence[Result], leads: int) -> None:
    """Raises `PluginError` unless there is one result for each lead."""
    if len(results) != leads:
        raise PluginError(f"sink {sink.name!r} gave {len(results)} results for {leads} leads")
