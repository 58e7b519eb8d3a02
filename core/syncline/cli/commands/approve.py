"""`syncline approve`: what a guard holds may be carried out, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...ledger import Ledger, RunRecord

SCREEN = 100
"""Leads that a table shows."""


@command()
@click.argument("run", shell_complete=completing.runs)
@click.option("--dry-run", is_flag=True, help="Only show who it is about.")
@click.option("--yes", is_flag=True, help="Do not ask; where nobody can be asked, it has to be said.")
def approve(invocation: Invocation, run: str, dry_run: bool, yes: bool) -> int:
    """Approve what a guard holds in RUN: the next run of its sync carries out exactly that, once.

    RUN is an id, the unique beginning of one, or `last`. Only leads of this plan are removed or changed, and only as
    far as the next run finds the same of them; whatever else that run would remove or change is guarded anew.

    Exit: 0 approved; 2 the run holds nothing; 5 refused, because the approval was used, the plan is void, or the read
    was empty.

    \b
    Example:
      syncline approve last --dry-run
    """
    from ...ledger.holds import refuse
    from ..asking import confirmed

    ledger = invocation.ledger(read_only=dry_run)
    found = ledger.run(run)
    if not dry_run or found.status != "held" or found.hold is None:
        refuse(found)
    leads = list(_leads(ledger, found))
    if not invocation.options.as_json:
        _show(invocation, found, leads)
    if dry_run:
        return _told(invocation, found, leads)
    if found.hold_state == "waiting":
        confirmed(invocation, f"Let the next run of {found.sync} do this?", yes=yes)
    found = ledger.approve(found.id)
    if not invocation.options.as_json:
        from ...console.text import schedule

        terminal = invocation.terminal
        sync = ledger.sync(found.sync)
        times = (sync.spec.get("schedule") if sync else None) or {}
        when = f"its next run ({schedule(times)}), or `syncline run`" if times else "its next run: `syncline run`"
        again = f"`syncline undo {found.undoes}`" if found.undoes else when
        terminal.say(terminal.clean(f"approved, once: {again} carries it out"))
    return _told(invocation, found, leads)


def _told(invocation: Invocation, run: RunRecord, leads: list[Mapping[str, Any]]) -> int:
    from .. import documents

    if invocation.options.as_json:
        invocation.terminal.document(documents.approval(run, leads))
    return 0


def _leads(ledger: Ledger, run: RunRecord) -> Iterator[Mapping[str, Any]]:
    for row in ledger.held_leads(run.id).iter_rows(named=True):
        yield {"email": row["#key"], "source_id": row["source_id"], "kind": row["kind"]}


def _show(invocation: Invocation, run: RunRecord, leads: list[Mapping[str, Any]]) -> None:
    from ...console.tables import table

    terminal = invocation.terminal
    rows = [(each["kind"], each["email"], each["source_id"] or "") for each in leads[:SCREEN]]
    terminal.say(terminal.clean(f"{run.sync}, run {run.id}: {run.message}"))
    if rows:
        terminal.say(table(terminal, ("kind", "email", "source id"), rows))
    if len(leads) > SCREEN:
        terminal.say(f"… and {len(leads) - SCREEN:,} more: --json shows all of them")
    if run.hold_state and run.hold_state != "waiting":
        by = f" by run {run.hold_by}" if run.hold_by else ""
        terminal.say(terminal.clean(f"this plan is {run.hold_state}{by}"))
