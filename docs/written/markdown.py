"""Pieces of Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; columns that are empty in every row are left out."""
    kept = [n for n in range(len(head)) if n == 0 or any(row[n] for row in rows)]
    lines = [
        [head[n] for n in kept],
        ["---"] * len(kept),
        *([row[n].replace("|", "\\|") for n in kept] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def value(plain: Any) -> str:
    """A value as it would stand in YAML."""
    return f"`{plain if isinstance(plain, str) and plain else msgspec.json.encode(plain).decode()}`"


def words(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())


def listed(names: Any) -> str:
    """Names as code, with commas."""
    return ", ".join(f"`{name}`" for name in (sorted(names) if isinstance(names, set) else names))
