"""Reads as the engine makes them, and what a source may say of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from ..batch import flatten, frame_of
from ..errors import SynclineError
from ..plugin import End, Ending, Page, Partition, Source, Window
from . import promises
from .contract import Contract
from .faults import RETRY_AFTER, Fault, places
from .promises import BrokenPromise

if TYPE_CHECKING:
    import polars as pl

MOST_PAGES = 2000
MOST_ADDRESSES = 200
ENDED_WELL = (Ending.COMPLETE, Ending.CONFIRMED_EMPTY)


@dataclass
class Read:
    """What came out of one read: its pages, how it ended, or the error that ended it."""

    pages: list[Page] = field(default_factory=list)
    end: End | None = None
    error: Exception | None = None

    @property
    def frames(self) -> list[pl.DataFrame]:
        """The pages, flattened."""
        return [framed(page) for page in self.pages]

    def records(self, key: str | None) -> list[str]:
        """The records in order: see `records_of`."""
        return records_of(self.frames, key)


def records_of(frames: Iterable[pl.DataFrame], key: str | None) -> list[str]:
    """The records of frames in order: by their IDs, or by all that they hold."""
    found: list[str] = []
    for frame in frames:
        if key is not None and key in frame.columns:
            found += [str(value) for value in frame[key]]
        else:
            rows = (sorted((name, repr(value)) for name, value in row.items()) for row in frame.to_dicts())
            found += [repr([pair for pair in row if pair[1] != "None"]) for row in rows]
    return found


def framed(page: Page) -> pl.DataFrame:
    """A page as the engine takes it."""
    import polars as pl

    return flatten(page.rows) if isinstance(page.rows, pl.DataFrame) else frame_of([dict(row) for row in page.rows])


class Reading(Contract):
    """A source at work; see `SourceContract`."""

    plugin: ClassVar[type[Source[Any]]]
    asks: ClassVar[Sequence[str]] = ()
    """Fields that a mapping would name; without them those of the first page."""

    def window(self, fields: Sequence[str] = (), watermark: str | None = None) -> Window:
        """What a run retrieves: everything, or what is newer than the watermark."""
        now = datetime.now(UTC) + timedelta(seconds=1)
        return Window(created=now, now=now, fields=tuple(fields), watermark=watermark)

    def asked(self) -> Sequence[str]:
        return self.asks

    def key(self) -> str | None:
        """The column of the record's ID."""
        return self.plugin.id_field or self.made().id_field

    # --------------------------------------------------------------------------------------------------- one read

    def read(self, source: Source[Any], window: Window | None = None, while_: str = "all was well") -> Read:
        """Read all partitions of a window, and hold the source to what it says."""
        done = Read()
        try:
            for partition in source.partitions(window or self.window()):
                part = self.go_on(source, partition, None, while_)
                done.pages += part.pages
                done.end, done.error = part.end, part.error
                if done.error is not None or (done.end and done.end.ending is Ending.STOPPED_EARLY):
                    break
        except SynclineError as error:
            done.error = error
        except Exception as error:  # noqa: BLE001 - what it is, is looked at
            self.sound(error, f"{while_} and `partitions` was asked")
        if done.error is not None:
            self.sound(done.error, f"{while_} and a read ran")
        return done

    def go_on(self, source: Source[Any], partition: Partition, since: str | None, while_: str = "all was well") -> Read:
        """Read one partition from a cursor on."""
        done = Read()
        pages = source.read(partition, since)
        try:
            while True:
                page = next(pages)
                done.pages.append(page)
                endless = len(done.pages) > MOST_PAGES or (self.remote is not None and self.remote.flooded)
                self.promised(promises.ENDED, not endless, f"{while_}; the read went on without end")
                self._look(page, while_)
        except StopIteration as finished:
            done.end = self._ended(finished.value, done, while_)
        except BrokenPromise:
            raise
        except Exception as error:  # noqa: BLE001 - what it is, is looked at
            done.error = error
        flooded = self.remote is not None and self.remote.flooded
        self.promised(promises.ENDED, not flooded, f"{while_}; the read called the product without end")
        return done

    def _look(self, page: object, while_: str) -> None:
        import polars as pl

        self.promised(promises.PAGES, isinstance(page, Page), f"{while_}; a read yielded {page!r}")
        assert isinstance(page, Page)  # noqa: S101 - just seen; for the types
        rows = page.rows
        right = isinstance(rows, pl.DataFrame) or all(isinstance(row, Mapping) for row in rows)
        self.promised(promises.PAGES, right, f"{while_}; the rows of a page are {type(rows).__name__}")
        own = [name for name in framed(page).columns if name.startswith("#")]
        self.promised(promises.PAGES, not own, f"{while_}; a page has columns of the engine's: {own}")
        text = page.cursor is None or isinstance(page.cursor, str)
        self.promised(promises.RESUMED, text, f"{while_}; a cursor is {page.cursor!r}, not text")

    def _ended(self, end: object, done: Read, while_: str) -> End:
        right = isinstance(end, End) and isinstance(end.ending, Ending)
        self.promised(promises.ENDED, right, f"{while_}; the read returned {end!r}")
        assert isinstance(end, End)  # noqa: S101 - just seen; for the types
        mark = end.watermark is None or isinstance(end.watermark, str)
        self.promised(promises.ENDED, mark, f"{while_}; the watermark is {end.watermark!r}, not text")
        empty = not any(len(page.rows) for page in done.pages)
        lie = end.ending is Ending.CONFIRMED_EMPTY and not empty
        self.promised(promises.COMPLETE, not lie, f"{while_}; the read was called empty, and pages held records")
        return end

    def whole(self) -> tuple[Read, int]:
        """A read when all is well, and the calls it took."""
        source = self.fresh()
        before = self.calls() if self.remote else 0
        done = self.read(source)
        well = done.end is not None and done.end.ending in ENDED_WELL
        self.promised(promises.ENDED, well, f"all was well; the read ended with {done.error or done.end!r}")
        return done, (self.calls() if self.remote else 0) - before

    # ---------------------------------------------------------------------------------------------------- faults

    def suffer(self, fault: Fault) -> None:
        """Play a fault on some calls of a read; complete is only what holds every record."""
        remote = self.network(fault)
        done, several = self.whole()
        self.asks_for_tokens(fault)
        wanted, private = done.records(self.key()), addresses(done)
        for at in places(several):
            if fault is Fault.EMPTY_PAGE and at == several:  # nobody can tell an emptied last page from the end
                continue
            source = self.fresh()
            counted, arrived = source.calls, self.calls()
            remote.play(fault, at)
            while_ = f"at call {at} of {several} {fault}"
            found = self.read(source, while_=while_)
            self._hold(found, wanted, while_)
            if found.error is not None:
                self.discreet([str(found.error)], private)
            if fault is Fault.TOKEN_REFUSED:
                seen = f"{while_}; the read ended with {found.error or found.end!r}"
                self.promised(promises.TOKEN_RENEWED, found.error is None, seen)
            made, arrived = source.calls - counted, self.calls() - arrived
            self.promised(promises.COUNTED, made == arrived, f"{while_}; {arrived} calls arrived, {made} were counted")
            if fault is Fault.THROTTLED:
                self.came_later(arrived, at, RETRY_AFTER, while_)

    def _hold(self, found: Read, wanted: Sequence[str], while_: str) -> None:
        got = set(found.records(self.key()))
        if found.end is not None and found.end.ending in ENDED_WELL:
            short = len(set(wanted) - got)
            seen = f"{while_}; the read ended as {found.end.ending} and lacks {short} of {len(wanted)} records"
            self.promised(promises.COMPLETE, not short, seen)


def addresses(done: Read) -> list[str]:
    """The addresses that records hold: none of them may stand in a message."""
    import polars as pl

    texts = (frame[name] for frame in done.frames for name in frame.columns if frame[name].dtype == pl.String)
    return sorted({value for column in texts for value in column.drop_nulls() if "@" in value})[:MOST_ADDRESSES]


def plain(partition: Partition) -> Partition:
    """The partition after it crossed a border as JSON. Raises TypeError when it is no plain data."""
    return msgspec.convert(msgspec.json.decode(msgspec.json.encode(partition)), Partition)
