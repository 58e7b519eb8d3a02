"""Standard output and standard error of this process: safe to send foreign text to, quiet when a pipe breaks."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO

from ..secrets import Redactor
from .text import escaped, neutral

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDE = 10_000
"""Columns where nobody looks at a screen: a row of a table stays on one line."""

BLOCK = 1000
"""JSON Lines written at once."""


class Terminal:
    """Everything a command says goes through here: secrets are masked, foreign characters cannot steer a terminal.

    `say` and `document` write to standard output, `tell` and `asked` to standard error.
    """

    def __init__(self, redactor: Redactor, *, color: bool | None = None) -> None:
        self._redactor = redactor
        self._color = color
        self.closed = False
        """Whether the reader of standard output is gone: nothing more needs to be made for it."""

    def clean(self, text: str) -> str:
        """Foreign text as it may be shown to people."""
        return neutral(self._redactor.clean(text))

    def say(self, *things: RenderableType) -> None:
        """Show texts and tables to people, on standard output."""
        self._write(sys.stdout, self._rendered(sys.stdout, things))

    def tell(self, *things: RenderableType) -> None:
        """Show something beside the result, on standard error."""
        self._write(sys.stderr, self._rendered(sys.stderr, things))

    def asked(self, prompt: str) -> str | None:
        """Show a prompt on standard error and read one line of standard input, without its blanks at the ends; None
        when there is no more to read."""
        self._write(sys.stderr, self.clean(prompt))
        signal.siginterrupt(signal.SIGINT, True)  # Polars installs a handler after which a read outlives Ctrl-C
        line = sys.stdin.readline()
        if not line:
            self._write(sys.stderr, "\n")
            return None
        return line.strip()

    def text(self, text: str) -> None:
        """Write text that is ours and complete, as it is, to standard output."""
        self._write(sys.stdout, self._redactor.clean(text))

    def document(self, document: Any) -> None:
        """Write one JSON document to standard output."""
        import msgspec

        encoded = msgspec.json.format(self._encoded(document), indent=2)
        self._write(sys.stdout, escaped(encoded.decode()) + "\n", encoding="utf-8")

    def lines(self, documents: Iterable[Any]) -> None:
        """Write JSON Lines to standard output, until there are no more or the reader is gone."""
        documents = iter(documents)
        while not self.closed and (block := list(islice(documents, BLOCK))):
            self._write(sys.stdout, escaped(self._lines(block)) + "\n", encoding="utf-8")

    def _lines(self, block: Sequence[Any]) -> str:
        """Encoded, a line each. Nearly always no secret is in them, in whatever form, and then they are not taken apart
        to mask it."""
        import msgspec

        plain = msgspec.json.Encoder().encode_lines(block).decode().removesuffix("\n")
        if self._redactor.clean(plain) == plain:
            return plain
        return b"\n".join(map(self._encoded, block)).decode()

    def _encoded(self, document: Any) -> bytes:
        import msgspec

        return msgspec.json.encode(self.masked(msgspec.to_builtins(document, str_keys=True)))

    def masked(self, value: Any) -> Any:
        """A plain value with all secrets masked in its texts."""
        if isinstance(value, str):
            return self._redactor.clean(value)
        if isinstance(value, dict):
            return {self._redactor.clean(name): self.masked(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.masked(each) for each in value]
        return value

    def console(self, stream: TextIO) -> Console:
        """A rich console for one of the two streams."""
        from rich.console import Console

        screen = stream.isatty()
        plain = self._color is False or os.environ.get("TERM") == "dumb"
        return Console(
            file=stream,
            width=None if screen else WIDE,
            no_color=True if plain else None,
            color_system=None if plain else "auto",
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )

    def _rendered(self, stream: TextIO, things: tuple[RenderableType, ...]) -> str:
        lines = (line.rstrip(" ") for line in self._drawn(stream, things).split("\n"))
        return self._redactor.clean("\n".join(lines))

    def _drawn(self, stream: TextIO, things: tuple[RenderableType, ...]) -> str:
        """What it looks like there. Plain text is itself: what says no more than a line starts without rich."""
        if all(isinstance(thing, str) for thing in things):
            return "".join(f"{thing}\n" for thing in things)
        console = self.console(stream)
        with console.capture() as captured:
            for thing in things:
                console.print(thing, soft_wrap=isinstance(thing, str))
        return captured.get()

    def _write(self, stream: TextIO, text: str, encoding: str | None = None) -> None:
        if self.closed and stream is sys.stdout:
            return
        buffer = getattr(stream, "buffer", None)
        try:
            if buffer is None:
                stream.write(text)
            else:
                stream.flush()
                buffer.write(text.encode(encoding or stream.encoding or "utf-8", "replace"))
            stream.flush()
        except BrokenPipeError:
            self.closed = stream is sys.stdout
            _abandon(stream)


def _abandon(stream: TextIO) -> None:
    """Let the interpreter's last flush of a broken pipe go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    except io.UnsupportedOperation:
        return  # a stream without a descriptor is not a pipe
    finally:
        os.close(nowhere)
