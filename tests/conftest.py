"""Fixtures for all tests: ledgers on both databases, desks, and one Zoho that is as new for each place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_place import Place
from hypothesis import settings
from postgresql_server import Server, shared_server
from serving import Desk
from syncline.ledger import Ledger
from syncline_zoho_sandbox import Sandbox
from workshop import Own

collect_ignore = ["fixtures"]  # a stranger's package brings tests of its own, for an environment of its own
settings.register_profile("syncline", deadline=None)  # a machine under load is slow, and no fault of the code
settings.load_profile("syncline")


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real PostgreSQL server, one for the session, however many workers it has."""
    own = tmp_path_factory.getbasetemp()
    with shared_server(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a ledger that is not there yet: each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger/ledger.db"
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.fresh_database() as url:
        yield url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """An empty ledger."""
    with Ledger.open(ledger_url) as opened:
        yield opened


@pytest.fixture
def desk_at(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Makes a desk whose clock shows this moment (UTC), with a ledger on SQLite or, given its URL, another."""
    made: list[Desk] = []

    def make(start: str, url: str | None = None, speed: float = 5.0) -> Desk:
        made.append(Desk(tmp_path, url or f"sqlite:///{tmp_path}/ledger/ledger.db", start, speed))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def zoho(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A Zoho without sign-ups; the lists hold a few strangers."""
    with Sandbox(state_dir=tmp_path_factory.mktemp("zoho"), leads=0) as box:
        yield box


@pytest.fixture(scope="session")
def plugins() -> Own:
    """The installed plugins, the table and the shelf."""
    return Own()


@pytest.fixture
def place(tmp_path: Path, zoho: Sandbox, plugins: Own) -> Iterator[Place]:
    """A fresh place; the law of the sums is asserted when the test is over."""
    zoho.reset()
    made = Place(tmp_path, zoho, plugins)
    yield made
    made.close()
    zoho.faults.clear()
    made.law()
