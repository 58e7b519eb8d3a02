"""`syncline status`: every sync at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...budget import Spent
    from ..survey import Known


@command()
@click.argument("folder", required=False, type=click.Path(path_type=Path), shell_complete=completing.specs)
def status(invocation: Invocation, folder: Path | None) -> int:
    """List all syncs: state, last run, next run, leads that wait for a retry.

    Those of the ledger and of the specs in FOLDER (by default the current one, or configs).

    \b
    Example:
      syncline status
    """
    from ...budget import made_today
    from .. import documents
    from ..survey import all_known

    folder = folder if folder is not None else invocation.folder()
    loaded = invocation.load([folder])
    ledger = invocation.ledger(beside=folder)
    known = all_known(ledger, loaded)
    now = invocation.clock().timestamp()
    spent, parks = ledger.spent()
    parked = {name: until for name, until in parks.items() if until > now}
    today = made_today(spent, now)
    if invocation.options.as_json:
        invocation.terminal.document(documents.status(known, parked, today))
    else:
        _show(invocation, known, len(loaded.faults_of))
        _show_budgets(invocation, parked, today)
    return 0


def _show(invocation: Invocation, known: Sequence[Known], faulty: int) -> None:
    from ...console import text
    from ...console.tables import table

    terminal = invocation.terminal
    if not known:
        terminal.say("no sync yet: neither in this folder nor in the ledger")
    else:
        columns = ("sync", "state", "last run", "ended", "next run", "to retry", "reason")
        rows = [_row(each) for each in known]
        terminal.say(table(terminal, columns, rows, numbers=("to retry",)))
    for each in known:
        if each.holding is not None:
            terminal.say(terminal.clean(f"{each.name}: {text.holding(each.holding)}"))
        for note in each.notes:
            terminal.say(terminal.clean(f"{each.name}: {note}"))
    if faulty:
        terminal.tell(f"{text.plural(faulty, 'file')} with faults left out: see `syncline validate`")


def _show_budgets(invocation: Invocation, parked: Mapping[str, float], today: Mapping[str, Spent]) -> None:
    from ...budget import DAY
    from ...console import text

    terminal = invocation.terminal
    for name, until in sorted(parked.items()):
        budget = name.removesuffix(DAY)
        why = "locked by the other side" if name == budget else "no call of the day is left"
        made = f", {text.plural(today[budget].calls, 'call')} today" if name != budget and budget in today else ""
        terminal.say(terminal.clean(f"{why} until {text.clock(until)}: {budget}{made}"))


def _row(each: Known) -> tuple[str, ...]:
    from ...console import text

    last = each.last_run
    following = text.moment(each.next_run) if each.next_run else text.schedule(each.schedule)
    runnable = each.state in ("active", None)
    return (
        each.name,
        each.state or "new",
        text.moment(last.started_at) if last else "never",
        last.status if last else "",
        following if runnable and not each.left else "",
        text.number(each.letters.all) if each.letters.all else "",
        each.reason if each.left or not runnable else text.failing(each.failures, each.retry_at),
    )
