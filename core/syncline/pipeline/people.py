"""People: what is known of them before a run sends anything: the audience snapshot and the members of the sync."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec
import polars as pl

from ..batch import ID, KEY, keys
from ..errors import Fatal
from ..plugin import AudiencePart, Held, Sink, Status

MEMBERS = pl.Schema(
    {
        KEY: pl.String,
        "source_id": pl.String,
        "fingerprint": pl.Int64,
        "seen": pl.Boolean,
        "awaiting": pl.Boolean,
        "removed": pl.Boolean,
    }
)
AUDIENCE = pl.Schema({"list": pl.String, KEY: pl.String, "status": pl.String, "values": pl.String, "gone": pl.Boolean})
AWAITING = pl.Schema({"list": pl.String, KEY: pl.String})
UNSURE = pl.Schema({KEY: pl.String, "unsure": pl.String})
FORMER = pl.Schema({ID: pl.String, KEY: pl.String, "status": pl.String})
REFUSED = pl.Schema({KEY: pl.String, "refused": pl.Int64, "refused_code": pl.String, "refused_detail": pl.String})
_FACTS = ("status", "in_target", "gone", "values", "delivered", "unsure")
KNOWN = (*_FACTS, *(name for schema in (REFUSED, MEMBERS) for name in schema if name != KEY))
"""What `People.known` says of a person. `status`: a `Status` or null; `in_target`: active in the list of this sync;
`gone`: was in the account, is no longer; `values`: JSON of what the target shows; `delivered`: by this sync;
`awaiting`: has to confirm, whichever sync asked; `unsure`: the run that sent the lead and lost the answer, or null;
`refused`: the fingerprint with which the sink refused the lead, which waits as long as it is the same."""

_RANK = {
    Status.ACTIVE.value: 1,
    Status.BOUNCED.value: 2,
    Status.INVALID.value: 2,
    Status.GROUP.value: 2,
    Status.UNSUBSCRIBED.value: 3,
    Status.DO_NOT_MAIL.value: 4,
}
"""Which status speaks for a person whom several lists know: an opt-out anywhere counts everywhere."""

_OUTLASTS = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.DO_NOT_MAIL)
"""Within one refresh these win over active, whichever was read first: as in the ledger."""


class People:
    """The snapshot, brought up to date by `look`.

    `keep(part, started)` stores a part of a refreshed audience (`preview` passes one that stores nothing); `target` is
    the list this sync filled last time, which spares asking for it. `awaiting` are people whom other syncs of the
    account asked to confirm (columns `AWAITING`), `unsure` those of whom this sync lost the answer (`UNSURE`),
    `refused` whom the sink refused and who wait (`REFUSED`).
    `alone` is called once, before people are looked at for sending where sending twice does harm: it returns when
    nobody else sends to the list, and calls `renew` with what is known since.
    """

    def __init__(
        self,
        sink: Sink[Any],
        *,
        members: pl.DataFrame,
        audience: pl.DataFrame,
        held: dict[tuple[str, Status], Held],
        keep: Callable[[AudiencePart, datetime], None],
        now: Callable[[], datetime],
        target: str | None = None,
        awaiting: pl.DataFrame | None = None,
        unsure: pl.DataFrame | None = None,
        refused: pl.DataFrame | None = None,
        alone: Callable[[People], None] = lambda people: None,
    ) -> None:
        self._sink = sink
        self._keep = keep
        self._now = now
        self._target = target
        self._alone = alone
        self._looked: bool | None = None
        self.renew(members=members, audience=audience, held=held, awaiting=awaiting, unsure=unsure, refused=refused)

    def renew(
        self,
        *,
        members: pl.DataFrame,
        audience: pl.DataFrame,
        held: dict[tuple[str, Status], Held],
        awaiting: pl.DataFrame | None = None,
        unsure: pl.DataFrame | None = None,
        refused: pl.DataFrame | None = None,
    ) -> None:
        """From now on this is what is known of people."""
        self._members = members.select(pl.col(name).cast(kind) for name, kind in MEMBERS.items())
        self._audience = audience.select(pl.col(name).cast(kind) for name, kind in AUDIENCE.items())
        self._held = held
        self._awaiting = pl.DataFrame(schema=AWAITING) if awaiting is None else awaiting
        self._unsure = pl.DataFrame(schema=UNSURE) if unsure is None else unsure
        self._refused = pl.DataFrame(schema=REFUSED) if refused is None else refused
        self._summary: pl.DataFrame | None = None

    @property
    def target(self) -> str:
        """The key of the list that this sync fills: as in the last run, or asked of the sink; "" if it keeps none."""
        if self._target is None:
            self._target = self._sink.target if self._sink.remembers() else ""
        return self._target

    @property
    def is_fresh(self) -> bool:
        """Whether the audience was looked at for sending: opt-outs were read anew in this run."""
        return self._looked is True

    def look(self, sending: bool) -> None:
        """Bring the snapshot up to date, once in a run, and once more when something is `sending` after all."""
        if self._looked is True or (self._looked is False and not sending):
            return
        self._looked = sending
        if sending:
            self._insist_on_target()
            if not self._sink.repeatable:
                self._alone(self)
        started = self._now()
        reading: dict[tuple[str, Status], list[pl.Series]] = {}
        for part in self._sink.audience(self._held, sending):
            self._keep(part, started)
            read = reading.setdefault((part.list, part.status), [])
            out = [reading.get((part.list, status), []) for status in _OUTLASTS]
            read.append(self._merge(part, pl.concat([pl.Series(KEY, [], pl.String), *chain(*out)])))
            if part.whole:
                self._mark_gone(part, pl.concat(read))
        self._summary = None

    def known(self, wanted: pl.Series) -> pl.DataFrame:
        """One row for each wanted person of whom anything is known: `#key` and the columns `KNOWN`."""
        if self._summary is None:
            self._summary = self._summarise()
        if self._summary.is_empty():
            return self._summary
        return self._summary.join(wanted.unique().to_frame(KEY), on=KEY, how="semi")

    def former(self, leads: pl.DataFrame) -> pl.DataFrame:
        """Members that came from the records of these leads under another address: `#id`, `#key` (theirs), `status`.

        Those whom this sync itself took out are left out.
        """
        if self._members.is_empty():
            return pl.DataFrame(schema=FORMER)
        members = self._members.filter(~pl.col("removed")).select(pl.col("source_id").alias(ID), KEY)
        records = leads.select(ID, pl.col(KEY).alias("now")).drop_nulls().unique()
        others = members.join(records, on=ID).filter(pl.col(KEY) != pl.col("now"))
        return others.join(self.known(others[KEY]).select(KEY, "status"), on=KEY, how="left").select(ID, KEY, "status")

    def shown(self, wanted: pl.Series) -> dict[str, dict[str, Any]]:
        """The fields that the target shows, by person, for those of whom it shows any."""
        found = self.known(wanted).select(KEY, "values").drop_nulls()
        return {key: msgspec.json.decode(values) for key, values in found.iter_rows()}

    def _insist_on_target(self) -> None:
        if self.target != self._sink.target:
            raise Fatal(
                "the list that this sync filled is no longer the list of that name",
                why=f"its key was {self.target}, now it is {self._sink.target}",
                mend="name the former key in `list`, or give the sync a new name",
            )

    def _merge(self, part: AudiencePart, out: pl.Series) -> pl.Series:
        """Take one part into the snapshot; the keys in it. `out`: who, by this refresh, is not active in its list."""
        others = [name for name in part.people.columns if name != "address"]
        values = pl.struct(sorted(others)).struct.json_encode() if others else pl.lit(None, pl.String)
        fresh = (
            part.people.select(
                pl.lit(part.list).alias("list"),
                keys(part.people["address"].cast(pl.String)).alias(KEY),
                pl.lit(part.status.value).alias("status"),
                values.alias("values"),
                pl.lit(False).alias("gone"),
            )
            .filter(pl.col(KEY).is_not_null())
            .unique(KEY, keep="last")
        )
        if part.status is Status.ACTIVE:
            fresh = fresh.filter(~_among(out))
        self._audience = self._audience.join(fresh, on=["list", KEY], how="anti").vstack(fresh.select(AUDIENCE.names()))
        if part.status is Status.ACTIVE and part.list == self.target:
            seen = _among(fresh[KEY])
            self._members = self._members.with_columns(seen=pl.col("seen") | seen, awaiting=pl.col("awaiting") & ~seen)
        return fresh[KEY]

    def _mark_gone(self, part: AudiencePart, read: pl.Series) -> None:
        same = (pl.col("list") == part.list) & (pl.col("status") == part.status.value)
        self._audience = self._audience.with_columns(gone=pl.col("gone") | (same & ~_among(read)))

    def _summarise(self) -> pl.DataFrame:
        target = self.target if self._audience.height or self._awaiting.height else ""
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
        asked = self._awaiting.filter(pl.col("list") == target).select(KEY, pl.lit(True).alias("asked")).unique()
        for more in (self._members.with_columns(delivered=True), self._unsure, self._refused, asked):
            people = people.join(more, on=KEY, how="full", coalesce=True)
        flags = pl.col("in_target", "gone", "delivered", "seen", "awaiting", "removed", "asked").fill_null(False)
        return people.with_columns(flags).with_columns(pl.col("awaiting") | pl.col("asked")).drop("asked")


def _among(people: pl.Series) -> pl.Expr:
    return pl.col(KEY).is_in(people.implode())


def nobody() -> pl.DataFrame:
    """The members of a sync that has none."""
    return pl.DataFrame(schema=MEMBERS)
