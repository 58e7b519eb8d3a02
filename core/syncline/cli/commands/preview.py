"""`syncline preview`: what a run would do, without doing it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...preview import Preview

LONG = 3600.0
"""Seconds of deliveries from which it is said when they end."""


@command()
@click.argument("spec", type=click.Path(path_type=Path, dir_okay=False), shell_complete=completing.specs)
def preview(invocation: Invocation, spec: Path) -> int:
    """Read everything and write nothing: the counts, changes, calls and minutes of a run of SPEC.

    Neither the target nor the ledger is written. A few leads are shown, with their values now and then.

    \b
    Example:
      syncline preview configs/webinar-signups.yaml
    """
    from ...preview import preview as look

    bound = invocation.bound(spec)
    invocation.logs()
    shown = look(invocation.executor(read_only=True, beside=spec.parent), bound)
    if invocation.options.as_json:
        invocation.terminal.document(shown.document())
    else:
        _show(invocation, shown)
    return 0


def _show(invocation: Invocation, shown: Preview) -> None:
    from ...console.tables import table
    from ...console.text import duration, listing, moment, number, plural
    from ...decision import Outcome

    terminal = invocation.terminal
    terminal.say(terminal.clean(f"{shown.sync}: preview, nothing was written"))
    for note in shown.notes:
        terminal.say(terminal.clean(note))
    rows = [("total", number(shown.counts.total), "")]
    for outcome in Outcome:
        if outcome is not Outcome.DELETED or shown.counts.of(outcome):
            reasons = listing(shown.counts.reasons(outcome))
            rows.append((str(outcome).replace("_", "-"), number(shown.counts.of(outcome)), reasons))
    terminal.say(table(terminal, ("outcome", "leads", "by reason"), rows, numbers=("leads",)))
    if shown.changes:
        terminal.say(terminal.clean(f"Changed fields: {listing(dict(shown.changes.most_common()))}"))
    samples = [
        (sample["email"] or "", sample["outcome"], field, _value(change["old"]), _value(change["new"]))
        for sample in shown.samples
        for field, change in sample["fields"].items()
    ]
    if samples:
        title = "Samples of what would be sent"
        terminal.say(table(terminal, ("email", "outcome", "field", "now", "then"), samples, title=title))
    for line in _guards(shown):
        terminal.say(line)
    calls = shown.reads["source"] + shown.reads["sink"] + shown.writes
    sink = f"{shown.reads['sink']:,} to read the sink, {shown.writes:,} to write to it"
    terminal.say(f"{plural(calls, 'call')}: {shown.reads['source']:,} to the source, {sink}")
    if shown.today is not None:
        terminal.say(terminal.clean(str(shown.today)))
    if shown.returned:
        terminal.say(f"{plural(shown.returned, 'lead')} of these were refused or not sent earlier, and return")
    ends = invocation.clock() + timedelta(seconds=shown.seconds)
    until = f", until {moment(ends)}" if shown.seconds > LONG else ""
    least = f"at least {duration(shown.seconds)} by the call budget{until}"
    terminal.say(f"{plural(shown.to_send, 'lead')} to send, {least}")


def _guards(shown: Preview) -> Iterator[str]:
    """What the guards would say of it."""
    for name, tally in shown.guards.items():
        if not tally.leads:
            continue
        what = "Removals" if name == "removals" else "Changes"
        told = f"{what}: {tally.leads:,} of {tally.of:,} leads"
        if shown.empty and name == "removals":
            yield f"{told}; the source is empty, and an empty read never removes anybody: the run would be held"
        elif tally.tripped:
            approved = f", {tally.approved:,} are approved" if tally.approved else ""
            yield f"{told}, {tally.limit}: the run would be held, {tally.waiting:,} would wait{approved}"
        else:
            yield f"{told}, within the guard" if tally.limit else f"{told}, without a guard"


def _value(value: object) -> str:
    return "" if value is None else str(value)
