"""What the accounts server answers: a grant, or one of its refusals, told apart by the body.

Errors mostly come with HTTP 200 (seen in public clients: github.com/Weble/ZohoBooksApi issue 84,
github.com/zoho/zcrm-csharp-sdk issue 7), so the status decides nothing.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from syncline import Answer, Fatal, Retriable, SynclineError

REMEMBER_LASTING = 5.0
REMEMBER_PASSING = 5.0
"""Seconds in which other processes do not ask again: long enough against a loop, over before anybody has mended it."""
THROTTLED = 600.0
THROTTLE_ERRORS = ("access denied", "access_denied")
MILLISECONDS_ABOVE = 86_400
DEFAULT_LIFETIME = 3600.0
HOST = re.compile(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?")

CLIENT_HELP = (
    "check client_id and data_center in connections.yaml: a client of another data centre, or one that is not "
    "enabled for this one, looks the same"
)
REFUSALS = {
    "invalid_client": ("Zoho does not know this OAuth client", CLIENT_HELP),
    "invalid_client_secret": (
        "the client secret is wrong",
        "copy client_secret anew from the API console; it may differ in each data centre",
    ),
    "invalid_code": ("the refresh token is wrong, was revoked, or belongs to another data centre", ""),
    "invalid_grant": ("the refresh token is wrong, was revoked, or belongs to another data centre", ""),
}


class Grant(msgspec.Struct, frozen=True):
    """An access token, until when it holds (seconds since the epoch), and how long it was given for."""

    access_token: str
    expires_at: float
    lifetime: float
    api_domain: str = ""

    def __repr__(self) -> str:
        return "Grant(…)"


class Refusal(msgspec.Struct, frozen=True):
    """Why there is no token; nobody asks again before `until` (seconds since the epoch)."""

    what: str
    until: float
    lasting: bool
    where: str = ""
    why: str = ""
    mend: str = ""

    @classmethod
    def of(cls, error: SynclineError, now: float) -> Refusal:
        """The accounts server could not be reached, or its answer did not come."""
        lasting = isinstance(error, Fatal)
        after = getattr(error, "after", None) or (REMEMBER_LASTING if lasting else REMEMBER_PASSING)
        return cls(error.what, now + after, lasting, error.where, error.why, error.mend)

    def error(self, now: float) -> SynclineError:
        """The error to raise."""
        if self.lasting:
            return Fatal(self.what, where=self.where, why=self.why, mend=self.mend)
        after = max(self.until - now, 1.0)
        return Retriable(self.what, where=self.where, why=self.why, mend=self.mend, after=after)


def read_grant(answer: Answer, now: float, token_help: str) -> Grant | Refusal:
    """What the token endpoint's answer means. `token_help` says how to make a new refresh token."""
    where = "the accounts server"
    body = answer.json
    if not isinstance(body, dict):
        return Refusal(
            "answered with a page instead of a token",
            now + REMEMBER_LASTING,
            lasting=True,
            where=where,
            why=f"HTTP {answer.status}, not JSON",
            mend="check data_center and hosts.accounts in connections.yaml",
        )
    token = body.get("access_token")
    if isinstance(token, str) and token.isascii() and token.isprintable() and token.strip() == token != "":
        lifetime = lifetime_of(body)
        domain = body.get("api_domain")
        known = isinstance(domain, str) and HOST.fullmatch(domain)
        return Grant(token, now + lifetime, lifetime, domain if isinstance(domain, str) and known else "")
    error = body.get("error")
    code = re.sub(r"[^A-Za-z0-9_ ]", "", error)[:40] if isinstance(error, str) else ""
    if code.lower() in THROTTLE_ERRORS:
        return Refusal(
            "too many access tokens were asked for",
            now + max(THROTTLED, answer.retry_after or 0.0),
            lasting=False,
            where=where,
            why=code,
            mend="wait 10 minutes; see whether something else uses the same refresh token",
        )
    what, mend = REFUSALS.get(code, ("gave no access token", CLIENT_HELP))
    return Refusal(
        what,
        now + REMEMBER_LASTING,
        True,
        where,
        code or f"HTTP {answer.status} without access_token",
        mend or token_help,
    )


def lifetime_of(body: dict[str, Any]) -> float:
    """Seconds the token holds. Older answers give seconds in `expires_in_sec` and milliseconds in `expires_in`."""
    for key in ("expires_in_sec", "expires_in"):
        given = body.get(key)
        if isinstance(given, str) and given.isascii() and given.isdigit():
            given = int(given[:12])
        if isinstance(given, int | float) and not isinstance(given, bool) and given > 0:
            return given / 1000 if key == "expires_in" and given > MILLISECONDS_ABOVE else float(given)
    return DEFAULT_LIFETIME
