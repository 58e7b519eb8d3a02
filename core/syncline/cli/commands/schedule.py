"""`syncline schedule`: when a sync runs next."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..coming import Coming

YEARS = (1970, 2200)


def _moment(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """An ISO 8601 moment."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        found = datetime.min
    if not YEARS[0] <= found.year < YEARS[1]:
        years = f"of the years {YEARS[0]} to {YEARS[1] - 1}"
        raise click.BadParameter(
            f"{value!r} is not a moment {years} like 2027-03-27T00:00:00+01:00 (ISO 8601)", context
        )
    return found


@command()
@click.argument("sync", metavar="SPEC", shell_complete=completing.syncs)
@click.option(
    "--next",
    "n",
    type=click.IntRange(1, 366),
    default=10,
    show_default=True,
    help="So many runs, 366 at most.",
)
@click.option(
    "--from",
    "start",
    metavar="MOMENT",
    callback=_moment,
    help="Look from another moment than now (ISO 8601; without an offset in the zone of the sync).",
)
def schedule(invocation: Invocation, sync: str, n: int, start: datetime | None) -> int:
    """Show when SPEC runs next, in its own zone and in UTC, and what changes of the clocks do to its times.

    SPEC is a spec file or the name of a sync. The zone is that of the schedule; where it names none, that of the
    source, which is asked for it.

    \b
    Example:
      syncline schedule configs/webinar-signups.yaml --next 5
    """
    from .. import documents
    from ..coming import coming

    found = coming(invocation, sync, n=n, start=start)
    if invocation.options.as_json:
        invocation.terminal.document(documents.schedule(found))
    else:
        _show(invocation, found)
    return 0


def _show(invocation: Invocation, found: Coming) -> None:
    from ...console import text
    from ...console.tables import table

    terminal = invocation.terminal
    terminal.say(terminal.clean(f"{found.name}: {text.schedule(found.schedule)}"))
    for note in found.notes:
        terminal.say(terminal.clean(note))
    if found.schedule is None:
        return
    if found.halted:
        terminal.say(terminal.clean(f"none of these runs will come: the sync is {found.halted}"))
    if found.zone is None:
        return
    terminal.say(terminal.clean(f"zone: {found.zone} ({found.origin})"))
    columns, rows = _rows(found)
    terminal.say(table(terminal, columns, rows))
    touched = [turn for turn in found.turns if turn.effect]
    for turn in found.turns if len(found.turns) <= len(found.firings) else touched:
        effect = f": {turn.effect}" if turn.effect else ""
        terminal.say(f"{turn.change.before:%Y-%m-%d}: {turn.words}{effect}")


def _rows(found: Coming) -> tuple[list[str], Sequence[Sequence[str]]]:
    """The columns, those that hold nothing left out, and the rows."""
    from ...console import text
    from ...schedule import jittered

    keys = found.schedule or {}
    columns = ["local time", "UTC", "from now", "starts", "clocks"]
    rows = [
        [
            text.local(each.due, found.zone or "UTC"),
            f"{each.due:%Y-%m-%d %H:%M}",
            text.distance(each.due - found.now),
            text.later(each.due, jittered(keys, found.name, each.due), found.zone or "UTC")
            if keys.get("jitter")
            else "",
            each.note,
        ]
        for each in found.firings
    ]
    kept = [n for n in range(len(columns)) if any(row[n] for row in rows)]
    return [columns[n] for n in kept], [[row[n] for n in kept] for row in rows]
