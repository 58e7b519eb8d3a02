"""Creator's API 2.1, as far as a source needs it: one page, one record, and what exists.

Source: https://www.zoho.com/creator/help/api/v2.1/get-records.html and the meta pages beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from syncline import Answer, Retriable
from syncline_zoho import TRAITS, Account, Product, code_of

from .codes import GONE_RECORD, NO_RECORDS, OK, UNKNOWN_PATH, Coded, refusal
from .config import CreatorConfig
from .fieldtypes import ID
from .frames import Row

READ_SCOPE = "ZohoCreator.report.READ"
APPLICATIONS_SCOPE = "ZohoCreator.dashboard.READ"
STRUCTURE_SCOPE = "ZohoCreator.meta.application.READ"
FORM_SCOPE = "ZohoCreator.meta.form.READ"
LARGEST_PAGE = "1000"
SMALLEST_PAGE = "200"
TRIES = 3
PAUSE = 1.0


@dataclass(frozen=True)
class Records:
    """One page: its rows, and the cursor of the next page (None: this was the last)."""

    rows: list[Row]
    following: str | None


class Api:
    """Calls on one application."""

    def __init__(self, connection: Account[Any], config: CreatorConfig) -> None:
        self._connection = connection
        self._client = connection.client(Product.CREATOR)
        documented = TRAITS[Product.CREATOR].limit
        assert documented is not None  # noqa: S101 - for the type checker: Creator documents one
        self._budget = (f"{connection.account}/creator", connection.limit(Product.CREATOR, documented))
        self._headers = {"accept": "application/json"}  # exactly this: `*/*` in it is refused with code 9210
        if config.environment:
            self._headers["environment"] = config.environment
        self._owner = quote(config.owner, safe="")
        self._application = f"{self._owner}/{quote(config.application, safe='')}"
        self.report_path = f"/creator/v2.1/data/{self._application}/report/{quote(config.report, safe='')}"
        self._calls_before = self._client.calls

    @property
    def calls(self) -> int:
        """Requests sent since this object was made."""
        return self._client.calls - self._calls_before

    def page(self, params: Mapping[str, str], cursor: str | None = None) -> Records:
        """One page of the report. Each of the three ways to say "no records" is an empty page, and the last."""
        headers = {"record_cursor": cursor} if cursor else {}
        answer = self._send(self.report_path, READ_SCOPE, params=params, headers=headers, empty=NO_RECORDS)
        if code_of(answer) in NO_RECORDS:
            return Records([], None)
        rows = answer.json.get("data")
        if not isinstance(rows, list) or not all(type(row) is dict for row in rows):
            raise Retriable("the page holds no list of records", where=self.report_path)
        if not all(type(row.get(ID)) is str for row in rows):
            raise Retriable("a record of the page has no ID", where=self.report_path)
        return Records(rows, answer.headers.get("record_cursor") or None)

    def record(self, id: str) -> Row | None:
        """One record with every field that the report shows; None when there is none."""
        if not (id.isascii() and id.isdigit()):
            return None  # not one of Creator's, so it must not become a part of the address
        path = f"{self.report_path}/{id}"
        answer = self._send(path, READ_SCOPE, params={"field_config": "all"}, empty=GONE_RECORD)
        found = answer.json.get("data")
        return found if isinstance(found, dict) else None

    def applications(self) -> list[dict[str, Any]]:
        """What the user of the token may see of the owner's applications."""
        try:
            return self._listed(f"/creator/v2.1/meta/{self._owner}/applications", "applications", APPLICATIONS_SCOPE)
        except Coded as error:
            if error.code not in UNKNOWN_PATH:
                raise
        return self._listed("/creator/v2.1/meta/applications", "applications", APPLICATIONS_SCOPE)

    def reports(self) -> list[dict[str, Any]]:
        """The reports of the application."""
        return self._listed(f"/creator/v2.1/meta/{self._application}/reports", "reports", STRUCTURE_SCOPE)

    def fields(self, form: str) -> list[dict[str, Any]]:
        """The fields of a form, system fields apart."""
        path = f"/creator/v2.1/meta/{self._application}/form/{quote(form, safe='')}/fields"
        return self._listed(path, "fields", FORM_SCOPE)

    def _listed(self, path: str, key: str, scope: str) -> list[dict[str, Any]]:
        answer = self._send(path, scope, empty=frozenset({"3910", "3920", "3930"}))
        items = answer.json.get(key) or []
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    def _send(
        self,
        path: str,
        scope: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        empty: frozenset[str] = frozenset(),
    ) -> Answer:
        """The answer, if its code is 3000 or in `empty`. What is not Creator's (a gateway's page) is asked again."""
        for attempt in range(1, TRIES + 1):
            answer = self._client.send(
                "GET", path, params=params, headers={**self._headers, **(headers or {})}, budget=self._budget
            )
            code = code_of(answer)
            if code == OK or code in empty:
                return answer
            error = refusal(answer, where=path, scope=scope, scope_help=self._connection.token_help())
            passing = isinstance(error, Retriable) and not code
            if not passing or attempt == TRIES or self._connection.runtime.stop.wait(PAUSE):
                raise error
        raise AssertionError("the last attempt returns or raises")
