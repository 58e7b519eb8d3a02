"""The options that all commands share, before or after the command's name; the later one wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Options:
    """What was asked for on the command line; None where nothing was."""

    connections: Path | None = None
    ledger: str | None = None
    as_json: bool = False
    debug: bool = False
    log_format: str = "people"
    no_color: bool = False


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    name = parameter.name
    if name is not None and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        setattr(context.obj.options, name, value)


def _shared(*names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_keep, **settings)


_COMMON = (
    _shared(
        "--connections",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The connections file; default: connections.yaml beside the spec.",
    ),
    _shared(
        "--ledger",
        metavar="URL",
        help="sqlite:///PATH or postgresql://…; default: SYNCLINE_LEDGER, then syncline.yaml beside the specs, "
        "then sqlite:///.syncline/ledger.db.",
    ),
    _shared("--json", "as_json", is_flag=True, help="One JSON document on standard output."),
    _shared("--debug", is_flag=True, help="Stack traces and detailed logs."),
    _shared(
        "--log-format", type=click.Choice(["people", "json"]), help="How logs on standard error look; default: people."
    ),
    _shared("--no-color", is_flag=True, help="No colours (as NO_COLOR does)."),
)


def common(function: F) -> F:
    """Give a command the shared options; their values are kept in the invocation's `Options`."""
    for option in reversed(_COMMON):
        option(function)
    return function


def command() -> Callable[[Callable[..., int]], click.Command]:
    """A command with the shared options, whose function takes the `Invocation` first and returns its exit code."""

    def decorate(function: Callable[..., int]) -> click.Command:
        made: click.Command = click.command(function.__name__)(common(click.pass_obj(function)))
        return made

    return decorate
