"""Tables for people. Everything that comes from data is cleaned on its way in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..decision import DEFAULT_REASONS, Outcome
from . import text
from .terminal import WIDE, Terminal

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
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
_DUPLICATE = "duplicate (updated/unchanged)"
_NUMBERS = ("total", "new", "re-added", _DUPLICATE, "ignored", "rejected", "unknown", "deleted")


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

    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    made.title, made.title_justify = Text(terminal.clean(title), style="bold") if title else None, "left"
    for name in columns:
        right = name in numbers
        made.add_column(name, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in rows:
        made.add_row(*(Text(terminal.clean(value), style=COLOURS.get(value, "")) for value in row))
    return made


@dataclass(frozen=True)
class Counted:
    """A table that is not broken up on a narrow screen: there, each row is a block of lines."""

    terminal: Terminal
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str
    head: int
    """How many columns stand in the first line of a block; the others follow, each with its name."""
    texts: bool = False
    """The others are texts, not numbers: in a block they have a line each, and empty ones are left out."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Chosen by what fits."""
        from rich.text import Text

        numbers = () if self.texts else self.columns[self.head :]
        whole = table(self.terminal, self.columns, self.rows, title=self.title, numbers=numbers)
        if console.measure(whole, options=options.update(max_width=WIDE)).maximum <= options.max_width:
            yield whole
            return
        if self.title:
            yield Text(self.terminal.clean(self.title), style="bold")
        for row in self.rows:
            yield Text(self.terminal.clean("  ".join(row[: self.head])))
            named = list(zip(self.columns, row, strict=True))[self.head :]
            if self.texts:
                yield from (Text(self.terminal.clean(f"  {name}: {value}".rstrip())) for name, value in named if value)
            else:
                yield Text(self.terminal.clean("  " + ", ".join(f"{name} {value}" for name, value in named)))


def history(terminal: Terminal, runs: Sequence[RunRecord], *, title: str = "") -> Counted:
    """One line for each run: its outcomes."""
    columns = ("run", "started", "status", "trigger", *_NUMBERS)
    return Counted(terminal, columns, [_outcomes(run) for run in runs], title, head=4)


def _outcomes(run: RunRecord) -> list[str]:
    of = run.counts.of
    reasons = run.counts.reasons(Outcome.DUPLICATE)
    usual = [reasons.pop(name, 0) for name in ("updated", "unchanged")]
    others = reasons.items()
    return [
        run.id,
        text.moment(run.started_at),
        run.status,
        run.trigger + (" (resumed)" if run.resumed else ""),
        text.number(run.counts.total),
        text.number(of(Outcome.NEW)),
        text.number(of(Outcome.RE_ADDED)),
        f"{of(Outcome.DUPLICATE):,} ({'/'.join([f'{n:,}' for n in usual] + [f'{name} {n:,}' for name, n in others])})",
        *(text.number(of(each)) for each in (Outcome.IGNORED, Outcome.REJECTED, Outcome.UNKNOWN, Outcome.DELETED)),
    ]


def ignored(terminal: Terminal, runs: Sequence[RunRecord]) -> Counted:
    """One line for each run: its ignored leads by reason. The six always, a rule's own reasons where they occur."""
    own = sorted({reason for run in runs for reason in run.counts.reasons(Outcome.IGNORED)} - DEFAULT_REASONS.keys())
    columns = [*DEFAULT_REASONS, *own]
    rows = []
    for run in runs:
        reasons = run.counts.reasons(Outcome.IGNORED)
        rows.append([run.id, *(text.number(reasons.get(name, 0)) for name in columns)])
    return Counted(terminal, ("run", *columns), rows, "Ignored, by reason", head=1)


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


def numbered(terminal: Terminal, rows: Mapping[int, Sequence[str]]) -> Table:
    """Rows to choose from, each with its number, without a head."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2))
    for number, row in rows.items():
        made.add_row(Text(f"{number:>4}", style="cyan"), *(Text(terminal.clean(value)) for value in row))
    return made


def pairs(terminal: Terminal, values: Mapping[str, str]) -> Table:
    """Names and values, without a head."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2))
    for name, value in values.items():
        made.add_row(Text(terminal.clean(name), style="bold"), Text(terminal.clean(value)))
    return made
