"""`syncline leads`: what became of every lead of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...decision import Outcome
from .. import completing
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...ledger import RunRecord

COLUMNS = ("email", "source_id", "outcome", "reason", "detail")
SCREEN = 100
"""Rows of the table unless --limit says more; files and JSON hold everything."""
BLOCK = 1000
FAILED = ("rejected", "unknown")
"""Outcomes that leave a dead letter."""
PRIVATE = 0o600
"""Personal data is for its owner alone."""


@command()
@click.argument("run", shell_complete=completing.runs)
@click.option("--outcome", type=click.Choice([str(each) for each in Outcome]), help="Only leads that ended so.")
@click.option("--reason", metavar="CODE", help="Only leads with this reason or code.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="At most so many; a table shows 100 unless told."
)
@click.option("--csv", "file", metavar="FILE", help="Write a CSV file; - is standard output.")
def leads(
    invocation: Invocation, run: str, outcome: str | None, reason: str | None, limit: int | None, file: str | None
) -> int:
    """List the leads of RUN, each with its outcome and the reason.

    RUN is an id, the unique beginning of one, or `last`. With --json one JSON object on each line. In a CSV file, a
    value that a spreadsheet would take for a formula begins with an apostrophe.

    \b
    Example:
      syncline leads last --outcome ignored --reason invalid_pattern
    """
    ledger = invocation.ledger()
    found = ledger.run(run)

    def rows() -> Iterator[dict[str, Any]]:
        from .. import documents

        for frame in ledger.leads(found.id, outcome=outcome, reason=reason):
            for part in frame.iter_slices(BLOCK):
                failed = part.filter(part["outcome"].is_in(FAILED))["#row"].to_list()
                letters = ledger.letters_of(found.id, failed) if failed else {}
                for row in part.iter_rows(named=True):
                    yield documents.lead(row, letters.get(row["#row"]))

    if file is not None:
        _csv(invocation, islice(rows(), limit), file)
    elif invocation.options.as_json:
        invocation.terminal.lines(islice(rows(), limit))
    else:
        _table(invocation, found, rows(), limit or SCREEN)
    return 0


def _table(invocation: Invocation, run: RunRecord, rows: Iterator[dict[str, Any]], limit: int) -> None:
    from ...console.tables import table

    terminal = invocation.terminal
    shown = list(islice(rows, limit))
    letters = any("attempts" in row for row in shown)
    lines = [["" if row[name] is None else str(row[name]) for name in COLUMNS] for row in shown]
    if letters:
        lines = [[*line, *_letter(row)] for line, row in zip(lines, shown, strict=True)]
    if not lines:
        terminal.say("no such lead in this run (or its row detail is past the retention)")
        return
    columns = ("email", "source id", *COLUMNS[2:], *(("attempts", "and then") if letters else ()))
    terminal.say(table(terminal, columns, lines, title=f"{run.sync}, run {run.id}"))
    if next(rows, None) is not None:
        terminal.say(
            f"… and more: --limit N shows more of them, --csv FILE and --json all of them (first {limit:,} shown)"
        )


def _letter(row: dict[str, Any]) -> tuple[str, str]:
    """How often the lead was tried, and what comes or came of its letter."""
    from ...console import text
    from ...executor.asked import WORDS
    from ...ledger.backoff import ATTEMPTS

    if "attempts" not in row:
        return "", ""
    attempts = row["attempts"]
    if row["settled_by"]:
        why = row["settled_why"] or "settled"
        then = f"{WORDS.get(why, why)} by run {row['settled_by']}"
    elif row["return_at"]:
        then = f"returns by itself from {text.moment(datetime.fromisoformat(row['return_at']))}"
    elif row["outcome"] == "rejected" and attempts >= ATTEMPTS:
        then = f"stays, after {attempts} attempts"
    else:
        then = "waits for a retry"
    return str(attempts), then


def _csv(invocation: Invocation, rows: Iterator[dict[str, Any]], file: str) -> None:
    from ...console.text import plural

    terminal = invocation.terminal
    if file == "-":
        for block, _ in _blocks(rows):
            terminal.text(block)
            if terminal.closed:
                return
        return
    written = 0
    Path(file).touch(PRIVATE)
    with Path(file).open("w", encoding="utf-8", newline="") as out:
        for block, n in _blocks(rows):
            out.write(invocation.redactor.clean(block))
            written += n
    if invocation.options.as_json:
        terminal.document({"file": file, "leads": written})
    else:
        terminal.say(terminal.clean(f"{file}: {plural(written, 'lead')}"))


def _blocks(rows: Iterator[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """CSV text and how many leads it holds, the head first (RFC 4180)."""
    import csv
    import io

    from ...console.text import cell

    block: list[dict[str, Any]] = []
    lines: list[Sequence[str]] = [COLUMNS]
    while lines:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(lines)
        yield text.getvalue(), len(block)
        block = list(islice(rows, BLOCK))
        lines = [[cell(row[name]) for name in COLUMNS] for row in block]
