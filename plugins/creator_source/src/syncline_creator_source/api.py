"""Creator's API 2.1, as far as a source needs it: one page, one record, and what exists around the report.

Source: https://www.zoho.com/creator/help/api/v2.1/get-records.html .
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from syncline import Retriable
from syncline_zoho import Account, code_of

from .codes import GONE_RECORD, NO_RECORDS
from .config import CreatorConfig
from .fieldtypes import ID
from .frames import Row
from .structure import Item, Structure, path_of

READ_SCOPE = "ZohoCreator.report.READ"
LARGEST_PAGE = "1000"
SMALLEST_PAGE = "200"
LONGEST_CURSOR = 4096
"""Characters; it is kept in the ledger, and all of a read are remembered. Creator's have a few hundred."""


@dataclass(frozen=True)
class Records:
    """One page: its rows, and the cursor of the next page (None: this was the last)."""

    rows: list[Row]
    following: str | None


class Api:
    """Calls on one application."""

    def __init__(self, connection: Account[Any], config: CreatorConfig) -> None:
        self._structure = Structure(connection, config.environment)
        self._owner, self._application = config.owner, config.application
        place = path_of(config.owner, config.application)
        self.report_path = f"/creator/v2.1/data/{place}/report/{quote(config.report, safe='')}"
        self._calls_before = self._structure.client.calls

    @property
    def calls(self) -> int:
        """Requests sent since this object was made."""
        return self._structure.client.calls - self._calls_before

    def page(self, params: Mapping[str, str], cursor: str | None = None) -> Records:
        """One page of the report. Each of the three ways to say "no records" is an empty page, and the last."""
        headers = {"record_cursor": cursor} if cursor else {}
        answer = self._structure.send(self.report_path, READ_SCOPE, params=params, headers=headers, empty=NO_RECORDS)
        if code_of(answer) in NO_RECORDS:
            return Records([], None)
        rows = answer.json.get("data")
        if not isinstance(rows, list) or not all(type(row) is dict for row in rows):
            raise Retriable("the page holds no list of records", where=self.report_path)
        if not all(type(row.get(ID)) is str for row in rows):
            raise Retriable("a record of the page has no ID", where=self.report_path)
        following = answer.headers.get("record_cursor") or None
        if following is not None and len(following) > LONGEST_CURSOR:
            raise Retriable("the cursor of the next page is longer than any of Creator's", where=self.report_path)
        return Records(rows, following)

    def record(self, id: str) -> Row | None:
        """One record with every field that the report shows; None when there is none."""
        if not (id.isascii() and id.isdigit()):
            return None  # not one of Creator's, so it must not become a part of the address
        path = f"{self.report_path}/{id}"
        answer = self._structure.send(path, READ_SCOPE, params={"field_config": "all"}, empty=GONE_RECORD)
        found = answer.json.get("data")
        return found if isinstance(found, dict) else None

    def applications(self) -> list[Item]:
        """What the user of the token may see of the owner's applications."""
        return self._structure.applications(self._owner)

    def reports(self) -> list[Item]:
        """The reports of the application."""
        return self._structure.reports(self._owner, self._application)

    def fields(self, form: str) -> list[Item]:
        """The fields of a form, system fields apart."""
        return self._structure.fields(self._owner, self._application, form)
