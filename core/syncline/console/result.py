"""What a run says when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ..decision import Outcome
from ..ledger import RunRecord
from . import tables, text
from .terminal import Terminal


def show(terminal: Terminal, run: RunRecord, notes: Sequence[str] = ()) -> None:
    """The table of its outcomes, the reasons, what it cost, and what to do next."""
    seconds = ((run.finished_at or datetime.now(UTC)) - run.started_at).total_seconds()
    calls = f"{text.plural(run.source_calls, 'call')} to the source, {run.sink_calls:,} to the sink"
    terminal.say(tables.history(terminal, [run], title=f"{run.sync}: {run.status}"))
    if run.counts.of(Outcome.IGNORED):
        terminal.say(tables.ignored(terminal, [run]))
    if rejected := run.counts.reasons(Outcome.REJECTED):
        terminal.say(terminal.clean(f"Rejected, by code: {text.listing(rejected)}"))
    if unknown := run.counts.reasons(Outcome.UNKNOWN):
        terminal.say(terminal.clean(f"Unknown, by reason: {text.listing(unknown)}"))
    if run.returned:
        terminal.say(f"{text.plural(run.returned, 'lead')} of the total came back from earlier runs")
    terminal.say(f"{calls}; {text.duration(seconds)}")
    if run.message:
        terminal.say(terminal.clean(f"{run.status}: {run.message}"))
    for note in notes:
        terminal.say(terminal.clean(note))
    for step in steps(run):
        terminal.say(terminal.clean(f"→ {step}"))


def steps(run: RunRecord) -> list[str]:
    """What somebody would want to do next, most urgent first."""
    of = run.counts.of
    found = []
    if run.status == "inactive":
        found.append(f"this sync never runs again; give its spec a new name and say `replaces: {run.sync}`")
    if run.status == "held" and run.hold_state == "waiting":
        found.append(f"see who waits: syncline approve {run.id} --dry-run")
        found.append(f"let it be done, once: syncline approve {run.id}")
    if run.status in ("failed", "interrupted"):
        found.append("run it again: what was recorded stays, and no lead is sent twice")
    if of(Outcome.REJECTED):
        found.append(f"see who was rejected: syncline leads {run.id} --outcome rejected")
        found.append(f"send them again once mended: syncline retry {run.id}")
    if of(Outcome.UNKNOWN):
        found.append(f"send those again whose answer was lost: syncline retry {run.id} --unknown")
    if of(Outcome.IGNORED):
        found.append(f"see who was ignored: syncline leads {run.id} --outcome ignored")
    return found
