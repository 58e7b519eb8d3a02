"""Explain, as a story: what happened to one person, and what each stage makes of the record now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ..explain import Explanation
from . import text
from .terminal import Terminal


def tell(terminal: Terminal, told: Explanation) -> None:
    """Print the history, then the stages in the order of a run."""
    for line in [*_history(told), "", *_stages(told)]:
        terminal.say(terminal.clean(line))


def shown(value: Any) -> str:
    """Text in quotes, so that blanks at its ends are seen; moments as ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat()
    return "nothing" if value is None else repr(value)


def _history(told: Explanation) -> Iterator[str]:
    yield f"{told.email} in {told.sync}"
    if not told.history:
        yield "  no run has met this address (within the retention of row detail)"
    for each in told.history:
        detail = f": {each['detail']}" if each.get("detail") else ""
        source = f", record {each['source_id']}" if each.get("source_id") else ""
        end = f"{each['outcome']}/{each['reason']}"
        yield f"  {text.moment(each['started_at'])}  run {each['run']}  {end}{detail}{source}"
    if told.delivered:
        at = told.delivered.get("delivered_at")
        notes = [word for word in ("awaiting", "removed") if told.delivered.get(word)]
        yield f"  last delivered {text.moment(at) or 'never'}" + (f" ({', '.join(notes)})" if notes else "")


def _stages(told: Explanation) -> Iterator[str]:
    if not told.stages:
        yield f"The record as it is now: {told.why_not or 'not looked at'}"
        return
    yield "The record as it is now, stage by stage:"
    for name, value in (told.record or {}).items():
        yield f"  source     {name} = {shown(value)}"
    for stage in told.stages:
        yield from _stage(stage)
    now = told.now or {}
    sent = "" if "would_be_sent" not in now else ", would be sent" if now["would_be_sent"] else ", nothing to send"
    detail = f" ({now['detail']})" if now.get("detail") else ""
    yield f"A run now would count it as {now.get('outcome')}/{now.get('reason')}{detail}{sent}."


def _stage(stage: Mapping[str, Any]) -> Iterator[str]:
    name = stage["name"]
    match stage["stage"]:
        case "rule":
            detail = f" ({stage['detail']})" if stage.get("detail") else ""
            mark = "✓ passed" if stage["verdict"] == "passed" else f"✗ {stage['verdict']}{detail}"
            yield f"  rule       {name}: {mark}"
        case "match":
            held = stage.get("held") or {}
            known = ", ".join(f"{key} {value}" for key, value in held.items() if value is not None)
            yield f"  match      {known or 'not known in the target account'}"
        case kind:
            changes = stage.get("changes", {})
            if not changes:
                yield f"  {kind:<9}  {name}: nothing changes"
            for field, change in changes.items():
                before = f"{shown(change['before'])} → " if kind == "transform" else ""
                yield f"  {kind:<9}  {name}: {field}: {before}{shown(change['after'])}"
