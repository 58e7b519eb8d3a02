"""A file in blocks of whole records, from any place on; and the place after each block, as a cursor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from syncline import Fatal

BLOCK = 4 << 20
"""Bytes of a block: some 15,000 leads. Memory is bounded by it."""
LONGEST = 64 << 20
"""Bytes of the longest record: whatever goes on for longer is no record."""
MARK = 256
"""Bytes before a place that tell whether it is still the same file."""
BOM = b"\xef\xbb\xbf"
Cut = Callable[[bytes], int]
"""Says how many bytes of a text are whole records; 0: none is."""


@dataclass(frozen=True)
class Place:
    """A place between two records: its offset, how many lines come before it, and a mark of the bytes before it."""

    offset: int = 0
    line: int = 0
    mark: str = ""

    def text(self) -> str:
        """As a cursor."""
        return f"{self.offset}:{self.line}:{self.mark}"

    @classmethod
    def of(cls, cursor: str) -> Place:
        """The inverse of `text`."""
        offset, line, mark = cursor.split(":")
        return cls(int(offset), int(line), mark)

    def after(self, block: bytes, before: bytes) -> Place:
        """The place behind this block; `before` are the bytes in front of it."""
        mark = mark_of((before + block)[-MARK:] if len(block) < MARK else block[-MARK:])
        return Place(self.offset + len(block), self.line + block.count(b"\n"), mark)

    def is_in(self, file: BinaryIO) -> bool:
        """Whether the file still has the bytes before this place that it had."""
        start = max(0, self.offset - MARK)
        file.seek(start)
        return mark_of(file.read(self.offset - start)) == self.mark or not self.offset


def mark_of(tail: bytes) -> str:
    """Of the bytes before a place."""
    return blake2b(tail, digest_size=8).hexdigest()


def opened(path: str) -> BinaryIO:
    """The file; `Fatal` says why it cannot be read."""
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise unreadable(path, error) from None
    return file


def unreadable(path: str, error: OSError) -> Fatal:
    """What is said of a file that cannot be read."""
    missing = isinstance(error, FileNotFoundError)
    return Fatal(
        "the file is not there" if missing else "the file cannot be read",
        where=path,
        why="" if missing else os.strerror(error.errno or 0),
        mend="correct `source.path`; a relative path starts where the spec lies" if missing else "",
    )


def blocks(file: BinaryIO, path: str, start: Place, cut: Cut) -> Iterator[tuple[bytes, Place, Place]]:
    """From a place on: some whole records, where they begin, and where they end. The last may lack its line end."""
    file.seek(max(0, start.offset - MARK))
    before = file.read(min(start.offset, MARK))
    rest, place = b"", start
    while True:
        try:
            read = file.read(BLOCK)
        except OSError as error:
            raise unreadable(path, error) from None
        text = rest + read
        length = cut(text) if read else len(text)
        if length:
            block, rest = text[:length], text[length:]
            end = place.after(block, before)
            yield block, place, end
            place, before = end, (before + block)[-MARK:] if len(block) < MARK else block[-MARK:]
        else:
            rest = text
        if not read:
            return
        if len(rest) > LONGEST:
            raise Fatal(
                "a record does not end", where=f"{path}:{place.line + 1}", why=f"it goes on for {len(rest) >> 20} MB"
            )


def lines(text: bytes) -> int:
    """Whole lines."""
    return text.rfind(b"\n") + 1
