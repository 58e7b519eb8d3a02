"""What MarketingHub's codes mean, and what follows from each.

Source: https://www.zoho.com/marketingautomation/help/developers/error-codes.html and the pages of the single calls;
gaps are filled from the table of Zoho Campaigns, the same family. A code may come as text or as a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from syncline import Result, ResultKind


class Verdict(Enum):
    """What follows from a code."""

    DONE = auto()
    LATER = auto()
    """Nothing was done; the same call may succeed soon."""
    REFUSED = auto()
    """This lead, or this call, was refused; others may pass."""
    LOCKED = auto()
    """Too many calls: the endpoint is closed for half an hour."""
    GONE = auto()
    """The list does not exist any more."""
    QUOTA = auto()
    """The plan takes no more leads."""
    PRIVILEGE = auto()
    TOKEN = auto()
    SCOPE = auto()
    MISUSED = auto()
    """The path is not one of MarketingHub's."""


VERDICTS: Mapping[str, Verdict] = {
    **dict.fromkeys(("0", "200"), Verdict.DONE),
    **dict.fromkeys(("500", "919", "2101", "2104", "2402", "2603", "6615"), Verdict.LATER),
    **dict.fromkeys(("429", "2008"), Verdict.LOCKED),
    **dict.fromkeys(("2102", "2202", "2203", "2206", "2501", "2707"), Verdict.GONE),
    **dict.fromkeys(("914", "980", "2302"), Verdict.QUOTA),
    **dict.fromkeys(("2701", "2704", "2706"), Verdict.PRIVILEGE),
    **dict.fromkeys(("401", "902", "906", "1007", "INVALID_OAUTHTOKEN", "INVALID_TOKEN"), Verdict.TOKEN),
    **dict.fromkeys(("INVALID_OAUTHSCOPE", "OAUTH_SCOPE_MISMATCH"), Verdict.SCOPE),
    **dict.fromkeys(("901", "1004"), Verdict.MISUSED),
}

MEANINGS: Mapping[str, str] = {
    "401": "not authorised",
    "500": "MarketingHub broke down over the call",
    "900": "a mandatory value is missing",
    "902": "not authorised",
    "903": "a mandatory value is missing, or the detail cannot be shown",
    "904": "the action is not possible",
    "906": "not authorised",
    "914": "the plan's number of leads is reached",
    "916": "the field exists already",
    "919": "the account is being synchronised",
    "980": "the plan's number of leads is reached",
    "1004": "no such resource",
    "2001": "the lead could not be read as JSON",
    "2004": "not a valid address, says MarketingHub",
    "2005": "a group address, says MarketingHub",
    "2006": "in the do-not-mail registry",
    "2007": "a value is not valid",
    "2008": "the permitted number of calls is exceeded",
    "2101": "try again later",
    "2103": "not in the list",
    "2104": "try again later",
    "2302": "the plan's number of leads is reached",
    "2402": "try again later",
}

IGNORED: Mapping[str, str] = {"2004": "invalid_pattern", "2005": "group_email", "2006": "do_not_mail"}
"""Refusals that are one of the default ignore reasons (DESIGN 5)."""

HEALING = frozenset({"903"})
"""Refusals that may pass though the lead stays as it is. The table of errors calls 903 “the detail cannot be shown”,
which passes, while the pages of single calls use it for a missing value as well: so it is tried again. Those that ask
to come later (`Verdict.LATER`) return in any case; all others are about the lead or the mapping, and stay."""

EMPTY = frozenset({"2203", "2401", "2502", "2604"})
"""“Nothing there”, when a page is read. 2203 also stands for a deleted list: the reader has to look at the count."""


def verdict(code: str) -> Verdict:
    """What follows from `code`; an unknown one is the refusal of this call."""
    return VERDICTS.get(code, Verdict.REFUSED)


def meaning(code: str) -> str:
    """The code in words that hold nothing of the person (MarketingHub's own message may)."""
    return MEANINGS.get(code, f"refused with code {code}")


def result_of(code: str, *, awaiting: bool = False) -> Result:
    """The result of one lead for which MarketingHub answered `code`."""
    judged = verdict(code)
    if judged is Verdict.DONE:
        return Result(ResultKind.ACCEPTED, code, awaiting=awaiting)
    if judged is Verdict.LATER:
        return Result(ResultKind.RETRYABLE, code, meaning(code))
    return Result(ResultKind.REFUSED, code, meaning(code), ignored=IGNORED.get(code), heals=code in HEALING)
