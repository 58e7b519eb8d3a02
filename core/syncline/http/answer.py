"""What came back from one call, and the border at which untrusted bytes become values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

BOM = b"\xef\xbb\xbf"
MOST_LEVELS = 100
"""Lists and objects inside one another; whoever walks through values may do so by recursion."""
MOST_SECONDS = 86_400
"""A longer Retry-After is taken for a day."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `json` is the parsed body, or None when the body is not JSON (then see `text`).

    The names of `headers` are in lower case.
    """

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any

    @property
    def retry_after(self) -> float | None:
        """Seconds from now that the `Retry-After` header asks for (a number or an HTTP date); None: it does not."""
        given = self.headers.get("retry-after", "").strip()
        if given.isascii() and given.isdigit():
            return float(min(int(given[:9]), MOST_SECONDS))
        try:
            moment = parsedate_to_datetime(given)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), MOST_SECONDS)

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {'JSON' if self.json is not None else 'not JSON'}>"


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """The answer with its body parsed. A body that is no JSON, or nested beyond reason, has `json`
    None."""
    lowered = {name.lower(): value for name, value in headers.items()}
    return Answer(status, lowered, body.decode("utf-8", "replace"), _parsed(body.removeprefix(BOM)))


def _parsed(body: bytes) -> Any:
    if body[:1].isspace():
        body = body.lstrip()
    if body[:1] == b"<":  # a gateway's page; by far the most frequent body that is not JSON
        return None
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if _deep(value) else value


def _deep(value: Any) -> bool:
    """Whether the value is nested beyond `MOST_LEVELS`; level by level, for recursion is what is to be avoided."""
    level = [value]
    for _ in range(MOST_LEVELS):
        inner: list[Any] = []
        for each in level:
            held = each.values() if type(each) is dict else each if type(each) is list else ()
            inner += [part for part in held if type(part) is dict or type(part) is list]
        if not inner:
            return False
        level = inner
    return True
