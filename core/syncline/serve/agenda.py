"""The agenda: which sync comes next, and when. One entry for each sync; a new one takes the place of the old."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime

SPARE = 64
"""Entries that were replaced are kept up to this number, and up to one for each that holds."""


class Agenda:
    """Syncs by the moment at which something is to be started for them."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[datetime, int]] = {}
        self._heap: list[tuple[datetime, int, int]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """How many entries are kept, those that were replaced among them."""
        return len(self._heap)

    def put(self, sync_id: int, start: datetime) -> None:
        """Look at this sync at `start`."""
        self._number += 1
        self._entries[sync_id] = (start, self._number)
        heapq.heappush(self._heap, (start, self._number, sync_id))
        if self.size > 2 * len(self) + SPARE:  # more was put off than is left
            self._heap = [(start, number, each) for each, (start, number) in self._entries.items()]
            heapq.heapify(self._heap)

    def hasten(self, sync_id: int, start: datetime) -> None:
        """Look at this sync at `start`, unless it comes earlier anyway."""
        entry = self._entries.get(sync_id)
        if entry is None or start < entry[0]:
            self.put(sync_id, start)

    def drop(self, sync_id: int) -> None:
        """Nothing is to be started for this sync."""
        self._entries.pop(sync_id, None)

    def start(self, sync_id: int) -> datetime | None:
        """The moment of this sync, if it has one."""
        entry = self._entries.get(sync_id)
        return None if entry is None else entry[0]

    def take(self, now: datetime) -> Iterator[int]:
        """The syncs whose moment has come, the earliest first; each is taken out as it is yielded."""
        while (first := self._first()) is not None and first[0] <= now:
            heapq.heappop(self._heap)
            del self._entries[first[2]]
            yield first[2]

    @property
    def next(self) -> datetime | None:
        """The earliest moment; None when nothing is to be started."""
        first = self._first()
        return None if first is None else first[0]

    def _first(self) -> tuple[datetime, int, int] | None:
        while self._heap:
            start, number, sync_id = self._heap[0]
            if self._entries.get(sync_id) == (start, number):
                return self._heap[0]
            heapq.heappop(self._heap)
        return None
