"""`syncline run`: one sync, now."""

from __future__ import annotations

from pathlib import Path

import click

from .. import completing
from ..invocation import Invocation
from ..options import command


@command()
@click.argument("spec", type=click.Path(path_type=Path, dir_okay=False), shell_complete=completing.specs)
def run(invocation: Invocation, spec: Path) -> int:
    """Run the sync of SPEC now.

    A run that was broken off is taken up again and finished. Ctrl-C ends a run gracefully, a second one at once;
    nothing is lost either way.

    Exit: 0 done; 1 failed, interrupted, or the sync became inactive; 2 a fault in the spec; 4 done, but some leads
    were rejected or are unknown; 5 refused, because the sync is inactive, paused or completed; 7 another process is
    running it.

    \b
    Example:
      syncline run configs/webinar-signups.yaml
    """
    from ..running import carried_out

    bound = invocation.bound(spec)
    return carried_out(invocation, bound, lambda executor: executor.run(bound))
