"""`syncline run`: one sync, now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...executor import Executor
    from ...ledger import Ledger, RunRecord
    from ...spec import Bound


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

    def start(executor: Executor) -> RunRecord:
        _tell_again(invocation, executor.ledger, bound)
        return executor.run(bound)

    return carried_out(invocation, bound, start)


def _tell_again(invocation: Invocation, ledger: Ledger, bound: Bound) -> None:
    """Say how many known leads an edit of the spec sends once more, before it is taken in."""
    from ...console.plan import again
    from ...plan import sent_again

    known = ledger.sync(bound.spec.name)
    if known is None or known.state != "active":
        return
    leads = sent_again(ledger, invocation.registry, known, bound.spec.raw)
    if leads is None:
        return
    told = f"the spec was edited: {again(leads)}"
    if invocation.options.log_format == "json":
        import logging

        logging.getLogger("syncline").info(told)
    else:
        invocation.terminal.tell(told)
