"""A server process over one state directory."""

import json
import os
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from syncline_zoho_sandbox import seed
from syncline_zoho_sandbox.app import application
from syncline_zoho_sandbox.store import Store

HOST = "127.0.0.1"


class Server(uvicorn.Server):
    """uvicorn on a port that is known before it starts."""

    def __init__(self, state: Path, port: int, plan: seed.Plan, settings: Mapping[str, object]) -> None:
        self.store = Store(state)
        fresh = self.store.create(lambda store: seed.sow(store, plan, settings))
        if settings and not fresh:
            _adjust(self.store, settings)
        # Naming the protocol matters: only then does asyncio switch off Nagle's delay, 40 ms for each answer.
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((HOST, port))
        self.socket.listen(512)
        super().__init__(
            uvicorn.Config(
                application(self.store), log_level="warning", access_log=False, lifespan="off", server_header=False,
                timeout_graceful_shutdown=1,
            )
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.socket.getsockname()[1]}"

    def work(self) -> None:
        """Serve until `should_exit` is set or a signal comes."""
        try:
            self.run(sockets=[self.socket])
        finally:
            self.socket.close()
            self.store.close()

    def credentials(self) -> dict[str, str]:
        """What a client needs."""
        names = ("client_id", "client_secret", "refresh_token")
        row = self.store.execute("SELECT client_id, client_secret, refresh_token FROM state").fetchone()
        return {"url": self.url, **dict(zip(names, row, strict=True))}


def end_with_parent(server: Server) -> None:
    """Stop when the other end of standard input closes: the parent ended it, or died."""

    def watch() -> None:
        while os.read(descriptor, 1024):  # not through sys.stdin: a thread that waits there blocks the end of Python
            continue
        server.should_exit = True

    descriptor = sys.stdin.fileno()

    threading.Thread(target=watch, daemon=True).start()


def announce(server: Server, descriptor: int) -> None:
    """Write the address and the credentials as one line of JSON."""
    # The descriptor stays open: were it 1 and closed, the next socket would become standard output.
    try:
        os.write(descriptor, (json.dumps(server.credentials()) + "\n").encode())
    except BrokenPipeError:  # whoever started it is gone
        server.should_exit = True


def _adjust(store: Store, settings: Mapping[str, object]) -> None:
    with store.transaction():
        changed = json.dumps(store.settings.changed(settings).plain())
        store.execute("UPDATE state SET settings = ?", (changed,))
        store.touch()
