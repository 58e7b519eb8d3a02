"""Preview: what a run would do, found by doing all of it but the writing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl

from . import window as windows
from .assembly import Assembly
from .batch import KEY
from .budget import Budgets, MemoryStore
from .decision import Counts, Outcome
from .errors import Fatal
from .executor import Executor
from .pipeline.extract import Extraction
from .pipeline.match import OUTCOME, PLANNED_OUTCOME, PLANNED_REASON, REASON, VALUES
from .pipeline.people import People
from .plugin import Ending
from .spec import Bound
from .spec.retrieval import notes

SAMPLES = 5


@dataclass
class Preview:
    """`counts` as the history would show them if everything is accepted; `changes` how many known leads would change,
    by field; `samples` a few leads: {"email", "outcome", "fields": {field: {"old", "new"}}}; `calls` of a run;
    `seconds` the deliveries take at least; `notes` how far back is read, where that has to be said."""

    sync: str
    counts: Counts = field(default_factory=Counts)
    changes: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, Any]] = field(default_factory=list)
    to_send: int = 0
    reads: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The JSON document that `syncline preview --json` prints."""
        parts = self.counts.document()
        return {"sync": self.sync, "preview": True} | parts | {
            "to_send": self.to_send,
            "changed_fields": dict(self.changes.most_common()),
            "samples": self.samples,
            "calls": {"source": self.reads["source"], "sink": self.reads["sink"] + self.writes,
                      "sink_reads": self.reads["sink"], "sink_writes": self.writes},
            "minutes": round(self.seconds / 60, 1),
            "notes": self.notes,
        }  # fmt: skip


def preview(executor: Executor, bound: Bound) -> Preview:
    """Read everything, write nothing: neither to the sink nor to the ledger (open it read-only)."""
    ledger, spec = executor.ledger, bound.spec
    spent, parked = ledger.spent()
    budgets = Budgets(MemoryStore(spent, parked), stop=executor.stop)
    sync = ledger.sync(spec.name)
    now = ledger.now()
    shown = Preview(
        spec.name, notes=notes(spec.raw, now, created=sync.created_at if sync else None, lookback=bound.lookback)
    )
    with Assembly(bound, executor.runtime(budgets)) as assembly:
        source, sink = assembly.source, assembly.sink
        sink.prepare(assembly.mapped)
        people = executor.people(sync, assembly, keep=False)
        window = windows.window_of(
            spec,
            created=sync.created_at if sync else None,
            watermark=sync.watermark if sync else None,
            zone=assembly.zone,
            now=now,
        )
        extraction = Extraction(source, source.partitions(window), stop=executor.stop)
        pipeline = assembly.pipeline(executor.match(assembly, people))
        with closing(pipeline.shaped(extraction)) as shaped, closing(pipeline.decided(shaped)) as decided:
            for outcomes, to_send, _, _ in decided:
                _count(shown.counts, outcomes)
                shown.to_send += to_send.height
                former = _former(executor, sync.id if sync else None, to_send, people)
                _compare(shown, to_send, former, assembly.key_field)
        if extraction.end.ending is Ending.STOPPED_EARLY:
            raise Fatal("the source stopped early, so this preview would be half a truth", mend="try again")
        if shown.to_send:
            shown.writes = sink.cost(shown.to_send)
            shown.seconds = sink.estimate(shown.writes)
            shown.writes += sink.provision(assembly.mapped)
        shown.reads = {"source": source.calls, "sink": sink.calls}
    return shown


def _count(counts: Counts, outcomes: pl.DataFrame) -> None:
    planned = outcomes.select(
        pl.coalesce(PLANNED_OUTCOME, OUTCOME).alias(OUTCOME), pl.coalesce(PLANNED_REASON, REASON).alias(REASON)
    )
    for outcome, reason, n in planned.group_by(OUTCOME, REASON).len().iter_rows():
        counts.add(Outcome(outcome), reason, n)


def _former(
    executor: Executor, sync_id: int | None, to_send: pl.DataFrame, people: People
) -> dict[str, dict[str, Any]]:
    """What was delivered last, or what the target shows, by person."""
    updated = to_send.filter(pl.col(PLANNED_OUTCOME) == Outcome.DUPLICATE.value)[KEY]
    if not updated.len():
        return {}
    found: dict[str, dict[str, Any]] = people.shown(updated)
    if sync_id is not None:
        for key, values in executor.ledger.member_values(sync_id, updated).select(KEY, "values").iter_rows():
            if values:
                found[key] = msgspec.json.decode(values)
    return found


def _compare(shown: Preview, to_send: pl.DataFrame, former: dict[str, dict[str, Any]], key_field: str) -> None:
    for sample in _differences(to_send, former, key_field):
        if sample["outcome"] == Outcome.DUPLICATE.value:
            shown.changes.update(sample["fields"].keys())
        alike = sum(each["outcome"] == sample["outcome"] for each in shown.samples)
        if alike < SAMPLES:
            shown.samples.append(sample)


def _differences(to_send: pl.DataFrame, former: dict[str, dict[str, Any]], key_field: str) -> Iterator[dict[str, Any]]:
    for key, outcome, values in to_send.select(KEY, PLANNED_OUTCOME, VALUES).iter_rows():
        new = msgspec.json.decode(values) if values else {}
        old = former.get(key, {})
        fields = {
            name: {"old": old.get(name), "new": value}
            for name, value in new.items()
            if value is not None and value != old.get(name) and (name != key_field or not old)
        }
        yield {"email": key, "outcome": outcome, "fields": fields}
