"""Tables for people. Everything that comes from data is cleaned on its way in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..decision import DEFAULT_REASONS, Outcome
from . import text
from .terminal import Terminal

if TYPE_CHECKING:
    from rich.table import Table

    from ..ledger import RunRecord
    from ..plugin import Check

COLOURS: Mapping[str, str] = {
    "succeeded": "green",
    "partial": "yellow",
    "failed": "red",
    "inactive": "red",
    "interrupted": "yellow",
    "held": "yellow",
    "running": "cyan",
    "active": "green",
    "paused": "yellow",
    "completed": "blue",
}
_NUMBERS = ("total", "new", "re-added", "duplicate", "ignored", "rejected", "unknown", "deleted")


def table(
    terminal: Terminal,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    numbers: Sequence[str] = (),
) -> Table:
    """A plain table; `numbers` are the columns that stand to the right; words of `COLOURS` are coloured."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        title=title or None,
        title_justify="left",
        title_style="bold",
    )
    for name in columns:
        right = name in numbers
        made.add_column(name, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in rows:
        made.add_row(*(Text(terminal.clean(value), style=COLOURS.get(value, "")) for value in row))
    return made


def history(terminal: Terminal, runs: Sequence[RunRecord], *, title: str = "") -> Table:
    """One line for each run: its outcomes."""
    return table(
        terminal,
        ("run", "started", "status", "trigger", *_NUMBERS),
        [_outcomes(run) for run in runs],
        title=title,
        numbers=_NUMBERS,
    )


def _outcomes(run: RunRecord) -> list[str]:
    of = run.counts.of
    reasons = run.counts.reasons(Outcome.DUPLICATE)
    duplicate = text.number(of(Outcome.DUPLICATE))
    if reasons:
        duplicate += f" ({reasons.get('updated', 0):,} updated, {reasons.get('unchanged', 0):,} unchanged)"
    return [
        run.id,
        text.moment(run.started_at),
        run.status,
        run.trigger + (" (resumed)" if run.resumed else ""),
        text.number(run.counts.total),
        text.number(of(Outcome.NEW)),
        text.number(of(Outcome.RE_ADDED)),
        duplicate,
        *(text.number(of(each)) for each in (Outcome.IGNORED, Outcome.REJECTED, Outcome.UNKNOWN, Outcome.DELETED)),
    ]


def ignored(terminal: Terminal, runs: Sequence[RunRecord]) -> Table:
    """One line for each run: its ignored leads by reason. The six always, a rule's own reasons where they occur."""
    own = sorted({reason for run in runs for reason in run.counts.reasons(Outcome.IGNORED)} - DEFAULT_REASONS.keys())
    columns = [*DEFAULT_REASONS, *own]
    rows = []
    for run in runs:
        reasons = run.counts.reasons(Outcome.IGNORED)
        rows.append([run.id, *(text.number(reasons.get(name, 0)) for name in columns)])
    return table(terminal, ("run", *columns), rows, title="Ignored, by reason", numbers=columns)


def checks(terminal: Terminal, found: Iterable[Check]) -> Iterable[Table]:
    """`✓ subject  what was found`, and for what is not right the mend below it."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2))
    for check in found:
        mark = Text("✓", style="green") if check.ok else Text("✗", style="red")
        told = Text(terminal.clean(check.found))
        if check.mend:
            told.append(f"\n→ {terminal.clean(check.mend)}", style="" if check.ok else "bold")
        made.add_row(mark, terminal.clean(check.subject), told)
    yield made


def pairs(terminal: Terminal, values: Mapping[str, str]) -> Table:
    """Names and values, without a head."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2))
    for name, value in values.items():
        made.add_row(Text(terminal.clean(name), style="bold"), Text(terminal.clean(value)))
    return made
