"""Frames as blobs of the ledger: what comes out is what went in."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline.ledger.frames import hash_of, hashes, may_hold, pack, pack_payload, unpack, unpack_payload

TEXTS = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ä=\n"]))
COLUMNS = st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=5)


@given(COLUMNS)
def test_a_payload_comes_back_as_it_was(columns: list[list[str | None]]) -> None:
    payload = pl.DataFrame([pl.Series(f"f{n}", values, dtype=pl.String) for n, values in enumerate(columns)])
    payload = payload.with_row_index("#row").with_columns(pl.lit(None).alias("null"), pl.lit(1.5).alias("number"))
    assert unpack_payload(pack_payload(payload)).equals(payload)
    assert unpack_payload(pack_payload(payload)).schema == payload.schema


@pytest.mark.parametrize("name", ["email", "an = in it", "#key", "ä"])
def test_equal_columns_are_stored_once(name: str) -> None:
    rows = [f"anna.{n}@example.com" for n in range(1000)]
    once = pack_payload(pl.DataFrame({"#address": rows}))
    twice = pack_payload(pl.DataFrame({"#address": rows, name: rows}))
    assert len(twice) < len(once) + 500
    assert unpack_payload(twice).columns == ["#address", name]


def test_an_empty_payload_comes_back() -> None:
    payload = pl.DataFrame(schema={"#row": pl.UInt64, "a": pl.String, "b": pl.String})
    assert unpack_payload(pack_payload(payload)).equals(payload)


def test_payloads_of_earlier_versions_are_read() -> None:
    payload = pl.DataFrame({"#row": [1], "a": ["x"], "b": ["x"]}, schema_overrides={"#row": pl.UInt64})
    assert unpack_payload(pack(payload)).equals(unpack(pack(payload)))


def test_hashes_are_those_of_each_key() -> None:
    held = hashes(pl.Series(["a@example.com", None, "ü@example.com"]))
    assert len(held) == 8
    assert all(may_hold(held, hash_of(key)) for key in ("a@example.com", "ü@example.com"))
    assert not may_hold(held, hash_of("b@example.com"))
