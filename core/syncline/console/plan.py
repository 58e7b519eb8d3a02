"""A plan for people, and how it was carried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..plan import ACTING, Action, Done, Kind, Plan
from . import text
from .changes import lines
from .terminal import Terminal

SIGNS: Mapping[Kind, str] = {
    Kind.CREATE: "+",
    Kind.UPDATE: "~",
    Kind.PAUSE: "~",
    Kind.RESUME: "~",
    Kind.REMOVE: "-",
    Kind.UNCHANGED: "=",
    Kind.KEPT: "=",
    Kind.REFUSED: "!",
}
COLOURS: Mapping[Kind, str] = {
    Kind.CREATE: "green",
    Kind.UPDATE: "yellow",
    Kind.PAUSE: "yellow",
    Kind.RESUME: "green",
    Kind.REMOVE: "red",
    Kind.REFUSED: "bold red",
}
WORDS: Mapping[Kind, str] = {
    Kind.CREATE: "created",
    Kind.UPDATE: "updated",
    Kind.PAUSE: "paused",
    Kind.RESUME: "resumed",
    Kind.REMOVE: "removed, for good",
}


def show(terminal: Terminal, plan: Plan) -> None:
    """Print each action with its details, and the sums; what is unchanged and has nothing to say is counted only."""
    for action in plan.actions:
        details = list(_details(action))
        if action.kind is Kind.UNCHANGED and not details:
            continue
        _say(terminal, action, f"{SIGNS[action.kind]} {action.sync}: {_head(action)}")
        for line in details:
            terminal.say(terminal.clean(f"    {line}"))
    terminal.say(summary(plan))


def summary(plan: Plan) -> str:
    """`Plan: 1 to create, 2 to update; 3 unchanged, 1 refused.`"""
    counts = plan.counts
    told = ", ".join(f"{counts[kind]:,} to {kind}" for kind in ACTING if counts[kind]) or "nothing to do"
    others = (kind for kind in Kind if kind not in ACTING and counts[kind])
    rest = ", ".join(f"{counts[kind]:,} {kind}" for kind in others)
    return f"Plan for {plan.folder}: {told}{'; ' + rest if rest else ''}."


def result(terminal: Terminal, done: Done) -> None:
    """Print what became of one action."""
    action = done.action
    if done.status == "done":
        more = f"; {again(action.sent_again)}" if action.sent_again is not None else ""
        _say(terminal, action, f"{SIGNS[action.kind]} {action.sync}: {WORDS[action.kind]}{more}")
    elif done.status == "failed":
        terminal.tell(terminal.clean(f"! {action.sync}: not {WORDS[action.kind]}: {done.message}"))
    else:
        terminal.tell(terminal.clean(f"  {action.sync}: left as it is"))


def _say(terminal: Terminal, action: Action, line: str) -> None:
    from rich.text import Text

    terminal.say(Text(terminal.clean(line), style=COLOURS.get(action.kind, "")))


def _head(action: Action) -> str:
    if action.kind is Kind.UPDATE and action.revision is not None:
        return f"update, revision {action.revision} → {action.revision + 1}"
    if action.kind is Kind.CREATE and action.replaces:
        return f"create, in place of {action.replaces}: its delivered leads are known"
    return f"{action.kind}: {action.reason}" if action.reason else str(action.kind)


def _details(action: Action) -> Iterator[str]:
    if action.file and action.kind in (Kind.CREATE, Kind.UPDATE, Kind.PAUSE, Kind.RESUME, Kind.REFUSED):
        yield action.file
    if action.kind is Kind.CREATE:
        yield text.schedule(action.spec.get("schedule"))
        if action.becomes == "paused":
            yield "paused: its spec says enabled: false"
    yield from lines(action.changes)
    if action.sent_again is not None:
        exact = f"; `syncline preview {action.file}` says how many" if action.sent_again else ""
        yield f"{again(action.sent_again)}{exact}"
    if action.next_run is not None:
        before, after = map(text.moment, action.next_run)
        if not (before or after):
            yield "next run: `syncline schedule` asks the source for its zone and shows it"
        elif action.kind is Kind.CREATE or not before:
            yield f"next run: {after}"
        else:
            yield f"next run: {before} → {after or 'none'}"
    yield from action.notes


def again(leads: int) -> str:
    """How many known leads an edit sends once more."""
    if not leads:
        return "no known lead will be sent again"
    return f"up to {text.plural(leads, 'known lead')} will be sent again"
