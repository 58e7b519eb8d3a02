"""Match: compare leads with what the other side holds and with what was delivered before, and decide what to do.

Everything is decided, and recorded, before anything is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from ..batch import KEY, STATUS, keys
from ..decision import Outcome
from ..errors import Fatal
from ..plugin import AudiencePart, Held, Sink, Status
from .screen import Screened

FINGERPRINT = "#fingerprint"
VALUES = "#values"
OUTCOME, REASON, DETAIL = "outcome", "reason", "detail"
PLANNED_OUTCOME, PLANNED_REASON = "planned_outcome", "planned_reason"

MEMBERS = pl.Schema(
    {KEY: pl.String, "source_id": pl.String, "fingerprint": pl.Int64, "seen": pl.Boolean, "awaiting": pl.Boolean, "removed": pl.Boolean}
)  # fmt: skip
AUDIENCE = pl.Schema({"list": pl.String, KEY: pl.String, "status": pl.String, "values": pl.String, "gone": pl.Boolean})
_OPTED_OUT = (Status.UNSUBSCRIBED.value, Status.DO_NOT_MAIL.value)
_REFUSED = (Status.INVALID.value, Status.GROUP.value)
_RANK = {
    Status.ACTIVE.value: 1,
    Status.BOUNCED.value: 2,
    Status.INVALID.value: 2,
    Status.GROUP.value: 2,
    Status.UNSUBSCRIBED.value: 3,
    Status.DO_NOT_MAIL.value: 4,
}
"""Which status speaks for a person whom several lists know: an opt-out anywhere counts everywhere."""
_HELD = (
    "status",
    "in_target",
    "gone",
    "values",
    "delivered",
    "fingerprint",
    "seen",
    "awaiting",
    "removed",
    "source_id",
)


class People:
    """What is known of people before a run sends anything: the audience snapshot and the members of the sync.

    `keep(part, started)` stores a part of a refreshed audience (`preview` passes one that stores nothing); `target` is
    the list this sync filled last time, which spares asking for it; `unique` says that no person comes twice in a run.
    """

    def __init__(
        self,
        sink: Sink[Any],
        *,
        members: pl.DataFrame,
        audience: pl.DataFrame,
        held: dict[tuple[str, Status], Held],
        suppressed: Callable[[pl.Series], pl.Series],
        keep: Callable[[AudiencePart, datetime], None],
        now: Callable[[], datetime],
        target: str | None = None,
        unique: bool = True,
    ) -> None:
        self._sink = sink
        self._target = target
        self._handled: set[str] | None = None if unique else set()
        self._members = members.select(pl.col(name).cast(kind) for name, kind in MEMBERS.items())
        self._audience = audience.select(pl.col(name).cast(kind) for name, kind in AUDIENCE.items())
        self._held = held
        self._suppressed = suppressed
        self._keep = keep
        self._now = now
        self._looked: bool | None = None
        self._summary: pl.DataFrame | None = None

    def encode(self, frame: pl.DataFrame, mapped: list[str]) -> pl.DataFrame:
        """The frame with `#values` (JSON of what would be sent) and `#fingerprint` (of values and the sink's traits)."""
        if not self._sink.remembers():
            return frame.with_columns(pl.lit(None, pl.String).alias(VALUES), pl.lit(0, pl.Int64).alias(FINGERPRINT))
        values = self._sink.encode(frame, mapped).select(pl.struct(sorted(mapped)).struct.json_encode().alias(VALUES))
        traits = self._sink.traits().encode()
        marks = [_fingerprint(text, traits) for text in values[VALUES]]
        return frame.hstack(values).with_columns(pl.Series(FINGERPRINT, marks, dtype=pl.Int64))

    def refresh(self, batch: Screened) -> Screened:
        """The batch with `#status`; the audience is looked at first, when this batch needs it."""
        if not self._sink.remembers():
            return _with_status(batch, pl.lit(None, pl.String))
        if self._looked is not True:
            sending = self._something_to_send(batch.alive)
            if sending or self._looked is None:
                self._look(sending)
        known = batch.alive.select(KEY).join(self._known(batch.alive[KEY]), on=KEY, how="left", maintain_order="left")
        return _with_status(batch, known["status"])

    def decide(self, batch: Screened) -> pl.DataFrame:
        """The leads that no rule kept out, with outcome, reason, detail and what is planned.

        Rows to be sent have outcome `unknown`, reason `in_flight` and a planned outcome. The opt-out gate stands here:
        after every rule, whatever the spec says.
        """
        frame = batch.alive
        if not self._sink.remembers():
            return frame.with_columns(*_in_flight(pl.lit(True), pl.lit(Outcome.NEW.value), pl.lit("added")))
        decided = self._decided(frame)
        if self._handled is not None:
            decided = self._once(decided)
        return decided.drop(_HELD)

    def _decided(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame = frame.join(self._known(frame[KEY]), on=KEY, how="left", maintain_order="left").with_columns(
            pl.col("in_target", "gone", "delivered", "seen", "removed").fill_null(False)
        )
        status = pl.col("status")
        opted_out = status.is_in(_OPTED_OUT).fill_null(False) | self._suppressed(frame[KEY])
        refused = status.is_in(_REFUSED).fill_null(False)
        known = status.is_not_null()
        vanished = pl.col("gone") & ~known | (pl.col("delivered") & pl.col("seen") & ~known)
        present = known | (pl.col("delivered") & ~pl.col("removed") & ~vanished)
        same = pl.col("delivered") & (pl.col("fingerprint") == pl.col(FINGERPRINT)).fill_null(False)
        alike = self._alike(frame.filter((status == Status.ACTIVE.value) & pl.col("in_target") & ~pl.col("delivered")))
        same = same | pl.col(KEY).is_in(alike.implode())
        in_place = pl.col("in_target") | pl.col("delivered")
        skipped = present & in_place & ~same & (not self._sink.updates())
        no_address = pl.col(KEY).is_null()
        ends: list[tuple[pl.Expr, str, pl.Expr, str | None]] = [
            (no_address, "rejected", pl.lit("no_address"), "the sink needs an address, and no rule kept this lead out"),
            (opted_out, "ignored", pl.lit("do_not_mail"), None),
            (refused, "ignored", status, "the target refused this address earlier"),
            (skipped, "duplicate", pl.lit("unchanged"), "differs, but on_duplicate is skip"),
            (present & in_place & same, "duplicate", pl.lit("unchanged"), None),
        ]
        plans: list[tuple[pl.Expr, str, str, str | None]] = [
            (present & ~in_place, "duplicate", "updated", "in the account, but not in this list"),
            (present, "duplicate", "updated", None),
            (pl.col("removed"), "re_added", "removed_by_sync", None),
            (vanished, "re_added", "deleted_in_target", None),
            (pl.lit(True), "new", "added", None),
        ]
        ended = pl.any_horizontal(when for when, *_ in ends)
        return frame.with_columns(
            _first([(when, pl.lit(outcome)) for when, outcome, _, _ in ends], pl.lit("unknown")).alias(OUTCOME),
            _first([(when, reason) for when, _, reason, _ in ends], pl.lit("in_flight")).alias(REASON),
            _first([(when, pl.lit(word, pl.String)) for when, _, _, word in [*ends, *plans]], _NULL).alias(DETAIL),
            pl.when(~ended).then(_first([(when, pl.lit(outcome)) for when, outcome, _, _ in plans], _NULL)).alias(PLANNED_OUTCOME),
            pl.when(~ended).then(_first([(when, pl.lit(reason)) for when, _, reason, _ in plans], _NULL)).alias(PLANNED_REASON),
        )  # fmt: skip

    def _once(self, decided: pl.DataFrame) -> pl.DataFrame:
        """Of several leads of one person, the first in a run is sent; the others count as duplicates."""
        handled = self._handled or set()
        again = ~pl.col(KEY).is_first_distinct() | pl.col(KEY).is_in(
            pl.Series(list(handled), dtype=pl.String).implode()
        )
        again = again & pl.col(PLANNED_OUTCOME).is_not_null()
        decided = decided.with_columns(
            pl.when(again).then(pl.lit("duplicate")).otherwise(pl.col(OUTCOME)).alias(OUTCOME),
            pl.when(again).then(pl.lit("unchanged")).otherwise(pl.col(REASON)).alias(REASON),
            pl.when(again)
            .then(pl.lit("the same person came earlier in this run"))
            .otherwise(pl.col(DETAIL))
            .alias(DETAIL),
            pl.when(~again).then(pl.col(PLANNED_OUTCOME)).alias(PLANNED_OUTCOME),
            pl.when(~again).then(pl.col(PLANNED_REASON)).alias(PLANNED_REASON),
        )
        self._handled = handled.union(decided[KEY].drop_nulls())
        return decided

    @property
    def target(self) -> str:
        """The key of the list that this sync fills: as in the last run, or asked of the sink; "" if it keeps none."""
        if self._target is None:
            self._target = self._sink.target if self._sink.remembers() else ""
        return self._target

    def _same_target(self) -> None:
        if self.target != self._sink.target:
            raise Fatal(
                "the list that this sync filled is no longer the list of that name",
                why=f"its key was {self.target}, now it is {self._sink.target}",
                mend="name the former key in `list`, or give the sync a new name",
            )

    def opted_out(self, people: pl.Series) -> pl.Series:
        """For each key whether that person has opted out, by an audience that is read anew unless this run has read it."""
        if not self._sink.remembers():
            return pl.Series([False] * people.len(), dtype=pl.Boolean)
        if self._looked is not True:
            self._look(sending=True)
        found = people.to_frame(KEY).join(self._known(people), on=KEY, how="left", maintain_order="left")
        return found.select(pl.col("status").is_in(_OPTED_OUT).fill_null(False)).to_series() | self._suppressed(people)

    def known(self, key: str) -> dict[str, Any] | None:
        """What is held of one person, for `explain`."""
        found = self._known(pl.Series(KEY, [key]))
        return found.row(0, named=True) if found.height else None

    def shown(self, people: pl.Series) -> dict[str, dict[str, Any]]:
        """The fields that the target shows, by person, for those of whom it shows any."""
        found = self._known(people).select(KEY, "values").drop_nulls()
        return {key: msgspec.json.decode(values) for key, values in found.iter_rows()}

    def _something_to_send(self, alive: pl.DataFrame) -> bool:
        """Whether, by what is held now, a lead of this batch would be sent."""
        decided = self._decided(alive)
        bounced = (pl.col("status") == Status.BOUNCED.value).fill_null(False)
        return decided.filter(pl.col(PLANNED_OUTCOME).is_not_null() & ~bounced).height > 0

    def _look(self, sending: bool) -> None:
        self._looked = sending
        started = self._now()
        reading: dict[tuple[str, Status], list[pl.Series]] = {}
        for part in self._sink.audience(self._held, sending):
            self._keep(part, started)
            read = reading.setdefault((part.list, part.status), [])
            read.append(self._merge(part))
            if part.whole:
                self._mark_gone(part, pl.concat(read))
        if sending:
            self._same_target()
        self._summary = None

    def _merge(self, part: AudiencePart) -> pl.Series:
        """Take one part into the snapshot; the keys in it."""
        others = [name for name in part.people.columns if name != "address"]
        values = pl.struct(sorted(others)).struct.json_encode() if others else pl.lit(None, pl.String)
        fresh = part.people.select(
            pl.lit(part.list).alias("list"),
            keys(part.people["address"].cast(pl.String)).alias(KEY),
            pl.lit(part.status.value).alias("status"),
            values.alias("values"),
            pl.lit(False).alias("gone"),
        ).filter(pl.col(KEY).is_not_null()).unique(KEY, keep="last")  # fmt: skip
        self._audience = self._audience.join(fresh, on=["list", KEY], how="anti").vstack(fresh.select(AUDIENCE.names()))
        if part.status is Status.ACTIVE:
            seen = pl.col(KEY).is_in(fresh[KEY].implode())
            self._members = self._members.with_columns(seen=pl.col("seen") | seen, awaiting=pl.col("awaiting") & ~seen)
        return fresh[KEY]

    def _mark_gone(self, part: AudiencePart, read: pl.Series) -> None:
        absent = (
            (pl.col("list") == part.list) & (pl.col("status") == part.status.value) & ~pl.col(KEY).is_in(read.implode())
        )
        self._audience = self._audience.with_columns(gone=pl.col("gone") | absent)

    def _known(self, wanted: pl.Series) -> pl.DataFrame:
        """One row for each wanted person of whom anything is known."""
        if self._summary is None:
            self._summary = self._summarise()
        return self._summary.join(wanted.unique().to_frame(KEY), on=KEY, how="semi")

    def _summarise(self) -> pl.DataFrame:
        target = self.target if self._audience.height else ""
        rank = pl.when(pl.col("gone")).then(0).otherwise(pl.col("status").replace_strict(_RANK, return_dtype=pl.Int8))
        here = (pl.col("list") == target) & (pl.col("status") == Status.ACTIVE.value) & ~pl.col("gone")
        people = (
            self._audience.with_columns(rank=rank, here=here)
            .sort("rank", "here")
            .group_by(KEY)
            .agg(
                pl.when(pl.col("rank").last() > 0).then(pl.col("status").last()).alias("status"),
                pl.col("here").any().alias("in_target"),
                pl.col("gone").any().alias("gone"),
                pl.col("values").filter(pl.col("here")).last().alias("values"),
            )
        )
        return people.join(self._members.with_columns(delivered=True), on=KEY, how="full", coalesce=True)

    def _alike(self, frame: pl.DataFrame) -> pl.Series:
        """Keys of active people, never delivered by us, whose fields the target shows to be equal to ours."""
        found = []
        for key, ours, theirs in frame.select(KEY, VALUES, "values").iter_rows():
            mine, held = msgspec.json.decode(ours), msgspec.json.decode(theirs) if theirs else {}
            if all(
                field == self._sink.key_field or value in (None, "") or held.get(field) == value
                for field, value in mine.items()
            ):
                found.append(key)
        return pl.Series(KEY, found, dtype=pl.String)


_NULL = pl.lit(None, pl.String)


def _first(cases: Sequence[tuple[pl.Expr, pl.Expr]], otherwise: pl.Expr) -> pl.Expr:
    """The value of the first case that holds."""
    value = otherwise
    for when, then in reversed(cases):
        value = pl.when(when).then(then).otherwise(value)
    return value


def _in_flight(send: pl.Expr, outcome: pl.Expr, reason: pl.Expr) -> Iterable[pl.Expr]:
    yield pl.lit("unknown").alias(OUTCOME)
    yield pl.lit("in_flight").alias(REASON)
    yield pl.lit(None, pl.String).alias(DETAIL)
    yield pl.when(send).then(outcome).alias(PLANNED_OUTCOME)
    yield pl.when(send).then(reason).alias(PLANNED_REASON)


def _with_status(batch: Screened, status: pl.Series | pl.Expr) -> Screened:
    return replace(
        batch,
        alive=batch.alive.with_columns(status.alias(STATUS)),
        ignored=batch.ignored.with_columns(pl.lit(None, pl.String).alias(STATUS)),
    )


def _fingerprint(values: str, traits: bytes) -> int:
    mark = hashlib.blake2b(traits + b"\0" + values.encode(), digest_size=8)
    return int.from_bytes(mark.digest(), "big", signed=True)
