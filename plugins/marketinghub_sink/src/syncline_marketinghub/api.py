"""MarketingHub's calls: their paths and budgets, and the border at which an answer becomes a code and a body.

Business errors come with HTTP 200, a gateway's HTML page may come in place of JSON: everything is decided from the
body. Personal data goes into the form body, never into a URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncline import Fatal, Limit, Lost, Retriable, Stopped, SynclineError

from .codes import Verdict, meaning, verdict

if TYPE_CHECKING:
    from syncline import Answer

BASE = "/api/v1/"
LOCK = 1800.0
SLACK = 3.0
LEAD_CALLS = Limit(500, 300.0, lock=LOCK, slack=SLACK)
FIELD_CALLS = Limit(100, 300.0, lock=LOCK, slack=SLACK)
PATHS: Mapping[str, str] = {
    "getmailinglists": "getmailinglists",
    "getleads": "getleads",
    "leadscount": "leadscount",
    "allfields": "lead/allfields",
    "custom_add": "custom/add",
    "listsubscribe": "json/listsubscribe",
    "addleadsinbulk": "addleadsinbulk",
    "listunsubscribe": "json/listunsubscribe",
    "leaddonotmail": "json/leaddonotmail",
}
SCOPES: Mapping[str, str] = {
    **dict.fromkeys(("getmailinglists", "getleads", "leadscount", "allfields"), "READ"),
    **dict.fromkeys(("listsubscribe", "addleadsinbulk", "custom_add"), "CREATE"),
    **dict.fromkeys(("listunsubscribe", "leaddonotmail"), "UPDATE"),
}
FIELD_ENDPOINTS = ("allfields", "custom_add")
PAUSES = (0.5, 2.0)
"""Seconds before a read call is repeated that MarketingHub wants to be asked later."""
LOCKED_STATUS = (400, 403)
"""How a gateway may say “too many calls” in a page of its own; 429 says it in any case."""


@dataclass(frozen=True)
class Reply:
    """A JSON answer: its code as text, and its body (without the `response` that wraps some)."""

    code: str
    body: Mapping[str, Any]

    @property
    def verdict(self) -> Verdict:
        """What follows from the code."""
        return verdict(self.code)


class Api:
    """The calls of one account, counted against its budgets, one budget for each endpoint.

    What ends the run or concerns the whole endpoint is raised: `Fatal` (list gone, plan's lead limit, privilege, token,
    scope), `Retriable` with `after` (the endpoint is locked and parked), `Lost` (a write whose answer did not come).
    """

    def __init__(self, connection: Any) -> None:
        self._client = connection.client("marketinghub")
        self._runtime = connection.runtime
        self._account = connection.account
        granted = connection.limit("marketinghub", LEAD_CALLS)
        fields = _for_fields(connection.limit("marketinghub", FIELD_CALLS), granted)
        self._limits = {name: _reserved(fields if name in FIELD_ENDPOINTS else granted) for name in PATHS}

    def now(self) -> datetime:
        """The moment, by the clock of the runtime."""
        moment: datetime = self._runtime.clock()
        return moment

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return int(self._client.calls)

    def limit(self, endpoint: str) -> Limit:
        """What may be spent on `endpoint`: the account's limit without a small reserve."""
        return self._limits[endpoint]

    def acquire(self, endpoint: str, calls: int) -> None:
        """Block until so many calls of `endpoint` may go out; they are then sent as `paid`."""
        self._runtime.budgets.acquire(self._budget(endpoint), self.limit(endpoint), calls)

    def read(self, endpoint: str, params: Mapping[str, str], known: frozenset[str] = frozenset()) -> Reply:
        """A call that changes nothing, repeated a few times when asked to come later.

        A code of `known` is the caller's to judge; every other one but success is raised.
        """
        for pause in (*PAUSES, None):
            answer = self._client.send(
                "GET", BASE + PATHS[endpoint], params=params, budget=self._paid(endpoint), repeatable=True
            )
            try:
                return self._read(endpoint, answer, known)
            except _Later as later:
                if pause is None:
                    raise Retriable(later.what, where=later.where, why=later.why) from None
            if self._runtime.clock.wait(self._runtime.stop, pause):
                raise Stopped("stopped while reading", where=_where(endpoint))
        raise AssertionError("the last round returns or raises")

    def write(self, endpoint: str, form: Mapping[str, str], *, paid: bool = False) -> Reply:
        """A call that changes something; it goes out once. A refusal or a “later” is the caller's to judge."""
        budget = None if paid else self._paid(endpoint)
        answer = self._client.send("POST", BASE + PATHS[endpoint], form=form, budget=budget, repeatable=False)
        reply = self._reply(endpoint, answer)
        if reply is None or answer.status >= 500:
            raise Lost(
                "MarketingHub's answer says nothing of what was done",
                where=_where(endpoint),
                why=f"HTTP {answer.status}",
            )
        if reply.verdict not in (Verdict.DONE, Verdict.LATER, Verdict.REFUSED):
            raise self._error(endpoint, reply.code, answer)
        return reply

    def probe(self, endpoint: str) -> None:
        """A write call that names neither list nor person, so nothing is done; raises when the scope is missing."""
        answer = self._client.send(
            "POST", BASE + PATHS[endpoint], form={"resfmt": "JSON"}, budget=self._paid(endpoint), repeatable=True
        )
        reply = self._reply(endpoint, answer)
        if reply is not None and reply.verdict in (Verdict.SCOPE, Verdict.TOKEN, Verdict.LOCKED):
            raise self._error(endpoint, reply.code, answer)

    def _read(self, endpoint: str, answer: Answer, known: frozenset[str]) -> Reply:
        reply = self._reply(endpoint, answer)
        if reply is None or answer.status >= 500:
            raise _Later("the answer is not MarketingHub's", where=_where(endpoint), why=f"HTTP {answer.status}")
        if reply.verdict is Verdict.DONE or reply.code in known:
            return reply
        if reply.verdict is Verdict.LATER:
            raise _Later("MarketingHub wants to be asked later", where=_where(endpoint), why=f"code {reply.code}")
        raise self._error(endpoint, reply.code, answer)

    def _reply(self, endpoint: str, answer: Answer) -> Reply | None:
        """The JSON answer; None when what came says nothing (an HTML page with HTTP 200, a body without a code)."""
        body = answer.json
        if isinstance(body, dict) and isinstance(body.get("response"), dict):
            body = body["response"]
        if answer.status == 429:
            raise self._error(endpoint, "429", answer)
        if isinstance(body, dict):
            code = body.get("code", body.get("Code"))
            if code is None and body.get("status") == "success":
                code = "0"
            if isinstance(code, (str, int)):
                return Reply(str(code).strip(), body)
        if answer.status in LOCKED_STATUS:
            raise self._error(endpoint, "2008", answer)
        if answer.status == 401:
            raise self._error(endpoint, "401", answer)
        if 402 <= answer.status < 500:
            raise Fatal(
                "this is not MarketingHub's API",
                where=_where(endpoint),
                why=f"HTTP {answer.status} without JSON",
                mend="check the data centre and the host of marketinghub in connections.yaml",
            )
        return None

    def _error(self, endpoint: str, code: str, answer: Answer) -> SynclineError:
        where, why = _where(endpoint), f"code {code}: {meaning(code)}"
        kind = verdict(code)
        if kind is Verdict.LOCKED:
            seconds = LOCK if answer.retry_after is None else max(answer.retry_after, 1.0)
            self._runtime.budgets.park(self._budget(endpoint), seconds)
            return Retriable("MarketingHub locked this call", after=seconds, where=where, why=why)
        if kind is Verdict.SCOPE:
            scope = f"ZohoMarketingAutomation.lead.{SCOPES[endpoint]}"
            return Fatal(
                f"the connection lacks the scope {scope}",
                where=where,
                why=f"code {code}",
                mend="make a new refresh token that includes it",
            )
        what, mend = _ENDS.get(kind, ("MarketingHub refused the call", ""))
        return Fatal(what, where=where, why=why, mend=mend)

    def _budget(self, endpoint: str) -> str:
        return f"{self._account}:{endpoint}"

    def _paid(self, endpoint: str) -> tuple[str, Limit]:
        return self._budget(endpoint), self.limit(endpoint)


