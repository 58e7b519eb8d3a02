"""Scripted misbehaviour: which call goes wrong, and how.

A fault names an endpoint (`marketinghub.listsubscribe`, or a pattern such as `creator.*`) and a kind, and optionally
which of the matching calls it hits. The scripts and their counters live in the state, so every server process follows
the same script.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from syncline_zoho_sandbox.store import Store

KINDS: Mapping[str, str] = {
    # the connection
    "delay": "wait `seconds` before handling the call; with commit=true after it",
    "hold": "keep the call until the script is cleared, before handling it; with commit=true after it",
    "drip": "send the body in small pieces, one every `seconds`",
    "refuse": "close the connection before handling the call",
    "commit_then_drop": "handle the call, then close the connection without an answer",
    "cut": "handle the call, then close the connection in the middle of the body",
    # the answer; with commit=true the call is handled all the same, and its true answer is thrown away
    "status": "HTTP `status` with `body`",
    "html": "an HTML page with HTTP `status` (200 unless told)",
    "no_content": "HTTP 204, nothing else",
    "code": "a JSON error with the business code `code` and HTTP `status` (200 unless told)",
    "throttle": "HTTP 429, with Retry-After if `retry_after` is given",
    "redirect": "HTTP 302 to `location`, another host",
    "no_token": "HTTP 200 and JSON, but no access_token in it",
    "deep_json": "JSON nested `depth` levels deep",
    "half_batch": "of a bulk call the first `items` addresses are taken, then it fails with the business code `code`",
    # the state, before the call is handled
    "expire_tokens": "every access token ends",
    "revoke": "every refresh token ends",
    "lock": "this endpoint is locked for `seconds` (30 minutes unless told)",
    # the body
    "truncated_json": "only the first half of the body, as if it were whole",
    "huge_body": "the true answer, followed by `bytes` of white space",
    # the page (Creator records, MarketingHub leads and lists)
    "repeat_page": "the items of the page before, with the cursor of this one",
    "drop_page": "the page after this one, as if it were this one",
    "endless_cursor": "after the last page the first one follows again",
    "empty_page": "no items, but the cursor of the true page",
    "half_page": "only the first half of the items",
    "missing_times": "items without Added_Time and Modified_Time",
    "shuffle": "the items of the page in another order",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One script line.

    It fires on every matching call; with `count` on that many; with `nth` on the nth (and the following `count` - 1);
    with `probability` on a share of them that depends on `seed` only. `containing` narrows it to calls one of whose
    parameters contains that text, such as the address of one lead.
    """

    kind: str
    endpoint: str = "*"
    nth: int | None = None
    count: int | None = None
    probability: float = 1.0
    seed: int = 0
    containing: str = ""
    commit: bool = False
    seconds: float | None = None
    status: int = 200
    body: str = ""
    code: str = ""
    retry_after: int | None = None
    location: str = "http://elsewhere.example.com/"
    depth: int = 100_000
    items: int = 6
    bytes: int = 50_000_000

    @classmethod
    def read(cls, script: Mapping[str, Any]) -> "Fault":
        """The fault that *script* describes; raises ValueError for unknown kinds and keys."""
        unknown = set(script) - {each.name for each in fields(cls)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        if script.get("kind") not in KINDS:
            raise ValueError(f"no fault of kind {script.get('kind')!r}; there are {', '.join(KINDS)}")
        return cls(**script)

    def matches(self, endpoint: str, parameters: Mapping[str, str]) -> bool:
        if not fnmatchcase(endpoint, self.endpoint):
            return False
        return not self.containing or any(self.containing in value for value in parameters.values())

    def fires(self, seen: int, fired: int) -> bool:
        """Whether it fires on the matching call number *seen*, after it has fired *fired* times."""
        if self.nth is not None:
            return self.nth <= seen < self.nth + (self.count or 1)
        if self.count is not None and fired >= self.count:
            return False
        return self.probability >= 1 or _draw(f"{self.seed} {seen}") < self.probability


def add(store: Store, fault: Fault) -> int:
    """Put *fault* into the script; returns its number."""
    number = store.execute("INSERT INTO faults (script) VALUES (?)", (json.dumps(asdict(fault)),)).lastrowid
    store.touch()
    return int(number or 0)


def clear(store: Store) -> None:
    """Empty the script."""
    store.execute("DELETE FROM faults")
    store.touch()


def script(store: Store) -> list[dict[str, object]]:
    """The script with its counters: how many matching calls were seen, how often each fault fired."""
    rows = store.execute("SELECT id, script, seen, fired FROM faults ORDER BY id").fetchall()
    return [{"id": id_, **json.loads(text), "seen": seen, "fired": fired} for id_, text, seen, fired in rows]


def firing(store: Store, endpoint: str, parameters: Mapping[str, str]) -> list[Fault]:
    """The faults that hit this call, in the order of the script; counts it as seen by each that matches."""
    hits = []
    for number, fault in store.kept("faults", lambda: _loaded(store)):
        if not fault.matches(endpoint, parameters):
            continue
        query = "UPDATE faults SET seen = seen + 1 WHERE id = ? RETURNING seen, fired"
        seen, fired = store.execute(query, (number,)).fetchone()
        if fault.fires(seen, fired):
            store.execute("UPDATE faults SET fired = fired + 1 WHERE id = ?", (number,))
            hits.append(fault)
    return hits


def _draw(seed: str) -> float:
    return random.Random(seed).random()  # noqa: S311 -- repeatable, not secret


def _loaded(store: Store) -> list[tuple[int, Fault]]:
    rows = store.execute("SELECT id, script FROM faults ORDER BY id").fetchall()
    return [(number, Fault.read(json.loads(text))) for number, text in rows]
