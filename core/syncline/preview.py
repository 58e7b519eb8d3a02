"""Preview: what a run would do, found by doing all of it but the writing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import polars as pl

from . import window as windows
from .assembly import Assembly
from .batch import ID, KEY
from .budget import Budgets, MemoryStore
from .decision import Counts, Outcome
from .errors import Fatal
from .executor import Executor
from .executor.departure import comparable
from .executor.foresight import Foresight, foresee
from .executor.former import formerly
from .executor.returning import Returning
from .ledger import Ledger, SyncRecord
from .pipeline import Pipeline
from .pipeline.extract import Extraction
from .pipeline.guard import HELD, PLAN, Tally, changes, judged, removals
from .pipeline.match import OUTCOME, PLANNED_OUTCOME, PLANNED_REASON, REASON, VALUES
from .pipeline.people import People
from .pipeline.remove import gone
from .plugin import Ending
from .spec import Bound
from .spec.guards import Limit
from .spec.retrieval import notes

SAMPLES = 5


@dataclass
class Preview:
    """`counts` as the history would show them if everything is accepted; `changes` how many known leads would change,
    by field; `samples` a few leads: {"email", "outcome", "fields": {field: {"old", "new"}}}; `calls` of a run;
    `seconds` the deliveries take at least; `returned` leads of the total are dead letters that return; `notes` how far
    back is read, where that has to be said; `guards` what removals and changes come to, and how many of them would
    wait; `empty`: nothing at all was read; `today` what is left of the calls of the day, after this preview."""

    sync: str
    counts: Counts = field(default_factory=Counts)
    changes: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, Any]] = field(default_factory=list)
    to_send: int = 0
    returned: int = 0
    reads: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    guards: dict[str, Tally] = field(default_factory=dict)
    empty: bool = False
    today: Foresight | None = None

    def document(self) -> dict[str, Any]:
        """The JSON document that `syncline preview --json` prints."""
        parts = self.counts.document()
        return {"sync": self.sync, "preview": True} | parts | {
            "to_send": self.to_send,
            "returned": self.returned,
            "changed_fields": dict(self.changes.most_common()),
            "samples": self.samples,
            "calls": {"source": self.reads["source"], "sink": self.reads["sink"] + self.writes,
                      "sink_reads": self.reads["sink"], "sink_writes": self.writes},
            "minutes": round(self.seconds / 60, 1),
            "today": self.today.document() if self.today else None,
            "guards": {name: self.guards[name].document() if name in self.guards else None
                       for name in ("removals", "changes")},
            "empty": self.empty,
            "notes": self.notes,
        }  # fmt: skip


def preview(executor: Executor, bound: Bound) -> Preview:
    """Read everything, write nothing: neither to the sink nor to the ledger (open it read-only)."""
    ledger, spec = executor.ledger, bound.spec
    spent, parked = ledger.spent()
    budgets = Budgets(MemoryStore(spent, parked), stop=executor.stop, clock=executor.clock)
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
        returning = Returning(ledger, sync.id if sync else None, sink)
        look = Look(ledger, sync.id if sync else None, people, pipeline, assembly.key_field, shown)
        with closing(pipeline.shaped(extraction)) as shaped:
            look.at(returning.watched(shaped))
        if extraction.whole().ending is Ending.STOPPED_EARLY:
            raise Fatal("the source stopped early, so this preview would be half a truth", mend="try again")
        going = _guard(shown, executor, sync, assembly, look.seen, pl.concat(look.plans))
        read = shown.counts.total
        look.at(returning.batches(read, pipeline.fields))
        shown.returned = shown.counts.total - read
        if shown.to_send:
            shown.writes = sink.cost(shown.to_send)
            shown.seconds = sink.estimate(shown.writes)
            shown.writes += sink.provision(assembly.mapped)
        if going:
            shown.writes += sink.cost_of_removal(going)
        shown.reads = {"source": source.calls, "sink": sink.calls}
        shown.today = foresee(ledger, source, source.calls, besides=source.calls)
    return shown


@dataclass(frozen=True)
class Look:
    """Takes into a preview what a run would do with leads: who was `seen`, and whom it `plans` to change."""

    ledger: Ledger
    sync_id: int | None
    people: People
    pipeline: Pipeline
    key_field: str
    shown: Preview
    seen: list[pl.DataFrame] = field(default_factory=list)
    plans: list[pl.DataFrame] = field(default_factory=lambda: [pl.DataFrame(schema=PLAN)])

    def at(self, leads: Iterable[tuple[pl.DataFrame, str | None]]) -> None:
        """Decide on these leads, and count."""
        with closing(self.pipeline.decided(leads)) as decided:
            for outcomes, to_send, _, _ in decided:
                self.seen.append(outcomes.select(ID, KEY))
                self.plans.append(changes(to_send))
                _count(self.shown.counts, outcomes)
                self.shown.to_send += to_send.height
                updated = to_send.filter(pl.col(PLANNED_OUTCOME) == Outcome.DUPLICATE.value)[KEY]
                former = formerly(self.ledger, self.sync_id, self.people, updated) if updated.len() else {}
                _compare(self.shown, to_send, former, self.key_field)


def _count(counts: Counts, outcomes: pl.DataFrame) -> None:
    planned = outcomes.select(
        pl.coalesce(PLANNED_OUTCOME, OUTCOME).alias(OUTCOME), pl.coalesce(PLANNED_REASON, REASON).alias(REASON)
    )
    for outcome, reason, n in planned.group_by(OUTCOME, REASON).len().iter_rows():
        counts.add(Outcome(outcome), reason, n)


def _guard(
    shown: Preview,
    executor: Executor,
    sync: SyncRecord | None,
    assembly: Assembly,
    seen: Sequence[pl.DataFrame],
    plan: pl.DataFrame,
) -> int:
    """What the guards would say: leads that would wait are counted as such, and are not sent. How many would go."""
    if sync is None:
        return 0
    ledger, limits = executor.ledger, assembly.spec.guards
    members, approved = ledger.members(sync.id), ledger.approved(sync.id)
    known = members.filter(~pl.col("removed")).height
    waiting, shown.guards["changes"] = judged(plan, known, limits.changes, approved)
    if waiting.height:
        shown.to_send -= waiting.height
        shown.counts.move((Outcome.DUPLICATE, "updated"), (Outcome.DUPLICATE, HELD), waiting.height)
    former = comparable(sync, assembly)
    if former is None:
        return 0
    departed = gone(members, ledger.recorded(ledger.run(former)), seen)
    shown.empty = departed.empty
    leaving, tally = judged(removals(departed.leaving), departed.of, limits.removals, approved)
    if departed.empty:
        tally = replace(tally, approved=0, limit=Limit(0))
    shown.guards["removals"] = tally
    if going := 0 if departed.empty or waiting.height else departed.leaving.height - leaving.height:
        shown.counts.add(Outcome.DELETED, assembly.sink.removal() or "", going)
    return going


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
