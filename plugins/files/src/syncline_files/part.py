"""A file on its way: it grows line by line, is safe on the disk after each batch, and takes its place at once."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from syncline import Fatal

LINE = b"\n"


class Part:
    """Lines that are added to `target` itself, or, where it is made anew, to a hidden file beside it.

    Made for one run; another process that writes the same file is refused. Files are for their owner alone, unless
    there was one already: it keeps its permissions.
    """

    def __init__(self, target: str, run: str, *, anew: bool, resumed: bool) -> None:
        self._target = Path(target)
        self._anew = anew
        place = self._target.with_name(f".{self._target.name}.{run}.part") if anew else self._target
        self._path = place
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b", 0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise Fatal("another process writes the file", where=target, mend="let one sync fill a file") from None
        except OSError as error:
            raise unwritable(target, error) from None
        self._size = os.fstat(self._file.fileno()).st_size
        if anew and not resumed:
            self._cut(0)
        else:
            self._end_line()

    @property
    def path(self) -> Path:
        """Where the lines are now."""
        return self._path

    def held(self, body: bytes) -> int:
        """How many bytes of `body`, whole lines from its start on, the file ends with."""
        tail = os.pread(self._file.fileno(), len(body), max(0, self._size - len(body)))
        place = len(body)
        while place and not tail.endswith(body[:place]):
            place = body.rfind(LINE, 0, place - 1) + 1
        return place

    def add(self, body: bytes) -> None:
        """Add whole lines; they are on the disk when it returns. `Fatal` when none of them is."""
        if not body:
            return
        try:
            left = memoryview(body)
            while left:
                left = left[os.write(self._file.fileno(), left) :]
            os.fdatasync(self._file.fileno())
        except OSError as error:
            self._cut(self._size)
            raise unwritable(str(self._target), error) from None
        self._size += len(body)

    def publish(self) -> None:
        """Put the file in the place of the former one, in one step; with the permissions that it had."""
        if not self._anew:
            return
        try:
            with suppress(FileNotFoundError):
                os.fchmod(self._file.fileno(), self._target.stat().st_mode & 0o777)
            os.fsync(self._file.fileno())
            self._path.replace(self._target)
            folder = os.open(self._target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise unwritable(str(self._target), error) from None

    def discard(self) -> None:
        """What was to take the place of the former file is not needed."""
        if self._anew:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _end_line(self) -> None:
        """After a crash in the middle of a write the file may end within a line: that goes."""
        end, step = self._size, 1 << 16
        while end:
            start = max(0, end - step)
            found = os.pread(self._file.fileno(), end - start, start).rfind(LINE)
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end != self._size:
            self._cut(end)

    def _cut(self, size: int) -> None:
        os.ftruncate(self._file.fileno(), size)
        self._size = size


def unwritable(target: str, error: OSError) -> Fatal:
    """What is said of a file that cannot be written."""
    return Fatal(
        "the file cannot be written",
        where=target,
        why=os.strerror(error.errno or 0),
        mend="check the folder, its permissions and the disk",
    )
