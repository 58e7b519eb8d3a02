"""The transport under `Wire`: httpcore's connections, on which one deadline covers a whole exchange.

httpx times each single read, so a server that sends a byte now and then would be listened to for ever. Here every
operation on the socket (connect, TLS, write, each read of headers and body) gets no more than what is left.

A pool of httpcore looks at the sockets of all its connections before and after each exchange, while everybody else who
wants one waits: with twenty threads that takes longer than the exchange. So each connection has a pool of its own here.
"""

from __future__ import annotations

import ipaddress
import math
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx


class Deadline(threading.local):
    """The moment at which the exchange of the calling thread must be over."""

    at: float = math.inf

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What happens inside ends after `seconds`, with an httpcore time-out."""
        self.at = time.monotonic() + seconds
        try:
            yield
        finally:
            self.at = math.inf

    def left(self, timeout: float | None, over: type[httpcore.TimeoutException]) -> float | None:
        """The shorter of `timeout` and what is left; raises `over` when nothing is."""
        if self.at == math.inf:
            return timeout
        left = self.at - time.monotonic()
        if left <= 0:
            raise over("the whole exchange took too long")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self._deadline)


class _Body(httpx.SyncByteStream):
    """The body of an answer; once it is closed, `over` is told."""

    def __init__(self, inner: Any, over: Callable[[], None]) -> None:
        self._inner = inner
        self._over = over

    def __iter__(self) -> Iterator[bytes]:
        yield from self._inner

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            over, self._over = self._over, lambda: None
            over()


class Transport(httpx.BaseTransport):
    """Exchanges with one origin, through the proxy of the environment if there is one (never for this machine).

    Raises httpcore's exceptions, unmapped.
    """

    def __init__(self, base_url: httpx.URL, deadline: Deadline, *, connections: int) -> None:
        settings: dict[str, Any] = {
            "ssl_context": httpx.create_ssl_context() if base_url.scheme == "https" else None,
            "max_connections": 1,
            "keepalive_expiry": 30.0,
            "network_backend": _Backend(deadline),
        }
        proxy = _proxy_of(base_url)
        self._connection: Callable[[], httpcore.ConnectionPool] = (
            partial(httpcore.HTTPProxy, proxy_url=_bare(proxy), proxy_auth=_auth(proxy), **settings)
            if proxy
            else partial(httpcore.ConnectionPool, **settings)
        )
        self._deadline = deadline
        self._room = threading.BoundedSemaphore(connections)
        self._all: list[httpcore.ConnectionPool] = []
        self._idle: list[httpcore.ConnectionPool] = []
        """The last one that was used is used next, so that there are no more than are needed at once."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange; the body is streamed."""
        url = request.url
        connection = self._taken(request.extensions["timeout"]["pool"])
        over = partial(self._give_back, connection)
        try:
            answer = connection.handle_request(
                httpcore.Request(
                    request.method,
                    httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        except BaseException:
            over()
            raise
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream, over))

    def _taken(self, timeout: float | None) -> httpcore.ConnectionPool:
        if not self._room.acquire(timeout=self._deadline.left(timeout, httpcore.PoolTimeout)):
            raise httpcore.PoolTimeout("all connections are in use")
        try:
            return self._idle.pop()
        except IndexError:
            connection = self._connection()
            self._all.append(connection)
            return connection

    def _give_back(self, connection: httpcore.ConnectionPool) -> None:
        self._idle.append(connection)
        self._room.release()

    def close(self) -> None:
        """Close all sockets."""
        for connection in self._all:
            connection.close()


def _proxy_of(base_url: httpx.URL) -> httpx.URL | None:
    if _is_this_machine(base_url.host) or proxy_bypass(base_url.host):
        return None
    found = getproxies().get(base_url.scheme)
    return httpx.URL(found if "://" in found else f"http://{found}") if found else None


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bare(proxy: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=proxy.raw_scheme, host=proxy.raw_host, port=proxy.port, target=b"/")


def _auth(proxy: httpx.URL) -> tuple[str, str] | None:
    return (proxy.username, proxy.password) if proxy.username else None
