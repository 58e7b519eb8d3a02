"""A call to the sink on its way, and what the ledger is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from ..batch import ROW


class Journal(Protocol):
    """What of the ledger's journal is needed here."""

    def sending(self, seq: int, rows: Sequence[int], *, wait: bool = True) -> Any:
        """These rows are about to go out; a future, if that is not waited for."""
        ...

    def unsent(self, seq: int, rows: Sequence[int]) -> Any:
        """These rows surely were not carried out."""
        ...

    def flush(self) -> None:
        """Return when all that was asked so far is on record."""
        ...

    def answered(self, seq: int, results: pl.DataFrame, *, wait: bool, later: bool) -> Any:
        """The final outcomes of these rows."""
        ...


@dataclass(frozen=True)
class Call:
    """The leads of one `Sink.deliver`: shaped rows with what is planned for them."""

    seq: int
    leads: pl.DataFrame
    encoded: pl.DataFrame
    attempt: int = 1
    marked: Future[None] | None = None
    """Its mark, if it was asked for ahead."""

    def filter(self, keep: pl.Series, attempt: int | None = None) -> Call:
        """The call with only some of its leads."""
        return Call(self.seq, self.leads.filter(keep), self.encoded.filter(keep), attempt or self.attempt)

    @property
    def rows(self) -> list[int]:
        """The row numbers of its leads."""
        return self.leads[ROW].to_list()
