"""`syncline retry`: the leads of a run that did not arrive, once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...executor import Executor


@command()
@click.argument("run", shell_complete=completing.runs)
@click.option("--only", "code", metavar="CODE", help="Only those refused with this code.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@click.option("--unknown", is_flag=True, help="Those whose answer was lost, instead of those refused.")
def retry(invocation: Invocation, run: str, code: str | None, limit: int | None, unknown: bool) -> int:
    """Send the rejected leads of RUN again, through today's rules; with --unknown those that may have arrived.

    RUN is an id, the unique beginning of one, or `last`. A person who opted out meanwhile is not written to.
    --unknown may send somebody a second time: on a public list that is a second confirmation mail.

    \b
    Example:
      syncline retry last --only 2007
    """
    from ...errors import SpecError
    from ...executor.asked import besides
    from ..running import carried_out

    if unknown and code is not None:
        raise click.UsageError("--only chooses among the rejected, --unknown takes the others: give one of them")
    earlier = invocation.ledger().run(run)
    spec, loaded = invocation.named(earlier.sync)
    if spec is None:
        raise SpecError(
            f"there is no spec of sync {earlier.sync} in {invocation.folder().absolute()}",
            mend="run `syncline retry` in the folder of its specs",
        )
    bound = invocation.bind(spec, loaded)

    def left_alone(executor: Executor) -> list[str]:
        return [] if unknown else besides(executor.ledger.remains(earlier.id), earlier.id)

    return carried_out(
        invocation,
        bound,
        lambda executor: executor.retry(bound, earlier.id, code=code, limit=limit, unknown=unknown),
        left_alone,
    )
