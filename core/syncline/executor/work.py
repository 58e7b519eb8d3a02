"""The work of one run: leads go through the pipeline into the ledger and to the sink."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial

import polars as pl

from ..assembly import Assembly
from ..clock import Clock
from ..ledger import Journal, Ledger, RunRecord
from ..pipeline import Pipeline, resume
from ..pipeline.deliver import Delivery
from ..pipeline.guard import Decided
from ..pipeline.match import Match
from ..pipeline.people import People
from ..plugin import End, Ending
from .former import with_former
from .output import opened
from .progress import Progress

Batches = Iterable[tuple[pl.DataFrame, str | None]]
"""Shaped leads, each batch with the cursor after it."""


@dataclass(frozen=True)
class Work:
    """What a run works with, once it is known what it is about."""

    ledger: Ledger
    run: RunRecord
    assembly: Assembly
    people: People
    match: Match
    progress: Progress
    stop: threading.Event
    clock: Clock

    @cached_property
    def pipeline(self) -> Pipeline:
        """The stages, wired."""
        return self.assembly.pipeline(self.match)

    def ended(self) -> End:
        """How a run ends that reads no source: complete, unless it was stopped."""
        return End(Ending.STOPPED_EARLY if self.stop.is_set() else Ending.COMPLETE)

    def flow(
        self,
        shaped: Batches = (),
        *,
        returning: Callable[[], Batches],
        guarded: Callable[[Iterator[Decided]], Iterator[Decided]] = lambda decided: decided,
        then: Callable[[Journal], None] = lambda journal: None,
        end: Callable[[], End] | None = None,
    ) -> None:
        """Send what was `shaped`, after it what is `returning` of earlier runs, `then` see to the rest. `guarded` may
        hold changes back; `end` says, when all of it is done, how the read ended."""
        with self.sending(end or self.ended) as (journal, delivery):
            flow = partial(
                self.pipeline.flow,
                journal=journal,
                delivery=delivery,
                recorded=partial(self._recorded, journal),
                former=self._former,
            )
            flow(shaped, first_batch=self.ledger.next_batch(self.run), guarded=guarded)
            flow(returning(), first_batch=self.ledger.next_batch(self.run), returned=True)
            delivery.finish()
            then(journal)

    @contextmanager
    def sending(self, end: Callable[[], End] | None = None) -> Iterator[tuple[Journal, Delivery]]:
        """The journal and the deliveries of the run; what it left open before it was broken off is seen to first."""
        sink, match = self.assembly.sink, self.match
        account, target, remember = self.assembly.account, self.people.target, sink.remembers()
        with (
            opened(sink, self.run, end or self.ended),
            self.ledger.journal(self.run, account=account, target=target, remember=remember) as journal,
            Delivery(
                sink, journal, self.assembly.mapped, stop=self.stop, opted_out=match.opted_out, taken=match.taken,
                progress=self.progress.sent, clock=self.clock,
            ) as delivery,
        ):  # fmt: skip
            if self.run.resumed:
                resume(delivery, self.ledger.open_batches(self.run))
            yield journal, delivery

    def _recorded(self, journal: Journal, seq: int, read: int, to_send: int) -> None:
        self.progress.recorded(seq, read, to_send)
        source, sink = self.assembly.source.calls, self.assembly.sink.calls
        journal.calls(source=self.run.source_calls + source, sink=self.run.sink_calls + sink)

    def _former(self, to_send: pl.DataFrame) -> pl.DataFrame:
        return with_former(self.ledger, self.run.sync_id, self.people, to_send)
