"""`syncline resume`: a paused sync runs again."""

from __future__ import annotations

import click

from .. import completing
from ..invocation import Invocation
from ..options import command


@command()
@click.argument("sync", shell_complete=completing.syncs)
@click.option("--reason", default="resumed by hand", show_default=True, help="Why; it is kept in the history.")
def resume(invocation: Invocation, sync: str, reason: str) -> int:
    """Let a paused SYNC run again, from its next due moment on.

    SYNC is a name or a spec file. An inactive sync stays inactive, and a completed one was to run once: this says
    why, and what to do instead (exit 5).

    \b
    Example:
      syncline resume webinar-signups
    """
    from ..turning import turned

    return turned(invocation, sync, "active", reason)
