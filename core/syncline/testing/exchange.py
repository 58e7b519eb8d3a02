"""One call of a plugin and the product's reply to it, and a product that is a server somewhere else."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import msgspec

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_ONE_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})


@dataclass(frozen=True)
class Call:
    """A request as it arrived. `target` is the path with its query; the names of `headers` are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float = 0.0
    """The moment on the clock of the check."""

    @property
    def path(self) -> str:
        """The path without its query."""
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, str]:
        """The parameters of the address."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @cached_property
    def form(self) -> dict[str, str]:
        """The parameters of the body."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None

    @property
    def writes(self) -> bool:
        """Whether its method is one that may change something."""
        return self.method not in SAFE_METHODS

    def names(self, text: str) -> bool:
        """Whether the body holds this text, encoded or not."""
        body = self.body.decode("utf-8", "replace")
        return text in body or text in unquote_plus(body)

    def shows(self, text: str) -> bool:
        """Whether the address of the call holds this text, encoded or not."""
        return text in self.target or text in unquote_plus(self.target)


@dataclass(frozen=True)
class Reply:
    """What a product answers."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """A reply whose body is `content` as JSON."""
        return cls(status, msgspec.json.encode(content), {"content-type": "application/json"} | dict(headers or {}))


Product = Callable[[Call], Reply]
"""How a product behaves: a fake of the author's, or `Forward` to a server."""


class Forward:
    """A product that is a server on this machine: each call goes on to `url` (http only)."""

    def __init__(self, url: str) -> None:
        self._netloc = urlsplit(url).netloc

    def __call__(self, call: Call) -> Reply:
        """The server's own reply."""
        line = http.client.HTTPConnection(self._netloc, timeout=60)
        try:
            headers = {name: value for name, value in call.headers.items() if name not in _ONE_HOP}
            line.request(call.method, call.target, call.body or None, headers | {"accept-encoding": "identity"})
            answer = line.getresponse()
            kept = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in _ONE_HOP}
            return Reply(answer.status, answer.read(), kept)
        finally:
            line.close()
