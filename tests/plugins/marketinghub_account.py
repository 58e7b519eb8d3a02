"""Fixtures: a sandbox, an account in it whose waits pass at once, and sinks that use it.

PYTEST_DONT_REWRITE: test modules import values from here before pytest takes it as a plugin; it asserts nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from syncline import KEY, AudiencePart, Held, Runtime, Status, key_of
from syncline.budget import Budgets, MemoryStore, Store
from syncline.clock import Clock
from syncline.secrets import Redactor
from syncline_marketinghub.sink import MarketingHub
from syncline_zoho import Budget, Config, Hosts, Zoho
from syncline_zoho_sandbox import Sandbox

LIST = "Webinar leads"
PUBLIC = "Newsletter"
MAPPED = ["Lead Email", "First Name"]


class Hours(Clock):
    """The clock of budgets and, if there is one, of the sandbox: waiting moves it and takes no time."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self._ahead = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        return super().__call__() + timedelta(seconds=self._ahead)

    def now(self) -> float:
        return self().timestamp()

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._ahead += seconds
            self._box.clock.advance(seconds)


class Stop(threading.Event):
    """An event whose waits pass at once, on that clock."""

    def __init__(self, hours: Hours) -> None:
        super().__init__()
        self._hours = hours

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            self._hours.advance(timeout or 0.0)
        return self.is_set()


class Account:
    """Connections to one sandbox account; all share one store of budgets, as processes with one ledger do."""

    def __init__(self, box: Sandbox, folder: Path) -> None:
        self.box = box
        self.folder = folder
        self.hours = Hours(box)
        self.stop = Stop(self.hours)
        self.store = MemoryStore()
        self.sent: list[tuple[str, str, Any, Any]] = []
        self._opened: list[Zoho] = []

    def connection(
        self, *, budget: Budget | None = None, refresh_token: str | None = None, store: Store | None = None
    ) -> Zoho:
        """One more process; what it sends is noted in `sent`."""
        config = Config(
            client_id=self.box.client_id,
            client_secret=self.box.client_secret,
            refresh_token=refresh_token or self.box.refresh_token,
            hosts=Hosts(**self.box.hosts),
            budget=budget,
        )
        budgets = Budgets(store or self.store, stop=self.stop, clock=self.hours)
        made = Zoho(config, Runtime(budgets, Redactor(), self.folder, self.folder, self.stop))
        client = made.client("marketinghub")
        send = client.send

        def noted(method: str, path: str, **rest: Any) -> Any:
            self.sent.append((method, path, rest.get("params"), rest.get("form")))
            return send(method, path, **rest)

        client.send = noted  # type: ignore[method-assign]  # a spy on the one public method
        self._opened.append(made)
        return made

    def sink(self, mapped: list[str] | None = None, connection: Zoho | None = None, **config: Any) -> MarketingHub:
        """A prepared sink."""
        made = MarketingHub(
            msgspec.convert({"list": LIST} | config, MarketingHub.Config), connection or self.connection()
        )
        made.prepare(MAPPED if mapped is None else mapped)
        return made

    def calls(self) -> dict[str, int]:
        """Calls to MarketingHub since the last time this was asked."""
        counts = self.box.calls().counts
        self.box.reset_calls()
        return {name.removeprefix("marketinghub."): n for name, n in counts.items() if name.startswith("marketinghub.")}

    def close(self) -> None:
        for each in self._opened:
            each.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(leads=60, in_process=True) as box:
        yield box


@pytest.fixture
def box(server: Sandbox) -> Sandbox:
    server.reset()
    server.reset_calls()
    return server


@pytest.fixture
def account(box: Sandbox, tmp_path: Path) -> Iterator[Account]:
    made = Account(box, tmp_path)
    yield made
    made.close()


@pytest.fixture
def sink(account: Account) -> Callable[..., MarketingHub]:
    return account.sink


def leads(*addresses: str, **fields: str | None) -> pl.DataFrame:
    """Encoded leads with the same fields."""
    rows = [{"Lead Email": each} | fields | {KEY: key_of(each)} for each in addresses]
    return pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String))


def people(parts: list[AudiencePart], listkey: str, status: Status = Status.ACTIVE) -> set[str]:
    """The addresses that were read of one list and status."""
    return {
        address for part in parts if (part.list, part.status) == (listkey, status) for address in part.people["address"]
    }


def held_of(parts: list[AudiencePart], read: Any) -> dict[tuple[str, Status], Held]:
    """What a ledger that took in these parts would hold, read at `read`."""
    known: dict[tuple[str, str], Status] = {}
    for part in parts:
        known |= {(part.list, key_of(address)): part.status for address in part.people["address"]}
    whole = {(part.list, part.status) for part in parts if part.whole}
    pairs = {(part.list, part.status) for part in parts}
    statuses = [(listkey, status) for (listkey, _), status in known.items()]
    return {pair: Held(statuses.count(pair), read, read if pair in whole else None) for pair in pairs}
