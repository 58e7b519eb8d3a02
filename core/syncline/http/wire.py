"""One exchange on the wire: a request out, a whole body back, or the fault in words. The room of httpx."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from .body import ENCODINGS, Unreadable, collected
from .faults import Fault, explain
from .transport import Deadline, Transport

CONNECTIONS = 32
TIMES = httpx.Timeout(connect=10.0, read=60.0, write=30.0, pool=60.0)


class Unsent(Exception):
    """The request surely did not leave."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.what)
        self.fault = fault


class Unanswered(Unsent):
    """The request left, wholly or in part, and no complete answer came back."""


class Wire:
    """The connections to one host; shared by threads. An exchange ends after `seconds`, however slowly it drips."""

    def __init__(self, base_url: str, *, seconds: float) -> None:
        url = httpx.URL(base_url)
        self.host = url.netloc.decode()
        self._base = base_url
        self._seconds = seconds
        self._deadline = Deadline()
        # A session cookie set by one answer would make the next call a browser's, with a browser's checks.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self._http = httpx.Client(
            transport=Transport(url, self._deadline, connections=CONNECTIONS),
            timeout=TIMES,
            cookies=no_cookies,
            follow_redirects=False,
            headers={"accept": "application/json", "accept-encoding": ENCODINGS, "user-agent": "syncline"},
            trust_env=False,  # proxies are the transport's; nothing else of the environment is wanted
        )

    def exchange(
        self, method: str, path: str, params: Mapping[str, str] | None, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises `Unsent` or `Unanswered`, whose texts hold nothing of the request."""
        try:
            request = self._http.build_request(method, self._base + path, params=params, content=body, headers=headers)
        except (httpx.InvalidURL, ValueError, TypeError):
            raise Unsent(UNSENDABLE) from None
        try:
            with self._deadline.within(self._seconds):
                answer = self._http.send(request, stream=True)
                try:
                    body = collected(answer.iter_raw(), answer.headers.get("content-encoding", ""))
                    return answer.status_code, answer.headers, body
                finally:
                    answer.close()
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.ProxyError) as error:
            raise Unsent(explain(error, self.host)) from None
        except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError):
            raise Unsent(UNSENDABLE) from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.RemoteProtocolError) as error:
            raise Unanswered(explain(error, self.host)) from None
        except Unreadable as error:
            raise Unanswered(error.fault) from None

    def moved(self, location: str) -> str:
        """The host of a redirect's target; "" when it cannot be read."""
        try:
            return httpx.URL(self._base).join(location).host
        except httpx.InvalidURL:
            return ""

    def close(self) -> None:
        """Close all sockets."""
        self._http.close()


UNSENDABLE = Fault("the address or a header of this call cannot be sent", lasting=True)
