"""One notice: what happened, where, why, and what to do; as a document for machines and as text for people."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..decision import IN_TOTAL
from ..ledger import iso

_STRAY = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""What has no business in a mail or a chat: control characters, turned writing, halves of characters."""
_TITLES = {
    "failed": "{sync} failed",
    "held": "{sync} is held by a guard",
    "inactive": "{sync} is inactive, for good",
    "recovered": "{sync} works again",
    "degraded": "{sync} is degraded",
    "test": "a test of notifications",
}


@dataclass(frozen=True)
class Notice:
    """What is told of one sync. Without personal data, for it leaves the house.

    `event` is failed, inactive, recovered, degraded or test; `run` the document of the run that it is about, if there
    is one; `failures` in a row, the first at `since`; `shares` the parts of all leads that are over their limits.
    """

    event: str
    sync: str
    at: datetime
    reason: str
    run: Mapping[str, Any] | None = None
    failures: int = 0
    since: datetime | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    host: str = field(default_factory=socket.gethostname)

    @property
    def title(self) -> str:
        """What happened, in a few words."""
        held = self.run is not None and self.run["status"] == "held"
        return _TITLES["held" if held else self.event].format(sync=self.sync)

    @property
    def commands(self) -> Sequence[str]:
        """What to type to see more, or to mend it."""
        run = self.run["run"] if self.run else ""
        match self.event:
            case "failed" if self.run and self.run["status"] == "held":
                waits = self.run.get("held", {}).get("state") == "waiting"
                ways = [f"syncline approve {run} --dry-run", f"syncline approve {run}"] if waits else []
                return [*ways, f"syncline history {self.sync}"]
            case "failed":
                return [f"syncline history {self.sync}", "syncline doctor"]
            case "inactive":
                return [f"syncline show {self.sync}"]
            case "degraded":
                looks = [f"syncline leads {run} --outcome {outcome}" for outcome in self.shares]
                return looks + ([f"syncline retry {run}"] if "rejected" in self.shares else [])
            case "recovered":
                return [f"syncline history {self.sync}"]
        return []

    @property
    def text(self) -> str:
        """The whole notice for people; the first line is the title."""
        lines = [self.title, ""]
        lines += [f"Why: {clean(self.reason)}"] if self.reason else []
        if self.failures and self.since:
            times = "once" if self.failures == 1 else f"{self.failures} times in a row"
            lines.append(f"Failed {times}, first at {_moment(self.since)}")
        if self.run:
            lines.append(f"Run: {self.run['run']} ({self.run['trigger']}), {self.run['status']}")
            lines.append(f"Leads: {_leads(self.run)}")
        lines.append(f"Where: {self.host}, {_moment(self.at)}")
        if self.commands:
            lines += ["", "What to do:", *(f"  {command}" for command in self.commands)]
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """`{"version", "event", "sync", "title", "text", "at", "host", "reason", "failures", "since", "shares",
        "commands", "run"}`: what a webhook gets. Stable: keys are added, never renamed. `run` is the document of the
        run, or null; `sync` is empty for a test; `shares` holds the parts that are over a limit, from 0 to 1."""
        return {
            "version": 1,
            "event": self.event,
            "sync": self.sync,
            "title": self.title,
            "text": self.text,
            "at": iso(self.at),
            "host": self.host,
            "reason": clean(self.reason),
            "failures": self.failures,
            "since": iso(self.since),
            "shares": {name: round(share, 4) for name, share in self.shares.items()},
            "commands": list(self.commands),
            "run": dict(self.run) if self.run else None,
        }


def clean(text: str) -> str:
    """The text without what has no business in a mail or a chat."""
    return _STRAY.sub("\ufffd", text)


def _moment(at: datetime) -> str:
    return (iso(at) or "")[:16].replace("T", " ") + " UTC"


def _leads(run: Mapping[str, Any]) -> str:
    """`120 in all: new 100, ignored 20 (empty_email 15, bounced 5)`."""
    counts = run["counts"]
    parts = []
    for outcome in IN_TOTAL:
        if n := counts[outcome]:
            reasons = {reason: m for reason, m in run.get(outcome, {}).items() if m}
            why = f" ({', '.join(f'{reason} {m:,}' for reason, m in reasons.items())})" if reasons else ""
            parts.append(f"{outcome} {n:,}{why}")
    return f"{counts['total']:,} in all" + (f": {', '.join(parts)}" if parts else "")
