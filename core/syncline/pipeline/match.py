"""Match: compare leads with what is known of people, and decide what becomes of each.

Everything is decided, and recorded, before anything is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import polars as pl

from ..batch import ID, KEY, STATUS
from ..decision import Outcome
from ..plugin import Sink, Status
from .people import KNOWN, People
from .screen import Screened

FINGERPRINT = "#fingerprint"
VALUES = "#values"
OUTCOME, REASON, DETAIL = "outcome", "reason", "detail"
PLANNED_OUTCOME, PLANNED_REASON = "planned_outcome", "planned_reason"

_OPTED_OUT = (Status.UNSUBSCRIBED.value, Status.DO_NOT_MAIL.value)
_REFUSED = (Status.INVALID.value, Status.GROUP.value)
_NULL = pl.lit(None, pl.String)
_UNSURE = pl.format(
    "run {} sent it and lost the answer; `syncline retry {} --unknown` sends it again", "unsure", "unsure"
)


class Case(NamedTuple):
    """If `when` holds, the lead has this outcome and reason; `detail` says more."""

    when: pl.Expr
    outcome: str
    reason: str | pl.Expr
    detail: str | pl.Expr | None = None


ADDED = Case(pl.lit(True), "new", "added")


class Match:
    """Decides by people's status, by what was delivered before, and by the suppression list.

    `suppressed(keys)` says who must never be sent again. `handled` are the keys that this run has decided on before it
    was broken off; None: a rule makes sure that nobody comes twice in the run.
    """

    def __init__(
        self,
        sink: Sink[Any],
        people: People,
        suppressed: Callable[[pl.Series], pl.Series],
        *,
        handled: Iterable[str] | None,
    ) -> None:
        self._sink = sink
        self._people = people
        self._suppressed = suppressed
        self._handled = None if handled is None else set(handled)

    @property
    def keeps_out(self) -> bool:
        """Whether the sink is told of leads that are not sent."""
        return self._sink.keeps_out()

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        """The frame with `#values` (JSON of what would be sent) and `#fingerprint` (of these and the sink's traits)."""
        if not self._sink.remembers():
            return frame.with_columns(_NULL.alias(VALUES), pl.lit(0, pl.Int64).alias(FINGERPRINT))
        values = self._sink.encode(frame, mapped).select(pl.struct(sorted(mapped)).struct.json_encode().alias(VALUES))
        traits = self._sink.traits().encode()
        marks = [fingerprint(text, traits) for text in values.get_column(VALUES).to_list()]
        return frame.hstack([values.get_column(VALUES), pl.Series(FINGERPRINT, marks, dtype=pl.Int64)])

    def refresh(self, batch: Screened) -> Screened:
        """The batch with `#status`; the audience is looked at first, if this batch needs it."""
        status: pl.Series | pl.Expr = _NULL
        if self._sink.remembers():
            if not self._people.is_fresh:
                self._people.look(self._something_to_send(batch.alive))
            known = self._people.known(batch.alive[KEY])
            status = _joined(batch.alive[[KEY]], known).get_column("status")
        return replace(
            batch,
            alive=batch.alive.with_columns(status.alias(STATUS)),
            ignored=batch.ignored.with_columns(_NULL.alias(STATUS)),
        )

    def make_sure(self, batch: Screened) -> None:
        """Before `decide`: nothing is planned by an audience that was not looked at for sending."""
        if self._sink.remembers() and not self._people.is_fresh and self._planned(batch.alive).height:
            self._people.look(sending=True)

    def decide(self, batch: Screened) -> pl.DataFrame:
        """The leads that no rule kept out, with outcome, reason, detail and what is planned.

        Leads to be sent have outcome `unknown`, reason `in_flight` and a planned outcome. The opt-out gate stands here:
        after every rule, whatever the spec says.
        """
        if not self._sink.remembers():
            out = Case(pl.lit(self._suppressed(batch.alive[KEY])), "ignored", "do_not_mail")
            return _with_decisions(batch.alive, [out], [ADDED])
        decided = self._decided(batch.alive)
        return (decided if self._handled is None else self._once(decided, self._handled)).drop(KNOWN)

    def opted_out(self, people: pl.Series) -> pl.Series:
        """For each key whether that person has opted out, by an audience read anew in this run."""
        if not self._sink.remembers():
            return self._suppressed(people)
        self._people.look(sending=True)
        known = self._people.known(people)
        found = people.to_frame(KEY).join(known, on=KEY, how="left", maintain_order="left")
        return found.select(pl.col("status").is_in(_OPTED_OUT).fill_null(False)).to_series() | self._suppressed(people)

    def taken(self, leads: pl.DataFrame) -> pl.Series:
        """For each lead (`#key`, `planned_outcome`) whether another sync sent to that person since it was decided, and
        sending once more would do harm. By the audience that `opted_out` has looked at."""
        if not self._sink.remembers() or self._sink.repeatable:
            return pl.Series([False] * leads.height, dtype=pl.Boolean)
        known = self._people.known(leads[KEY]).select(KEY, "in_target", "awaiting")
        added = pl.col(PLANNED_OUTCOME).is_in([Outcome.NEW.value, Outcome.RE_ADDED.value])
        found = leads.select(KEY, PLANNED_OUTCOME).join(known, on=KEY, how="left", maintain_order="left")
        return found.select((pl.col("awaiting") | (added & pl.col("in_target"))).fill_null(False)).to_series()

    def _something_to_send(self, alive: pl.DataFrame) -> bool:
        """Whether, by what is held now, a lead of this batch would be sent."""
        bounced = (pl.col("status") == Status.BOUNCED.value).fill_null(False)
        return self._planned(alive).filter(~bounced).height > 0

    def _planned(self, alive: pl.DataFrame) -> pl.DataFrame:
        return self._decided(alive).filter(pl.col(PLANNED_OUTCOME).is_not_null())

    def _decided(self, frame: pl.DataFrame) -> pl.DataFrame:
        known = self._people.known(frame[KEY])
        frame = _joined(frame, known)
        status, delivered, awaiting = pl.col("status"), pl.col("delivered"), pl.col("awaiting")
        opted_out = status.is_in(_OPTED_OUT).fill_null(False) | self._suppressed(frame[KEY])
        ends = [
            Case(pl.col(KEY).is_null(), "rejected", "no_address", "no rule kept it out, but it has no address"),
            Case(opted_out, "ignored", "do_not_mail"),
            Case(self._moved(frame), "ignored", "do_not_mail", "opted out under an earlier address"),
        ]
        if known.is_empty():
            return _with_decisions(frame, ends, [ADDED])
        here = status.is_not_null()
        vanished = ~here & (pl.col("gone") | (delivered & pl.col("seen")))
        present = here | awaiting | (delivered & ~pl.col("removed") & ~vanished)
        in_place = present & (pl.col("in_target") | delivered | awaiting)
        same = delivered & (pl.col("fingerprint") == pl.col(FINGERPRINT)).fill_null(False)
        alike = self._alike(frame.filter((status == Status.ACTIVE.value) & pl.col("in_target") & ~delivered))
        same = same | pl.col(KEY).is_in(alike.implode())
        ends += [
            Case(status.is_in(_REFUSED), "ignored", status, "the target refused this address earlier"),
            Case(in_place & same, "duplicate", "unchanged"),
        ]
        if not self._sink.updates():
            ends.append(Case(in_place, "duplicate", "unchanged", "differs, but the target is not updated"))
        if not self._is_repeatable(frame):
            ends += [
                Case(awaiting, "duplicate", "unchanged", "the person has to confirm first"),
                Case(pl.col("unsure").is_not_null(), "unknown", "answer_lost", _UNSURE),
            ]
        refused = (pl.col("refused") == pl.col(FINGERPRINT)).fill_null(False)
        ends.append(Case(refused, "rejected", pl.col("refused_code"), pl.col("refused_detail")))
        plans = [
            Case(in_place, "duplicate", "updated"),
            Case(present, "duplicate", "updated", "in the account, but not in this list"),
            Case(pl.col("removed"), "re_added", "removed_by_sync"),
            Case(vanished, "re_added", "deleted_in_target"),
            ADDED,
        ]
        return _with_decisions(frame, ends, plans)

    def _is_repeatable(self, frame: pl.DataFrame) -> bool:
        """Whether sending again is harmless; a sink may know that only when it knows its list."""
        if frame["unsure"].null_count() < frame.height:
            _ = self._sink.target
        return self._sink.repeatable

    def _moved(self, frame: pl.DataFrame) -> pl.Expr:
        """Leads of records whose person opted out under the address that the record had before."""
        former = self._people.former(frame)
        if former.is_empty():
            return pl.lit(False)
        out = former["status"].is_in(_OPTED_OUT).fill_null(False) | self._suppressed(former[KEY])
        return pl.col(ID).is_in(former.filter(out)[ID].implode()).fill_null(False)

    def _once(self, decided: pl.DataFrame, handled: set[str]) -> pl.DataFrame:
        """Of several leads of one person, the first in a run is sent; the others count as duplicates."""
        keys = decided[KEY].to_list()
        earlier = pl.lit(pl.Series([key in handled for key in keys], dtype=pl.Boolean))
        again = (~pl.col(KEY).is_first_distinct() | earlier) & pl.col(PLANNED_OUTCOME).is_not_null()
        handled.update(key for key in keys if key is not None)
        word = {
            OUTCOME: pl.lit(Outcome.DUPLICATE.value),
            REASON: pl.lit("unchanged"),
            DETAIL: pl.lit("the same person came earlier in this run"),
            PLANNED_OUTCOME: _NULL,
            PLANNED_REASON: _NULL,
        }
        return decided.with_columns(
            pl.when(again).then(value).otherwise(pl.col(name)).alias(name) for name, value in word.items()
        )

    def _alike(self, frame: pl.DataFrame) -> pl.Series:
        """Keys of active people, never delivered by us, whose fields the target shows to be equal to ours."""

        def equal(ours: str, theirs: str | None) -> bool:
            mine = msgspec.json.decode(ours)
            held = msgspec.json.decode(theirs) if theirs else {}
            given = {field: value for field, value in mine.items() if value not in (None, "")}
            return all(field == self._sink.key_field or held.get(field) == value for field, value in given.items())

        pairs = frame.select(KEY, VALUES, "values").iter_rows()
        return pl.Series(KEY, [key for key, ours, theirs in pairs if equal(ours, theirs)], dtype=pl.String)


def fingerprint(values: str, traits: bytes) -> int:
    """A signed 64-bit mark, stable for ever: BLAKE2b of the traits and the JSON of the values."""
    mark = hashlib.blake2b(traits + b"\0" + values.encode(), digest_size=8)
    return int.from_bytes(mark.digest(), "big", signed=True)


def _joined(leads: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The leads with what is `KNOWN` of each."""
    if known.is_empty():
        facts = ((name, kind) for name, kind in known.schema.items() if name != KEY)
        return leads.hstack([pl.Series(name, [None], kind).new_from_index(0, leads.height) for name, kind in facts])
    return leads.join(known, on=KEY, how="left", maintain_order="left").with_columns(
        pl.col("in_target", "gone", "delivered", "seen", "awaiting", "removed").fill_null(False)
    )


def _with_decisions(frame: pl.DataFrame, ends: Sequence[Case], plans: Sequence[Case]) -> pl.DataFrame:
    """The frame with the first of `ends` that holds, else in flight with the first of `plans` that holds."""
    cases = [*ends, *plans]
    whens = (pl.when(case.when).then(pl.lit(number, pl.UInt8)) for number, case in enumerate(cases))
    first = frame.select(pl.coalesce(*whens)).to_series()

    def said(name: str, words: Iterable[str | pl.Expr | None]) -> pl.Series:
        """What is said of the first case of each lead."""
        words = list(words)
        plain = pl.Series(name, [word if isinstance(word, str) else None for word in words], dtype=pl.String)[first]
        for number, word in enumerate(words):
            if isinstance(word, pl.Expr) and (here := first == number).any():
                plain = frame.select(word.alias(name)).to_series().zip_with(here, plain)
        return plain

    nothing = [None] * len(ends)
    return frame.hstack([
        said(OUTCOME, [*(case.outcome for case in ends), *("unknown" for _ in plans)]),
        said(REASON, [*(case.reason for case in ends), *("in_flight" for _ in plans)]),
        said(DETAIL, [case.detail for case in cases]),
        said(PLANNED_OUTCOME, [*nothing, *(case.outcome for case in plans)]),
        said(PLANNED_REASON, [*nothing, *(case.reason for case in plans)]),
    ])  # fmt: skip
