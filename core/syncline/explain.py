"""Explain: what happened to one person, and what each stage makes of the record as it is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from .assembly import Assembly
from .batch import ADDRESS, ID, KEY, ROW, STATUS, flatten, frame_of, key_of
from .budget import Budgets, MemoryStore
from .errors import SpecError, SynclineError
from .executor import Executor
from .pipeline.match import DETAIL, OUTCOME, PLANNED_OUTCOME, PLANNED_REASON, REASON, Match
from .pipeline.people import People
from .pipeline.screen import Screened
from .pipeline.shape import completed
from .spec import Bound


@dataclass
class Explanation:
    """`history`: the person's outcomes, newest first. `stages`: {"stage", "name", "changes" or "verdict" …} for the
    record as it is now; empty, with `why_not`, when it cannot be read again. `now`: what a run would do."""

    sync: str
    email: str
    history: list[dict[str, Any]]
    delivered: dict[str, Any] | None
    record: dict[str, Any] | None = None
    stages: list[dict[str, Any]] = field(default_factory=list)
    now: dict[str, Any] | None = None
    why_not: str = ""

    def document(self) -> dict[str, Any]:
        """The JSON document that `syncline explain --json` prints."""
        return {name: value for name, value in vars(self).items() if value not in (None, "")}


def explain(executor: Executor, bound: Bound, email: str, *, offline: bool = False) -> Explanation:
    """Answer from the ledger; re-read the record by its ID, if the source can, and take it through the stages.

    The address goes into no request. Raises `SpecError` when the ledger has not met the sync.
    """
    sync = executor.ledger.sync(bound.spec.name)
    if sync is None:
        raise SpecError(f"sync {bound.spec.name} has not run yet", mend="run it first: syncline run SPEC")
    key = key_of(email)
    history = executor.ledger.trace(sync.id, key)
    told = Explanation(sync.name, email, history, executor.ledger.member(sync.id, key))
    source_id = next((each["source_id"] for each in history if each["source_id"]), None)
    if offline:
        told.why_not = "asked for the ledger alone"
    elif not history:
        told.why_not = "this sync has never met this address within the retention of row detail"
    elif source_id is None:
        told.why_not = "the source gives its records no IDs"
    else:
        _retrace(executor, bound, told, source_id)
    return told


def _retrace(executor: Executor, bound: Bound, told: Explanation, source_id: str) -> None:
    spent, parked = executor.ledger.spent()
    runtime = executor.runtime(Budgets(MemoryStore(spent, parked), stop=executor.stop, clock=executor.clock))
    with Assembly(bound, runtime) as assembly:
        try:
            record = assembly.source.fetch_one(source_id)
        except SynclineError as error:
            told.why_not = f"the record cannot be read again: {executor.redactor.clean(str(error))}"
            return
        if record is None:
            told.why_not = f"the source has no record {source_id} (any more), or cannot read single records"
            return
        frame = flatten(frame_of([dict(record)])).with_columns(
            pl.lit(source_id).alias(ID), pl.lit(0, pl.UInt64).alias(ROW)
        )
        told.record = {
            name: value for name, value in frame.drop(ID, ROW).row(0, named=True).items() if value is not None
        }
        frame = completed(frame, bound.spec.source_fields)  # a source may leave out what is empty
        batch = Screened.fresh(_shaped(assembly, frame, told))
        people = executor.people(executor.ledger.sync(bound.spec.name), assembly, keep=False)
        _judge(assembly, people, executor.match(assembly, people), batch, told)


def _shaped(assembly: Assembly, frame: pl.DataFrame, told: Explanation) -> pl.DataFrame:
    """The shaped frame; every step's changes are told."""
    before: dict[str, Any] = {}

    def observe(stage: str, after: pl.DataFrame) -> None:
        nonlocal before
        now = {name: value for name, value in after.row(0, named=True).items() if not name.startswith("#")}
        changes = {
            name: {"before": before.get(name), "after": value}
            for name, value in now.items()
            if value != before.get(name)
        }
        told.stages.append({"stage": "mapping" if not before else "transform", "name": stage, "changes": changes})
        before = now

    return assembly.shape().apply(frame, observe)


def _judge(assembly: Assembly, people: People, match: Match, batch: Screened, told: Explanation) -> None:
    """Every rule's verdict, then the match with what is held; by the snapshot, nothing is read anew."""
    assembly.sink.prepare(assembly.mapped)
    batch = Screened.fresh(match.encode(batch.alive, assembly.mapped))
    known = next(people.known(batch.alive[KEY]).iter_rows(named=True), None)

    status = known["status"] if known else None
    batch = Screened.fresh(batch.alive.with_columns(pl.lit(status, pl.String).alias(STATUS)))
    address = batch.alive[ADDRESS][0]
    for rule in assembly.rules:
        if rule.whole_fetch:
            rule.observe(batch.alive)
        judged = Screened.fresh(batch.alive).judged(rule)
        verdict = judged.verdicts.row(0, named=True) if judged.verdicts.height else None
        told.stages.append(
            {"stage": "rule", "name": rule.name, "verdict": verdict["reason"] if verdict else "passed"}
            | ({"detail": verdict["detail"]} if verdict and verdict["detail"] else {})
        )
        if verdict and told.now is None:
            told.now = {OUTCOME: "ignored", REASON: verdict["reason"], DETAIL: verdict["detail"]}
    held = {
        name: value for name, value in (known or {}).items() if name in ("status", "in_target", "delivered", "awaiting")
    }
    told.stages.append({"stage": "match", "name": "audience", "held": held, "address": address})
    if told.now is None:
        row = match.decide(batch).row(0, named=True)
        told.now = {
            OUTCOME: row[PLANNED_OUTCOME] or row[OUTCOME],
            REASON: row[PLANNED_REASON] or row[REASON],
            DETAIL: row[DETAIL],
            "would_be_sent": row[PLANNED_OUTCOME] is not None,
        }
