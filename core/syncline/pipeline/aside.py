"""Frames set aside in a temporary file, so that memory stays bounded by the batch.

The file has no name: nobody else can open it, and it is gone with the process, however that ends.
"""

from __future__ import annotations

import io
import os
import tempfile
from types import TracebackType
from typing import Self

import polars as pl

Span = tuple[int, int]
"""Where a frame stands in the file: start and length in bytes."""


class Aside:
    """Open it as a context manager; what was put is there until it ends."""

    def __enter__(self) -> Self:
        self._file = tempfile.TemporaryFile(prefix="syncline-")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def put(self, frame: pl.DataFrame) -> Span:
        """Write a frame to the end of the file."""
        start = self._file.seek(0, os.SEEK_END)
        packed = io.BytesIO()
        frame.write_ipc(packed)
        return start, self._file.write(packed.getbuffer())

    def got(self, span: Span) -> pl.DataFrame:
        """Read a frame back."""
        self._file.seek(span[0])
        return pl.read_ipc(io.BytesIO(self._file.read(span[1])))