class _Later(SynclineError):
    """A read call that may succeed soon; never leaves this module."""


_ENDS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.GONE: (
        "the mailing list does not exist any more",
        "restore the list, or name another one in a new sync",
    ),
    Verdict.QUOTA: (
        "MarketingHub takes no more leads",
        "upgrade the plan or remove leads there, then run the sync again: it goes on where it stopped",
    ),
    Verdict.PRIVILEGE: (
        "the user of this connection may not use the mailing list",
        "let an administrator of MarketingHub grant access, or connect as another user",
    ),
    Verdict.TOKEN: (
        "MarketingHub does not accept the access token, not even a renewed one",
        "make a new refresh token for this connection",
    ),
    Verdict.MISUSED: ("MarketingHub does not know this call", "check the host of marketinghub in connections.yaml"),
}


def _where(endpoint: str) -> str:
    return f"marketinghub {PATHS[endpoint]}"


def _for_fields(limit: Limit, others: Limit) -> Limit:
    """The limit of the field calls. A `budget` that was set for all calls means five times as many as for these."""
    if (limit.calls, limit.window) != (others.calls, others.window):
        return limit
    return replace(limit, calls=min(limit.calls, max(FIELD_CALLS.calls, limit.calls // 5)))


def _reserved(limit: Limit) -> Limit:
    """The limit less 2 %: what the account's people and other programs need now and then must not trip the lock."""
    return replace(limit, calls=limit.calls - limit.calls // 50, slack=max(limit.slack, SLACK))
