"""A file that is not written in UTF-8, read as if it were."""

from __future__ import annotations

import codecs
from io import RawIOBase
from typing import BinaryIO

from syncline import Fatal


class Transcoded(RawIOBase, BinaryIO):
    """Offsets count bytes of UTF-8, so a seek reads from the start; `Fatal` where the letters are not those said."""

    def __init__(self, file: BinaryIO, encoding: str, path: str) -> None:
        super().__init__()
        self._file = file
        self._encoding = encoding
        self._path = path
        self._start()

    def _start(self) -> None:
        self._file.seek(0)
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._rest = b""

    def seek(self, offset: int, whence: int = 0) -> int:
        """To a place, from the start."""
        self._start()
        left = offset
        while left and (got := self.read(min(left, 1 << 20))):
            left -= len(got)
        return offset - left

    def read(self, size: int = -1) -> bytes:
        """The next bytes, fewer only at the end."""
        while size < 0 or len(self._rest) < size:
            raw = self._file.read(1 << 20)
            try:
                self._rest += self._decoder.decode(raw, final=not raw).encode()
            except UnicodeDecodeError as error:
                raise Fatal(
                    f"the file is not {self._encoding}", where=self._path, why=error.reason, mend="correct `encoding`"
                ) from None
            if not raw:
                break
        size = len(self._rest) if size < 0 else size
        got, self._rest = self._rest[:size], self._rest[size:]
        return got

    def close(self) -> None:
        """Both."""
        self._file.close()
        super().close()
