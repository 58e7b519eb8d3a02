"""HTTP for connections: one client per product API, with budgets, retries, token refresh, limits and redaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .budget import Budgets, Limit
from .secrets import Redactor


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `json` is the parsed body, or None when the body is not JSON (then see `text`)."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any


class Client:
    """Calls one product API.

    `authorize(renew)` returns the headers that carry the token; after a 401 it is called once with True.
    """

    def __init__(
        self,
        base_url: str,
        *,
        budgets: Budgets,
        redactor: Redactor,
        authorize: Callable[[bool], Mapping[str, str]] | None = None,
    ) -> None:
        self.calls = 0

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        budget: tuple[str, Limit] | None = None,
        repeatable: bool | None = None,
    ) -> Answer:
        """One call."""
        raise NotImplementedError
