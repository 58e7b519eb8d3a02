"""Templates of a mapping: `{Name.first_name} {Name.last_name}`; a doubled brace stands for itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class Piece:
    """A piece of a template: a source field, or text that stands as it is."""

    text: str
    is_field: bool


def pieces(text: str) -> tuple[Piece, ...]:
    """The template cut into pieces, in order. Raises ValueError, with the reason, for a brace that has no partner."""
    return tuple(_joined(_cut(text)))


def fields(text: str) -> set[str]:
    """The source fields that the template names."""
    return {piece.text for piece in pieces(text) if piece.is_field}


def _cut(text: str) -> Iterator[Piece]:
    end = 0
    for token in _TOKEN.finditer(text):
        yield Piece(text[end : token.start()], False)
        end = token.end()
        name = token[1]
        if name is not None:
            if not name.strip():
                raise ValueError("an empty {} names no field; for a brace itself write {{ or }}")
            yield Piece(name.strip(), True)
        elif len(token[0]) == 2:
            yield Piece(token[0][0], False)
        else:
            what = "is never closed" if token[0] == "{" else "closes nothing"
            double = token[0] * 2
            raise ValueError(
                f"the {token[0]!r} at character {token.start() + 1} {what}; for a brace itself write {double}"
            )
    yield Piece(text[end:], False)


def _joined(cut: Iterator[Piece]) -> Iterator[Piece]:
    """Neighbouring texts become one, empty ones none."""
    text = ""
    for piece in cut:
        if not piece.is_field:
            text += piece.text
            continue
        if text:
            yield Piece(text, False)
        text = ""
        yield piece
    if text:
        yield Piece(text, False)
