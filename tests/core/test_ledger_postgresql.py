"""A ledger on a PostgreSQL server: few connections, no endless waits, and clear words when something is in the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from ledger_leads import met, started
from postgresql_server import Server
from syncline import Fatal
from syncline.ledger import Ledger, database


@pytest.fixture
def url(postgresql: Server) -> Iterator[str]:
    """The URL of a ledger there."""
    with postgresql.fresh_database() as found:
        yield found


def setting(ledger: Ledger, name: str) -> str:
    """What the server goes by for our connections."""
    with ledger._database.read() as connection:
        return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())


def test_no_step_waits_for_ever_and_none_is_left_half_done(url: str) -> None:
    with Ledger.open(url) as ledger:
        met(ledger)
        wanted = {"lock_timeout": "1min", "idle_in_transaction_session_timeout": "30s", "tcp_keepalives_idle": "0"}
        assert {name: setting(ledger, name) for name in wanted} == wanted  # a socket of this machine has no keepalives
    own = url + "&options=-c%20lock_timeout%3D5s"
    with Ledger.open(own) as ledger, Ledger.open(own, read_only=True) as reader:
        assert (setting(ledger, "lock_timeout"), setting(ledger, "default_transaction_read_only")) == ("5s", "off")
        assert setting(reader, "default_transaction_read_only") == "on"


def test_a_lock_that_is_held_for_too_long_is_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    with Ledger.open(url) as ledger, psycopg.connect(url) as other:
        run = started(ledger)
        other.execute("LOCK TABLE leases")
        with pytest.raises(Fatal, match="somebody else holds what is needed in the ledger for too long"):
            ledger.heartbeat(run)
        other.rollback()
        ledger.heartbeat(run)


def test_a_process_that_stood_still_holds_up_nobody(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger.open(url) as ledger:
        run = started(ledger)
        monkeypatch.setattr(database, "STILL_SECONDS", 0.1)
        with Ledger.open(url) as stalled:

            def stand_still() -> None:
                with stalled._database.write() as connection:
                    connection.exec_driver_sql("SELECT * FROM leases FOR UPDATE")
                    ledger.heartbeat(run)  # waits until the server has ended the other
                    connection.exec_driver_sql("SELECT 1")

            with pytest.raises(Fatal, match="stood still in the middle of a step"):
                stand_still()


def test_a_process_takes_so_many_connections_and_no_more(url: str) -> None:
    many = database.MOST_CONNECTIONS + 5
    reading, going = threading.Semaphore(0), threading.Event()

    def read(n: int) -> int:
        with ledger._database.read() as connection:
            reading.release()
            going.wait()
            return int(connection.exec_driver_sql(f"SELECT {n}").scalar_one())

    with Ledger.open(url) as ledger, ThreadPoolExecutor(many) as pool:
        found = [pool.submit(read, n) for n in range(many)]
        for _ in range(database.MOST_CONNECTIONS):
            assert reading.acquire(timeout=60)
        with psycopg.connect(url) as other:
            count = other.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
        going.set()
        assert [each.result() for each in found] == list(range(many))
    assert count == (database.MOST_CONNECTIONS,)


def test_connections_that_are_all_in_use_for_too_long_are_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    in_use = pytest.raises(Fatal, match="all connections of this process to the ledger are in use")
    with Ledger.open(url) as ledger, ledger._database.read(), in_use:
        ledger.syncs()


def test_a_server_that_is_full_is_said(url: str, postgresql: Server) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as other:
        other.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')
        other.execute("CREATE ROLE guest LOGIN")
        try:
            with pytest.raises(Fatal, match="has no connection left") as full:
                Ledger.open(url.replace("postgres@", "guest@"))
        finally:
            other.execute("DROP ROLE guest")
    assert "each takes ten at most" in full.value.mend
