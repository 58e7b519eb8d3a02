"""A batch between its intent and its last answer: what was to be sent, what went out, what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import sqlalchemy as sa

from ..batch import KEY, ROW, is_uniform
from ..decision import Counts, Outcome
from ..errors import Fatal
from .frames import (
    DETAIL,
    FORMER,
    OUTCOME,
    OUTCOMES,
    PLANNED,
    REASON,
    hashes,
    pack,
    pack_outcomes,
    pack_payload,
    unpack_outcomes,
    unpack_payload,
)
from .records import OpenBatch
from .runs import IN_FLIGHT
from .tables import batches, deliveries, runs

ALL_ROWS = -1
"""Among the marks of a batch: all its rows that have no answer are on their way."""
ANSWERS = pl.Schema({ROW: pl.UInt64, OUTCOME: pl.String, REASON: pl.String, DETAIL: pl.String})


@dataclass
class BatchState:
    """The state of one open batch, kept by the one writer of its run."""

    seq: int
    outcomes: pl.DataFrame
    payload: pl.DataFrame
    cursor: str | None
    counts: Counts
    sent: set[int] = field(default_factory=set)
    answered: set[int] = field(default_factory=set)
    answers: list[pl.DataFrame] = field(default_factory=list)
    former: pl.DataFrame | None = None
    """`#key` and `#former` of the leads that are to be updated."""
    returned: bool = False
    marked_whole: bool = False
    """All rows went out at once, under one mark: `sent` does not name them."""
    answered_whole: bool = False
    """All rows were answered at once: `answered` does not name them."""

    @property
    def rows(self) -> set[int]:
        """The rows that were to be sent."""
        return set(self.payload.get_column(ROW).to_list()) if self.payload.width else set()

    @property
    def is_done(self) -> bool:
        """Whether every row has its answer."""
        return self.answered_whole or len(self.answered) == self.payload.height

    def is_whole(self, rows: Sequence[int] | pl.Series) -> bool:
        """Whether these are all rows of a batch of which nothing has gone out or come back so far."""
        if self.sent or self.answered or len(rows) != self.payload.height or not len(rows):
            return False
        return self.payload.get_column(ROW).equals(pl.Series(ROW, rows, dtype=pl.UInt64))

    def take_apart(self) -> None:
        """From now on `sent` names each row that is on its way."""
        if self.marked_whole:
            self.sent, self.marked_whole = self.rows - self.answered, False

    def known(self) -> pl.DataFrame:
        """All rows, with the answers that are there."""
        return with_answers(self.outcomes, self.answers)

    def answer(self, results: pl.DataFrame) -> None:
        """Take answers in: counts move from in flight to what became of each lead."""
        self.answered_whole = self.is_whole(results.get_column(ROW))
        if not self.answered_whole:
            rows = results.get_column(ROW).to_list()
            if strange := set(rows) - self.rows | set(rows) & self.answered:
                raise Fatal(f"batch {self.seq}: rows {sorted(strange)[:5]} have an answer but no open delivery")
            self.answered.update(rows)
            self.sent.difference_update(rows)
        for outcome, reason, n in ends(results):
            self.counts.move(IN_FLIGHT, (Outcome(outcome), reason), n)
        said = results[ANSWERS.names()]
        self.answers.append(said if said.schema == ANSWERS else said.cast(ANSWERS))

    def ended_as_planned(self) -> bool:
        """Whether all rows were answered with what was planned for them and no word more: then the blob of the outcomes
        says it all (see `frames.unpack_closed`)."""
        if not self.answers or not set(PLANNED) <= set(self.outcomes.columns):
            return False
        planned, said = self.outcomes.filter(pl.col(PLANNED[0]).is_not_null()), pl.concat(self.answers).sort(ROW)
        if planned.height != said.height or planned.get_column(DETAIL).null_count() != planned.height:
            return False
        plans = zip((ROW, *PLANNED), (ROW, OUTCOME, REASON), strict=True)
        alike = all(planned.get_column(plan).equals(said.get_column(name)) for plan, name in plans)
        return alike and said.get_column(DETAIL).null_count() == said.height

    def as_open(self) -> OpenBatch:
        """For the run that goes on with it."""
        waiting = frozenset(self.rows - self.sent - self.answered)
        return OpenBatch(self.seq, self.known(), self.payload, frozenset(self.sent), waiting)


def with_answers(outcomes: pl.DataFrame, answers: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The outcomes, those of answered rows replaced by their answers; rows keep their order."""
    if not answers:
        return outcomes
    back = pl.concat(answers).with_columns(pl.lit(value=True).alias("#answered"))
    joined = outcomes.join(back, on=ROW, how="left", suffix="#new", maintain_order="left")
    answered = pl.col("#answered").is_not_null()
    new = [pl.when(answered).then(f"{name}#new").otherwise(name).alias(name) for name in (OUTCOME, REASON, DETAIL)]
    return joined.with_columns(new).select(outcomes.columns)


