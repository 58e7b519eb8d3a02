"""A compact memory of the keys of a whole fetch, and of the row where each was seen."""

from __future__ import annotations

import secrets

import polars as pl

RUN_ROWS = 1 << 20
"""Sorted runs are merged up to this size, so that a merge never needs much room beside what is kept."""
IDS_KEPT = 250_000
"""Record IDs are kept of so many leads, for the details; of later ones the row number alone."""

_ORDER = ("hash", "check")


class KeyMemory:
    """Remembers keys as 96-bit fingerprints (64 + 32, keyed anew for each run) in sorted runs: 16 bytes a key.

    Two different keys of ten million share a fingerprint with a probability of about 10⁻¹⁵, so no innocent lead is
    taken for a duplicate. A look-up is a binary search in each run, of which there are about log₂ of the batches, plus
    one for each million keys.
    """

    def __init__(self) -> None:
        self._seeds = (secrets.randbits(63), secrets.randbits(63))
        self._runs: list[pl.DataFrame] = []

    def __len__(self) -> int:
        return sum(run.height for run in self._runs)

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(int(run.estimated_size()) for run in self._runs)

    def marks(self, keys: pl.Series, rows: pl.Series) -> pl.DataFrame:
        """Columns `hash`, `check` and `row` of keys that are not null."""
        low, high = self._seeds
        return pl.DataFrame(
            {
                "hash": keys.hash(low),
                "check": (keys.hash(high) % (1 << 32)).cast(pl.UInt32),
                "row": rows.cast(pl.UInt32),
            }
        )

    def rows_of(self, marks: pl.DataFrame) -> pl.Series:
        """For each mark the row where its key was seen (the latest, if it was remembered more than once), or null."""
        found = pl.repeat(None, marks.height, dtype=pl.UInt32, eager=True)
        for run in self._runs:
            seen = _look_up(run, marks)
            found = pl.select(pl.max_horizontal(found, seen)).to_series()
        return found

    def add(self, marks: pl.DataFrame) -> None:
        """Remember marks; of two with one key the later row stays."""
        if marks.is_empty():
            return
        self._runs.append(_sorted(marks))
        while len(self._runs) > 1 and self._runs[-2].height <= 2 * self._runs[-1].height:
            if self._runs[-2].height + self._runs[-1].height > RUN_ROWS:
                break
            later, earlier = self._runs.pop(), self._runs.pop()
            self._runs.append(_sorted(pl.concat([earlier, later])))


def _sorted(marks: pl.DataFrame) -> pl.DataFrame:
    latest = marks.sort("hash", "check", "row").unique(_ORDER, keep="last", maintain_order=True)
    return latest.rechunk().with_columns(pl.col("hash").set_sorted())


def _look_up(run: pl.DataFrame, marks: pl.DataFrame) -> pl.Series:
    """The row of each mark in one run, or null. Equal 64-bit hashes with unequal checks stand side by side."""
    at = run["hash"].search_sorted(marks["hash"], side="left")
    place = at.clip(0, run.height - 1)
    found = run[place]
    hit = (found["hash"] == marks["hash"]) & (found["check"] == marks["check"])
    rows = pl.select(pl.when(hit).then(found["row"])).to_series()
    doubt = (found["hash"] == marks["hash"]) & (found["check"] != marks["check"])
    if doubt.any():
        exact = marks.filter(doubt).join(run, on=_ORDER, how="left", maintain_order="left")["row_right"]
        rows = rows.scatter(doubt.arg_true(), exact)
    return rows
