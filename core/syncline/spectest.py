"""Runs the tests that a spec carries: one source record in, the outcome or the lead as it would be sent out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from .assembly import Assembly
from .batch import ID, ROW, STATUS, flatten, frame_of
from .errors import SynclineError
from .pipeline.screen import Screened
from .spec import Bound
from .spec.model import SpecTest


@dataclass(frozen=True)
class Finding:
    """How one spec test ended. `got` and `expected` are what differs, for people."""

    test: SpecTest
    passed: bool
    expected: str = ""
    got: str = ""


def run_tests(bound: Bound) -> list[Finding]:
    """Every test of the spec, in order; no network, no ledger."""
    return [_run(bound, test) for test in bound.spec.tests]


def _run(bound: Bound, test: SpecTest) -> Finding:
    with Assembly(bound, None) as assembly:
        record = flatten(frame_of([dict(test.given)]))
        nulls = [pl.lit(None, pl.String).alias(name) for name in bound.spec.source_fields if name not in record.columns]
        frame = record.with_columns(*nulls).with_columns(pl.lit("test").alias(ID), pl.lit(0, pl.UInt64).alias(ROW))
        try:
            batch = Screened.fresh(assembly.shape().apply(frame).with_columns(pl.lit(None, pl.String).alias(STATUS)))
            for rule in assembly.rules:
                if rule.whole_fetch:
                    rule.observe(batch.alive)
                batch = batch.judged(rule)
            verdict = batch.verdicts.row(0, named=True) if batch.verdicts.height else None
            lead = None if verdict else _lead(assembly, batch.alive)
        except SynclineError as error:
            return Finding(test, False, _shown(test.expect), f"an error: {error}")
    return _compared(test, verdict, lead)


def _lead(assembly: Assembly, frame: pl.DataFrame) -> dict[str, Any]:
    assembly.sink.prepare(assembly.mapped)
    encoded = assembly.sink.encode(frame, assembly.mapped).select(assembly.mapped)
    return next(iter(encoded.iter_rows(named=True)))


def _compared(test: SpecTest, verdict: dict[str, Any] | None, lead: dict[str, Any] | None) -> Finding:
    if "ignored" in test.expect:
        wanted = test.expect["ignored"]
        got = f"ignored: {verdict['reason']}" if verdict else f"not ignored: {_shown({'lead': lead})}"
        return Finding(test, bool(verdict) and verdict["reason"] == wanted, f"ignored: {wanted}", got)  # type: ignore[index]  # bool(verdict) went before
    expected: dict[str, Any] = test.expect["lead"]
    if lead is None:
        word = f" ({verdict['detail']})" if verdict and verdict["detail"] else ""
        return Finding(test, False, _shown(test.expect), f"ignored: {verdict['reason'] if verdict else ''}{word}")
    differing = [name for name, value in expected.items() if lead.get(name) != value]
    if not differing:
        return Finding(test, True)
    return Finding(
        test,
        False,
        ", ".join(f"{name} = {expected[name]!r}" for name in differing),
        ", ".join(f"{name} = {lead[name]!r}" if name in lead else f"no field {name!r}" for name in differing),
    )


def _shown(expect: Any) -> str:
    return "; ".join(f"{kind}: {value}" for kind, value in expect.items())
