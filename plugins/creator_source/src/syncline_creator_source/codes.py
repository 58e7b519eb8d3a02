"""What Creator's codes mean for a sync. The code in the body decides, never the HTTP status.

Source: https://www.zoho.com/creator/help/api/v2.1/status-codes.html and the tables of the versions before; 9280 is seen
in public clients. A 404 without a code of Creator's is no renamed link: it is a wrong address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from syncline import Fatal, Retriable, SynclineError
from syncline_zoho import code_of

if TYPE_CHECKING:
    from syncline import Answer

OK = "3000"
NO_RECORDS = frozenset({"3100", "9280"})
GONE_RECORD = NO_RECORDS | {"3190"}
GONE_APPLICATION = "2892"
GONE_REPORT = frozenset({"2894", "1090"})
NO_FIELD = "3710"
SCOPE = "2945"
DAY_SPENT = "4000"
"""The account's Developer API calls of the day are used up."""
UNKNOWN_PATH = frozenset({"", "1000"})
FORBIDDEN = frozenset({SCOPE, "1060", "1130", "2896", "2897", "2898", "2899", "2933", "2965", "4070"})
"""Codes that say that this user, or this token, may not."""

PERMISSIONS = "give the user of the refresh token access in Creator"
FATAL: Mapping[str, tuple[str, str]] = {
    "1030": ("the access token is refused, even a new one", "check data_center and hosts in connections.yaml"),
    "1040": ("there is no account owner of this name", "check `owner`, and data_center in connections.yaml"),
    "1060": ("the user of the refresh token may not see this application", PERMISSIONS),
    "1080": ("the application is disabled", "enable it in Creator"),
    "1130": ("the role of the refresh token's user lacks API access", PERMISSIONS),
    "2892": ("there is no application of this link name", "check `application`"),
    "2893": ("there is no form of this link name", "check `form`"),
    "2894": ("there is no report of this link name", "check `report`"),
    "1090": ("there is no component of this link name", "check `report`"),
    "2896": ("the user of the refresh token may not do this", PERMISSIONS),
    "2897": ("the user of the refresh token may not do this", PERMISSIONS),
    "2898": ("the user of the refresh token may not view these records", PERMISSIONS),
    "2899": ("the user of the refresh token may not do this", PERMISSIONS),
    "2933": ("the user of the refresh token has no permission on this application", PERMISSIONS),
    "2965": ("the user of the refresh token lacks a permission", PERMISSIONS),
    "4070": ("only admins and developers may call this", PERMISSIONS),
}


class Coded(Fatal):
    """Creator refused a call with the `code`; whoever knows better than "the run ends" decides by it."""

    def __init__(self, what: str, *, code: str, where: str = "", why: str = "", mend: str = "") -> None:
        super().__init__(what, where=where, why=why, mend=mend)
        self.code = code

    @property
    def known(self) -> bool:
        """Whether the code's meaning is documented."""
        return self.code in FATAL or self.code in (SCOPE, NO_FIELD)


def refusal(answer: Answer, *, where: str, scope: str, scope_help: str, clean: Callable[[str], str]) -> SynclineError:
    """The error for an answer that is not a success. Creator's own words are given for what the spec's author wrote;
    `clean` masks secrets in them."""
    code = code_of(answer)
    if not code:
        return silence(answer, where)
    why = f"HTTP {answer.status}, code {code}"
    if code == SCOPE:
        return Coded(f"the refresh token lacks the scope {scope}", code=code, where=where, why=why, mend=scope_help)
    if code in FATAL:
        what, mend = FATAL[code]
        return Coded(what, code=code, where=where, why=why, mend=mend)
    if code == "2930":
        return Retriable("Creator failed without saying why", where=where, why=why)
    return Coded("Creator refused the call", code=code, where=where, why=f"{why}: {words(answer, clean)}")


def silence(answer: Answer, where: str) -> SynclineError:
    """The error for an answer that carries no code: it proves nothing, least of all an end of the records."""
    shape = "not JSON" if answer.json is None else "without a code"
    if answer.status == 404:
        return Fatal(
            "there is no Creator API at this address",
            where=where,
            why=f"HTTP 404, {shape}",
            mend="check data_center and hosts.creator in connections.yaml",
        )
    if answer.status in (401, 403):
        return Fatal("Creator refused the call", where=where, why=f"HTTP {answer.status}, {shape}", mend=PERMISSIONS)
    return Retriable("the answer is not one of Creator's", where=where, why=f"HTTP {answer.status}, {shape}")


def words(answer: Answer, clean: Callable[[str], str]) -> str:
    """Creator's message, on one line, shortened; masked before, for half a secret is not known as one."""
    body = answer.json
    text = body.get("message", body.get("description", "")) if isinstance(body, dict) else ""
    return " ".join(clean(str(text)).split())[:200]
