"""What comes in from the network and what goes out: plain values between the ASGI shell and the products."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from syncline_zoho_sandbox.settings import Settings
from syncline_zoho_sandbox.store import Store

JSON = "application/json;charset=UTF-8"
HTML = "text/html;charset=UTF-8"
ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
UNREAD = Settings()


@dataclass(slots=True)
class Reply:
    """One answer. `code` is the business code, kept for the call log."""

    body: bytes
    status: int = 200
    media: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    code: str = ""


@dataclass(slots=True)
class Call:
    """One request, parsed, together with the state it is handled against."""

    store: Store
    endpoint: str
    method: str
    path: str
    parts: Mapping[str, str]
    parameters: dict[str, str]  # query string and form body together
    headers: Mapping[str, str]
    body: bytes = b""
    settings: Settings = UNREAD  # this and the clock are read when the handling begins
    now: float = 0.0

    def bearer(self) -> str:
        """The access token; Zoho's own scheme and Bearer are both accepted, a token in the URL is not."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() in ("zoho-oauthtoken", "bearer") else ""


class Refusal(Exception):
    """Carries the answer that ends the handling of a request."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.code)
        self.reply = reply


class Endpoint(NamedTuple):
    """A call of an API: its name in faults and in the log, the scope it asks for, its methods."""

    name: str
    handle: Callable[[Call], Reply]
    scope: str = ""
    methods: tuple[str, ...] = ("GET",)


def form_fields(text: bytes) -> dict[str, str]:
    """The fields of a query string or an urlencoded body; the last one of a name wins.

    The standard library's parser would be the heaviest part of handling a lead: it also does what no client here needs.
    """
    fields = {}
    for pair in filter(None, text.split(b"&")):
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        fields[unquote_to_bytes(name).decode("utf-8", "replace")] = unquote_to_bytes(value).decode("utf-8", "replace")
    return fields


def json_reply(content: object, status: int = 200, code: str = "", headers: dict[str, str] | None = None) -> Reply:
    """*content* as JSON, characters outside ASCII written as themselves."""
    return Reply(ENCODE(content).encode("utf-8", "surrogatepass"), status, JSON, headers or {}, code)


def html_reply(status: int, title: str = "Bad request") -> Reply:
    """The kind of page a gateway sends in place of JSON."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Reply(page.encode(), status, HTML)
