"""`syncline forget`: erase one person."""

from __future__ import annotations

import sys

import click

from ..invocation import Invocation
from ..options import command


@command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask; without a terminal nobody is asked anyway.")
def forget(invocation: Invocation, email: str, yes: bool) -> int:
    """Erase EMAIL from every table of the ledger; a keyed hash stays, so that nobody writes to them again.

    Counts of past runs stay as they are. What the source and the target hold is not touched.

    \b
    Example:
      syncline forget anna@example.com
    """
    from .. import documents

    if not yes and sys.stdin.isatty():
        click.confirm("Erase this person from the ledger, for good?", abort=True, err=True)
    erased = invocation.ledger(read_only=False).forget(email)
    if invocation.options.as_json:
        invocation.terminal.document(documents.forgotten(erased))
        return 0
    from ...console.tables import table

    rows = [(name.replace("_", " "), f"{n:,}") for name, n in sorted(erased.items())]
    invocation.terminal.say(table(invocation.terminal, ("erased from", "rows"), rows, numbers=("rows",)))
    invocation.terminal.say("Kept: a keyed hash, so that no sync writes to this person again.")
    return 0
