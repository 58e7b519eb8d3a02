"""The sink `ndjson`: a file with one JSON object on each line, and another one for the leads that were kept out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncline import ACCEPTED, Check, Result, ResultKind, Sink, texts

from .config import NdjsonSinkConfig
from .part import Part

if TYPE_CHECKING:
    import polars as pl

ABSENT = Result(ResultKind.RETRYABLE)


class NdjsonSink(Sink[NdjsonSinkConfig]):
    """A file with one JSON object on each line; every value is a text or null. Each lead is written at least once,
    and stands in it exactly once for each run: what a crash left half done is looked for before the run goes on.

    `write: replace` (the default): the file is the leads of the last run that read and sent everything; until then the
    former one stays, whole. `write: append`: each batch is added, and is on the disk before its leads count as new.
    """

    name = "ndjson"
    offered = False
    Config = NdjsonSinkConfig
    identity = ("path",)
    paths = ("path", "rejects")
    key_field = "email"
    batch_size = 1_000_000
    concurrency = 1
    repeatable = True

    def __init__(self, config: NdjsonSinkConfig, connection: Any = None) -> None:
        super().__init__(config, connection)
        self._part: Part | None = None
        self._rejects: Part | None = None
        self._unsure = self._unsure_rejects = False
        self._last: tuple[int, int, int] | None = None

    @classmethod
    def address_field(cls, config: NdjsonSinkConfig) -> str:
        """The field that `key` names."""
        return config.key

    def check(self, mapped: Sequence[str]) -> Iterator[Check]:
        """That the folders are there and can be written."""
        for path in (self.config.path, self.config.rejects):
            if path is not None:
                yield _writable(Path(path))

    def remembers(self) -> bool:
        """False: a file is written, not kept up to date."""
        return False

    def keeps_out(self) -> bool:
        """Whether there is a file for them."""
        return self.config.rejects is not None

    def cost(self, leads: int) -> int:
        """None: a file has no call budget."""
        return 0

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        """All as text."""
        return texts(frame, mapped)

    def begin(self, run: str, *, resumed: bool, retry: bool) -> None:
        """Open the files; those of a run that goes on, where it broke off."""
        anew = self.config.write == "replace" and not retry
        self._part = Part(self.config.path, run, anew=anew, resumed=resumed)
        if self.config.rejects is not None:
            self._rejects = Part(self.config.rejects, run, anew=anew, resumed=resumed)
        self._unsure = self._unsure_rejects = resumed

    def kept_out(self, leads: pl.DataFrame) -> None:
        """Add them to the file of the rejects."""
        told = ("outcome", "reason", "detail")
        mapped = [name for name in leads.columns if not name.startswith("#") and name not in told]
        body = _lines(leads.select(*mapped, "reason"))
        part = self._open(self._rejects)
        part.add(body[part.held(body) :] if self._unsure_rejects else body)
        self._unsure_rejects = False

    def deliver(self, leads: pl.DataFrame) -> Result:
        """Add them to the file, in one piece; on the disk when it returns."""
        body = _body(leads)
        rows = leads["#row"]
        mark = (len(body), rows[0], rows[-1])
        part = self._open(self._part)
        again = self._unsure or mark == self._last
        part.add(body[part.held(body) :] if again else body)
        self._unsure, self._last = False, mark
        return ACCEPTED

    def confirm(self, leads: pl.DataFrame) -> Sequence[Result]:
        """The file itself says how many of the last batch are in it."""
        body = _body(leads)
        arrived = body.count(b"\n", 0, self._open(self._part).held(body))
        return [ACCEPTED] * arrived + [ABSENT] * (leads.height - arrived)

    def end(self, *, whole: bool) -> None:
        """Publish, or leave the former files as they are."""
        for part in (self._rejects, self._part):
            if part is not None:
                if whole:
                    part.publish()
                else:
                    part.discard()
                part.close()

    def describe(self) -> dict[str, str]:
        """The files."""
        shown = {"file": self.config.path, "rejects": self.config.rejects}
        return {label: path for label, path in shown.items() if path is not None}

    def _open(self, part: Part | None) -> Part:
        if part is None:
            raise RuntimeError("`begin` comes before what is written")
        return part


def _body(leads: pl.DataFrame) -> bytes:
    return _lines(leads.drop([name for name in leads.columns if name.startswith("#")]))


def _lines(frame: pl.DataFrame) -> bytes:
    stream = BytesIO()
    frame.write_ndjson(stream)
    return stream.getvalue()


def _writable(path: Path) -> Check:
    import os

    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return Check(str(path), False, f"{folder} cannot be written", "check its permissions")
    return Check(str(path), True, "can be written" if path.parent.exists() else "its folder will be made")
