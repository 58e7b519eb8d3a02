"""The rule against one person standing twice in a fetch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
import polars as pl
from syncline import ID, KEY, ROW, Config, Rule

from .memory import IDS_KEPT, KeyMemory


class FileDuplicateConfig(Config, frozen=True, kw_only=True):
    """Which of several leads with one address is kept."""

    keep: Annotated[
        Literal["first", "last"],
        msgspec.Meta(description="Keep the first lead of each address, or the last (then the fetch is read whole)."),
    ] = "first"


class FileDuplicate(Rule[FileDuplicateConfig]):
    """Ignores a lead whose address stands elsewhere in this fetch: of several, the first (or the last) passes.

    Addresses are compared without blanks at their ends, without letter case, and with the domain in its ASCII form.
    Only leads that no earlier rule kept out are compared.
    """

    name = "file_duplicate"
    Config = FileDuplicateConfig
    codes = {"file_duplicate": "the same address stands elsewhere in this fetch"}  # noqa: RUF012 - a ClassVar

    def __init__(self, config: FileDuplicateConfig) -> None:
        super().__init__(config)
        self.whole_fetch = config.keep == "last"
        self._memory = KeyMemory()
        self._ids: list[pl.DataFrame] = []
        self._ids_kept = 0

    def observe(self, frame: pl.DataFrame) -> None:
        """Remember leads that are not judged here: of the fetch (`keep: last`), or of the run taken up again.

        Show only leads that no earlier rule kept out.
        """
        self._remember(frame.filter(pl.col(KEY).is_not_null()))

    def reasons(self, frame: pl.DataFrame) -> pl.Series:
        """`file_duplicate` for each lead of which another one, earlier (or later), passes."""
        known = frame.select(pl.col(ID), pl.col(KEY), pl.col(ROW)).with_row_index("place").drop_nulls(KEY)
        marks = self._memory.marks(known[KEY], known[ROW])
        if not self.whole_fetch:
            fresh = known[KEY].is_first_distinct() & self._memory.rows_of(marks).is_null()
            self._remember(known.filter(fresh))
        kept = self._memory.rows_of(marks)
        double = known["place"].filter((kept != known[ROW]).fill_null(False))
        hit = pl.repeat(False, frame.height, eager=True).scatter(double, True)
        return pl.select(pl.when(hit).then(pl.lit(self.name)).alias("reason")).to_series()

    def details(self, ignored: pl.DataFrame) -> Sequence[str | None]:
        """The lead that passes in place of this one: its row, counted from 1 as people do, and its ID where that is
        still known."""
        rows = self._memory.rows_of(self._memory.marks(ignored[KEY], ignored[ROW])).to_list()
        ids = self._ids_of(rows)
        return [f"row {row + 1}{ids.get(row, '')} has the same address" for row in rows]

    def _remember(self, frame: pl.DataFrame) -> None:
        self._memory.add(self._memory.marks(frame[KEY], frame[ROW]))
        if self._ids_kept < IDS_KEPT:
            self._ids.append(frame.select(pl.col(ROW), pl.col(ID)))
            self._ids_kept += frame.height

    def _ids_of(self, rows: Sequence[int]) -> dict[int, str]:
        """Row → ` (ID …)`, of those rows whose ID was kept."""
        self._ids = [pl.concat(self._ids)] if len(self._ids) > 1 else self._ids
        found: dict[int, str] = {}
        for kept in self._ids:
            wanted = kept.filter(pl.col(ROW).is_in(list(set(rows))), pl.col(ID).is_not_null())
            found |= {row: f" (ID {source_id})" for row, source_id in wanted.iter_rows()}
        return found
