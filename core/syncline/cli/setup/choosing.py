"""Finding among many choices the one that somebody means. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from ...plugin import Choice

SHOWN = 20
"""Most choices on the screen at once."""


def found(choices: Sequence[Choice], typed: str) -> list[int]:
    """The places of the choices that `typed` may mean: of the one with this value; else of those with this label; else
    of the one with this number (from 1); else of all that hold it as a part of value or label."""
    wanted = typed.casefold()
    for same in (
        [n for n, each in enumerate(choices) if each.value == typed],
        [n for n, each in enumerate(choices) if wanted in (each.value.casefold(), each.label.casefold())],
    ):
        if same:
            return same
    if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= len(choices):
        return [int(typed) - 1]
    return [n for n, each in enumerate(choices) if wanted in f"{each.value}\n{each.label}".casefold()]


def exact(choices: Sequence[Choice], given: str) -> Choice | None:
    """The choice that a script means: by its value, or by a label that only one has. No part, no number."""
    same = [each for each in choices if each.value == given] or [each for each in choices if each.label == given]
    return same[0] if len(same) == 1 else None


def nearest(choices: Sequence[Choice], typed: str) -> str:
    """`; did you mean 'all_signups'?`, or which values there are."""
    by_name = {each.label.casefold(): each.value for each in choices if each.label}
    by_name |= {each.value.casefold(): each.value for each in choices}
    close = get_close_matches(typed.casefold(), by_name, 1)
    if close:
        return f"; did you mean {by_name[close[0]]!r}?"
    more = f" and {len(choices) - SHOWN} more" if len(choices) > SHOWN else ""
    return f"; there is {', '.join(repr(each.value) for each in choices[:SHOWN])}{more}" if choices else ""


def rows(choices: Sequence[Choice], places: Sequence[int]) -> Mapping[int, Sequence[str]]:
    """Number → value, label and detail, for the first of the places; a label that says nothing new is left out."""
    return {
        n + 1: (each.value, "" if each.label == each.value else each.label, each.detail)
        for n in places[:SHOWN]
        for each in [choices[n]]
    }
