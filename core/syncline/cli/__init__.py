"""The command line: `syncline COMMAND …`. What is heavy is imported inside the commands that need it."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import click

from ..clock import SYSTEM, Clock
from .ending import carried_out
from .group import Commands
from .invocation import Invocation
from .options import common


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="syncline", prog_name="syncline")
@common
def root() -> None:
    """Move people's records to where they are used, and say of each one what happened to it and why.

    Options that all commands share may stand before or after the command.
    """


def main(arguments: Sequence[str] | None = None, *, clock: Clock = SYSTEM) -> int:
    """Carry out one command line (of this process by default) and return its exit code; never raises."""
    code = carried_out(root, arguments, clock)
    if arguments is None:
        gc.freeze()  # the process ends now: searching all its objects for garbage would take a seventh of a short one
    return code


__all__ = ["Invocation", "main", "root"]
