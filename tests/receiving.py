"""Receivers of notifications for tests: a real HTTP server and a real SMTP server, each with what it received."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Hook:
    """Takes documents by POST; `answers` are the next answers (status, headers, text), then 200."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.answers: list[tuple[int, dict[str, str], str]] = []
        self.hold = threading.Event()
        self.hold.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.hold.wait()
                hook.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, headers, text = hook.answers.pop(0) if hook.answers else (200, {}, "ok")
                if status == 200:
                    hook.got.append(json.loads(body))
                self.send_response(status)
                for name, value in ({"content-type": "text/plain"} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/T0/S3CRET"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def told(self) -> list[str]:
        """`event sync` of each document, in order."""
        return [f"{each['event']} {each['sync']}" for each in self.got]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.hold.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Anywhere(Controller):
    """On a free port: once it listens, it knows which."""

    def _trigger_server(self) -> None:
        self.port = int(self.server.sockets[0].getsockname()[1])
        super()._trigger_server()


class Mailbox:
    """An SMTP server. With a `context` it offers STARTTLS, or speaks TLS from the start; with `login` it wants one.

    `refuse` may give an answer to a command (`MAIL`, `RCPT`) with its argument; None: it is taken.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        refuse: Callable[[str, str], str | None] = lambda command, argument: None,
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.secure: list[bool] = []
        self._login = login
        self._refuse = refuse
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0}
        if context is not None and implicit:
            options["ssl_context"] = context
        elif context is not None:
            options |= {"tls_context": context, "require_starttls": True}
        if login is not None:
            options |= {"authenticator": self._authenticate, "auth_required": True}
            options |= {"auth_require_tls": context is not None and not implicit}
        self._controller = _Anywhere(self, **options)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._controller.port

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._controller.stop()

    def _authenticate(self, server: SMTP, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        right = isinstance(given, LoginPassword) and self._login == (given.login.decode(), given.password.decode())
        return AuthResult(success=right, handled=False)

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:
        if answer := self._refuse("MAIL", address):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:
        if answer := self._refuse("RCPT", address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]  # EmailMessage
        self.recipients.append(envelope.rcpt_tos)
        self.secure.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        return "250 taken"
