"""How each kind of fault changes an answer. What it does to the connection is the business of `delivery`."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from syncline_zoho_sandbox import accounts, limits
from syncline_zoho_sandbox.creator import Position
from syncline_zoho_sandbox.faults import Fault
from syncline_zoho_sandbox.marketinghub import coded
from syncline_zoho_sandbox.wire import JSON, Call, Reply, html_reply, json_reply

Handle = Callable[[Call], Reply]
CURSOR = "record_cursor"
LOCK_SECONDS = 1800.0


def answer(call: Call, handle: Handle, faults: Sequence[Fault]) -> Reply:
    """The answer to *call* as *faults* make it; without faults simply what *handle* says."""
    for fault in faults:
        disturb(call, fault)
    false = next((fault for fault in faults if fault.kind in ANSWERS), None)
    if false is not None:
        if false.kind == "half_batch":
            handle(_first(call, false.items))
        elif false.commit:
            handle(call)
        return ANSWERS[false.kind](call, false)
    pages = [fault for fault in faults if fault.kind in PAGES]
    reply = PAGES[pages[0].kind](call, handle) if pages else handle(call)
    for fault in faults:
        if fault.kind in BODIES:
            reply = BODIES[fault.kind](reply, fault)
    return reply


def disturb(call: Call, fault: Fault) -> None:
    """Change the state as the fault demands, before the call is handled."""
    if fault.kind == "expire_tokens":
        accounts.expire_all(call.store)
    elif fault.kind == "revoke":
        accounts.revoke_all(call.store)
    elif fault.kind == "lock":
        limits.lock(call.store, call.endpoint, LOCK_SECONDS if fault.seconds is None else fault.seconds)


def _status(call: Call, fault: Fault) -> Reply:
    media = JSON if fault.body.lstrip().startswith(("{", "[")) else "text/plain;charset=UTF-8"
    return Reply(fault.body.encode(), fault.status, media)


def _code(call: Call, fault: Fault) -> Reply:
    body: dict[str, object] = {"code": coded(call.settings, fault.code), "message": fault.body or "Sandbox fault."}
    if call.endpoint.startswith("marketinghub."):
        body |= {"status": call.settings.failure_word, "uri": call.path, "version": "1"}
    elif call.endpoint.startswith("accounts."):
        body = {"error": fault.code}
    elif fault.code.isdigit():
        body["code"] = int(fault.code)
    return json_reply(body, fault.status, fault.code)


def _throttle(call: Call, fault: Fault) -> Reply:
    headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    return Reply(b'{"message":"Too many requests."}', 429, JSON, headers, "429")


def _no_token(call: Call, fault: Fault) -> Reply:
    return json_reply({"api_domain": "http://127.0.0.1", "token_type": "Bearer", "expires_in": 3600})


def _deep(call: Call, fault: Fault) -> Reply:
    return Reply(b'{"code":3000,"data":' + b"[" * fault.depth + b"]" * fault.depth + b"}")


ANSWERS: dict[str, Callable[[Call, Fault], Reply]] = {
    "status": _status,
    "html": lambda call, fault: html_reply(fault.status),
    "no_content": lambda call, fault: Reply(b"", 204),
    "code": _code,
    "throttle": _throttle,
    "redirect": lambda call, fault: Reply(b"", 302, JSON, {"location": fault.location}),
    "no_token": _no_token,
    "deep_json": _deep,
    "half_batch": _code,
}


def _first(call: Call, items: int) -> Call:
    """The same bulk call with its first addresses only."""
    emails = call.parameters.get("emailids", "").split(",")[:items]
    return replace(call, parameters={**call.parameters, "emailids": ",".join(emails)})


def _repeat(call: Call, handle: Handle) -> Reply:
    reply = handle(call)
    earlier = _moved(call, -1)
    if earlier is not None:
        repeated = handle(earlier)
        reply.body = repeated.body
    return reply


def _skip(call: Call, handle: Handle) -> Reply:
    reply = handle(call)
    if call.endpoint == "creator.records":
        cursor = reply.headers.get(CURSOR)
        return reply if cursor is None else handle(replace(call, headers={**call.headers, CURSOR: cursor}))
    later = _moved(call, 1)
    return reply if later is None else handle(later)


def _endless(call: Call, handle: Handle) -> Reply:
    reply = handle(call)
    if call.endpoint == "creator.records":
        reply.headers.setdefault(CURSOR, Position().cursor())
        return reply
    if len(_items(reply) or ()) < int(call.parameters.get("range", "20")):
        return handle(replace(call, parameters={**call.parameters, "fromindex": "1"}))
    return reply


def _moved(call: Call, pages: int) -> Call | None:
    """The same call, some pages earlier or later; None if there is no such page."""
    if call.endpoint == "creator.records":
        cursor = call.headers.get(CURSOR)
        if not cursor:
            return None
        return replace(call, headers={**call.headers, CURSOR: Position(Position.read(cursor).before).cursor()})
    start = int(call.parameters.get("fromindex", "1")) + pages * int(call.parameters.get("range", "20"))
    return replace(call, parameters={**call.parameters, "fromindex": str(start)}) if start > 0 else None


PAGES: dict[str, Callable[[Call, Handle], Reply]] = {
    "repeat_page": _repeat,
    "drop_page": _skip,
    "endless_cursor": _endless,
}


def _content(reply: Reply) -> tuple[dict[str, Any], str] | None:
    """The parsed body and the key of its items, if it is a page."""
    try:
        content = json.loads(reply.body)
    except ValueError:
        return None
    key = next((key for key in ("data", "list_of_details") if isinstance(content.get(key), list)), None)
    return None if key is None else (content, key)


def _items(reply: Reply) -> list[Any] | None:
    found = _content(reply)
    return None if found is None else found[0][found[1]]


def _of_items(change: Callable[[list[Any], Fault], list[Any]]) -> Callable[[Reply, Fault], Reply]:
    def changed(reply: Reply, fault: Fault) -> Reply:
        found = _content(reply)
        if found is None:
            return reply
        content, key = found
        content[key] = change(content[key], fault)
        return replace(reply, body=json.dumps(content, ensure_ascii=False).encode())

    return changed


def _shuffled(items: list[Any], fault: Fault) -> list[Any]:
    return random.Random(fault.seed).sample(items, len(items))  # noqa: S311 -- repeatable, not secret


def _timeless(items: list[Any], fault: Fault) -> list[Any]:
    times = ("Added_Time", "Modified_Time")
    return [{name: value for name, value in item.items() if name not in times} for item in items]


BODIES: dict[str, Callable[[Reply, Fault], Reply]] = {
    "truncated_json": lambda reply, fault: replace(reply, body=reply.body[: len(reply.body) // 2]),
    "huge_body": lambda reply, fault: replace(reply, body=reply.body + b" " * fault.bytes),
    "empty_page": _of_items(lambda items, fault: []),
    "half_page": _of_items(lambda items, fault: items[: len(items) // 2]),
    "missing_times": _of_items(_timeless),
    "shuffle": _of_items(_shuffled),
}