def ends(outcomes: pl.DataFrame) -> list[tuple[str, str, int]]:
    """The outcomes and reasons that there are, and how many leads have them."""
    pair = outcomes.get_column(OUTCOME), outcomes.get_column(REASON)
    if all(map(is_uniform, pair)):
        return [(pair[0][0], pair[1][0] or "", outcomes.height)]
    found = pl.DataFrame(pair).group_by(OUTCOME, REASON).len()
    return [(outcome, reason or "", n) for outcome, reason, n in found.iter_rows()]


def counted(outcomes: pl.DataFrame) -> Counts:
    """How many rows ended where."""
    counts = Counts()
    for outcome, reason, n in ends(outcomes):
        counts.add(Outcome(outcome), reason, n)
    return counts


def opened(
    seq: int, outcomes: pl.DataFrame, payload: pl.DataFrame, cursor: str | None, *, returned: bool = False
) -> BatchState:
    """A new batch, read from the source or `returned`; types are brought to those of the ledger."""
    planned = [pl.col(name).cast(pl.String) for name in PLANNED if name in outcomes.columns]
    if planned or outcomes.schema != OUTCOMES:
        outcomes = outcomes.select(*(pl.col(name).cast(kind) for name, kind in OUTCOMES.items()), *planned)
    if payload.height:
        payload = payload.cast({ROW: pl.UInt64})
    former = None
    if FORMER in payload.columns:
        updated = payload.filter(pl.col(PLANNED[0]) == Outcome.DUPLICATE.value)
        former = updated.select(ROW, KEY, FORMER) if updated.height else None
        payload = payload.drop(FORMER)
    return BatchState(seq, outcomes, payload, cursor, counted(outcomes), former=former, returned=returned)


def packed(run_id: str, batch: BatchState) -> dict[str, object]:
    """A new batch as a row of the ledger: open while it has something to send, else closed at once."""
    is_open = not batch.is_done
    end = batch.outcomes.get_column(ROW).max()
    return {
        "run_id": run_id,
        "seq": batch.seq,
        "open": is_open,
        "cursor": batch.cursor,
        "counts": batch.counts.plain(),
        "end_row": int(str(end)) + 1 if end is not None else 0,
        "hashes": hashes(batch.outcomes.get_column(KEY)),
        "outcomes": pack_outcomes(batch.outcomes if is_open else batch.outcomes[OUTCOMES.names()]),
        "payload": pack_payload(batch.payload) if is_open else None,
        "former": None if batch.former is None else pack(batch.former),
        "returned": batch.returned,
    }


def insert(connection: sa.Connection, run_id: str, batch: BatchState, row: Mapping[str, object]) -> None:
    """Record the batch, whose `row` was `packed`. The run counts what returned."""
    if batch.returned:
        more = runs.c.returned + batch.outcomes.height
        connection.execute(runs.update().where(runs.c.id == run_id).values(returned=more))
    connection.execute(batches.insert().values(row))


def close(connection: sa.Connection, run_id: str, batch: BatchState) -> None:
    """Write the final outcomes, drop the payload and the deliveries."""
    here = (batches.c.run_id == run_id) & (batches.c.seq == batch.seq)
    changed: dict[str, object] = {"open": False, "counts": batch.counts.plain(), "payload": None}
    if not batch.ended_as_planned():
        changed["outcomes"] = pack_outcomes(batch.known().select(OUTCOMES.names()))
    connection.execute(batches.update().where(here).values(**changed))
    connection.execute(deliveries.delete().where(deliveries.c.run_id == run_id, deliveries.c.seq == batch.seq))


def fold(connection: sa.Connection, run_id: str, closed: Sequence[Counts]) -> None:
    """Add the counts of batches that were closed in this transaction to those of the run."""
    if closed:
        before = Counts.from_plain(connection.execute(sa.select(runs.c.counts).where(runs.c.id == run_id)).scalar_one())
        counts = Counts.total_of([before, *closed]).plain()
        connection.execute(runs.update().where(runs.c.id == run_id).values(counts=counts))


def load(connection: sa.Connection, run_id: str, seq: int | None = None) -> list[BatchState]:
    """The open batches of the run (or the one with this number), in order."""
    query = sa.select(batches).where(batches.c.run_id == run_id, batches.c.open).order_by(batches.c.seq)
    rows = connection.execute(query if seq is None else query.where(batches.c.seq == seq)).all()
    return [_loaded(connection, run_id, row) for row in rows]


def _loaded(connection: sa.Connection, run_id: str, row: sa.Row[tuple[object, ...]]) -> BatchState:
    batch = BatchState(
        row.seq, unpack_outcomes(row.outcomes), unpack_payload(row.payload), row.cursor, Counts.from_plain(row.counts)
    )
    here = (deliveries.c.run_id == run_id) & (deliveries.c.seq == row.seq)
    found = connection.execute(sa.select(deliveries).where(here)).all()
    batch.sent = {each.row for each in found if not each.answered and each.row != ALL_ROWS}
    batch.marked_whole = any(each.row == ALL_ROWS for each in found)
    back = [(each.row, each.outcome, each.reason, each.detail) for each in found if each.answered]
    if back:
        batch.answered = {each[0] for each in back}
        batch.answers = [pl.DataFrame(back, schema=ANSWERS, orient="row")]
    batch.take_apart()
    return batch
