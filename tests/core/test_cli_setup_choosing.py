"""Among hundreds of choices the one that is meant is found by number, name or part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline import Choice
from syncline.cli.commands.init import FREQUENCIES
from syncline.cli.setup import timing
from syncline.cli.setup.choosing import SHOWN, exact, found, nearest, rows
from syncline.cli.setup.keys import Key

LISTS = [Choice(f"list-{n}", f"List of {n}") for n in range(300)] + [Choice("7", "Seven"), Choice("Press", "press")]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("list-17", ["list-17"]),
        ("LIST OF 17", ["list-17"]),
        ("2", ["list-1"]),
        ("7", ["7"]),
        ("of 299", ["list-299"]),
        ("sev", ["7"]),
        ("list-29", ["list-29"]),
        ("-299", ["list-299"]),
        ("nothing", []),
    ],
)
def test_a_choice_is_found(typed: str, meant: list[str]) -> None:
    assert [LISTS[n].value for n in found(LISTS, typed)] == meant


def test_a_part_that_many_have_finds_them_all_and_twenty_are_shown() -> None:
    places = found(LISTS, "list")
    assert len(places) == 300
    shown = rows(LISTS, places)
    assert list(shown) == list(range(1, SHOWN + 1))
    assert list(rows(LISTS, found(LISTS, "of 29")))[:3] == [30, 291, 292]


@given(st.lists(st.builds(Choice, st.text(min_size=1), st.text()), min_size=1, unique_by=lambda each: each.value))
def test_every_choice_is_found_by_its_value(choices: list[Choice]) -> None:
    for n, each in enumerate(choices):
        assert found(choices, each.value) == [n]
        assert exact(choices, each.value) == each


def test_a_script_names_a_value_or_a_label_that_only_one_has() -> None:
    twins = [Choice("1", "Leads"), Choice("2", "Leads"), Choice("3", "Press")]
    assert exact(twins, "Press") == twins[2]
    assert exact(twins, "Leads") is None
    assert exact(twins, "Pres") is None


def test_the_nearest_is_suggested_and_else_what_there_is() -> None:
    assert nearest([Choice("all_signups", "All sign-ups")], "all_signup") == "; did you mean 'all_signups'?"
    assert nearest([Choice("all_signups", "All sign-ups")], "All Signups") == "; did you mean 'all_signups'?"
    assert nearest([Choice("a"), Choice("b")], "zzz") == "; there is 'a', 'b'"
    assert nearest(LISTS, "zzz").endswith(f" and {len(LISTS) - SHOWN} more")
    assert nearest([], "zzz") == ""


@pytest.mark.parametrize(
    ("schema", "answer", "value"),
    [
        ({"type": "string"}, "007", "007"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "no", "no"),
        ({"anyOf": [{"type": "string", "pattern": "x"}, {"$ref": "#/$defs/reference"}]}, "3", "3"),
        ({"enum": ["1", "2"]}, "1", "1"),
        ({"type": "integer"}, "3", 3),
        ({"type": "boolean"}, "true", True),
        ({"type": "array", "items": {"type": "string"}}, "[a, b]", ["a", "b"]),
        ({"anyOf": [{"$ref": "#/$defs/connection.zoho.Budget"}, {"type": "null"}]}, "{calls: 5}", {"calls": 5}),
        ({"type": "integer"}, "[", "["),
    ],
)
def test_an_answer_becomes_the_value_that_its_key_takes(schema: dict[str, object], answer: str, value: object) -> None:
    assert Key("key", schema, required=True).value(answer) == value


def test_the_frequencies_of_the_command_line_are_those_of_schedules() -> None:
    assert timing.FREQUENCIES == FREQUENCIES
