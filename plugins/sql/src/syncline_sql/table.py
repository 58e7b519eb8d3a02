"""What the sink asks of a database, in words that both kinds understand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl

PLACE = "#place"
"""UInt32: the place of a row in its batch."""


class Refusal(Exception):
    """The database refused the rows for what they hold: `code` is its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Table(Protocol):
    """A table whose rows are told apart by one column. All methods are called by one thread at a time.

    They raise `Fatal` when the database cannot be used, `Retriable` when it is busy, `Lost` when it is not known
    whether a batch was committed.
    """

    def columns(self) -> list[str] | None:
        """The names of its columns; None: it is not there."""
        ...

    def is_key(self, column: str) -> bool:
        """Whether the column alone is unique."""
        ...

    def create(self, columns: Sequence[str], key: str) -> None:
        """Make it, with columns of text."""
        ...

    def known(self, rows: pl.DataFrame, key: str) -> pl.DataFrame:
        """Of rows with `#place`: those that are there (`#place`), and whether they are there as they are (`same`)."""
        ...

    def upsert(self, rows: pl.DataFrame, key: str, *, update: bool) -> pl.DataFrame:
        """Add and change rows in one transaction; those that were there before, as `known` told it then. Raises
        `Refusal`, and nothing was changed."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


def quoted(name: str) -> str:
    """An identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def table_name(name: str) -> str:
    """A table, with its schema if one is named."""
    return ".".join(map(quoted, name.split(".")))


def conflict(columns: Sequence[str], key: str, *, update: bool) -> str:
    """What an insert does with a row that is there."""
    changed = [f"{quoted(name)} = excluded.{quoted(name)}" for name in columns if name != key]
    do = f"DO UPDATE SET {', '.join(changed)}" if update and changed else "DO NOTHING"
    return f"ON CONFLICT ({quoted(key)}) {do}"
