"""A small HTTP server that answers three questions of those who watch: `/healthz`, `/readyz` and `/metrics`.

It reads nothing but the request's first line and headers, gives out nothing else, and nobody can hold it up: of many
connections the oldest gives way to the newest.
"""

from __future__ import annotations

import errno
import json
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self

from .errors import Fatal, SpecError

log = logging.getLogger("syncline")
MOST = 16
"""Connections at once."""
SECONDS = 5.0
"""For each step of a connection that does not move."""
POLL = 0.1
"""Seconds until it notices that it is to be closed."""
TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of the Prometheus text format."""
PLAIN = "text/plain; charset=utf-8"
Reasons = Callable[[], Sequence[str]]


class Endpoint:
    """Listens on `address` (`127.0.0.1:9464`, `[::1]:9464`, `:9464` for every address) from its creation on, and
    answers while it is open; use it as a context manager.

    `health` and `ready` give the reasons why not, none when all is well: 200 or 503 with
    `{"ok": …, "reasons": […]}`. `metrics` gives the text of `/metrics`; without it there is none. All three are called
    by several threads. Raises `SpecError` for what is no address, `Fatal` when it cannot be listened on.
    """

    def __init__(
        self, address: str, *, health: Reasons, ready: Reasons, metrics: Callable[[], bytes] | None = None
    ) -> None:
        host, port = parsed(address)
        answers: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/healthz": lambda: _verdict(health),
            "/readyz": lambda: _verdict(ready),
        }
        if metrics is not None:
            answers["/metrics"] = lambda: (HTTPStatus.OK, TEXT, metrics())
        try:
            self._server = _Server((host, port), answers)
        except OSError as error:
            raise _unusable(address, error) from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,), name="endpoint", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where it listens; a port 0 has become a free one."""
        host, port = self._server.server_address[:2]
        text = host.decode() if isinstance(host, bytes) else str(host)
        return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def parsed(address: str) -> tuple[str, int]:
    """Host and port; the host is empty for every address."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise SpecError(f"{address!r} is not an address", mend="write HOST:PORT, like 127.0.0.1:9464")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _unusable(address: str, error: OSError) -> Fatal:
    mend = "choose another address"
    if error.errno == errno.EADDRINUSE:
        return Fatal("another process listens there already", where=address, mend="end it, or choose another port")
    if isinstance(error, socket.gaierror):
        return Fatal("the host has no address", where=address, mend=mend)
    return Fatal("cannot listen there", where=address, why=error.strerror or type(error).__name__, mend=mend)


def _verdict(reasons: Reasons) -> tuple[int, str, bytes]:
    found = list(reasons())
    status = HTTPStatus.SERVICE_UNAVAILABLE if found else HTTPStatus.OK
    return status, "application/json", json.dumps({"ok": not found, "reasons": found}).encode() + b"\n"


class _Server(ThreadingHTTPServer):
    """A thread for each connection, and few of them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, place: tuple[str, int], answers: dict[str, Callable[[], tuple[int, str, bytes]]]) -> None:
        self.answers = answers
        self._lock = threading.Lock()
        self._open: dict[socket.socket, None] = {}
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        super().__init__(place, _Handler)

    def server_bind(self) -> None:
        """Without the look-up of the host's name that HTTPServer makes."""
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take the connection; when there are too many, the oldest is cut off."""
        with self._lock:
            self._open[request] = None
            oldest = next(iter(self._open)) if len(self._open) > MOST else None
            if oldest is not None:
                del self._open[oldest]
        if oldest is not None:
            _cut(oldest)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """The connection is over."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's trouble."""
        log.debug("a connection to the endpoint broke", exc_info=True)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended by itself meanwhile


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SECONDS
    error_content_type = PLAIN
    error_message_format = "%(message)s\n"

    def do_GET(self) -> None:
        """One of the answers, or 404."""
        answer = self.server.answers.get(self.path.partition("?")[0])
        if answer is None:
            self._say(HTTPStatus.NOT_FOUND, PLAIN, b"there is nothing here\n")
            return
        try:
            said = answer()
        except Exception as error:
            log.warning("%s cannot be answered: %s", self.path.partition("?")[0], type(error).__name__, exc_info=True)
            said = HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, b"it broke: see the log\n"
        self._say(*said)

    def do_HEAD(self) -> None:
        """Like GET, without a body."""
        self.do_GET()

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every other method: `do_POST` and the like."""
        if name.startswith("do_"):
            return lambda: self._say(HTTPStatus.METHOD_NOT_ALLOWED, PLAIN, b"only GET and HEAD\n", Allow="GET, HEAD")
        raise AttributeError(name)

    def _say(self, status: int, kind: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        told = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store", **headers}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """Not the versions of Python and its library."""
        return "syncline"

    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every few seconds: a detail."""
        log.debug("endpoint: %s", format % args)
