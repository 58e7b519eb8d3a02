"""Invented leads for the tests of the ledger: batches as the pipeline hands them over, and answers to them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from syncline.decision import Counts, Outcome
from syncline.ledger import Ledger, RunRecord, SyncRecord
from syncline.ledger.frames import OUTCOMES, PLANNED

IGNORED_EVERY = 4
"""Of each four leads in a batch the last one is ignored."""


def met(ledger: Ledger, name: str = "signups", **changes: str) -> SyncRecord:
    """A sync of this name."""
    return ledger.meet(name, identity={"list": "webinar"}, spec={"version": 1, **changes}, source_scope="all")


def started(ledger: Ledger, name: str = "signups") -> RunRecord:
    """A run of the sync of this name."""
    return ledger.start_run(met(ledger, name), trigger="manual", window="{}")


def key(row: int) -> str:
    """The key of the lead at `row`."""
    return f"person{row}@example.com"


def batch(rows: Sequence[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Outcomes and payload of leads at these rows."""
    sent = [row % IGNORED_EVERY != IGNORED_EVERY - 1 for row in rows]
    outcomes = pl.DataFrame(
        {
            "#row": rows,
            "#id": [f"id{row}" for row in rows],
            "#address": [key(row).title() if row % 5 == 0 else key(row) for row in rows],
            "#key": [key(row) for row in rows],
            "outcome": ["unknown" if each else "ignored" for each in sent],
            "reason": ["in_flight" if each else "group_email" for each in sent],
            "detail": [None if each else "a role address" for each in sent],
            "planned_outcome": ["new" if each else None for each in sent],
            "planned_reason": ["added" if each else None for each in sent],
        },
        schema=pl.Schema([*OUTCOMES.items(), *((name, pl.String()) for name in PLANNED)]),
    )
    payload = outcomes.filter(pl.Series(sent, dtype=pl.Boolean)).select(
        "#row",
        "#id",
        "#key",
        pl.col("#row").cast(pl.Int64).alias("#fingerprint"),
        pl.concat_str(pl.lit('{"Company":"No '), "#row", pl.lit('"}')).alias("#values"),
        pl.lit("Zürich").alias("City"),
    )
    return outcomes, payload


def answers(
    rows: Sequence[int],
    outcome: str = "new",
    reason: str = "added",
    *,
    detail: str | None = None,
    awaiting: bool = False,
    code: str | None = None,
) -> pl.DataFrame:
    """The same answer for each of these rows; new, re_added, duplicate and deleted ones are accepted."""
    accepted = outcome in ("new", "re_added", "duplicate", "deleted")
    return pl.DataFrame(
        {
            "#row": pl.Series(rows, dtype=pl.UInt64),
            "outcome": pl.Series([outcome] * len(rows), dtype=pl.String),
            "reason": pl.Series([reason] * len(rows), dtype=pl.String),
            "detail": pl.Series([detail] * len(rows), dtype=pl.String),
            "accepted": pl.Series([accepted] * len(rows), dtype=pl.Boolean),
            "awaiting": pl.Series([awaiting] * len(rows), dtype=pl.Boolean),
            "code": pl.Series([code] * len(rows), dtype=pl.String),
        }
    )


def sent_rows(rows: Sequence[int]) -> list[int]:
    """Those of the rows that `batch` has to send."""
    return [row for row in rows if row % IGNORED_EVERY != IGNORED_EVERY - 1]


def delivered(
    ledger: Ledger,
    rows: Sequence[int],
    *,
    name: str = "signups",
    status: str = "succeeded",
    calls: tuple[int, int] = (0, 0),
) -> RunRecord:
    """A whole run of one batch in which everything is accepted, after so many calls of the source and of the sink."""
    run = started(ledger, name)
    ledger.set_calls(run, *calls)
    outcomes, payload = batch(rows)
    with ledger.journal(run, account="account", target="list") as journal:
        journal.open_batch(0, outcomes, payload, "end")
        if payload.height:
            journal.sending(0, sent_rows(rows))
            journal.answered(0, answers(sent_rows(rows)))
    return ledger.finish_run(run, status=status)


def law_of_the_sums(ledger: Ledger, run: RunRecord) -> Counts:
    """The counts of the run as told, after holding them against every single lead."""
    told = ledger.run(run.id).counts
    frames = list(ledger.leads(run.id))
    leads = pl.concat(frames) if frames else pl.DataFrame(schema=OUTCOMES)
    counted = Counts()
    for outcome, reason in leads.select("outcome", "reason").iter_rows():
        counted.add(Outcome(outcome), reason)
    assert told == counted
    document = ledger.run(run.id).document()["counts"]
    assert document["total"] == sum(n for name, n in document.items() if name not in ("total", "deleted"))
    assert leads.get_column("#row").is_unique().all()
    return told
