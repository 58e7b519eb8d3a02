"""How every command ends: an exit code, and for each error one line for people or one document for machines."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from ..clock import Clock
from ..errors import NotRunnable, SpecError, SynclineError
from .invocation import Invocation
from .options import Options

FAILED = 1
USAGE = 2


def carried_out(root: click.Group, arguments: Sequence[str] | None, clock: Clock) -> int:
    """Run the command line; its exit code as DESIGN 10 says. Whatever happens, nobody sees a stack trace unasked."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    invocation = Invocation(Options(as_json="--json" in given, debug="--debug" in given), clock)
    former = signal.signal(signal.SIGTERM, _interrupted)
    try:
        code = root.main(given, prog_name="syncline", standalone_mode=False, obj=invocation)
    except click.ClickException as error:
        _tell_usage(invocation, error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        _tell(invocation, "Interrupted", str(error) or "interrupted")
        return FAILED
    except BrokenPipeError:
        return 0
    except SynclineError as error:
        tell_error(invocation, error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last resort: one line for people, the rest with --debug
        tell_defect(invocation, error)
        return FAILED
    finally:
        invocation.close()
        signal.signal(signal.SIGTERM, former)
    return code if isinstance(code, int) else 0


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def error_document(kind: str, message: str, code: int, faults: Sequence[Any] = ()) -> dict[str, Any]:
    """`{"error": {"kind", "message", "faults"}, "exit"}`: what every command prints with --json when it fails.

    `kind` is the class of the error (`SpecError`, `PluginError`, `Busy`, `LeaseLost`, `Fatal`, `Retriable`,
    `UsageError`, `Defect`, `Interrupted`); `faults` is there for faults of files: `{"file", "line", "column", "path",
    "message"}` each.
    """
    error: dict[str, Any] = {"kind": kind, "message": message}
    if faults:
        error["faults"] = [
            {"file": each.file, "line": each.line, "column": each.column, "path": each.path, "message": each.message}
            for each in faults
        ]
    return {"error": error, "exit": code}


def refusal_document(error: NotRunnable) -> dict[str, Any]:
    """`{"sync", "status": "refused", "state", "reason"}`: printed with --json when a sync may not run (exit 5)."""
    return {"sync": error.sync, "status": "refused", "state": error.state, "reason": error.why}


def tell_error(invocation: Invocation, error: SynclineError) -> None:
    """Print an error that Syncline raised on purpose."""
    if isinstance(error, NotRunnable) and invocation.options.as_json:
        invocation.terminal.document(refusal_document(error))
    else:
        faults = error.faults if isinstance(error, SpecError) else ()
        _tell(invocation, type(error).__name__, str(error), error.exit_code, faults)
    _trace(invocation, error)


def tell_defect(invocation: Invocation, error: BaseException, *, document: bool = True) -> None:
    """Print an error that nobody foresaw: its class and where it was raised, for its text may hold personal data.

    `document` False: standard output has its document already, so this goes to standard error even with --json.
    """
    what = f"this should not have happened ({type(error).__name__} at {_place(error.__traceback__)})"
    if isinstance(error, OSError) and error.strerror:
        what = f"cannot go on: {error.strerror}" + (f": {error.filename}" if error.filename else "")
    hint = "" if invocation.options.debug else "; run again with --debug to see more"
    message = what + hint
    if document:
        _tell(invocation, "Defect", message)
    else:
        invocation.terminal.tell(invocation.terminal.clean(message))
    _trace(invocation, error)


def _place(trace: TracebackType | None) -> str:
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _tell_usage(invocation: Invocation, error: click.ClickException) -> None:
    message = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, NoArgsIsHelpError):
        context = None
    if not invocation.options.as_json and context is not None:
        invocation.terminal.tell(context.get_usage())
        message += f"\nTry '{context.command_path} --help'."
    _tell(invocation, "UsageError", message, error.exit_code)


def _tell(invocation: Invocation, kind: str, message: str, code: int = FAILED, faults: Sequence[Any] = ()) -> None:
    if invocation.options.as_json:
        invocation.terminal.document(error_document(kind, message, code, faults))
        return
    terminal = invocation.terminal
    for line in message.split("\n"):
        terminal.tell(terminal.clean(line))


def _trace(invocation: Invocation, error: BaseException) -> None:
    if not invocation.options.debug:
        return
    import traceback

    for chunk in traceback.format_exception(error):
        for line in chunk.rstrip("\n").split("\n"):
            invocation.terminal.tell(invocation.terminal.clean(line))
