"""What sources of files share: fields and their types, and how a run reads a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from syncline import Check, End, Ending, Fatal, Field, Page, Pages, Partition, Source, SynclineError, Window

from .blocks import Place, opened

if TYPE_CHECKING:
    import polars as pl

    from .config import CsvConfig, NdjsonConfig


_PLAIN = re.compile(r"[A-Za-z0-9_.@-]+").fullmatch
"""A text that stands in a file as it is."""


def types_of(types: Mapping[str, str]) -> dict[str, pl.DataType]:
    """The Polars types of the fields that are no text."""
    import polars as pl

    known = {
        "text": pl.String(), "integer": pl.Int64(), "number": pl.Float64(), "boolean": pl.Boolean(),
        "list": pl.List(pl.String()),
    }  # fmt: skip
    return {name: known[kind] for name, kind in types.items()}


def wanted(window: Window, id_field: str | None) -> list[str]:
    """The fields that a run asks for; none: all."""
    names = [*window.fields, *([id_field] if id_field and window.fields else ())]
    return list(dict.fromkeys(names))


class FileSource(Source[Any]):
    """Reads a file from its start, or from where an earlier read ended."""

    config: NdjsonConfig | CsvConfig
    paths = ("path",)

    def open(self) -> BinaryIO:
        """The file; `Fatal` says why it cannot be read."""
        return opened(self.config.path)

    def frames(
        self, file: BinaryIO, start: Place, names: Iterable[str], holding: bytes = b""
    ) -> Iterator[tuple[pl.DataFrame, Place]]:
        """From a place on: frames with these columns (no names: all), and the place after each. Blocks that surely have
        no value `holding` these letters may be left out."""
        raise NotImplementedError(type(self).__name__)

    def check(self, needed: Iterable[str]) -> Iterator[Check]:
        """That the file is there and holds the fields."""
        path = self.config.path
        try:
            known = [field.name for field in self.fields()]
        except SynclineError as error:
            yield Check(path, False, str(error))
            return
        heads = {name.partition(".")[0] for name in known}
        missing = [name for name in needed if name not in known and name.partition(".")[0] not in heads]
        if missing and known:
            found = f"no field {', '.join(missing)} among {', '.join(known)}"
            yield Check(path, False, found, "correct the mapping; a field may also come later in the file")
        else:
            yield Check(path, True, f"{len(known)} fields" if known else "no record")

    def partitions(self, window: Window) -> list[Partition]:
        """The file; a moment cannot be looked up in it."""
        if window.after is not None:
            raise Fatal(
                f"the source {self.name} knows no times",
                where="retrieve: after",
                mend="say `retrieve: all`, or `since_last_fetch` for what was appended since",
            )
        return [Partition("all", window)]

    def read(self, partition: Partition, since: str | None) -> Pages:
        """Pages of some megabytes; the cursor is the place after each."""
        path, window = self.config.path, partition.window
        with self.open() as file:
            start = Place.of(since) if since else Place()
            if since and not start.is_in(file):
                raise Fatal(
                    "the file was replaced while a run was broken off", where=path, mend="run again: it is read anew"
                )
            if not since and window.watermark and Place.of(window.watermark).is_in(file):
                start = Place.of(window.watermark)
            end, some = start, False
            for frame, end in self.frames(file, start, wanted(window, self.config.id)):
                some = some or frame.height > 0
                yield Page(frame, end.text())
        return End(Ending.COMPLETE if some or start.offset else Ending.CONFIRMED_EMPTY, end.text())

    def fetch_one(self, id: str) -> Mapping[str, Any] | None:
        """The record with this ID, looked for from the start of the file."""
        import polars as pl

        if self.config.id is None:
            return None
        as_written = self.config.types.get(self.config.id, "text") == "text" and _PLAIN(id)
        with self.open() as file:
            for frame, _ in self.frames(file, Place(), (), id.encode() if as_written else b""):
                found = frame.filter(pl.col(self.config.id).cast(pl.String) == id)
                if found.height:
                    return found.to_dicts()[0]
        return None

    def fields(self) -> list[Field]:
        """The fields of the first block, in their order."""
        with self.open() as file:
            for frame, _ in self.frames(file, Place(), ()):
                return [Field(name, type=self.config.types.get(name, "text")) for name in frame.columns]
        return []

    def describe(self) -> dict[str, str]:
        """The file."""
        return {"file": self.config.path}
