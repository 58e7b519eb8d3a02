"""The ASGI application: from a request to the product that answers it, and back.

Each request is handled inside one transaction of the state; nothing but the network and scripted delays is awaited.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncline_zoho_sandbox import (
    accounts,
    audience,
    control,
    creator,
    creator_meta,
    faults,
    leadfields,
    marketinghub,
    misbehaviour,
    subscriptions,
)  # fmt: skip
from syncline_zoho_sandbox.delivery import deliver
from syncline_zoho_sandbox.faults import Fault
from syncline_zoho_sandbox.store import Store
from syncline_zoho_sandbox.wire import Call, Endpoint, Refusal, Reply, form_fields, json_reply

Gate = Callable[[Call, Endpoint], None]
HUB: Mapping[str, Endpoint] = {**subscriptions.ENDPOINTS, **audience.ENDPOINTS, **leadfields.ENDPOINTS}
FORM = "application/x-www-form-urlencoded"
HOLD_STEP = 0.02
"""Seconds between two looks whether a held call may go on."""


def application(store: Store) -> ASGIApp:
    """The whole sandbox over *store*."""
    routes = [Route(f"{marketinghub.BASE}/{{path:path}}", Door(partial(_hub, store)))]
    routes += [
        Route(path, Door(partial(_serve, store, endpoint, creator.admit)))
        for path, endpoint in creator_meta.ENDPOINTS.items()
    ]
    routes += [
        Route(path, Door(partial(_serve, store, endpoint, _methods))) for path, endpoint in accounts.ENDPOINTS.items()
    ]
    routes += [Route(f"{control.BASE}/{{path:path}}", Door(partial(_control, store)))]
    routes += [Route("/creator/{path:path}", Door(partial(_serve, store, NOWHERE_IN_CREATOR, _open)))]
    return Router(routes)


def _unknown(call: Call) -> Reply:
    return marketinghub.failure(call, "1004")


def _no_such_url(call: Call) -> Reply:
    raise creator.refusal(404, "1000", "The URL is invalid. Please check and try again.")


NOWHERE_IN_HUB = Endpoint("marketinghub.unknown", _unknown)
NOWHERE_IN_CREATOR = Endpoint("creator.unknown", _no_such_url)


def _open(call: Call, endpoint: Endpoint) -> None:
    """No condition."""


def _methods(call: Call, endpoint: Endpoint) -> None:
    if call.method not in endpoint.methods:
        raise Refusal(json_reply({"error": "method_not_allowed"}, 405, "405"))


class Door:
    """A coroutine function as an object: starlette takes a bare function for a handler of its own requests."""

    def __init__(self, serve: ASGIApp) -> None:
        self.serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.serve(scope, receive, send)


async def _hub(store: Store, scope: Scope, receive: Receive, send: Send) -> None:
    # A variant of the read calls with the ending .json is seen in public clients.
    endpoint = HUB.get(scope["path_params"]["path"].removesuffix(".json"))
    if endpoint is None:
        await _serve(store, NOWHERE_IN_HUB, _open, scope, receive, send)
    else:
        await _serve(store, endpoint, marketinghub.admit, scope, receive, send)


async def _control(store: Store, scope: Scope, receive: Receive, send: Send) -> None:
    call = _parsed(store, "control", scope, await _body(receive))
    with store.transaction():
        reply = control.answer(call)
    await deliver(reply, (), receive, send)


async def _serve(store: Store, endpoint: Endpoint, gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
    call = _parsed(store, endpoint.name, scope, await _body(receive))
    product = endpoint.name.partition(".")[0]
    store.open_calls[product] += 1
    try:
        with store.transaction():
            hits = faults.firing(store, endpoint.name, call.parameters)
            if not hits:
                reply = _handled(call, endpoint, gate, ())
        if hits:
            reply = await _disturbed(call, endpoint, gate, hits)
        await deliver(reply, hits, receive, send)
    finally:
        store.open_calls[product] -= 1


async def _disturbed(call: Call, endpoint: Endpoint, gate: Gate, hits: Sequence[Fault]) -> Reply:
    """The slow way, for a call that a fault hits."""
    waits = [fault for fault in hits if fault.kind in ("delay", "hold")]
    await _wait(call.store, [fault for fault in waits if not fault.commit])
    with call.store.transaction():
        if any(fault.kind == "refuse" for fault in hits):
            reply = Reply(b"", 0)
            _log(call, reply, hits)
        else:
            reply = _handled(call, endpoint, gate, hits)
    await _wait(call.store, [fault for fault in waits if fault.commit])
    return reply


async def _wait(store: Store, waits: Sequence[Fault]) -> None:
    await asyncio.sleep(sum(fault.seconds or 0.0 for fault in waits if fault.kind == "delay"))
    held = any(fault.kind == "hold" for fault in waits)
    while held:
        with store.transaction():
            held = any(fault["kind"] == "hold" for fault in faults.script(store))
        await asyncio.sleep(HOLD_STEP)


def _handled(call: Call, endpoint: Endpoint, gate: Gate, hits: Sequence[Fault]) -> Reply:
    call.settings, call.now = call.store.settings, call.store.now()

    admitted = False

    def handle(call: Call) -> Reply:
        nonlocal admitted
        try:
            if not admitted:  # a fault may handle a call twice, which counts once
                gate(call, endpoint)
                admitted = True
            return endpoint.handle(call)
        except Refusal as refusal:
            return refusal.reply

    reply = misbehaviour.answer(call, handle, hits) if hits else handle(call)
    _log(call, reply, hits)
    return reply


def _log(call: Call, reply: Reply, hits: Sequence[Fault]) -> None:
    """Note the call: no parameter, no path, nothing of a person."""
    status = 0 if any(fault.kind == "commit_then_drop" for fault in hits) else reply.status
    row = (call.now, call.endpoint, call.method, status, reply.code, " ".join(fault.kind for fault in hits))
    call.store.execute("INSERT INTO calls (at, endpoint, method, status, code, fault) VALUES (?, ?, ?, ?, ?, ?)", row)


async def _body(receive: Receive) -> bytes:
    message: Message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def _parsed(store: Store, endpoint: str, scope: Scope, body: bytes) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    parameters = form_fields(scope["query_string"])
    if headers.get("content-type", "").startswith(FORM):
        parameters |= form_fields(body)
    return Call(store, endpoint, scope["method"], scope["path"], scope["path_params"], parameters, headers, body)
