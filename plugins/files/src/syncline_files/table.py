"""The source `csv`: a table as text."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, BinaryIO

from syncline import Fatal

from .blocks import BOM, Place, blocks, lines
from .config import CsvConfig
from .frames import FileSource, types_of
from .letters import Transcoded

if TYPE_CHECKING:
    import polars as pl

HEAD = 1 << 20
"""Bytes in which the header ends."""


class Csv(FileSource):
    """A table as text (CSV): a record on each line, or on several where a quoted field has line ends. Each record is
    handed on at least once; a run counts it once.

    A run that broke off goes on behind the last record on record. `since_last_fetch` reads what was appended; a file
    that was replaced is read whole. A line with more or fewer fields than the header ends the run, with its number.
    """

    name = "csv"
    offered = False
    Config = CsvConfig
    identity = ("path",)
    config: CsvConfig

    def __init__(self, config: CsvConfig, connection: Any = None) -> None:
        super().__init__(config, connection)
        self.id_field = config.id

    def open(self) -> BinaryIO:
        """The file as UTF-8, whatever it is written in."""
        file = super().open()
        name = self.config.encoding.lower().replace("_", "-")
        return file if name in ("utf-8", "utf8") else Transcoded(file, self.config.encoding, self.config.path)

    def frames(
        self, file: BinaryIO, start: Place, names: Iterable[str], holding: bytes = b""
    ) -> Iterator[tuple[pl.DataFrame, Place]]:
        """See `FileSource`."""
        wanted = list(names)
        header, first = self._begin(file)
        for block, place, end in blocks(file, self.config.path, start if start.offset else first, self._records):
            if holding not in block:
                continue
            frame = self._parsed(block, header, place)
            yield frame.select([name for name in wanted if name in frame.columns] if wanted else frame.columns), end

    def _begin(self, file: BinaryIO) -> tuple[list[str], Place]:
        """The names of the fields, and where the records begin."""
        file.seek(0)
        head = file.read(HEAD)
        skipped = len(BOM) if head.startswith(BOM) else 0
        for _ in range(self.config.skip_lines):
            skipped = head.find(b"\n", skipped) + 1 or len(head)
        if not isinstance(self.config.header, bool):
            names, length = list(self.config.header), 0
        else:
            length = self._first(head[skipped:])
            rows = self._rows(head[skipped : skipped + length], Place())
            names = [name.strip() for name in next(rows, (0, []))[1]]
        double = sorted({name for name in names if names.count(name) > 1})
        if double or "" in names:
            why = f"{', '.join(double)} stands in it twice" if double else "a field has no name"
            raise Fatal(
                "the header cannot be used", where=self.config.path, why=why, mend="name the fields: `header: […]`"
            )
        return names, Place().after(head[: skipped + length], b"")

    def _first(self, text: bytes) -> int:
        """Bytes of the first record."""
        end = 0
        while (end := text.find(b"\n", end) + 1) and self._open_quotes(text[:end]):
            pass
        return end or len(text)

    def _records(self, text: bytes) -> int:
        """Bytes that are whole records: up to the last line end outside of quotes."""
        end = lines(text)
        odd = self._open_quotes(text[:end])
        while end and odd:
            before = lines(text[: end - 1])
            odd ^= self._open_quotes(text[before:end])
            end = before
        return end

    def _open_quotes(self, text: bytes) -> bool:
        return bool(self.config.quote) and text.count(self.config.quote.encode()) % 2 == 1

    def _parsed(self, text: bytes, header: Sequence[str], place: Place) -> pl.DataFrame:
        """All fields, as text or as their declared type; an empty field is null."""
        import polars as pl

        found = self._quickly(text, header)
        if found is None:
            rows = [row for _, row in self._rows(text, place, len(header))]
            found = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")
        empty = ["", *self.config.nulls]
        kinds = types_of(self.config.types)
        return found.select(
            pl.when(~pl.col(name).is_in(empty)).then(pl.col(name)).cast(kinds.get(name, pl.String()), strict=False)
            if not isinstance(kinds.get(name), pl.Boolean)
            else pl.col(name).str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
            for name in header
        )

    def _quickly(self, text: bytes, header: Sequence[str]) -> pl.DataFrame | None:
        """What Polars makes of it; None where a line may have too few or too many fields, or is odd otherwise."""
        import polars as pl

        try:
            found = pl.read_csv(
                BytesIO(text),
                has_header=False,
                schema=dict.fromkeys(header, pl.String),
                infer_schema=False,
                separator=self.config.delimiter,
                quote_char=self.config.quote or None,
                empty_string_is_null=False,
            )
        except pl.exceptions.PolarsError:
            return None  # it does not say which line
        sign = self.config.delimiter
        within = found.select(pl.sum_horizontal(pl.all().str.count_matches(sign, literal=True).sum())).item()
        inner = within if self.config.quote and self.config.quote.encode() in text else 0
        whole = text.count(sign.encode()) - inner == found.height * (len(header) - 1)  # a short line has too few signs
        return found if whole else None

    def _rows(self, text: bytes, place: Place, fields: int | None = None) -> Iterator[tuple[int, list[str]]]:
        """Each record with the number of its line; `Fatal` for one that is none, or has not so many `fields`."""
        try:
            whole = StringIO(text.decode(), newline="")
        except UnicodeDecodeError as error:
            line = place.line + text.count(b"\n", 0, error.start) + 1
            raise _bad(self.config.path, line, "it is not UTF-8", "say its `encoding`") from None
        sign, quote = self.config.delimiter, self.config.quote
        if quote:
            reader = csv.reader(whole, delimiter=sign, quotechar=quote, strict=True)
        else:
            reader = csv.reader(whole, delimiter=sign, quoting=csv.QUOTE_NONE, strict=True)
        line = place.line + 1
        try:
            for row in reader:
                if row and fields is not None and len(row) != fields:
                    raise _bad(self.config.path, line, f"it has {len(row)} fields, the header has {fields}")
                if row:
                    yield line, row
                line = place.line + reader.line_num + 1
        except csv.Error as error:
            raise _bad(self.config.path, line, str(error)) from None


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _bad(path: str, line: int, why: str, mend: str = "correct the line, or take it out") -> Fatal:
    return Fatal("a line cannot be read", where=f"{path}:{line}", why=why, mend=mend)
