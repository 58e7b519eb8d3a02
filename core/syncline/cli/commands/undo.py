"""`syncline undo`: what can be taken back of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...executor import Executor
    from ...executor.undo import Proposal
    from ...ledger import RunRecord
    from ...pipeline.guard import Tally
    from ...spec import Bound

SCREEN = 100
"""Leads that a table shows."""


@command()
@click.argument("run", shell_complete=completing.runs)
@click.option("--action", metavar="HOW", help="How people are taken out: unsubscribe or do_not_mail.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask; where nobody can be asked, it has to be said.")
def undo(invocation: Invocation, run: str, action: str | None, dry_run: bool, yes: bool) -> int:
    """Take back what can be taken back of RUN: leads that it added are taken out, fields get their former values.

    What cannot be taken back is listed, with the reason: a mail that went out, a lead that was changed since. Nobody is
    subscribed again, and whoever is taken out counts as opted out from then on. The undo is a run of its own, within
    the guards. RUN is an id, the unique beginning of one, or `last`.

    Exit: as of `run`; 5 also when the run was undone already; 6 when a guard holds the undo.

    \b
    Example:
      syncline undo last --dry-run
    """
    from ...errors import SpecError
    from ...executor.undo import undoable
    from .. import documents
    from ..asking import confirmed
    from ..running import carried_out

    ledger = invocation.ledger()
    earlier = ledger.run(run)
    undoable(ledger, earlier)
    spec, loaded = invocation.named(earlier.sync)
    if spec is None:
        raise SpecError(
            f"there is no spec of sync {earlier.sync} in {invocation.folder().absolute()}",
            mend="run `syncline undo` in the folder of its specs",
        )
    bound = invocation.bind(spec, loaded)
    if dry_run or not yes:
        found, tallies = _proposed(invocation, bound, earlier, action)
        if not invocation.options.as_json:
            _show(invocation, found, tallies)
        if dry_run and invocation.options.as_json:
            invocation.terminal.document(documents.undoing(found, tallies))
        if dry_run:
            return 0
        confirmed(invocation, "Take this back?", yes=yes)
    return carried_out(invocation, bound, lambda executor: executor.undo(bound, earlier, action=action))


def _proposed(
    invocation: Invocation, bound: Bound, run: RunRecord, action: str | None
) -> tuple[Proposal, Mapping[str, Tally]]:
    """What an undo would do now; nothing is written."""
    from ...executor.undo import acting

    chosen = acting(bound, action)
    invocation.logs()
    executor: Executor = invocation.executor(read_only=True, beside=bound.spec.path.parent)
    return executor.proposal(bound, run, chosen)


def _show(invocation: Invocation, found: Proposal, tallies: Mapping[str, Tally]) -> None:
    from ...console.tables import table
    from ...console.text import plural

    terminal = invocation.terminal
    how = (found.action or "").replace("_", " ")
    title = f"{found.run.sync}: what can be taken back of run {found.run.id}"
    rows = [(each, how, "") for each in found.removals["#address"]]
    restored = found.restored.select("#address", "#key").iter_rows()
    rows += [(each, "former values", found.words.get(key) or "") for each, key in restored]
    reasons = found.left.select("#address", "reason", "detail").iter_rows()
    rows += [
        (each or "", "left as it is", f"{reason}: {detail}" if detail else reason) for each, reason, detail in reasons
    ]
    if rows:
        terminal.say(table(terminal, ("email", "undo", "why not"), rows[:SCREEN], title=title))
    if len(rows) > SCREEN:
        terminal.say(f"… and {len(rows) - SCREEN:,} more: --dry-run --json shows all of them")
    terminal.say(
        f"{plural(found.removals.height, 'lead')} to be taken out, {found.restored.height:,} to get former values, "
        f"{found.left.height:,} left as they are, {found.forgotten:,} forgotten"
    )
    if found.removals.height:
        terminal.say("Whoever is taken out counts as opted out: no sync writes to them again.")
    if found.restored.height:
        terminal.say("The next run sends the fields again, unless the source or the mapping is mended before.")
    for name, tally in tallies.items():
        if tally.tripped:
            terminal.say(f"A guard would hold it: {tally.leads:,} of {tally.of:,} {name}, {tally.limit}")
