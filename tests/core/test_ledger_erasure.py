"""Forgetting a person: gone from every table, every blob and every byte on the disk; the counts stay."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from ledger_leads import answers, batch, delivered, key, law_of_the_sums, started
from syncline import AudiencePart, Outcome, Status
from syncline.clock import Clock
from syncline.ledger import Ledger
from syncline.ledger.frames import unpack, unpack_outcomes
from syncline.ledger.tables import metadata


def everything(ledger: Ledger) -> str:
    """Every value of every table as text, with the blobs unpacked."""
    texts: list[str] = []
    with ledger._database.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(table.select()).mappings():
                for name, value in row.items():
                    if name == "outcomes" and value:
                        texts.append(str(unpack_outcomes(value).to_dicts()))
                    elif name in ("payload", "former") and value:
                        texts.append(str(unpack(value).to_dicts()))
                    else:
                        texts.append(str(value))
    return "\n".join(texts)


def fill(ledger: Ledger) -> None:
    """The same people in every table: finished and running runs, members, audience, dead letters, what updated
    leads held before, what a guard holds."""
    delivered(ledger, range(8))
    people = pl.DataFrame({"address": [key(0), key(1)], "Nickname": ["Zaphod-0", "Zaphod-1"]})
    ledger.record_audience("account", AudiencePart("list", Status.ACTIVE, people), Clock()())
    run = started(ledger)
    with ledger.journal(run, account="account", target="list") as journal:
        journal.open_batch(0, *batch(range(8)), None)
        journal.answered(0, answers([0], "rejected", "2001", detail="no Zaphod-0 here", code="2001"))
        journal.answered(0, answers([1], "rejected", "2001", detail="no Zaphod-1 here", code="2001"))
    ledger.finish_run(run, status="partial")
    run = started(ledger, "another")
    with ledger.journal(run, account="account", target="list") as journal:
        outcomes, payload = batch(range(8))
        former = pl.concat_str(pl.lit('{"Nickname": "Zaphod-'), "#row", pl.lit('"}')).alias("#former")
        updated = pl.lit("duplicate").alias("planned_outcome")
        journal.open_batch(0, outcomes, payload.with_columns(updated, former), None)
        journal.answered(0, answers([0], "ignored", "invalid_pattern", detail="Zaphod-0"))
    plan = {"kind": "removal", "#key": [key(0), key(1)], "source_id": ["id0", "id1"], "mark": [1, 2]}
    ledger.hold(run, {}, pl.DataFrame(plan), empty=False)


def test_a_forgotten_person_is_in_no_table_and_no_blob(ledger: Ledger) -> None:
    fill(ledger)
    before = {run.id: run.counts for run in ledger.runs(None)}
    assert all(word in everything(ledger) for word in (key(0), "id0", "No 0", "Zaphod-0"))
    erased = ledger.forget(f" {key(0).upper()}")
    assert erased == {
        "members": 1,
        "audience": 1,
        "dead_letters": 1,
        "outcomes": 3,
        "payloads": 1,
        "messages": 0,
        "held_leads": 1,
    }
    left = everything(ledger)
    assert not [word for word in (key(0), key(0).title(), "'id0'", "No 0", "Zaphod-0") if word in left]
    assert all(word in left for word in (key(1), "'id1'", "No 1", "Zaphod-1"))
    assert {run.id: run.counts for run in ledger.runs(None)} == before
    for run in ledger.runs(None):
        law_of_the_sums(ledger, run)
    assert ledger.suppressed(pl.Series([key(0), key(1)])).to_list() == [True, False]
    assert ledger.trace(run.sync_id, key(0)) == []
    assert len(ledger.trace(run.sync_id, key(1))) == 2


def test_a_forgotten_person_is_in_no_byte_of_the_files(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        fill(ledger)
        ledger.forget(key(0))
        content = b"".join(each.read_bytes() for each in tmp_path.iterdir())
        assert key(1).encode() in content
        assert not [word for word in (key(0), key(0).title(), "Zaphod-0", "No 0") if word.encode() in content]


def test_a_person_may_be_forgotten_while_a_run_has_the_lead_in_flight(ledger: Ledger) -> None:
    run = started(ledger)
    with ledger.journal(run, account="account", target="list") as journal:
        journal.open_batch(0, *batch(range(4)), "end")
        journal.sending(0, [0, 1, 2])
        journal.answered(0, answers([1]))
        ledger.forget(key(0))
        journal.answered(0, answers([0, 2]))
    counts = law_of_the_sums(ledger, run)
    assert (counts.of(Outcome.NEW), counts.total) == (3, 4)
    assert key(0) not in everything(ledger)
    assert sorted(ledger.members(run.sync_id).get_column("#key")) == [key(1), key(2)]
    assert ledger.run(run.id).cursor == "end"


def test_forgetting_a_stranger_only_suppresses(ledger: Ledger) -> None:
    delivered(ledger, range(4))
    assert sum(ledger.forget("stranger@example.com").values()) == 0
    assert ledger.suppressed(pl.Series(["stranger@example.com"])).item() is True
