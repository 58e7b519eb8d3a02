"""`syncline show`: one sync, its definition and its life."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ..survey import Definition


@command()
@click.argument("sync", shell_complete=completing.syncs)
@click.option("--revisions", is_flag=True, help="Only how its spec changed: each revision with its differences.")
def show(invocation: Invocation, sync: str, revisions: bool) -> int:
    """Show what SYNC does, when, in which state it is, and how it came about.

    SYNC is a name or a spec file. References to secrets are shown as references. A revision names the commit and the
    author where the spec came out of a Git checkout.

    \b
    Example:
      syncline show webinar-signups
    """
    from .. import documents
    from ..survey import define

    shown = define(invocation, sync)
    if invocation.options.as_json and revisions:
        invocation.terminal.document(documents.revisions(shown.name, shown.revisions))
    elif invocation.options.as_json:
        invocation.terminal.document(documents.definition(shown))
    elif revisions:
        _revisions(invocation, shown)
    else:
        _show(invocation, shown)
    return 0


def _show(invocation: Invocation, shown: Definition) -> None:
    from ...console.changes import words
    from ...console.tables import history, pairs, table

    terminal = invocation.terminal
    terminal.say(pairs(terminal, dict(_facts(shown))))
    rows = [(target, _origin(origin)) for target, origin in (shown.raw.get("mapping") or {}).items()]
    terminal.say(table(terminal, ("field", "comes from"), rows, title="Mapping"))
    if shown.last_run:
        terminal.say(history(terminal, [shown.last_run], title="Last run"))
    from ...console import text

    revisions = [(str(each.number), text.moment(each.at), words(each.diff) or "first seen") for each in shown.revisions]
    if revisions:
        terminal.say(table(terminal, ("revision", "since", "changes"), revisions, title="Revisions"))
    events = [(text.moment(at), state, reason) for at, state, reason in shown.events]
    if events:
        terminal.say(table(terminal, ("at", "state", "reason"), events, title="Events"))
    firings = [
        (text.moment(each["due"]), each["state"], text.number(each["attempts"]), each["message"])
        for each in shown.firings
    ]
    if firings:
        columns = ("due", "state", "tries", "message")
        terminal.say(table(terminal, columns, firings, title="Last due", numbers=("tries",)))


def _revisions(invocation: Invocation, shown: Definition) -> None:
    """Each revision, the newest last, with what it changed."""
    from ...console import text
    from ...console.changes import lines

    terminal = invocation.terminal
    for each in shown.revisions:
        commit = f", commit {each.commit[:12]}" if each.commit else ""
        author = f" by {each.author}" if each.author else ""
        terminal.say(terminal.clean(f"revision {each.number}, since {text.moment(each.at)}{commit}{author}"))
        for line in lines(each.diff) if each.diff else ["first seen"]:
            terminal.say(terminal.clean(f"    {line}"))
    if not shown.revisions:
        terminal.say("no revision yet: the ledger has not met this sync")


def _facts(shown: Definition) -> Iterator[tuple[str, str]]:
    from ...console import text

    raw, record = shown.raw, shown.record
    yield "sync", shown.name
    if raw.get("description"):
        yield "about", str(raw["description"])
    yield "file", str(shown.file) if shown.file else "none here; shown as the ledger knows it"
    if record is None:
        yield "state", "not run yet"
    else:
        yield "state", f"{record.state}: {record.reason}"
        yield "created", text.moment(record.created_at)
    if not raw.get("enabled", True):
        yield "enabled", "false: paused by its spec"
    yield from _part("source", raw.get("source") or {}, shown.described.get("source", {}))
    retrieve = raw.get("retrieve", "all")
    yield "retrieve", f"after {retrieve['after']}" if isinstance(retrieve, Mapping) else str(retrieve)
    if shown.notes:
        yield "note", "; ".join(shown.notes)
    yield "transforms", ", ".join(map(_use, raw.get("transforms") or [])) or "none"
    yield "ignore", ", ".join(map(_use, raw.get("ignore", ["defaults"]))) or "none"
    yield from _part("sink", raw.get("sink") or {}, shown.described.get("sink", {}))
    yield "schedule", text.schedule(raw.get("schedule"))
    if record is not None and (failing := text.failing(record.failures, record.retry_at)):
        yield "failing", failing
    if shown.holding is not None:
        yield "held", text.holding(shown.holding)
    if shown.letters.all:
        yield "dead letters", text.letters(shown.letters)
    if shown.next_runs:
        yield "next runs", ", ".join(map(text.moment, shown.next_runs))
    if raw.get("replaces"):
        yield "replaces", str(raw["replaces"])


def _part(kind: str, raw: Mapping[str, Any], described: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    connection = f", connection {raw['connection']}" if raw.get("connection") else ""
    yield kind, f"{raw.get('type', '')}{connection}"
    written = {key: str(value) for key, value in raw.items() if key not in ("type", "connection")}
    for label, value in (described or written).items():
        yield f"  {label}", str(value)


def _use(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    ((name, options),) = entry.items()
    return f"{name} ({', '.join(f'{key}: {value}' for key, value in (options or {}).items())})"


def _origin(origin: Any) -> str:
    if not isinstance(origin, Mapping):
        return str(origin)
    (kind, value) = next((key, each) for key, each in origin.items() if key != "default")
    default = f", or {origin['default']!r} where it is empty" if "default" in origin else ""
    return f"{value if kind == 'field' else f'{kind}: {value}'}{default}"
