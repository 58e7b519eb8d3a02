"""The scripted server between a plugin and its product: it passes calls on, and plays a fault when it is told to."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from .exchange import Call, Product, Reply
from .faults import FALSE, LASTING, LOCK, TOO_LATE, Fault, broken, throttled
from .hours import Hours

MOST_CALLS = 1000
"""Whoever makes more calls in one check is in an endless loop, and gets no more answers."""
NO_MORE = Reply.of({"message": "no more answers"}, 404)
DROPS = 12
DROP_SECONDS = 0.02


class Remote:
    """A server on 127.0.0.1 that answers as `product` does; use as a context manager.

    `calls` are the calls that arrived, `carried` those that reached the product; token requests (a path of
    `token_paths`) are apart, counted in `tokens`, and never disturbed.
    """

    def __init__(self, product: Product, hours: Hours, *, token_paths: Sequence[str], mishap: Reply) -> None:
        self.tokens = 0
        self.calls: list[Call] = []
        self.carried: list[Call] = []
        self.stop = threading.Event()
        self.broken: Exception | None = None
        self._product = product
        self._hours = hours
        self._token_paths = tuple(token_paths)
        self._mishap = mishap
        self._lock = threading.RLock()
        self._fault: Fault | None = None
        self._at = self._seen = 0
        self._locked = ("", 0.0)
        self._last: Reply | None = None
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="remote", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def flooded(self) -> bool:
        """Whether it was called without end."""
        return len(self.calls) >= MOST_CALLS

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def play(self, fault: Fault, at: int) -> None:
        """Play `fault` on the call number `at` from now (1: the next); one that lasts, from that call on."""
        with self._lock:
            self._fault, self._at, self._seen = fault, at, 0
            self._locked = ("", 0.0)
            self._last = None

    def heal(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._fault = None

    def times(self, text: str) -> int:
        """How many calls that write and name this text reached the product."""
        return sum(call.writes and call.names(text) for call in self.carried)

    def answer(self, call: Call) -> tuple[Reply | None, bool]:
        """The reply (None: the connection breaks), and whether it comes in drops."""
        call = replace(call, at=self._hours.now())
        with self._lock:  # a fake need not be safe for threads; which call is the nth must be certain
            if call.path.startswith(self._token_paths):
                self.tokens += 1
                return self._product(call), False
            if self.flooded:
                return NO_MORE, False
            self.calls.append(call)
            self._seen += 1
            fault = self._fault
            if fault is None or not (self._seen == self._at or (fault in LASTING and self._seen > self._at)):
                return self._carry(call), False
            return self._disturbed(fault, call), fault is Fault.DRIP

    def _carry(self, call: Call) -> Reply:
        self.carried.append(call)
        self._last = self._product(call)
        return self._last

    def _disturbed(self, fault: Fault, call: Call) -> Reply | None:
        if fault in FALSE:
            return FALSE[fault]
        if fault is Fault.MISHAP:
            return self._mishap
        if fault is Fault.LOCKED:
            return self._behind_lock(call)
        if fault in (Fault.REPEATED, Fault.STUCK) and self._last is not None:
            self.carried.append(call)
            return self._last
        if fault is Fault.STOPPED:
            self.stop.set()
        reply = self._carry(call)
        return TOO_LATE[fault] if fault in TOO_LATE else broken(fault, reply)

    def _behind_lock(self, call: Call) -> Reply:
        """The path of the first call is locked; others are open."""
        if self._seen == self._at:
            self._locked = (call.path, call.at + LOCK)
        path, until = self._locked
        left = until - call.at
        return throttled(math.ceil(left)) if path == call.path and left > 0 else self._carry(call)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no fault here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        """Read a request, ask the remote, write the reply or break the connection."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        try:
            reply, drips = self.server.remote.answer(Call(self.command, self.path, headers, body))
        except Exception as error:  # noqa: BLE001 - the check raises it where its author sees it
            self.server.remote.broken = error
            reply, drips = None, False
        if reply is None:
            self.close_connection = True
            return
        self._write(reply, drips)

    def _write(self, reply: Reply, drips: bool) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        size = max(1, -(-len(reply.body) // DROPS)) if drips else len(reply.body) or 1
        for start in range(0, len(reply.body), size):
            if start:
                time.sleep(DROP_SECONDS)
            self.wfile.write(reply.body[start : start + size])
            self.wfile.flush()
