"""Deliveries as the engine makes them, and what a sink may say of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..batch import ADDRESS, ID, KEY, ROW, STATUS, key_of
from ..errors import Deactivate, Fatal, Lost, Retriable, SynclineError
from ..plugin import Result, ResultKind, Sink
from . import promises
from .contract import WORD, Contract
from .faults import LOCK, RETRY_AFTER, Fault

if TYPE_CHECKING:
    import polars as pl

ATTEMPTS = 5
BACK_OFF = 2.0
SURE = (ResultKind.REFUSED, ResultKind.RETRYABLE)


@dataclass(frozen=True)
class Told:
    """What a sink said of a delivery: results, or the error that it raised; and what the product holds since."""

    results: Sequence[Result]
    error: Exception | None
    there: Sequence[bool]

    @property
    def texts(self) -> list[str]:
        """Every text of it that people may see."""
        said = [part for each in self.results for part in (each.code, each.message)]
        return said + ([str(self.error)] if self.error else [])

    @property
    def kinds(self) -> list[ResultKind]:
        """What became of each lead, in the sink's own words; an error of its own stands for all of them."""
        if self.error is None:
            return [each.kind for each in self.results]
        sure = isinstance(self.error, Retriable | Fatal | Deactivate)
        return [ResultKind.RETRYABLE if sure else ResultKind.UNKNOWN] * len(self.there)


def each_of(answer: Sequence[Result] | Result, leads: int) -> list[Result]:
    """One result for each lead, where one may stand for all."""
    return [answer] * leads if isinstance(answer, Result) else list(answer)


