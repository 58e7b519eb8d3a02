"""A webhook: the document of a notice, by POST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from ..errors import Fatal, Retriable, SpecError
from ..http.answer import Answer, read_answer
from .notice import Notice, clean

SECONDS = 15.0
"""For one whole exchange."""
SAID = 80
"""Characters of the receiver's own words that are repeated."""


@dataclass(frozen=True)
class Webhook:
    """Takes a notice as JSON. The address is a secret: no message holds more of it than the host."""

    host: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, config: Mapping[str, Any], where: str) -> Self:
        """From the keys of syncline.yaml, resolved. `SpecError` for what is no address."""
        try:
            parts = urlsplit(config["url"])
            host = parts.hostname if parts.scheme in ("http", "https") else None
        except ValueError:
            host = None
        if not host:
            raise SpecError("is not an address", where=f"{where}.url", mend="it starts with https:// or http://")
        return cls(host, config["url"], config.get("headers", {}))

    @property
    def label(self) -> str:
        """See `Channel`."""
        return f"webhook {self.host}"

    def send(self, notice: Notice) -> None:
        """See `Channel`."""
        from ..http.wire import Unsent, Wire

        wire = Wire(self.url, seconds=SECONDS)
        headers = {"content-type": "application/json", **self.headers}
        body = msgspec.json.encode(notice.document())
        try:
            answer = read_answer(*wire.exchange("POST", "", None, body, headers))
        except Unsent as error:
            kind = Fatal if error.fault.lasting else Retriable
            raise kind(error.fault.what, why=error.fault.why, mend=error.fault.mend) from None
        finally:
            wire.close()
        _judge(answer)


def _judge(answer: Answer) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    if status == 429 or status >= 500:
        mend = "try again later; if it stays so, look into what receives it"
        raise Retriable(f"it answered HTTP {status}", after=answer.retry_after, mend=mend)
    why = ""
    if answer.headers.get("content-type", "").startswith("text/plain"):
        why = clean(" ".join(answer.text.split()))[:SAID]
    if 300 <= status < 400:
        raise Fatal(f"it answered HTTP {status}", why="redirects are never followed", mend="write its new address")
    raise Fatal(f"it answered HTTP {status}", why=why, mend="check the address and the headers")
