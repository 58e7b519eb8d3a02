"""The client of one product API. One call goes: budget → token → exchange → judge → (renew | wait | return)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from ..budget import Budgets, Limit
from ..errors import Fatal, Lost, Refused, Retriable, Stopped, SynclineError
from ..secrets import Redactor
from .answer import Answer, read_answer

if TYPE_CHECKING:  # httpx takes as long to import as everything else; `validate` and `--help` need no network
    from stamina.instrumentation import RetryDetails

    from .wire import Unsent

log = logging.getLogger("syncline.http")
GATEWAY = (502, 503, 504)
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Patience:
    """How long a client waits, in seconds: `exchange` for one whole exchange, however slowly it drips; `total` for
    the trouble of one call with all its repetitions; `throttled` after a 429 that does not say how long. A call is
    tried `attempts` times at most."""

    exchange: float = 120.0
    total: float = 300.0
    throttled: float = 60.0
    attempts: int = 6


class _Again(Retriable):
    """A repeatable call met trouble that may pass; it is raised to the caller when all attempts are spent."""


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    params: Mapping[str, str] | None
    body: bytes | None
    headers: Mapping[str, str]
    budget: tuple[str, Limit] | None
    repeatable: bool
    where: str


class Client:
    """Calls one product API. Shared by all threads of a process.

    `authorize(renew)` returns the headers that carry the token; it is called with True once, by the thread whose
    token was refused. `token_refused(answer)` says whether it was (default: HTTP 401). `throttled(answer)` gives the
    seconds to wait when the product says "too many calls" (None: it does not). `calls` counts the requests that went
    on the wire.
    """

    def __init__(
        self,
        base_url: str,
        *,
        budgets: Budgets,
        redactor: Redactor,
        authorize: Callable[[bool], Mapping[str, str]] | None = None,
        token_refused: Callable[[Answer], bool] = lambda answer: answer.status == 401,
        throttled: Callable[[Answer], float | None] = lambda answer: None,
        patience: Patience = Patience(),
        stop: threading.Event | None = None,
    ) -> None:
        from .wire import Wire

        self.calls = 0
        self._lock = threading.Lock()
        self._wire = Wire(base_url.rstrip("/"), seconds=patience.exchange)
        self._budgets = budgets
        self._redactor = redactor
        self._authorize = authorize
        self._token_refused = token_refused
        self._throttled = throttled
        self._patience = patience
        self._stop = stop or threading.Event()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        budget: tuple[str, Limit] | None = None,
        repeatable: bool | None = None,
    ) -> Answer:
        """One call. `path` is encoded; `budget=None` means paid already, or unlimited. The body is a `form`, or plain
        data as `json`.

        A `repeatable` call (default: GET) is repeated after connection trouble, 429, 502, 503, 504 and any 5xx without
        a JSON body, until patience ends: then `Retriable`. Any other answer is returned for the product to judge.
        A call that is not repeatable goes out once: `Retriable` when it surely did not leave, `Lost` when it may have
        been carried out (no answer, or a 5xx without a JSON body), else the answer, 429 included.
        Both: a refused token is renewed once; `Fatal` for a redirect or an untrusted certificate; an answer over 64 MiB
        or 2,000,000 values, or compressed otherwise than by gzip, is `Fatal`, or `Lost`. Raises `Refused` (code
        `not_unicode`) when a value of the body cannot be encoded.
        """
        where = f"{self._wire.host}{path}"
        kind, body = _body(form, json, where)
        if repeatable is None:
            repeatable = method in SAFE_METHODS
        call = _Call(method, path, params, body, {**(headers or {}), **kind}, budget, repeatable, where)
        try:
            return self._patiently(call) if repeatable else self._exchange(call)
        except SynclineError as error:
            raise self._cleaned(error) from None

    def close(self) -> None:
        """Close all sockets."""
        self._wire.close()

    def _patiently(self, call: _Call) -> Answer:
        left = self._patience.total
        for attempt in _stamina().retry_context(
            on=_Again, attempts=self._patience.attempts, timeout=None, wait_initial=0.2, wait_max=4.0, wait_jitter=0.5
        ):
            with attempt:
                started = time.monotonic()
                waited = self._granted(call)
                try:
                    return self._exchange(call, paid=True)
                except _Again as again:
                    left -= time.monotonic() - started - waited + (again.after or 0.0)
                    self._wait(call, again, left)
                    raise self._cleaned(again) from None
        raise AssertionError("retry_context ends by an answer or an error")

    def _wait(self, call: _Call, again: _Again, left: float) -> None:
        """Keep off for as long as the other side asked, or give up with what it asked."""
        if again.after and call.budget:
            self._budgets.park(call.budget[0], again.after)  # so that others keep off too; the next grant waits
        if left <= 0:
            raise Retriable(again.what, after=again.after, where=again.where, why=again.why, mend=again.mend) from None
        if again.after and not call.budget and self._budgets.clock.wait(self._stop, again.after):
            raise Stopped("stopped while waiting for the other side", where=call.where) from None

    def _granted(self, call: _Call) -> float:
        """Acquire the budget of one request; the seconds that took."""
        started = time.monotonic()
        if call.budget:
            self._budgets.acquire(*call.budget)
        if self._stop.is_set():
            raise Stopped("stopped before the call", where=call.where)
        return time.monotonic() - started

    def _exchange(self, call: _Call, *, paid: bool = False) -> Answer:
        if not paid:
            self._granted(call)
        answer = self._request(call, renew=False)
        if self._authorize and self._token_refused(answer):
            self._granted(call)
            answer = self._request(call, renew=True)
        return self._judged(call, answer)

    def _request(self, call: _Call, *, renew: bool) -> Answer:
        from .wire import Unanswered, Unsent

        headers = dict(call.headers)
        if self._authorize:
            headers |= self._authorize(renew)
        left = True
        try:
            answer = self._wire.exchange(call.method, call.path, call.params, call.body, headers)
        except Unanswered as error:
            raise self._unanswered(call, error) from None
        except Unsent as error:
            left = False
            raise self._unsent(call, error) from None
        finally:
            if left:
                with self._lock:
                    self.calls += 1
        return read_answer(*answer)

    def _unsent(self, call: _Call, error: Unsent) -> SynclineError:
        fault = error.fault
        kind = Fatal if fault.lasting else _Again if call.repeatable else Retriable
        return kind(fault.what, where=call.where, why=fault.why, mend=fault.mend)

    def _unanswered(self, call: _Call, error: Unsent) -> SynclineError:
        fault = error.fault
        kind = Lost if not call.repeatable else Fatal if fault.lasting else _Again
        return kind(fault.what, where=call.where, why=fault.why, mend=fault.mend)

    def _judged(self, call: _Call, answer: Answer) -> Answer:
        status = answer.status
        if 300 <= status < 400:
            raise Fatal(
                f"answered with a redirect to {self._wire.moved(answer.headers.get('location', '')) or 'another page'}",
                where=call.where,
                why=f"HTTP {status}; redirects are never followed",
                mend="check the host and the data centre in connections.yaml",
            )
        if not call.repeatable:
            if status >= 500 and answer.json is None:
                raise Lost("the other side broke down over this call", where=call.where, why=f"HTTP {status}")
            return answer
        wait = self._throttled(answer)
        if wait is None and status == 429:
            wait = self._patience.throttled if answer.retry_after is None else answer.retry_after
        if wait is not None:
            raise _Again("too many calls, says the other side", after=wait, where=call.where, why=f"HTTP {status}")
        if status in GATEWAY or (status >= 500 and answer.json is None):
            raise _Again(
                "the other side is not available", after=answer.retry_after, where=call.where, why=f"HTTP {status}"
            )
        return answer

    def _cleaned(self, error: SynclineError) -> SynclineError:
        """The same error, with no secret in any of its texts."""
        for part in ("what", "where", "why", "mend"):
            setattr(error, part, self._redactor.clean(getattr(error, part)))
        error.args = (error.what,)
        return error


@cache
def _stamina() -> ModuleType:
    """stamina, imported at the first need; left alone it tells of retries on standard output, which is not ours."""
    import stamina

    def tell(details: RetryDetails) -> None:
        log.warning("%s; trying again in %.1f s", details.caused_by, details.wait_for)

    stamina.instrumentation.set_on_retry_hooks((tell,))
    return stamina


def _body(form: Mapping[str, str] | None, json: Any, where: str) -> tuple[Mapping[str, str], bytes | None]:
    """The header that says what the body is, and the body."""
    try:
        if form is not None:
            return {"content-type": "application/x-www-form-urlencoded"}, urlencode(form).encode("ascii")
        return ({}, None) if json is None else ({"content-type": "application/json"}, msgspec.json.encode(json))
    except UnicodeEncodeError:
        raise Refused("a value is not valid Unicode", code="not_unicode", where=where) from None
