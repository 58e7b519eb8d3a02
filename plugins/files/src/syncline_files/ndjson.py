"""The source `ndjson`: one JSON object on each line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from syncline import Fatal

from .blocks import BOM, Place, blocks, lines
from .config import NdjsonConfig
from .frames import FileSource, types_of

if TYPE_CHECKING:
    import polars as pl


_SURROGATE = re.compile(rb"\\u[dD]").search
"""Half of a surrogate pair, written out: Polars takes one that stands alone for a letter."""


class Ndjson(FileSource):
    """A file with one JSON object on each line (NDJSON, JSON Lines), UTF-8.

    Each line is handed on at least once; a run counts it once.

    A run that broke off goes on behind the last line on record. `since_last_fetch` reads what was appended; a file that
    was replaced is read whole. A line that is no object ends the run, with its number.
    """

    name = "ndjson"
    offered = False
    Config = NdjsonConfig
    identity = ("path",)
    config: NdjsonConfig

    def __init__(self, config: NdjsonConfig, connection: Any = None) -> None:
        super().__init__(config, connection)
        self.id_field = config.id

    def frames(
        self, file: BinaryIO, start: Place, names: Iterable[str], holding: bytes = b""
    ) -> Iterator[tuple[pl.DataFrame, Place]]:
        """See `FileSource`."""
        wanted = list(names)
        seen: set[str] = set()
        for block, place, end in blocks(file, self.config.path, start, lines):
            if holding not in block and b"\\u" not in block:  # any letter may be written as its number
                continue
            text = block.removeprefix(BOM) if not place.offset else block
            asked = wanted or _names(text, self.config.path, place)
            frame = self._parsed(text, asked, place)
            yield frame.drop(self._absent(frame, text, place, seen)), end

    def _parsed(self, text: bytes, names: Sequence[str], place: Place) -> pl.DataFrame:
        """The columns; a scalar is its JSON text where a text is asked for, and so is what has parts."""
        import polars as pl

        schema = _schema(names, types_of(self.config.types))
        if not _SURROGATE(text):
            try:
                return pl.read_ndjson(BytesIO(text), schema=schema)
            except pl.exceptions.PolarsError:
                pass  # it does not say which line; and it refuses objects in place of texts, which are fine
        rows = list(_rows(text, self.config.path, place))
        return pl.DataFrame([_fitted(row, schema) for row in rows], schema=schema)

    def _absent(self, frame: pl.DataFrame, text: bytes, place: Place, seen: set[str]) -> list[str]:
        """Columns that no line of the file had so far: the engine says that the source does not give them."""
        heads = [name for name in frame.columns if name not in seen]
        empty = [name for name in heads if frame[name].null_count() == frame.height]
        there = set(_names(text, self.config.path, place)) if empty else set()
        seen.update(name for name in heads if name not in empty or name in there)
        return [name for name in empty if name not in there]


def _rows(text: bytes, path: str, place: Place) -> Iterator[dict[str, Any]]:
    for n, line in enumerate(text.split(b"\n"), place.line + 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _bad(path, n, f"it is not JSON: {_short(error)}") from None
        if not isinstance(row, dict):
            raise _bad(path, n, "it is JSON, but no object")
        yield row


def _bad(path: str, line: int, why: str) -> Fatal:
    return Fatal("a line cannot be read", where=f"{path}:{line}", why=why, mend="correct the line, or take it out")


def _short(error: Exception) -> str:
    """Without what stands in the line: that may be about a person."""
    text = str(error).partition(":")[0] if isinstance(error, UnicodeDecodeError) else str(error)
    return text.removeprefix("JSON is malformed: ")


def _names(text: bytes, path: str, place: Place) -> list[str]:
    """Every key of every line, in the order of their first coming."""
    return list(dict.fromkeys(key for row in _rows(text, path, place) for key in row))


def _schema(names: Sequence[str], types: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
    """A column for each name; dotted names are parts of an object."""
    import polars as pl

    found: dict[str, Any] = {}
    for name in names:
        head, dot, part = name.partition(".")
        if dot:
            found.setdefault(head, []).append(part)
        else:
            found.setdefault(head, types.get(name, pl.String()))
    return {
        head: pl.Struct(_schema(each, _below(types, head))) if isinstance(each, list) else each
        for head, each in found.items()
    }


def _below(types: Mapping[str, pl.DataType], head: str) -> dict[str, pl.DataType]:
    return {name.removeprefix(f"{head}."): kind for name, kind in types.items() if name.startswith(f"{head}.")}


def _fitted(row: Mapping[str, Any], schema: Mapping[str, pl.DataType]) -> dict[str, Any]:
    return {name: _value(row.get(name), kind) for name, kind in schema.items()}


def _value(value: Any, kind: pl.DataType) -> Any:
    """The value as the column wants it; what does not fit is null, as Polars does it."""
    import polars as pl

    if value is None:
        return None
    if isinstance(kind, pl.Struct):
        fields = {field.name: field.dtype for field in kind.fields}
        return _fitted(value, fields) if isinstance(value, dict) else None  # type: ignore[arg-type]  # instances, not classes
    if isinstance(kind, pl.List):
        return [_text(each) for each in value] if isinstance(value, list) else [_text(value)]
    if isinstance(kind, pl.String):
        return _text(value)
    if isinstance(kind, pl.Boolean):
        return value if isinstance(value, bool) else None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (int(value) if isinstance(kind, pl.Int64) else float(value)) if number else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
