"""Logs on standard error, for people or as JSON; no secret and no control character passes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from structlog.contextvars import bind_contextvars, merge_contextvars

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
    """The observer that makes every line of a run carry its `run` and its `sync`, in whichever of the run's threads it
    is written. Elsewhere a line names them itself: `log.warning(…, extra={"sync": name})`."""

    @hookimpl
    def syncline_run_started(self, run: Mapping[str, Any]) -> None:
        """From now on lines carry these names, until the context of the run ends."""
        bind_contextvars(run=run["run"], sync=run["sync"])


def configure(options: Options, terminal: Terminal, packages: Iterable[str] = (), *, serving: bool = False) -> Names:
    """Send the standard library's logs through structlog to standard error; register the result as an observer.

    Details are told of Syncline and of the plugins' `packages` only: lines of other libraries (HTTP, SQL) may hold
    headers, bodies and rows, so their warnings alone are let through. `serving`: nobody watches a progress bar, so
    people are told of what goes well too, each line with its moment.
    """

    def clean(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        return {key: terminal.clean(value) if isinstance(value, str) else value for key, value in event.items()}

    def untraced(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        event.pop("exc_info", None)
        return event

    shared: list[Any] = [
        merge_contextvars,
        structlog.stdlib.ExtraAdder(allow=("run", "sync")),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if options.debug else untraced,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, clean, _renderer(options, serving)],
    )
    handler = Handler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("syncline", *packages):
        logging.getLogger(name).setLevel(_level(options, serving))
    return Names()


def _level(options: Options, serving: bool) -> int:
    if options.debug:
        return logging.DEBUG
    return logging.INFO if serving or options.log_format == "json" else logging.WARNING


def _renderer(options: Options, serving: bool) -> Any:
    if options.log_format == "json":
        return structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False)
    return _dated if serving else _line


def _dated(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """The line, with its moment by the clock of this machine before it."""
    moment = datetime.fromisoformat(event["timestamp"]).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S} {_line(logger, method, event)}"


def _line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """`warning: what happened (run=… sync=…)`, and a stack trace below it where one is wanted."""
    text, level = event.pop("event", ""), event.pop("level", "")
    event.pop("timestamp", None)
    trace = event.pop("exception", "")
    rest = " ".join(f"{key}={event[key]}" for key in sorted(event))
    line = f"{level}: {text}" + (f" ({rest})" if rest else "")
    return f"{line}\n{trace}" if trace else line
