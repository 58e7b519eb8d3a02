"""Logs on standard error, for people or as JSON; no secret and no control character passes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from ..hooks import hookimpl

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

    from ..console import Terminal
    from .options import Options


class Handler(logging.Handler):
    """Writes to what is standard error at that moment: a progress bar stands in for it while it is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line; a reader that is gone ends no run."""
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except OSError:
            self.handleError(record)


class Names:
    """Adds to every line the run and the sync at work; told of them as an observer."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}

    @hookimpl
    def syncline_run_started(self, run: Mapping[str, Any]) -> None:
        """From now on lines carry these names."""
        self._now = {"run": run["run"], "sync": run["sync"]}

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """The processor."""
        return self._now | dict(event)


def configure(options: Options, terminal: Terminal, packages: Iterable[str] = ()) -> Names:
    """Send the standard library's logs through structlog to standard error; register the result as an observer.

    Details are told of Syncline and of the plugins' `packages` only: lines of other libraries (HTTP, SQL) may hold
    headers, bodies and rows, so their warnings alone are let through.
    """
    names = Names()

    def clean(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        return {key: terminal.clean(value) if isinstance(value, str) else value for key, value in event.items()}

    def untraced(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        event.pop("exc_info", None)
        return event

    shared: list[Any] = [
        names,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if options.debug else untraced,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, clean, _renderer(options)],
    )
    handler = Handler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("syncline", *packages):
        logging.getLogger(name).setLevel(_level(options))
    return names


def _level(options: Options) -> int:
    if options.debug:
        return logging.DEBUG
    return logging.INFO if options.log_format == "json" else logging.WARNING


def _renderer(options: Options) -> Any:
    if options.log_format == "json":
        return structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False)
    return _line


def _line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """`warning: what happened (run=… sync=…)`, and a stack trace below it where one is wanted."""
    text, level = event.pop("event", ""), event.pop("level", "")
    event.pop("timestamp", None)
    trace = event.pop("exception", "")
    rest = " ".join(f"{key}={value}" for key, value in event.items())
    line = f"{level}: {text}" + (f" ({rest})" if rest else "")
    return f"{line}\n{trace}" if trace else line
