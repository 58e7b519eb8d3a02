"""One Zoho for all tests of hostile input, as new for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_place import Place
from hostile import Hostile
from syncline_zoho_sandbox import Sandbox
from workshop import Own


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


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    """A server that may answer anything."""
    with Hostile() as made:
        yield made
