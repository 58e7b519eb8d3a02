"""From a finished answer to bytes on the connection, including the ways in which a connection fails."""

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.types import Message, Receive, Send

from syncline_zoho_sandbox.faults import Fault
from syncline_zoho_sandbox.wire import Reply

PIECE = 65_536
DRIPS = 20


async def deliver(reply: Reply, faults: Sequence[Fault], receive: Receive, send: Send) -> None:
    """Send *reply*, or fail to, as *faults* demand."""
    kinds = {fault.kind: fault for fault in faults}
    if "refuse" in kinds or "commit_then_drop" in kinds:
        await sever(receive)
        return
    await send(_start(reply))
    if "cut" in kinds:
        await send(_part(reply.body[: len(reply.body) // 2], more=True))
        await sever(receive)
    elif "drip" in kinds:
        await _drip(reply.body, kinds["drip"].seconds or 0.05, send)
    else:
        # One message for an ordinary body: each costs a pass through the server's protocol.
        for at in range(0, len(reply.body), PIECE) if len(reply.body) > PIECE else ():
            await send(_part(reply.body[at : at + PIECE], more=True))
        await send(_part(reply.body if len(reply.body) <= PIECE else b"", more=False))


async def sever(receive: Receive) -> None:
    """Close the connection without another byte.

    ASGI has no message for that. uvicorn hands `receive` out as a method of the object that owns the transport, and
    that is the one way to it; afterwards the disconnect has to be awaited, else uvicorn would answer with a 500.
    """
    owner: Any = getattr(receive, "__self__")  # noqa: B009 -- plain attribute access would not type-check
    owner.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(reply: Reply) -> Message:
    headers = [(b"content-type", reply.media.encode())]
    if reply.status != 204:
        headers.append((b"content-length", str(len(reply.body)).encode()))
    headers += [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    return {"type": "http.response.start", "status": reply.status, "headers": headers}


def _part(body: bytes, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _drip(body: bytes, seconds: float, send: Send) -> None:
    size = max(1, len(body) // DRIPS)
    for at in range(0, len(body), size):
        await send(_part(body[at : at + size], more=True))
        await asyncio.sleep(seconds)
    await send(_part(b"", more=False))
