"""Changes of a spec are told so that people see what came, what went, and what is another value now."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline.console.changes import lines, shown, words
from syncline.ledger import difference

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("mapping.City", None, "City"), ["+ mapping.City: City"]),
        (("mapping.City", "City", None), ["- mapping.City: City"]),
        (("mapping.City", "City", {"field": "City"}), ["~ mapping.City: City → {field: City}"]),
        (("enabled", True, False), ["~ enabled: true → false"]),
        (("source.page", 200, 500), ["~ source.page: 200 → 500"]),
        (("transforms", ["trim"], ["trim", "upper"]), ["~ transforms:", "    + upper"]),
        (("transforms", ["a", "b"], ["b", "a"]), ["~ transforms:", "    + b", "    - b"]),
        (("transforms", None, []), ["+ transforms: []"]),
    ],
)
def test_each_kind_of_change_has_its_sign(change: tuple[str, Any, Any], told: list[str]) -> None:
    assert list(lines([change])) == told


def test_one_line_holds_them_all() -> None:
    changes = [("transforms", ["a"], ["b", "c"]), ("enabled", True, False)]
    assert words(changes) == "~ transforms: - a, + b, + c; ~ enabled: true → false"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "''"),
        (" x", "' x'"),
        ("true", "'true'"),
        (True, "true"),
        ("{Name}", "'{Name}'"),
        ("a: b", "'a: b'"),
        ("two\nlines", "two⏎lines"),
        (["a, b", "c"], "['a, b', c]"),
        (None, "nothing"),
    ],
)
def test_a_value_is_told_as_what_it_is(value: Any, told: str) -> None:
    assert shown(value) == told


@given(PLAIN, PLAIN)
def test_any_difference_has_a_line_and_no_difference_has_none(old: Any, new: Any) -> None:
    found = difference({"spec": old}, {"spec": new})
    told = list(lines(found))
    assert bool(told) == bool(found)
    assert all("\n" not in line for line in told)
