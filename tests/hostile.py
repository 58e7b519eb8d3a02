"""A server, with TLS or without, that answers whatever it is told, and remembers what it was asked."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Hostile:
    """`answer` is called for each request and writes to it what it likes; `requests` are the paths and headers asked
    for. Use it as a context manager."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = lambda handler: say(handler, b"{}")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                if length := self.headers.get("content-length"):
                    self.rfile.read(int(length))
                with suppress(OSError):  # whoever had enough hangs up
                    outer.answer(self)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> Any:
                peer, address = super().get_request()
                peer.settimeout(20)
                return peer, address

            def finish_request(self, request: Any, client_address: Any) -> None:
                try:
                    whole = context.wrap_socket(request, server_side=True) if context else request
                except OSError:  # the other side does not trust us, as it should
                    return
                with whole, suppress(OSError):
                    super().finish_request(whole, client_address)

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that hangs up is what is wanted."""

        self._server = Server(("127.0.0.1", 0), Handler)
        scheme = "https" if context else "http"
        self.port = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def say(handler: BaseHTTPRequestHandler, body: bytes | Iterable[bytes], status: int = 200, **headers: str) -> None:
    """An answer with a body, whole or in parts; `_` in the names of headers stands for `-`, `__` for `_`."""
    handler.send_response(status)
    named = {name.replace("__", "\0").replace("_", "-").replace("\0", "_"): value for name, value in headers.items()}
    named.setdefault("Content-Type", "application/json")
    if isinstance(body, bytes):
        named["Content-Length"] = str(len(body))
    else:
        named["Connection"] = "close"
    for name, value in named.items():
        handler.send_header(name, value)
    handler.end_headers()
    for part in [body] if isinstance(body, bytes) else body:
        handler.wfile.write(part)
    if not isinstance(body, bytes):
        handler.close_connection = True
