"""The rule against one person standing twice in a fetch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from syncline import ID, KEY, ROW, Config, Rule

if TYPE_CHECKING:
    import polars as pl

    from .memory import KeyMemory

IDS_KEPT = 250_000
"""Record IDs are kept of so many leads, for the details; of later ones the row number alone."""


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
        self._ids: list[pl.DataFrame] = []
        self._ids_kept = 0

    @cached_property
    def _memory(self) -> KeyMemory:
        from .memory import KeyMemory

        return KeyMemory()

    def observe(self, frame: pl.DataFrame) -> None:
        """Remember leads that are not judged here: of the fetch (`keep: last`), or of the run taken up again.

        Show only leads that no earlier rule kept out.
        """
        known = frame.select(ID, KEY, ROW).drop_nulls(KEY)
        self._remember(self._memory.marks(known[KEY], known[ROW]), known)

    def reasons(self, frame: pl.DataFrame) -> pl.Series:
        """`file_duplicate` for each lead of which another one, earlier (or later), passes."""
        import polars as pl

        known = frame.select(ID, KEY, ROW).with_row_index("at").drop_nulls(KEY)
        marks = self._memory.marks(known[KEY], known[ROW])
        passes = self._memory.rows_of(marks)
        double = pl.repeat(False, known.height, eager=True)
        double = double.scatter(passes["place"].filter(known[ROW].gather(passes["place"]) != passes["row"]), True)
        if not self.whole_fetch:
            double |= ~known[KEY].is_first_distinct()
            fresh = (~double).scatter(passes["place"], False)
            self._remember(marks.filter(fresh.gather(marks["place"])), known.filter(fresh))
        hit = pl.repeat(False, frame.height, eager=True).scatter(known["at"].filter(double), True)
        return pl.select(pl.when(hit).then(pl.lit(self.name)).alias("reason")).to_series()

    def details(self, ignored: pl.DataFrame) -> Sequence[str | None]:
        """The lead that passes in place of this one: its row, counted from 1 as people do, and its ID where that is
        still known."""
        marks = self._memory.marks(ignored[KEY], ignored[ROW])
        passes = self._memory.rows_of(marks).sort("place")
        ids = self._ids_of(passes["row"])
        return [f"row {row + 1}{ids.get(row, '')} has the same address" for row in passes["row"]]

    def _remember(self, marks: pl.DataFrame, leads: pl.DataFrame) -> None:
        self._memory.add(marks)
        if self._ids_kept < IDS_KEPT:
            self._ids.append(leads.select(ROW, ID).drop_nulls().sort(ROW))
            self._ids_kept += leads.height

    def _ids_of(self, rows: pl.Series) -> dict[int, str]:
        """Row → ` (ID …)`, of those rows whose ID was kept."""
        import polars as pl

        if not self._ids or rows.is_empty():
            return {}
        if len(self._ids) > 1:
            self._ids = [pl.concat(self._ids, rechunk=True).sort(ROW)]
        kept = self._ids[0]
        at = kept[ROW].search_sorted(rows.cast(pl.UInt64).unique())
        found = kept[at.filter(at < kept.height)]
        return {row: f" (ID {source_id})" for row, source_id in found.iter_rows()}
