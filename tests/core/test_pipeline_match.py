"""Match: the decision table as properties, and the snapshot in memory held against the one in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st
from syncline.batch import ADDRESS, ID, KEY, ROW
from syncline.decision import IN_TOTAL
from syncline.ledger import Ledger
from syncline.pipeline.match import OUTCOME, PLANNED_OUTCOME, REASON, Match
from syncline.pipeline.people import People, nobody
from syncline.pipeline.screen import Screened
from syncline.plugin import AudiencePart, Config, Held, Sink, Status

NAMES = "abcdef"
OUT = (Status.UNSUBSCRIBED.value, Status.DO_NOT_MAIL.value)


class Target(Sink[Config]):
    """A list `here`; what it says of people is scripted."""

    name = "target"
    key_field = "Email"

    def __init__(self, parts: Sequence[AudiencePart] = (), *, updates: bool = True, repeatable: bool = True) -> None:
        super().__init__(Config())
        self.parts, self._updates, self.repeatable = parts, updates, repeatable

    @property
    def target(self) -> str:
        return "here"

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        return frame

    def updates(self) -> bool:
        return self._updates

    def audience(self, held: Mapping[tuple[str, Status], Held], sending: bool) -> Iterator[AudiencePart]:
        yield from self.parts


def key(name: str) -> str:
    return f"{name}@example.com"


member = st.fixed_dictionaries(
    {
        "source_id": st.sampled_from([None, *NAMES]),
        "fingerprint": st.sampled_from([1, 2]),
        "seen": st.booleans(),
        "awaiting": st.booleans(),
        "removed": st.booleans(),
    }
)
person = st.fixed_dictionaries(
    {"list": st.sampled_from(["here", "there"]), "status": st.sampled_from([*Status]), "gone": st.booleans()}
)


def people_of(
    sink: Target, members: Mapping[str, Mapping[str, object]], held: Mapping[str, Mapping[str, object]], **words: object
) -> People:
    known = [{KEY: key(name), **each} for name, each in members.items()]
    audience = [{KEY: key(name), "values": None, **each} for name, each in held.items()]
    return People(
        sink,
        members=pl.DataFrame(known, schema=nobody().schema),
        audience=pl.DataFrame(
            audience, schema={KEY: pl.String, "list": pl.String, "status": pl.String, "values": pl.String,
                              "gone": pl.Boolean},
        ),
        held={}, keep=lambda part, started: None, now=lambda: datetime(2026, 11, 1, tzinfo=UTC), target="here",
        **words,  # type: ignore[arg-type]  # frames, as each test gives them
    )  # fmt: skip


def leads(names: Sequence[str | None], mark: int = 1) -> Screened:
    keys = [None if name is None else key(name) for name in names]
    frame = pl.DataFrame(
        {ID: list(names), ROW: range(len(names)), ADDRESS: keys, KEY: keys, "#fingerprint": mark, "#values": "{}"},
        schema={ID: pl.String, ROW: pl.UInt64, ADDRESS: pl.String, KEY: pl.String, "#fingerprint": pl.Int64,
                "#values": pl.String},
    )  # fmt: skip
    return Screened.fresh(frame)


@given(
    st.lists(st.sampled_from([None, *NAMES]), max_size=8),
    st.dictionaries(st.sampled_from(NAMES), member),
    st.dictionaries(st.sampled_from(NAMES), person),
    st.sets(st.sampled_from(NAMES)),
    st.sets(st.sampled_from(NAMES)),
    st.booleans(),
    st.booleans(),
)
def test_every_lead_has_one_outcome_and_nobody_is_sent_who_must_not_be(
    names: list[str | None],
    members: dict[str, dict[str, object]],
    held: dict[str, dict[str, object]],
    suppressed: set[str],
    unsure: set[str],
    updates: bool,
    repeatable: bool,
) -> None:
    sink = Target(updates=updates, repeatable=repeatable)
    lost = pl.DataFrame(
        {KEY: [key(name) for name in unsure], "unsure": "run"}, schema={KEY: pl.String, "unsure": pl.String}
    )
    never = pl.Series([key(name) for name in suppressed], dtype=pl.String)
    match = Match(
        sink, people_of(sink, members, held, unsure=lost), lambda keys: keys.is_in(never.implode()).fill_null(False),
        handled=[],
    )  # fmt: skip
    decided = match.decide(leads(names))
    assert decided[ROW].to_list() == list(range(len(names)))
    assert set(decided[OUTCOME]) <= {*map(str, IN_TOTAL)}
    assert decided[REASON].null_count() == 0
    flight = (decided[OUTCOME] == "unknown") & (decided[REASON] == "in_flight")
    assert (decided[PLANNED_OUTCOME].is_not_null() == flight).all()
    sent = [row[KEY].partition("@")[0] for row in decided.filter(flight).iter_rows(named=True)]
    assert len(sent) == len(set(sent))
    for name in sent:
        now, before = held.get(name, {"gone": True, "status": "", "list": ""}), members.get(name)
        assert now["gone"] or now["status"] not in OUT
        assert name not in suppressed
        assert repeatable or name not in unsure
        assert repeatable or before is None or not before["awaiting"]
        there = not now["gone"] and now["status"] == "active"
        assert not (there and before and before["fingerprint"] == 1)
        assert updates or not (there and (before or now["list"] == "here"))
    for row in decided.filter(pl.col(KEY).is_null()).iter_rows(named=True):
        assert (row[OUTCOME], row[REASON]) == ("rejected", "no_address")


def test_a_status_in_any_list_counts_and_the_worse_one_speaks() -> None:
    sink = Target()
    held = {"a": {"list": "there", "status": "unsub", "gone": False}}
    found = Match(
        sink, people_of(sink, {}, held), lambda keys: pl.Series([False] * keys.len(), dtype=pl.Boolean), handled=None
    )
    assert found.decide(leads(["a"]))[REASON].to_list() == ["do_not_mail"]


part = st.builds(
    lambda where, status, names, whole: AudiencePart(
        where, status, pl.DataFrame({"address": [key(name) for name in names]}, schema={"address": pl.String}), whole
    ),
    st.sampled_from(["here", "there"]),
    st.sampled_from([Status.ACTIVE, Status.UNSUBSCRIBED, Status.BOUNCED]),
    st.lists(st.sampled_from(NAMES), max_size=4, unique=True),
    st.booleans(),
)


def read(status: Status, *names: str) -> AudiencePart:
    return AudiencePart("here", status, pl.DataFrame({"address": [key(name) for name in names]}))


def test_an_opt_out_follows_a_record_unless_the_sync_itself_took_the_person_out() -> None:
    held = {"a": {"list": "here", "status": "unsub", "gone": False}}
    row = leads(["a"])
    row = Screened.fresh(row.alive.with_columns(pl.lit(key("b")).alias(KEY)))
    for removed, reason in ((False, "do_not_mail"), (True, "in_flight")):
        known = {"source_id": "a", "fingerprint": 1, "seen": True, "awaiting": False, "removed": removed}
        people = people_of(Target(), {"a": known}, held)
        match = Match(Target(), people, lambda keys: pl.Series([False] * keys.len(), dtype=pl.Boolean), handled=None)
        assert match.decide(row)[REASON].to_list() == [reason]


@settings(max_examples=40, deadline=None)
@example([[read(Status.UNSUBSCRIBED, "a"), read(Status.ACTIVE, "a")]])
@given(st.lists(st.lists(part, max_size=5), min_size=1, max_size=3))
def test_the_snapshot_in_memory_is_the_one_in_the_ledger(looks: list[list[AudiencePart]]) -> None:
    with TemporaryDirectory() as folder:
        clock = [datetime(2026, 11, 1, tzinfo=UTC)]

        def now() -> datetime:
            clock[0] += timedelta(seconds=1)
            return clock[0]

        with Ledger.open(f"sqlite:///{Path(folder)}/ledger.db", now=now) as ledger:
            for parts in looks:
                people = People(
                    Target(parts), members=nobody(), audience=ledger.audience("account"), held=ledger.held("account"),
                    keep=lambda part, started: ledger.record_audience("account", part, started), now=ledger.now,
                    target="here",
                )  # fmt: skip
                people.look(sending=True)
            stored = People(
                Target(), members=nobody(), audience=ledger.audience("account"), held={},
                keep=lambda part, started: None, now=ledger.now, target="here",
            )  # fmt: skip
            wanted = pl.Series([key(name) for name in NAMES])
            columns = [KEY, "status", "in_target", "gone"]
            assert people.known(wanted).select(columns).sort(KEY).equals(stored.known(wanted).select(columns).sort(KEY))
