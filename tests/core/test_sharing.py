"""Connections are shared by runs that go side by side, and closed by the last of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from syncline.assembly import Assembly
from syncline.budget import Budgets, MemoryStore
from syncline.plugin import Config, Connection, Runtime
from syncline.secrets import Redactor
from syncline.sharing import Shared
from syncline.spec import ConnectionUse


class WireConfig(Config, frozen=True):
    """Options of the wire: one of them cannot be hashed."""

    number: int = 1
    settings: dict[str, int] = msgspec.field(default_factory=dict)


class Wire(Connection[WireConfig]):
    """Notes what becomes of it."""

    name: ClassVar[str] = "wire"
    Config = WireConfig
    is_closed = False

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    return Shared(Runtime(Budgets(MemoryStore()), Redactor(), tmp_path, tmp_path))


def use(number: int = 1, name: str = "a") -> ConnectionUse:
    return ConnectionUse(name, Wire, WireConfig(number, {"calls": 1}))


def test_whoever_uses_the_same_account_has_the_same_connection_until_the_last_is_done(shared: Shared) -> None:
    with ExitStack() as outer:
        with shared.lent(use()) as first:
            second = outer.enter_context(shared.lent(use(name="by another name")))
            assert second is first
        assert not first.is_closed
    assert first.is_closed
    with shared.lent(use()) as fresh:
        assert fresh is not first


def test_another_config_is_another_connection(shared: Shared) -> None:
    with shared.lent(use(1)) as first, shared.lent(use(2)) as second:
        assert first is not second


def test_many_threads_share_one_and_close_each_once(shared: Shared) -> None:
    def work(n: int) -> Connection[WireConfig]:
        with shared.lent(use()) as found:
            assert not found.is_closed
        return found

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(work, range(400)))
    assert all(each.is_closed for each in found)
    assert shared._lent == []


def test_an_assembly_that_cannot_be_made_gives_its_connection_back(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(assembly: Assembly, bound: object) -> None:
        assembly._connection(use())
        raise LookupError

    monkeypatch.setattr(Assembly, "_make", broken)
    with pytest.raises(LookupError):
        Assembly(type("Bound", (), {"spec": None})(), shared)
    assert shared._lent == []
