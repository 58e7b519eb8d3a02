"""What differs between Zoho's APIs: limits, scopes, and how they say "bad token", "missing scope", "too many calls".

Sources: https://www.zoho.com/creator/help/api/v2.1/status-codes.html and api-limits.html,
https://www.zoho.com/marketingautomation/help/developers/ (500 calls in 5 minutes, then a lock of 30),
https://www.zoho.com/recruit/developer-guide/apiv2/status-codes.html; codes of bad tokens as seen in public clients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from syncline import Limit, Quota

if TYPE_CHECKING:
    from syncline import Answer


class Product(StrEnum):
    """The APIs a connection has clients for."""

    CREATOR = "creator"
    MARKETINGHUB = "marketinghub"
    RECRUIT = "recruit"


@dataclass(frozen=True)
class Traits:
    """The documented limit of a product's usual calls (None: none per time), its scopes, and its ways."""

    limit: Limit | None
    scopes: tuple[str, ...]
    throttled: Callable[[Answer], float | None]


MINUTE_LIMIT = "2955"
SCOPE_CODES = frozenset({"2945", "INVALID_OAUTHSCOPE", "OAUTH_SCOPE_MISMATCH"})
TOKEN_CODES = frozenset({"1030", "INVALID_OAUTHTOKEN", "INVALID_TOKEN", "AUTHENTICATION_FAILURE"})
NOT_THE_TOKEN = SCOPE_CODES | {"1060"}
"""Codes that come with HTTP 401 and that a new token does not cure; 1060 is Creator's unsupported parameter."""


def code_of(answer: Answer) -> str:
    """The code in the body, as text (it comes as text or number, and as `code` or `Code`); "" when there is none."""
    body = answer.json
    if not isinstance(body, dict):
        return ""
    code = body.get("code", body.get("Code", ""))
    return str(code) if isinstance(code, str | int) else ""


def token_refused(answer: Answer) -> bool:
    """Whether a new access token may cure this answer."""
    code = code_of(answer)
    return code in TOKEN_CODES or (answer.status == 401 and code not in NOT_THE_TOKEN)


def scope_missing(answer: Answer) -> bool:
    """Whether the refresh token was made without the scope of this call."""
    return code_of(answer) in SCOPE_CODES


def _asked(answer: Answer, otherwise: float) -> float:
    return otherwise if answer.retry_after is None else answer.retry_after


def _creator_throttled(answer: Answer) -> float | None:
    return _asked(answer, 60.0) if answer.status == 429 or code_of(answer) == MINUTE_LIMIT else None


def _marketinghub_throttled(answer: Answer) -> float | None:
    return _asked(answer, 1800.0) if answer.status == 429 else None


def _recruit_throttled(answer: Answer) -> float | None:
    return _asked(answer, 60.0) if answer.status == 429 else None


TRAITS = {
    Product.CREATOR: Traits(
        Limit(50, 60.0, slack=2.0, quota=Quota()),
        (
            "ZohoCreator.report.READ",
            "ZohoCreator.dashboard.READ",
            "ZohoCreator.meta.application.READ",
            "ZohoCreator.meta.form.READ",
        ),
        _creator_throttled,
    ),
    Product.MARKETINGHUB: Traits(
        Limit(500, 300.0, lock=1800.0),
        (
            "ZohoMarketingAutomation.lead.READ",
            "ZohoMarketingAutomation.lead.CREATE",
            "ZohoMarketingAutomation.lead.UPDATE",
        ),
        _marketinghub_throttled,
    ),
    Product.RECRUIT: Traits(None, ("ZohoRecruit.modules.all",), _recruit_throttled),
}
