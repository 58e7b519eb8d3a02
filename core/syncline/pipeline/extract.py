"""Extract: pages of the source, read ahead in a thread, as batches with IDs and row numbers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from queue import Full, Queue
from typing import Any

import polars as pl

from ..batch import ID, ROW, flatten, frame_of
from ..errors import PluginError, QuotaSpent
from ..plugin import End, Ending, Page, Partition, Source

READ_AHEAD = 3
"""Pages waiting to be shaped: enough to hide the network, few enough to bound memory."""


@dataclass(frozen=True)
class Batch:
    """Some leads on their way, and the run's `cursor` after them: a resumed run reads on from there."""

    frame: pl.DataFrame
    cursor: str | None


class Extraction:
    """Iterate it once for the batches of a window; afterwards `end` says how the read ended. `spent` is there when the
    source had no call of the day left: what was read before goes its way, and the rest is for another day.

    `since` is the cursor of a run that is taken up again, and `recorded` what that run has recorded already (columns
    `#id`, `#row`, `#key`): those records are passed over, so that each is counted once.
    """

    def __init__(
        self,
        source: Source[Any],
        partitions: Sequence[Partition],
        *,
        since: str | None = None,
        recorded: pl.DataFrame | None = None,
        behind_cursor: int = 0,
        stop: threading.Event | None = None,
    ) -> None:
        self._source = source
        self._partitions = partitions
        self._since = json.loads(since) if since else None
        self._recorded = recorded if recorded is not None and recorded.height else None
        self._to_pass = behind_cursor
        self._rows = 0 if self._recorded is None else int(self._recorded[ROW].max()) + 1  # type: ignore[arg-type]  # a UInt64 column that is not empty
        self._stop = stop or threading.Event()
        self._ends: list[End] = []
        self._passed_over = False
        self.spent: QuotaSpent | None = None

    @property
    def end(self) -> End:
        """How the whole read ended; the oldest watermark of its partitions, if all of them were read here."""
        endings = {end.ending for end in self._ends}
        if self._stop.is_set() or len(self._ends) < len(self._partitions) or Ending.STOPPED_EARLY in endings:
            return End(Ending.STOPPED_EARLY)
        marks = [end.watermark for end in self._ends if end.watermark is not None]
        whole = Ending.CONFIRMED_EMPTY if endings == {Ending.CONFIRMED_EMPTY} else Ending.COMPLETE
        return End(whole, None if self._passed_over else min(marks, default=None))

    def whole(self) -> End:
        """The end; raises `QuotaSpent` when the rest is for another day."""
        if self.spent is not None:
            raise self.spent
        return self.end

    def __iter__(self) -> Iterator[Batch]:
        pages: Queue[tuple[Page, str | None] | BaseException | None] = Queue(READ_AHEAD)
        gone = threading.Event()
        reader = threading.Thread(
            target=copy_context().run, args=(self._read, pages, gone), name="extract", daemon=True
        )
        reader.start()
        try:
            while (got := pages.get()) is not None:
                if isinstance(got, QuotaSpent):
                    self.spent = got
                    break
                if isinstance(got, BaseException):
                    raise got
                frame = self._numbered(got[0])
                if frame.height:
                    yield Batch(frame, got[1])
        finally:
            gone.set()
            reader.join(timeout=60)

    def _read(self, pages: Queue[Any], gone: threading.Event) -> None:
        def put(item: object) -> bool:
            while not gone.is_set():
                try:
                    pages.put(item, timeout=0.2)
                except Full:
                    continue
                return True
            return False

        try:
            for page, cursor in self._pages():
                if not put((page, cursor)) or self._stop.is_set():
                    break
            put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that reads the queue
            put(error)

    def _pages(self) -> Iterator[tuple[Page, str | None]]:
        reached = self._since is None or self._since["partition"] not in {each.id for each in self._partitions}
        for partition in self._partitions:
            since = None
            if not reached and self._since is not None:
                if partition.id != self._since["partition"]:
                    self._passed_over = True
                    self._ends.append(End(Ending.COMPLETE))
                    continue
                reached, since = True, self._since["cursor"]
            reading = self._source.read(partition, since)
            while True:
                try:
                    page = next(reading)
                except StopIteration as finished:
                    self._ends.append(self._checked(finished.value))
                    break
                yield page, json.dumps({"partition": partition.id, "cursor": page.cursor}) if page.cursor else None

    def _checked(self, end: object) -> End:
        if isinstance(end, End):
            return end
        raise PluginError(
            f"source {self._source.name!r} did not say how its read ended", mend="return End(Ending.…) from read()"
        )

    def _numbered(self, page: Page) -> pl.DataFrame:
        frame = (
            flatten(page.rows) if isinstance(page.rows, pl.DataFrame) else frame_of([dict(row) for row in page.rows])
        )
        if not frame.height:
            return frame
        if clash := [name for name in frame.columns if name.startswith("#")]:
            raise PluginError(
                f"source {self._source.name!r} gives columns that belong to the engine: {', '.join(clash)}"
            )
        id_field = self._source.id_field
        ids = pl.col(id_field).cast(pl.String) if id_field in frame.columns else pl.lit(None, pl.String)
        frame = frame.with_columns(ids.alias(ID))
        frame = self._without_recorded(frame)
        rows = pl.int_range(self._rows, self._rows + frame.height, dtype=pl.UInt64, eager=True).alias(ROW)
        self._rows += frame.height
        return frame.with_columns(rows)

    def _without_recorded(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self._recorded is None:
            return frame
        if self._source.id_field in frame.columns:
            return frame.join(self._recorded.select(ID), on=ID, how="anti", maintain_order="left")
        passed = min(self._to_pass, frame.height)
        self._to_pass -= passed
        return frame.slice(passed)