class Delivering(Contract):
    """A sink at work; see `SinkContract`."""

    plugin: ClassVar[type[Sink[Any]]]
    mapped: ClassVar[Sequence[str]] = ()
    """The mapped fields; without them the sink's `key_field` alone."""
    _persons = 0
    _running: Sink[Any] | None = None
    batch: ClassVar[int] = 3
    """Leads in a delivery, if the sink takes so many at once."""

    def people(self) -> Mapping[str, Mapping[str, Any]]:
        """Who is in the target now, waiting for a confirmation or not: address → the mapped fields as text."""
        raise NotImplementedError("say who is in the target: def people(self): return …")

    def lead(self, n: int) -> Mapping[str, Any]:
        """The mapped fields of the invented person number `n`. Override it where the fields are no plain text."""
        invented: dict[str, Any] = dict.fromkeys(self.fields(), f"Kit Annabel {n}")
        return invented | {self.key_field(): f"kit.person{n}@example.com"}

    # ---------------------------------------------------------------------------------------------- what is sent

    def key_field(self) -> str:
        """The mapped field of the address."""
        return self.plugin.address_field(self.options())

    def fields(self) -> list[str]:
        """The mapped fields."""
        return list(self.mapped) or [self.key_field()]

    def asked(self) -> Sequence[str]:
        return self.fields()

    def fresh(self) -> Any:
        """A new sink, prepared and provided for as before the first delivery of a run."""
        sink = self.made()
        sink.prepare(self.fields())
        self._end_run()
        sink.begin("kit", resumed=False, retry=False)
        self._running = sink
        self._open.callback(self._end_run)
        _ = sink.target
        sink.provide(self.fields())
        return sink

    def _end_run(self) -> None:
        """The run before is over, as it always is when the next one of a sync begins."""
        ended, self._running = self._running, None
        if ended is not None:
            ended.end(whole=True)

    def leads(self, sink: Sink[Any], size: int | None = None) -> pl.DataFrame:
        """New persons, encoded, with the columns that travel with every lead."""
        first = self._persons
        count = min(self.batch, sink.batch_size) if size is None else size
        self._persons = first + count
        return self.encoded(sink, [self.lead(first + n + 1) for n in range(count)])

    def encoded(self, sink: Sink[Any], rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        """These leads as `deliver` gets them."""
        import polars as pl

        frame = pl.DataFrame(rows, infer_schema_length=None)
        addresses = [str(row[self.key_field()]) for row in rows]
        own = pl.DataFrame(
            {
                ID: [str(n) for n in range(len(rows))],
                ROW: pl.Series(range(len(rows)), dtype=pl.UInt64),
                ADDRESS: addresses,
                KEY: [key_of(each) for each in addresses],
                STATUS: pl.Series([None] * len(rows), dtype=pl.String),
            }
        )
        return own.hstack(sink.encode(frame, self.fields()).select(self.fields()))

    def present(self, leads: pl.DataFrame) -> list[bool]:
        """For each lead whether it is in the target."""
        held = {key_of(address) for address in self.people()}
        return [key in held for key in leads[KEY]]

    def private(self, leads: pl.DataFrame) -> list[str]:
        """What must not be told of these leads."""
        values = {value for name in self.fields() for value in leads[name] if value and len(value) > 3}
        return sorted({*values, WORD})

    # ---------------------------------------------------------------------------------------------- one delivery

    def deliver(self, sink: Sink[Any], leads: pl.DataFrame, while_: str = "all was well") -> Told:
        """Deliver once, and hold the sink to what it says."""
        results, error = list[Result](), None
        before = self.present(leads)
        try:
            sink.reserve(leads.height)
            results = each_of(sink.deliver(leads), leads.height)
        except Exception as raised:  # noqa: BLE001 - what it is, is what is looked at
            error = raised
        told = Told(results, error, [now and not then for now, then in zip(self.present(leads), before, strict=True)])
        self.discreet(told.texts, self.private(leads))
        if error is not None:
            self.sound(error, f"{while_} and a delivery ran")
            known = isinstance(error, Retriable | Fatal | Deactivate | Lost)
            self.promised(promises.LOST, known, f"{while_}; the delivery ended with {error!r}")
            sure = isinstance(error, Retriable | Fatal | Deactivate)
            taken = f"{while_}; {type(error).__name__} was raised, but {sum(told.there)} lead(s) were taken"
            self.promised(promises.NOTHING_DONE, not (sure and any(told.there)), taken)
            return told
        self._count(results, leads, while_)
        for result, there, was in zip(results, told.there, before, strict=True):
            if was:
                continue
            lie = result.kind is ResultKind.ACCEPTED and not there
            self.promised(promises.TRUE_RESULT, not lie, f"{while_}; a lead was called accepted, and is not there")
            lie = result.kind in SURE and there
            self.promised(promises.TRUE_RESULT, not lie, f"{while_}; a lead was called {result.kind}, and is there")
        return told

    def _count(self, results: Sequence[object], leads: pl.DataFrame, while_: str) -> None:
        right = len(results) == leads.height and all(isinstance(each, Result) for each in results)
        seen = f"{while_}; for {leads.height} lead(s) there came {len(results)} result(s): {results!r}"
        self.promised(promises.ONE_RESULT, right, seen)

    def accepted(self, sink: Sink[Any], leads: pl.DataFrame, while_: str = "all was well") -> None:
        """Deliver once: every lead is accepted."""
        told = self.deliver(sink, leads, while_)
        said = told.error or [str(kind) for kind in told.kinds]
        well = set(told.kinds) == {ResultKind.ACCEPTED}
        self.promised(promises.TRUE_RESULT, well, f"{while_}; the delivery was answered by {said!r}")

    def confirmed(self, sink: Sink[Any], leads: pl.DataFrame, while_: str) -> list[ResultKind]:
        """Read these leads back, and hold the sink to what it says."""
        before = self.people()
        try:
            results = list(sink.confirm(leads))
        except SynclineError as error:
            self.sound(error, f"{while_} and leads were read back")
            return [ResultKind.UNKNOWN] * leads.height
        self._count(results, leads, f"{while_}, and they were read back")
        self.promised(promises.READ_BACK, self.people() == before, f"{while_}; reading back changed the target")
        for result, there in zip(results, self.present(leads), strict=True):
            lie = result.kind is ResultKind.ACCEPTED and not there
            self.promised(promises.READ_BACK, not lie, f"{while_}; a lead that is not there was found")
            lie = result.kind is ResultKind.RETRYABLE and there and not sink.repeatable
            self.promised(promises.READ_BACK, not lie, f"{while_}; a lead that is there was called absent")
        return [each.kind for each in results]

    # ---------------------------------------------------------------------------------------------- the whole way

    def through(self, sink: Sink[Any], leads: pl.DataFrame, while_: str) -> list[ResultKind]:
        """Deliver as the engine does, with what it repeats and settles; what became of each lead in the end."""
        import polars as pl

        ends: dict[str, ResultKind] = {}
        for attempt in range(ATTEMPTS):
            told = self.deliver(sink, leads, while_)
            kinds = told.kinds
            if ResultKind.UNKNOWN in kinds:
                kinds = self._settled(sink, leads, kinds, while_)
            ends |= dict(zip(leads[KEY], kinds, strict=True))
            again = pl.Series([kind is ResultKind.RETRYABLE for kind in kinds])
            if not again.any() or isinstance(told.error, Fatal | Deactivate):
                break
            leads = leads.filter(again)
            after = getattr(told.error, "after", None)
            self.hours.advance(BACK_OFF * 2**attempt if after is None else after)
        return list(ends.values())

    def _settled(
        self, sink: Sink[Any], leads: pl.DataFrame, kinds: Sequence[ResultKind], while_: str
    ) -> list[ResultKind]:
        """The same with what reading back tells of the unknown; they go out again only where that is harmless."""
        import polars as pl

        lost = [kind is ResultKind.UNKNOWN for kind in kinds]
        found = iter(self.confirmed(sink, leads.filter(pl.Series(lost)), while_))
        told = [next(found) if was_lost else kind for was_lost, kind in zip(lost, kinds, strict=True)]
        absent = ResultKind.RETRYABLE if sink.repeatable else ResultKind.UNKNOWN
        return [
            absent if was_lost and kind is ResultKind.RETRYABLE else kind
            for was_lost, kind in zip(lost, told, strict=True)
        ]

    def suffer(self, fault: Fault) -> None:
        """Play a fault on each call of a delivery in turn; what the sink says must be true, then and in the end."""
        remote = self.network(fault)
        plain = self.fresh()
        before = self.calls()
        self.accepted(plain, self.leads(plain))
        several = self.calls() - before
        self.asks_for_tokens(fault)
        for at in range(1, several + 1):
            sink = self.fresh()
            leads = self.leads(sink)
            counted, arrived = sink.calls, self.calls()
            while_ = f"at call {at} of {several} {fault}"
            remote.play(fault, at)
            ends = self.through(sink, leads, while_)
            made, arrived = sink.calls - counted, self.calls() - arrived
            self.promised(promises.COUNTED, made == arrived, f"{while_}; {arrived} calls arrived, {made} were counted")
            if fault in (Fault.THROTTLED, Fault.LOCKED):
                self.came_later(arrived, at, LOCK if fault is Fault.LOCKED else RETRY_AFTER, while_)
            self._in_the_end(sink, leads, ends, fault, while_)

    def _in_the_end(
        self, sink: Sink[Any], leads: pl.DataFrame, ends: Sequence[ResultKind], fault: Fault, while_: str
    ) -> None:
        remote = self.network()
        for address, there, end in zip(leads[ADDRESS], self.present(leads), ends, strict=True):
            often = remote.times(address)
            twice = f"{while_}; a lead reached the product {often} times, and sending again is not harmless"
            self.promised(promises.REPEATABLE, sink.repeatable or often <= 1, twice)
            lie = end is ResultKind.ACCEPTED and not there
            self.promised(promises.TRUE_RESULT, not lie, f"{while_}; a lead ended as accepted, and is not there")
            refused = end is ResultKind.REFUSED and fault is not Fault.MISHAP
            self.promised(promises.TRUE_RESULT, not refused, f"{while_}; a lead ended as refused, which nobody did")
            if fault is Fault.TOKEN_REFUSED:
                self.promised(promises.TOKEN_RENEWED, there, f"{while_}; the lead ended as {end}, and is not there")
            if fault in (Fault.THROTTLED, Fault.THROTTLED_MUTE, Fault.LOCKED):
                self.promised(promises.PATIENT, there, f"{while_}; the lead ended as {end}, and is not there")
