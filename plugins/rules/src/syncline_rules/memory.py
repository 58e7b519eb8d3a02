"""A compact memory of the keys of a whole fetch, and of the row where each was seen."""

from __future__ import annotations

import secrets

import polars as pl

RUN_ROWS = 1 << 20
"""Sorted runs are merged up to this size, so that a merge never needs much room beside what is kept."""


class KeyMemory:
    """Remembers keys as 96-bit fingerprints (64 + 32 bits, keyed anew for each run): 16 bytes a key with its row.

    Two different keys of ten million share a fingerprint with a probability of about 10⁻¹⁵, so no innocent lead is
    taken for a duplicate. Look-ups are binary searches in a few sorted runs: about log₂ of the number of batches, plus
    one for each million keys.
    """

    def __init__(self) -> None:
        self._seeds = (secrets.randbits(63), secrets.randbits(63))
        self._runs: list[pl.DataFrame] = []

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(int(run.estimated_size()) for run in self._runs)

    def marks(self, keys: pl.Series, rows: pl.Series) -> pl.DataFrame:
        """Columns `hash`, `check`, `row` and `place` (0, 1, …), in order of `hash`, of keys that are not null."""
        low, high = self._seeds
        marks = pl.DataFrame({"hash": keys.hash(low), "check": keys.hash(high) % (1 << 32), "row": rows})
        return marks.cast(_RUN).with_row_index("place").sort("hash")

    def rows_of(self, marks: pl.DataFrame) -> pl.DataFrame:
        """Columns `place` and `row` (the last one remembered) of those marks whose key is known."""
        found: list[pl.DataFrame] = []
        for run in self._runs:
            at = run["hash"].search_sorted(marks["hash"])
            hits = (run["hash"].gather(at) == marks["hash"]).arg_true()
            if hits.len():
                seen = run[at.gather(hits)]
                asked = marks[hits]
                found.append(asked.select("place", row=seen["row"]).filter(asked["check"] == seen["check"]))
        if not found:
            return marks.select("place", "row").clear()
        return pl.concat(found).group_by("place").agg(pl.col("row").max()) if len(found) > 1 else found[0]

    def add(self, marks: pl.DataFrame) -> None:
        """Remember marks; of two with one key the later row stays."""
        if marks.is_empty():
            return
        parts = [marks.select(_RUN.names())]
        height = marks.height
        while self._runs and self._runs[-1].height <= min(2 * height, RUN_ROWS - height):
            parts.append(self._runs.pop()[:-1])
            height += parts[-1].height
        self._runs.append(pl.concat([_sorted(pl.concat(parts)), _LAST], rechunk=True))


def _sorted(run: pl.DataFrame) -> pl.DataFrame:
    """In order of `hash`, each once. Should two keys share their 64 bits, one is forgotten: a lead too many passes."""
    run = run.sort("hash")
    if (run["hash"] == run["hash"].shift(-1)).any():
        run = run.sort("hash", "row").unique("hash", keep="last", maintain_order=True)
    return run


_RUN = pl.Schema({"hash": pl.UInt64, "check": pl.UInt32, "row": pl.UInt32})
"""A run ends with the greatest hash there is and no row, so that a search always ends on a row."""
_LAST = pl.DataFrame({"hash": [2**64 - 1], "check": [0], "row": [None]}, schema=_RUN)
