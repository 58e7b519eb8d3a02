"""One person twice in a fetch: the first (or the last) passes, across batches and taken-up runs."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syncline.batch import ADDRESS, ID, KEY, ROW, STATUS, keys
from syncline_rules.duplicate import FileDuplicate, FileDuplicateConfig
from syncline_rules.memory import RUN_ROWS, KeyMemory


def batches_of(addresses: Sequence[str | None], size: int) -> list[pl.DataFrame]:
    address = pl.Series(ADDRESS, addresses, dtype=pl.String)
    rows = pl.Series(range(len(addresses)), dtype=pl.UInt64)
    ids = pl.Series([f"38{n}" for n in range(len(addresses))], dtype=pl.String)
    status = pl.Series([None] * len(addresses), dtype=pl.String)
    frame = pl.DataFrame({ID: ids, ROW: rows, ADDRESS: address, KEY: keys(address), STATUS: status})
    return [frame.slice(n, size) for n in range(0, len(addresses), size)]


def kept_rows(rule: FileDuplicate, batches: Sequence[pl.DataFrame]) -> list[int]:
    if rule.whole_fetch:
        for batch in batches:
            rule.observe(batch)
    return [row for batch in batches for row in batch.filter(rule.reasons(batch).is_null())[ROW].to_list()]


POOL = st.lists(st.one_of(st.none(), st.sampled_from([f"p{n}@example.com" for n in range(12)])), max_size=60)


@settings(deadline=None, max_examples=60)
@given(POOL, st.integers(1, 20))
def test_the_first_of_each_address_passes_however_the_fetch_is_cut(addresses: list[str | None], size: int) -> None:
    expected = [n for n, each in enumerate(addresses) if each is None or each not in addresses[:n]]
    assert kept_rows(FileDuplicate(FileDuplicateConfig()), batches_of(addresses, size)) == expected


@settings(deadline=None, max_examples=60)
@given(POOL, st.integers(1, 20))
def test_with_keep_last_the_last_of_each_address_passes(addresses: list[str | None], size: int) -> None:
    expected = [n for n, each in enumerate(addresses) if each is None or each not in addresses[n + 1 :]]
    assert kept_rows(FileDuplicate(FileDuplicateConfig(keep="last")), batches_of(addresses, size)) == expected


@settings(deadline=None, max_examples=60)
@given(POOL, st.integers(1, 8), st.integers(0, 60))
def test_a_run_taken_up_again_decides_as_if_it_had_never_stopped(
    addresses: list[str | None], size: int, recorded: int
) -> None:
    batches = batches_of(addresses, size)
    whole = kept_rows(FileDuplicate(FileDuplicateConfig()), batches)
    again = FileDuplicate(FileDuplicateConfig())
    for batch in batches[:recorded]:
        again.observe(batch.filter(pl.col(ROW).is_in(whole)).select(ID, ROW, ADDRESS, KEY))
    rest = batches[recorded:]
    assert kept_rows(again, rest) == [row for row in whole if row >= recorded * size]


def test_a_lead_observed_before_is_no_duplicate_of_itself() -> None:
    (batch,) = batches_of(["a@example.com", "b@example.com"], 2)
    rule = FileDuplicate(FileDuplicateConfig())
    rule.observe(batch)
    assert rule.reasons(batch).to_list() == [None, None]


def test_letter_case_blanks_and_spelling_of_the_domain_do_not_tell_people_apart() -> None:
    (batch,) = batches_of(["anna@bücher.de", " ANNA@xn--bcher-kva.de ", "Anna@BÜCHER.de\u200b"], 3)
    assert FileDuplicate(FileDuplicateConfig()).reasons(batch).to_list() == [None, "file_duplicate", "file_duplicate"]


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_detail_names_the_lead_that_passes(size: int) -> None:
    rule = FileDuplicate(FileDuplicateConfig())
    told: list[str | None] = []
    for batch in batches_of(["a@example.com", "b@example.com", "B@example.com", "a@example.com"], size):
        reasons = rule.reasons(batch)
        told += rule.details(batch.filter(reasons.is_not_null()))
    assert told == ["row 2 (ID 381) has the same address", "row 1 (ID 380) has the same address"]


def test_the_detail_does_without_an_id_that_the_source_does_not_have() -> None:
    rule = FileDuplicate(FileDuplicateConfig())
    batch = batches_of(["a@example.com", "a@example.com"], 2)[0].with_columns(pl.lit(None, dtype=pl.String).alias(ID))
    reasons = rule.reasons(batch)
    assert rule.details(batch.filter(reasons.is_not_null())) == ["row 1 has the same address"]


def test_an_empty_batch_is_judged() -> None:
    rule = FileDuplicate(FileDuplicateConfig())
    assert rule.reasons(batches_of(["a@example.com"], 1)[0].clear()).len() == 0


def test_the_memory_holds_a_key_in_sixteen_bytes() -> None:
    memory = KeyMemory()
    count, step = 200_000, 50_000
    for start in range(0, count, step):
        rows = pl.int_range(start, start + step, eager=True, dtype=pl.UInt64)
        memory.add(memory.marks(rows.cast(pl.String) + "@example.com", rows))
    assert memory.size <= count * 17
    assert 10_000_000 * memory.size / count < 180_000_000
    assert RUN_ROWS * 16 < 20_000_000


def test_the_memory_finds_each_key_and_no_other() -> None:
    memory = KeyMemory()
    for start in range(0, 5_000, 7):
        rows = pl.int_range(start, min(start + 7, 5_000), eager=True, dtype=pl.UInt64)
        memory.add(memory.marks(rows.cast(pl.String) + "@example.com", rows))
    asked = pl.int_range(0, 10_000, eager=True, dtype=pl.UInt64)
    found = memory.rows_of(memory.marks(asked.cast(pl.String) + "@example.com", asked)).sort("place")
    assert found["row"].to_list() == list(range(5_000))
    assert found["place"].to_list() == list(range(5_000))


def test_a_key_that_shares_half_a_fingerprint_is_not_taken_for_another() -> None:
    memory = KeyMemory()
    rows = pl.Series([7], dtype=pl.UInt64)
    known = memory.marks(pl.Series(["a@example.com"]), rows)
    memory.add(known)
    other = known.with_columns(pl.col("check") ^ 1)
    assert memory.rows_of(known)["row"].to_list() == [7]
    assert memory.rows_of(other).is_empty()
