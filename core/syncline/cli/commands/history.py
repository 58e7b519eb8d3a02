"""`syncline history`: the runs of one sync."""

from __future__ import annotations

import click

from .. import completing
from ..invocation import Invocation
from ..options import command


@command()
@click.argument("sync", shell_complete=completing.syncs)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="The newest so many runs.")
def history(invocation: Invocation, sync: str, limit: int) -> int:
    """List the runs of SYNC, newest first: how many leads were new, duplicate, ignored and why.

    SYNC is a name or a spec file. total = new + re-added + duplicate + ignored + rejected + unknown.

    \b
    Example:
      syncline history webinar-signups
    """
    from pathlib import Path

    from ...spec.retrieval import notes
    from .. import documents
    from ..invocation import is_path
    from ..survey import unknown_sync

    name = invocation.sync_name(sync)
    ledger = invocation.ledger(beside=Path(sync).parent if is_path(sync) else None)
    record = ledger.sync(name)
    if record is None and not is_path(sync) and invocation.named(sync)[0] is None:
        raise unknown_sync(sync, invocation.folder())
    told = notes(record.spec, ledger.now(), created=record.created_at) if record else []
    runs = ledger.runs(record.id, limit) if record else []
    if invocation.options.as_json:
        invocation.terminal.document(documents.history(name, runs, told))
        return 0
    from ...console import tables

    terminal = invocation.terminal
    if not runs:
        terminal.say(terminal.clean(f"{name} has not run yet"))
        return 0
    terminal.say(tables.history(terminal, runs, title=name), tables.ignored(terminal, runs))
    for note in told:
        terminal.say(terminal.clean(note))
    for run in runs:
        if run.message:
            terminal.say(terminal.clean(f"{run.id} {run.status}: {run.message}"))
    return 0
