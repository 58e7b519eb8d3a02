"""`syncline explain`: why is Anna not in the list?"""

from __future__ import annotations

import click

from .. import completing
from ..invocation import Invocation
from ..options import command


@command()
@click.argument("sync", shell_complete=completing.syncs)
@click.argument("email")
@click.option("--offline", is_flag=True, help="From the ledger alone; the record is not read again.")
def explain(invocation: Invocation, sync: str, email: str, offline: bool) -> int:
    """Tell what happened to EMAIL in SYNC, and what each stage makes of the record as it is now.

    SYNC is a name or a spec file. The address goes into no request: the record is read again by its ID.

    \b
    Example:
      syncline explain webinar-signups anna@example.com
    """
    from ...explain import explain as tell
    from .. import documents
    from ..survey import unknown_sync

    spec, loaded = invocation.named(sync)
    if spec is None:
        raise unknown_sync(sync, invocation.folder())
    bound = invocation.unconnected(spec, loaded) if offline else invocation.bind(spec, loaded)
    invocation.logs()
    executor = invocation.executor(read_only=True, beside=spec.path.parent)
    told = tell(executor, bound, email, offline=offline)
    if invocation.options.as_json:
        invocation.terminal.document(documents.explanation(told))
    else:
        from ...console import story

        story.tell(invocation.terminal, told)
    return 0
