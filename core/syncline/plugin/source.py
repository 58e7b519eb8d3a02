"""Sources: where records come from, in windows, partitions and pages."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from ..budget import Limit
from .config import C, Check, Choice, Field
from .connection import Plugin

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Window:
    """What one run retrieves. Times are aware, in UTC.

    `fields` are the source fields the mapping needs (dotted parts included; empty: all). `after` is the moment of
    `retrieve: {after: …}`. `watermark` is what the last complete read of this sync returned in its `End`, given for
    `since_last_fetch` only. `created` is the moment the sync was created, `now` the start of the run.
    """

    created: datetime
    now: datetime
    fields: tuple[str, ...] = ()
    after: datetime | None = None
    watermark: str | None = None


@dataclass(frozen=True)
class Partition:
    """A part of a window that can be read on its own. `id` is unique in the window; all fields are plain data."""

    id: str
    window: Window
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Some records, and the `cursor` from which a later `read` goes on after them (None: only from the start).

    `rows` is a frame (struct columns are flattened to dotted ones by the engine) or a list of dicts.
    """

    rows: pl.DataFrame | Sequence[Mapping[str, Any]]
    cursor: str | None = None


class Ending(StrEnum):
    """How a read ended. Only the first two may ever lead to a removal."""

    COMPLETE = "complete"
    CONFIRMED_EMPTY = "confirmed_empty"
    STOPPED_EARLY = "stopped_early"


@dataclass(frozen=True)
class End:
    """The return value of every `read`; `watermark` is handed to the next `since_last_fetch` window."""

    ending: Ending
    watermark: str | None = None


Pages = Generator[Page, None, End]


class Source(Plugin[C]):
    """Where records come from."""

    connections: ClassVar[tuple[str, ...]] = ()
    """Connection types that `connection:` may name; empty: the source takes no connection."""
    identity: ClassVar[tuple[str, ...]] = ()
    """Config keys that make another sync when they change (DESIGN 8)."""
    id_field: str | None = None
    """The column that holds the record's ID."""

    def __init__(self, config: C, connection: Any = None) -> None:
        super().__init__(config)
        self.connection = connection

    @property
    def calls(self) -> int:
        """Requests made so far to the product's API, token requests apart."""
        return 0

    def budget(self) -> tuple[str, Limit] | None:
        """The call budget that its reads are taken from, by name, with what it allows; None: none. No network.

        Where the limit has a quota of the day, a preview and a run say beforehand what is left of it.
        """
        return None

    def check(self, needed: Sequence[str]) -> Iterator[Check]:
        """Test that the source is there and shows the `needed` fields."""
        yield from ()

    def fields(self) -> Sequence[Field] | None:
        """The fields that can be mapped; None when unknown until data is read. May use the network."""
        return None

    @classmethod
    def choices(cls, key: str, given: Mapping[str, Any], connection: Any) -> Sequence[Choice] | None:
        """For `syncline init`: what the config `key` may be, read from the account of `connection`, best first.

        `given` holds the keys answered so far, in the order of the config. None: the key is not one to choose. A key
        without a default is asked for in any case, one with a default only if it has choices. May use the network.
        """
        return None

    @classmethod
    def known_fields(cls, config: C) -> Sequence[str] | None:
        """Field names known without network and secrets, for `validate`; None: not known."""
        return None

    def partitions(self, window: Window) -> Sequence[Partition]:
        """The parts to read; one, unless the source can be read side by side."""
        return [Partition("all", window)]

    def read(self, partition: Partition, since: str | None) -> Pages:
        """Yield pages from the cursor `since` on (None: from the start) and return how the read ended.

        Trouble is raised, or told as `Ending.STOPPED_EARLY`; it never becomes a short listing.
        """
        raise NotImplementedError(type(self).__name__)

    def fetch_one(self, id: str) -> Mapping[str, Any] | None:
        """One record by its ID, or None when there is none; for `explain`. Optional."""
        return None

    def zone(self) -> str | None:
        """The IANA zone in which people read this source's times; the default of `schedule.timezone`."""
        return None

    def describe(self) -> dict[str, str]:
        """What `show` prints of the source, in order: label → value."""
        return {}


class RowSource(Source[C]):
    """The row-wise twin: `rows` yields dicts; the engine pages them. A read that ends normally is complete."""

    page_rows: ClassVar[int] = 1000

    def rows(self, window: Window) -> Iterable[Mapping[str, Any]]:
        """All records of the window."""
        raise NotImplementedError(type(self).__name__)

    def read(self, partition: Partition, since: str | None) -> Pages:
        """Page what `rows` yields."""
        page: list[Mapping[str, Any]] = []
        for row in self.rows(partition.window):
            page.append(row)
            if len(page) >= self.page_rows:
                yield Page(page)
                page = []
        if page:
            yield Page(page)
        return End(Ending.COMPLETE)
