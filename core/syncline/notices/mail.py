"""E-mail: a notice as a plain text, through an SMTP server."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any, Self

from ..errors import Fatal, Retriable, SynclineError
from ..spec.notification_keys import TLS
from .notice import Notice

SECONDS = 15.0
"""For each answer of the server."""


@dataclass(frozen=True)
class Mail:
    """Sends to all of `to` at once. `tls` is starttls, tls or none."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    tls: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """From the keys of syncline.yaml, resolved."""
        tls = config.get("tls", "starttls")
        port = config.get("port", TLS[tls])
        login = config.get("user"), config.get("password")
        return cls(tuple(config["to"]), config["from"], config["host"], port, tls, *login)

    @property
    def label(self) -> str:
        """See `Channel`."""
        return f"e-mail through {self.host}:{self.port}"

    def send(self, notice: Notice) -> None:
        """See `Channel`. A mail that only some of the receivers took is not sent again."""
        try:
            refused = self._sent(self.message(notice))
        except (OSError, smtplib.SMTPException) as error:
            raise _explained(error) from None
        if refused:
            codes = ", ".join(sorted({str(code) for code, _ in refused.values()}))
            raise Fatal(f"it refused {len(refused)} of {len(self.to)} receivers", why=codes, mend="check `to`")

    def message(self, notice: Notice) -> EmailMessage:
        """The mail; machines do not answer it."""
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(self.to)
        message["Subject"] = f"[syncline] {notice.title}"
        message["Date"] = format_datetime(notice.at)
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(notice.text + "\n")
        return message

    def _sent(self, message: EmailMessage) -> Mapping[str, tuple[int, bytes]]:
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self.tls == "tls":
            server = smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        with server:
            if self.tls == "starttls":
                server.starttls(context=context)
            if self.user is not None and self.password is not None:
                server.login(self.user, self.password)
            return server.send_message(message)


def _explained(error: OSError | smtplib.SMTPException) -> SynclineError:
    """The words for what an SMTP server or the way to it did; nothing of the message, the login or an address."""
    if isinstance(error, smtplib.SMTPException):
        return _answered(error)
    match error:
        case ssl.SSLCertVerificationError():
            return Fatal("its certificate is not trusted", why=error.verify_message, mend="check `host`; SSL_CERT_FILE")
        case ssl.SSLError():
            return Fatal("no secure connection", why=error.reason or "TLS failed", mend="check `tls` and `port`")
        case socket.gaierror():
            return Retriable("its name cannot be resolved", why="DNS", mend="check `host` and the network")
        case TimeoutError():
            return Retriable("no answer in time", mend="check `host`, `port` and `tls`")
    return Retriable("no connection", why=(error.strerror or type(error).__name__).lower(), mend="check `host`, `port`")


def _answered(error: smtplib.SMTPException) -> SynclineError:
    """The words for an SMTP server's refusal; one that begins with 4 may be taken back later (RFC 5321, 4.2.1)."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return Fatal("it refused the login", why=str(error.smtp_code), mend="check `user` and `password`")
        case smtplib.SMTPNotSupportedError():
            lacks = "STARTTLS, a login, or addresses beyond ASCII"
            return Fatal("it does not offer what this needs", why=lacks, mend="check `tls` and `port`")
        case smtplib.SMTPRecipientsRefused():
            codes = sorted({code for code, _ in error.recipients.values()})
            return _kind(max(codes))("it refused all receivers", why=", ".join(map(str, codes)), mend="check `to`")
        case smtplib.SMTPSenderRefused():
            return _kind(error.smtp_code)("it refused the sender", why=str(error.smtp_code), mend="check `from`")
        case smtplib.SMTPResponseException():
            return _kind(error.smtp_code)("it refused the mail", why=str(error.smtp_code))
    return Retriable("it hung up", mend="check `tls` and `port`")


def _kind(code: int) -> type[Fatal | Retriable]:
    return Retriable if 400 <= code < 500 else Fatal
