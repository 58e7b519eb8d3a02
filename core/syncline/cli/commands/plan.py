"""`syncline plan`: what a folder of specs would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import completing
from ..ending import FAILED, USAGE, tell_error
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...plan import Plan

CHANGES = 2
"""The exit code of --detailed-exitcode when there is something to do."""


@command()
@click.argument("folder", required=False, type=click.Path(path_type=Path), shell_complete=completing.specs)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan for `apply FILE`.")
@click.option("--prune", is_flag=True, help="End the syncs of this folder whose specs are gone.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 0 for no change, 1 for an error, 2 for changes.")
def plan(invocation: Invocation, folder: Path | None, out: Path | None, prune: bool, detailed_exitcode: bool) -> int:
    """Compare FOLDER with the ledger and say what `apply` would do; nothing is written.

    FOLDER is a folder of specs or an overlay; by default the current folder, or configs if there are no specs here.
    Takes no network and no secrets.

    Exit: 0 done; 1 there is nothing that --prune could go by; 2 a fault in a file, or an edit that is refused; 5 a sync
    is inactive, and its spec is still here.

    \b
    Example:
      syncline plan configs
    """
    from ...errors import SynclineError

    try:
        chosen = folder if folder is not None else invocation.folder()
        return _planned(invocation, chosen, out, prune, detailed_exitcode)
    except SynclineError as error:
        if not detailed_exitcode:
            raise
        tell_error(invocation, error)
        return FAILED


def _planned(invocation: Invocation, folder: Path, out: Path | None, prune: bool, detailed: bool) -> int:
    from ...console import plan as shown
    from ...plan import save
    from .. import documents
    from ..planning import made

    found = made(invocation, folder, prune=prune)
    saved = out if not found.plan.wrong else None
    if saved is not None:
        save(saved, found.plan, found.ledger, found.files, invocation.options.connections)
    if invocation.options.as_json:
        invocation.terminal.document(documents.plan(found.plan, found.ledger.url, saved))
    else:
        shown.show(invocation.terminal, found.plan)
        _told(invocation, found.plan, folder, out, saved)
    if detailed:
        return FAILED if found.plan.refused else CHANGES if found.plan.acting else 0
    return code_of(found.plan)


def code_of(plan: Plan) -> int:
    """The exit code that the refusals of a plan ask for; 0 when there is none."""
    if plan.wrong:
        return USAGE
    return max((action.exit_code for action in plan.refused), default=0)


def _told(invocation: Invocation, plan: Plan, folder: Path, out: Path | None, saved: Path | None) -> None:
    terminal = invocation.terminal
    if plan.held:
        terminal.tell(terminal.clean(f"{plan.held}: `apply` does it with --yes, or from a saved plan"))
    if saved is not None:
        terminal.tell(terminal.clean(f"saved: `syncline apply {saved}` does exactly this"))
    elif out is not None:
        terminal.tell("not saved: nothing can be applied before the refused edits are mended")
    elif plan.acting and not plan.wrong:
        terminal.tell(terminal.clean(f"`syncline apply {folder}` does this"))
