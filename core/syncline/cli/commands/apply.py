"""`syncline apply`: make the ledger agree with a folder of specs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import completing
from ..ending import FAILED
from ..invocation import Invocation
from ..options import command
from .plan import code_of

if TYPE_CHECKING:
    from ...plan import Done, Plan
    from ...spec.model import Spec

HELD = 6


@command()
@click.argument("target", metavar="[FOLDER|FILE]", required=False, type=click.Path(path_type=Path),
                shell_complete=completing.specs)  # fmt: skip
@click.option("--prune", is_flag=True, help="End the syncs of this folder whose specs are gone.")
@click.option("--yes", is_flag=True, help="Also when --prune ends most of the syncs at once.")
@click.option("--max-age", type=click.IntRange(min=1), default=24, show_default=True, metavar="HOURS",
              help="Refuse a saved plan that is older.")  # fmt: skip
def apply(invocation: Invocation, target: Path | None, prune: bool, yes: bool, max_age: int) -> int:
    """Take the specs of a folder in: create, update, pause, resume, and with --prune end their syncs.

    FOLDER is planned and carried out at once. FILE is a plan that `plan --out` saved: exactly that is done, or it is
    refused with all reasons. Nothing is asked; nothing runs, and nothing is sent. To apply again is always safe.

    Exit: 0 done; 1 failed, or the saved plan is refused; 2 a fault in a file, or an edit that is refused, and nothing
    was done; 5 done, but a sync is inactive and its spec is still here; 6 --prune would end most of the syncs.

    \b
    Example:
      syncline apply configs
    """
    if target is not None and target.is_file():
        if target.suffix in (".yaml", ".yml"):
            raise click.UsageError(f"{target} is a spec; name its folder, {target.parent}")
        if prune or yes:
            raise click.UsageError("--prune and --yes are for a folder; a saved plan says itself what it ends")
        return _saved(invocation, target, timedelta(hours=max_age))
    return _folder(invocation, target if target is not None else invocation.folder(), prune=prune, yes=yes)


def _folder(invocation: Invocation, folder: Path, *, prune: bool, yes: bool) -> int:
    from ...console import plan as shown
    from .. import documents
    from ..planning import made

    found = made(invocation, folder, prune=prune)
    held = found.plan.held if not yes else ""
    if not invocation.options.as_json:
        shown.show(invocation.terminal, found.plan)
    if found.plan.wrong or held:
        if invocation.options.as_json:
            invocation.terminal.document(documents.applied(found.plan, [], held=held))
        else:
            why = f"{held}; see whether the folder is whole, then say --yes" if held else "mend the refused edits first"
            invocation.terminal.tell(f"nothing was applied: {why}")
        return code_of(found.plan) if found.plan.wrong else HELD
    return _carried_out(invocation, found.plan, found.specs, folder)


def _saved(invocation: Invocation, path: Path, oldest: timedelta) -> int:
    from ...console import plan as shown
    from ...errors import Fatal
    from ...plan import digests, load, refusals
    from ..planning import sound

    try:
        saved = load(path)
    except Fatal as error:
        return _refused(invocation, path, [str(error)])
    options, folder = invocation.options, Path(saved.plan.folder)
    options.connections = options.connections or (Path(saved.connections) if saved.connections else None)
    if not folder.is_dir():
        return _refused(invocation, path, [f"there is no {folder} here: apply it where it was made"])
    files = digests(folder, options.connections)
    specs = sound(invocation, folder) if files == saved.files else ()
    reasons = refusals(saved, specs, files, invocation.ledger(beside=folder), oldest=oldest)
    if reasons:
        return _refused(invocation, path, reasons)
    if not options.as_json:
        shown.show(invocation.terminal, saved.plan)
    return _carried_out(invocation, saved.plan, specs, folder)


def _refused(invocation: Invocation, path: Path, reasons: Sequence[str]) -> int:
    from .. import documents

    terminal = invocation.terminal
    if invocation.options.as_json:
        terminal.document(documents.plan_refused(path, reasons))
    else:
        terminal.tell(terminal.clean(f"{path} is refused, and nothing was applied; make a new plan:"))
        for reason in reasons:
            terminal.tell(terminal.clean(f"  - {reason}"))
    return FAILED


def _carried_out(invocation: Invocation, plan: Plan, specs: Sequence[Spec], folder: Path) -> int:
    from ...adoption import origins
    from ...console import plan as shown
    from ...observers import Observers
    from ...plan import carry_out
    from .. import documents
    from ..watching import watched

    ledger = invocation.ledger(read_only=False, beside=folder)
    results: list[Done] = []
    with watched(invocation, ledger, folder):
        for done in carry_out(plan, specs, ledger, Observers(invocation.registry), origins):
            results.append(done)
            if not invocation.options.as_json:
                shown.result(invocation.terminal, done)
    if invocation.options.as_json:
        invocation.terminal.document(documents.applied(plan, results))
    else:
        _ended(invocation, results)
    failed = any(each.status != "done" for each in results)
    return FAILED if failed else code_of(plan)


def _ended(invocation: Invocation, results: Sequence[Done]) -> None:
    done = sum(each.status == "done" for each in results)
    if done < len(results):
        invocation.terminal.tell(f"{done} of {len(results)} applied; mend what failed and apply again")
    else:
        invocation.terminal.say(f"applied: {done} of {done}" if done else "applied: nothing was to be done")
