"""What can go wrong between a plugin and a product: each fault, what it does to one call, and how a page is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

import msgspec

from .exchange import Reply


class Fault(StrEnum):
    """A misbehaviour of the network or of the product; the value is what a failure calls it."""

    ANSWER_LOST = "the call was carried out, then the connection broke: a time-out after the commit"
    CALL_LOST = "the connection broke and nothing was carried out: a time-out before the commit"
    GATEWAY_AFTER = "the call was carried out, then a gateway answered 504 with a page of its own"
    GATEWAY_BEFORE = "a gateway answered 503 with a page of its own; nothing was carried out"
    HTML = "a page of HTML came with HTTP 200; nothing was carried out"
    NO_CONTENT = "HTTP 204 came, and nothing else; nothing was carried out"
    MISHAP = "HTTP 200 with an error in its body; nothing was carried out"
    HALF_BODY = "only the first half of the body came, as if it were whole"
    THROTTLED = "HTTP 429 with Retry-After; nothing was carried out"
    THROTTLED_MUTE = "HTTP 429 that names no time; nothing was carried out"
    LOCKED = "HTTP 429 with Retry-After, and again for whoever calls this path before the half hour is over"
    TOKEN_REFUSED = "HTTP 401 once; nothing was carried out"  # noqa: S105 - the name of a fault
    DRIP = "the answer came in drops"
    STOPPED = "the run was told to stop while this call was answered"
    EMPTY_PAGE = "the page held no items, but everything else that it had"
    REPEATED = "the answer before came once more"
    STUCK = "the answer before came again and again"
    REVERSED = "the items of the page came in another order"


WRITES = (
    Fault.ANSWER_LOST, Fault.CALL_LOST, Fault.GATEWAY_AFTER, Fault.GATEWAY_BEFORE, Fault.HTML, Fault.NO_CONTENT,
    Fault.MISHAP, Fault.HALF_BODY, Fault.DRIP, Fault.STOPPED,
)  # fmt: skip
"""Faults after which a delivery must tell the truth; those of throttling and tokens have checks of their own."""

READS = (
    Fault.CALL_LOST, Fault.GATEWAY_BEFORE, Fault.HTML, Fault.NO_CONTENT, Fault.MISHAP, Fault.HALF_BODY,
    Fault.THROTTLED, Fault.THROTTLED_MUTE, Fault.TOKEN_REFUSED, Fault.DRIP, Fault.STOPPED, Fault.EMPTY_PAGE,
    Fault.REPEATED, Fault.STUCK, Fault.REVERSED,
)  # fmt: skip
"""Faults that may strike a listing."""

LISTINGS = (Fault.CALL_LOST, Fault.HTML, Fault.MISHAP, Fault.HALF_BODY, Fault.EMPTY_PAGE, Fault.REPEATED)
"""Faults after which an audience must not be taken for whole."""


def places(several: int) -> list[int]:
    """On which of so many calls a fault is played: the first two, one in the middle, the last."""
    return sorted({1, min(2, several), (several + 1) // 2, several} - {0})


LASTING = frozenset({Fault.STUCK, Fault.LOCKED})
"""They stay until the product is healed, or the time is over."""

PAGE = b"<!DOCTYPE html><html><body><h1>The service is not available</h1></body></html>"
HTML = {"content-type": "text/html"}
RETRY_AFTER = 7
LOCK = 1800


def page(status: int) -> Reply:
    """A page of a gateway."""
    return Reply(status, PAGE, HTML)


def throttled(seconds: int | None) -> Reply:
    """Too many calls."""
    return Reply.of({"message": "too many requests"}, 429, {} if seconds is None else {"retry-after": str(seconds)})


FALSE: Mapping[Fault, Reply | None] = {
    Fault.CALL_LOST: None,
    Fault.GATEWAY_BEFORE: page(503),
    Fault.HTML: page(200),
    Fault.NO_CONTENT: Reply(204),
    Fault.THROTTLED: throttled(RETRY_AFTER),
    Fault.THROTTLED_MUTE: throttled(None),
    Fault.TOKEN_REFUSED: Reply.of({"message": "the token is not valid"}, 401),
}
"""What is answered in place of the product, which does not see the call; None: the connection breaks."""

TOO_LATE: Mapping[Fault, Reply | None] = {Fault.ANSWER_LOST: None, Fault.GATEWAY_AFTER: page(504)}
"""What is answered after the product has carried out the call."""


def broken(fault: Fault, reply: Reply) -> Reply:
    """The product's own reply, with its body or its page broken as the fault says; others leave it as it is."""
    if fault is Fault.HALF_BODY:
        return replace(reply, body=reply.body[: len(reply.body) // 2])
    if fault is Fault.EMPTY_PAGE:
        return with_items(reply, lambda items: [])
    if fault is Fault.REVERSED:
        return with_items(reply, lambda items: items[::-1])
    return reply


def with_items(reply: Reply, change: Callable[[list[Any]], list[Any]]) -> Reply:
    """The reply with the longest list of objects in its JSON changed; as it is where there is none."""
    try:
        content = msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        return reply
    found = max(_lists(content), key=len, default=None)
    if found is None:
        return reply
    found[:] = change(found)
    return Reply(reply.status, msgspec.json.encode(content), reply.headers)


def _lists(content: Any) -> list[list[Any]]:
    if isinstance(content, dict):
        return [found for value in content.values() for found in _lists(value)]
    if isinstance(content, list):
        inner = [found for value in content for found in _lists(value)]
        return [content, *inner] if content and isinstance(content[0], dict) else inner
    return []
