"""What went wrong on the wire, in words: name look-up, TLS, refusals, time-outs. Never a URL, a header or a body."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

import httpcore


@dataclass(frozen=True)
class Fault:
    """The words of an error. `lasting`: waiting does not help, somebody has to mend something."""

    what: str
    why: str = ""
    mend: str = ""
    lasting: bool = False


def explain(error: BaseException, host: str) -> Fault:
    """The words for an exception of httpcore or httpx that a call to `host` ended with."""
    cause = _root(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Fault(
            f"the certificate of {host} is not trusted",
            why=cause.verify_message,
            mend="check the host, the clock, and SSL_CERT_FILE if a proxy signs for it",
            lasting=True,
        )
    if isinstance(cause, ssl.SSLError):
        return Fault(
            f"no secure connection to {host}", why=cause.reason or "TLS failed", mend="check the host and port"
        )
    if isinstance(cause, socket.gaierror):
        return Fault(f"the name {host} cannot be resolved", why="DNS", mend="check the host's spelling and the network")
    if isinstance(error, httpcore.ProxyError):
        return Fault("the proxy refused the connection", mend="check HTTPS_PROXY and NO_PROXY")
    if isinstance(error, (httpcore.ConnectTimeout, httpcore.PoolTimeout)):
        return Fault(f"no connection to {host} in time", mend="check the network and the host")
    if isinstance(error, httpcore.ConnectError):
        why = cause.strerror if isinstance(cause, OSError) and cause.strerror else ""
        return Fault(f"no connection to {host}", why=why.lower(), mend="check the network and the host")
    if isinstance(error, httpcore.TimeoutException):
        return Fault("no complete answer in time")
    if isinstance(error, httpcore.NetworkError):
        return Fault("the connection broke before the answer was complete")
    return Fault("the answer is not proper HTTP", why=type(error).__name__)


def _root(error: BaseException) -> BaseException:
    """The first exception of the chain: httpcore maps the operating system's."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error
