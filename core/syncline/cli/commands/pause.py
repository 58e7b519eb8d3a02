"""`syncline pause`: a sync does not run until it is resumed."""

from __future__ import annotations

import click

from .. import completing
from ..invocation import Invocation
from ..options import command


@command()
@click.argument("sync", shell_complete=completing.syncs)
@click.option("--reason", default="paused by hand", show_default=True, help="Why; it is shown wherever the sync is.")
def pause(invocation: Invocation, sync: str, reason: str) -> int:
    """Let SYNC run no more until `syncline resume`; a run that is going ends as it would.

    SYNC is a name or a spec file. What is due while it is paused is left out, not made up for.

    \b
    Example:
      syncline pause webinar-signups --reason "the list is being cleaned up"
    """
    from ..turning import turned

    return turned(invocation, sync, "paused", reason)
