"""What exists in an account of Creator: its applications, and their reports, forms and fields.

Source: the meta pages below https://www.zoho.com/creator/help/api/v2.1/ . No call tells the form of a report.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from syncline import Retriable
from syncline_zoho import TRAITS, Account, Product, code_of

from .codes import DAY_SPENT, OK, UNKNOWN_PATH, Coded, refusal

if TYPE_CHECKING:
    from syncline import Answer, Limit

APPLICATIONS_SCOPE = "ZohoCreator.dashboard.READ"
STRUCTURE_SCOPE = "ZohoCreator.meta.application.READ"
FORM_SCOPE = "ZohoCreator.meta.form.READ"
META = "/creator/v2.1/meta"
NOTHING = frozenset({"3910", "3920", "3930"})
"""An application without forms, pages or reports."""
TRIES = 3
PAUSE = 1.0

Item = dict[str, Any]


class Structure:
    """The meta calls of one account; `send` is the border at which an answer becomes Creator's or an error."""

    def __init__(self, connection: Account[Any], environment: str | None = None) -> None:
        self._connection = connection
        self.client = connection.client(Product.CREATOR)
        self.budget = budget_of(connection)
        self._headers = {"accept": "application/json"}  # exactly this: `*/*` in it is refused with code 9210
        if environment:
            self._headers["environment"] = environment

    def applications(self, owner: str | None = None) -> list[Item]:
        """What the user of the token may see of the owner's applications (None: of everybody's)."""
        if owner is not None:
            try:
                return self._listed(f"{META}/{quote(owner, safe='')}/applications", "applications", APPLICATIONS_SCOPE)
            except Coded as error:
                if error.code not in UNKNOWN_PATH:
                    raise
        return self._listed(f"{META}/applications", "applications", APPLICATIONS_SCOPE)

    def reports(self, owner: str, application: str) -> list[Item]:
        """The reports of an application."""
        return self._listed(f"{META}/{path_of(owner, application)}/reports", "reports", STRUCTURE_SCOPE)

    def forms(self, owner: str, application: str) -> list[Item]:
        """The forms of an application."""
        return self._listed(f"{META}/{path_of(owner, application)}/forms", "forms", STRUCTURE_SCOPE)

    def fields(self, owner: str, application: str, form: str) -> list[Item]:
        """The fields of a form, system fields apart."""
        path = f"{META}/{path_of(owner, application)}/form/{quote(form, safe='')}/fields"
        return self._listed(path, "fields", FORM_SCOPE)

    def send(
        self,
        path: str,
        scope: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        empty: frozenset[str] = frozenset(),
    ) -> Answer:
        """The answer, if its code is 3000 or in `empty`. What is not Creator's (a gateway's page) is asked again.

        Raises `QuotaSpent` when the account has no call of the day left.
        """
        for attempt in range(1, TRIES + 1):
            answer = self.client.send(
                "GET", path, params=params, headers={**self._headers, **(headers or {})}, budget=self.budget
            )
            code = code_of(answer)
            if code == OK or code in empty:
                return answer
            name, limit = self.budget
            if code == DAY_SPENT and limit.quota is not None:
                raise self._connection.runtime.budgets.used_up(name, limit.quota)
            error = refusal(
                answer,
                where=path,
                scope=scope,
                scope_help=self._connection.token_help(),
                clean=self._connection.runtime.redactor.clean,
            )
            passing = isinstance(error, Retriable) and not code
            if not passing or attempt == TRIES or self._connection.runtime.stop.wait(PAUSE):
                raise error
        raise AssertionError("the last attempt returns or raises")

    def _listed(self, path: str, key: str, scope: str) -> list[Item]:
        answer = self.send(path, scope, empty=NOTHING)
        items = answer.json.get(key) or []
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def path_of(owner: str, application: str) -> str:
    """An application's part of every address."""
    return f"{quote(owner, safe='')}/{quote(application, safe='')}"


def budget_of(connection: Account[Any]) -> tuple[str, Limit]:
    """The name of the account's call budget, and what it allows."""
    documented = TRAITS[Product.CREATOR].limit
    assert documented is not None  # noqa: S101 - for the type checker: Creator documents one
    return f"{connection.account}/creator", connection.limit(Product.CREATOR, documented)
