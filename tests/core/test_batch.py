"""Frames and their texts."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from syncline.batch import texts
from syncline.ledger import Ledger
from workshop import Workshop, person

WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)


@given(st.lists(WHOLE, min_size=1))
def test_a_whole_number_is_one_text_whatever_its_column_holds(numbers: list[int]) -> None:
    whole = texts(pl.DataFrame({"n": numbers}), ["n"])["n"]
    floats = texts(pl.DataFrame({"n": [float(each) for each in numbers]}), ["n"])["n"]
    lists = texts(pl.DataFrame({"n": [[float(each), 0.5] for each in numbers]}), ["n"])["n"]
    assert whole.to_list() == floats.to_list() == [each.removesuffix(", 0.5") for each in lists]


@given(st.floats())
def test_the_text_of_a_number_is_that_number(number: float) -> None:
    text = texts(pl.DataFrame({"n": [number]}), ["n"])["n"][0]
    assert float(text) == number or (math.isnan(number) and text == "NaN")


def test_a_number_that_was_delivered_is_unchanged_on_a_page_of_fractions(ledger: Ledger, tmp_path: Path) -> None:
    shop = Workshop(tmp_path, ledger)
    keys = {"mapping": {"Email": "Email", "Seats": "Seats"}}
    assert shop.run([person("ann", Seats=5)], **keys).counts.total == 1
    run = shop.run([person("ann", Seats=5), person("bob", Seats=5.5)], **keys)
    assert shop.outcomes(run) == {"ann@example.com": "duplicate/unchanged", "bob@example.com": "new/added"}
