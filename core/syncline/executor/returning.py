"""Dead letters that return: after the records of a run, those that are due and whose people did not come anew."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import polars as pl

from ..batch import ID, KEY
from ..ledger import Ledger, RunRecord
from ..ledger.backoff import NOT_SENT, UNKNOWN_CODE
from ..pipeline import LETTERS, numbered
from ..plugin import Sink

Shaped = tuple[pl.DataFrame, str | None]


class Returning:
    """The letters of one sync in one run (None: a preview, which settles none).

    `recorded` is what the run has recorded before it was broken off, `cursor` where it stands. A person or a record
    that comes in the run is newer than any letter, so `watched` takes note of who comes.
    """

    def __init__(
        self,
        ledger: Ledger,
        sync_id: int | None,
        sink: Sink[Any],
        *,
        run: RunRecord | None = None,
        recorded: Sequence[pl.DataFrame] = (),
    ) -> None:
        self._ledger = ledger
        self._sink = sink
        self._run = run
        self._cursor = run.cursor if run else None
        found = ledger.open_letters(sync_id) if sync_id is not None else None
        self._letters = found.filter(pl.col("run_id") != run.id) if found is not None and run else found
        self._keys = set[str]()
        self._ids = set[str]()
        for frame in recorded:
            self._note(frame)

    def watched(self, shaped: Iterable[Shaped]) -> Iterator[Shaped]:
        """The batches as they are; who is in them is noted."""
        for frame, cursor in shaped:
            self._note(frame)
            self._cursor = cursor or self._cursor
            yield frame, cursor

    def batches(self, start: int, fields: Sequence[str]) -> Generator[Shaped]:
        """Those that return now, as batches of mapped leads from row `start` on. Call it when the source is read.

        Letters are read as late as possible, so that nobody comes who was forgotten meanwhile.
        """
        if self._letters is None or self._letters.is_empty():
            return
        self._settle_changed()
        due = self._due()["id"].to_list()
        for place in range(0, len(due), LETTERS):
            letters = self._ledger.dead_letters(ids=due[place : place + LETTERS])
            for frame, _ in numbered(letters, start, fields):
                yield frame, self._cursor
                start += frame.height
            if self._run is not None:  # those with an address are settled by their outcome
                nobody = [letter.id for letter in letters if letter.key is None]
                self._ledger.settle_dead_letter(nobody, self._run.id, "taken")

    def _note(self, frame: pl.DataFrame) -> None:
        if self._letters is None or self._letters.is_empty():
            return
        for name, seen in ((KEY, self._keys), (ID, self._ids)):
            seen.update(frame[name].filter(frame[name].is_in(self._letters[name].drop_nulls().implode())).drop_nulls())

    def _due(self) -> pl.DataFrame:
        """What was never sent is due at once; what may have been sent, only where a second time does no harm."""
        letters = self._letters if self._letters is not None else pl.DataFrame()
        came = _among(KEY, self._keys) | _among(ID, self._ids)
        due = letters.filter(~came & (pl.col("return_at") <= self._ledger.now()))
        lost = (pl.col("code") == UNKNOWN_CODE) & (pl.col("message") != NOT_SENT)
        if due.filter(lost).height:
            _ = self._sink.target  # a sink may know its list, and whether it mails people, only when asked
            due = due if self._sink.repeatable else due.filter(~lost)
        return due

    def _settle_changed(self) -> None:
        """The record of a letter came in this run with another address: that is the one to go by."""
        if self._run is None or self._letters is None:
            return
        changed = self._letters.filter(_among(ID, self._ids) & ~_among(KEY, self._keys))
        self._ledger.settle_dead_letter(changed["id"].to_list(), self._run.id, "changed")


def _among(name: str, seen: set[str]) -> pl.Expr:
    return pl.col(name).is_in(pl.Series(sorted(seen), dtype=pl.String).implode()).fill_null(value=False)
