"""`syncline serve`: every sync runs when it is due."""

from __future__ import annotations

import re
from pathlib import Path

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smh])")


def _seconds(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A duration like 60s, 5m or 1h."""
    if value is None:
        return None
    found = _DURATION.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"{value!r} is not a duration like 60s, 5m or 1h", context)
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


@command()
@click.argument(
    "folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path), shell_complete=completing.specs
)
@click.option("--git", "url", metavar="URL", help="Follow a branch of this remote; DIR is a folder in it.")
@click.option("--branch", metavar="NAME", help="The branch that --git follows; default: main.")
@click.option(
    "--interval", metavar="DURATION", callback=_seconds, help="How often --git looks: 60s (the default), 5m, 1h."
)
@click.option("--runs", type=click.IntRange(1, 100), default=4, show_default=True, help="Most runs at once.")
@click.option("--listen", metavar="HOST:PORT", help="Answer /healthz, /readyz and /metrics there.")
def serve(
    invocation: Invocation,
    folder: Path | None,
    url: str | None,
    branch: str | None,
    interval: float | None,
    runs: int,
    listen: str | None,
) -> int:
    """Run every sync when it is due, until stopped.

    With DIR, the specs of that folder: what changes there is applied, and a file with faults replaces nothing. Without
    DIR, what was applied to the ledger. Any number of processes may serve one ledger: each firing is carried out once,
    and what one of them leaves behind is taken up by the others.

    The first SIGTERM or Ctrl-C lets the calls in flight finish and leaves the rest for later; the second stops at once.

    \b
    Example:
      syncline serve configs --listen 127.0.0.1:9464
    """
    from ..serving import Remote
    from ..serving import serve as served

    if url is None and (branch is not None or interval is not None):
        raise click.UsageError("--branch and --interval are for --git URL, which is missing")
    remote = Remote(url, branch or "main", interval or 60.0) if url is not None else None
    return served(invocation, folder, remote=remote, runs=runs, listen=listen)
