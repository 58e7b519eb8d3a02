"""Opening a ledger: made privately, brought forward, never harmed by a program that should not touch it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from ledger_leads import batch, delivered, law_of_the_sums, met, started
from postgresql_server import Server
from syncline import Fatal, SpecError
from syncline.clock import Clock
from syncline.ledger import Ledger, schema
from syncline.ledger.database import Database
from syncline.ledger.tables import VERSION, metadata


def prints(folder: Path) -> dict[str, str]:
    """Every file of a folder with a hash of its bytes."""
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}


def database(url: str) -> Database:
    """The bare database behind a ledger."""
    return Database(url, read_only=False, now=Clock())


def test_a_new_ledger_belongs_to_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Ledger.open(f"sqlite:///{tmp_path}/deep/er/ledger.db") as ledger:
            met(ledger)
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in ledger.state_folder.iterdir()}
            assert ledger.state_folder == tmp_path / "deep" / "er"
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("ledger.db", "ledger.db-wal", "ledger.db-shm"), 0o600)
    assert [stat.S_IMODE((tmp_path / each).stat().st_mode) for each in ("deep", "deep/er")] == [0o700, 0o700]


def migrated(url: str) -> Database:
    """A ledger that was of the first version once."""
    bare = database(url)
    with bare.write() as connection:
        schema.upgrade(connection, "head")
    return bare


def test_the_migrations_lead_to_exactly_the_tables_in_the_code(ledger_url: str) -> None:
    bare = migrated(ledger_url)
    with bare.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []
        assert schema.version_of(connection, "") == VERSION
    bare.close()


def plain(found: object) -> str:
    """What was found, as a text; dicts in the order of their keys."""
    if isinstance(found, dict):
        return str({key: plain(found[key]) for key in sorted(found)})
    return str([plain(each) for each in found]) if isinstance(found, list) else str(found)


def held(bare: Database) -> dict[str, object]:
    """All that the database itself says of its tables, and the rows that are there from the start."""
    with bare.read() as connection:
        found = sa.inspect(connection)
        tables: dict[str, object] = {}
        for name in found.get_table_names():
            tables[name] = {
                "columns": {each["name"]: plain(each) for each in found.get_columns(name)},
                "key": found.get_pk_constraint(name)["constrained_columns"],
                "foreign keys": sorted(plain(each) for each in found.get_foreign_keys(name)),
                "indexes": sorted(plain(each) for each in found.get_indexes(name)),
            }
        for name in ("alembic_version", "changes"):
            tables[f"rows of {name}"] = connection.execute(sa.text(f"SELECT * FROM {name}")).all()
    bare.close()
    return tables


def test_a_new_ledger_is_what_the_migrations_would_make_of_the_first(tmp_path: Path, postgresql: Server) -> None:
    with postgresql.fresh_database() as new, postgresql.fresh_database() as old:
        for fresh, earlier in ((f"sqlite:///{tmp_path}/new.db", f"sqlite:///{tmp_path}/old.db"), (new, old)):
            with Ledger.open(fresh):
                pass
            assert held(database(fresh)) == held(migrated(earlier))


def test_a_ledger_of_the_first_version_is_brought_forward_with_what_it_holds(ledger_url: str) -> None:
    bare = database(ledger_url)
    with bare.write() as connection:
        schema.upgrade(connection, "0001")
        connection.execute(
            sa.text(
                "INSERT INTO syncs (name, identity, spec, revision, state, reason, created_at, source_scope)"
                " VALUES ('old', '{}', '{}', 1, 'active', 'created', 1, 'all')"
            )
        )
        connection.execute(sa.text("INSERT INTO meta (name, value) VALUES ('secret', :value)"), {"value": b"kept"})
    bare.close()
    with Ledger.open(ledger_url) as ledger:
        assert [sync.name for sync in ledger.syncs()] == ["old"]
        run = delivered(ledger, [0, 1, 2, 3])
        assert len(ledger.trace(run.sync_id, "person0@example.com")) == 1


def test_many_processes_may_open_a_new_ledger_at_once(ledger_url: str) -> None:
    program = "import sys; from syncline.ledger import Ledger; Ledger.open(sys.argv[1]).close()"
    command = [sys.executable, "-c", program, ledger_url]
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True), range(4)))
    assert [end.returncode for end in ends] == [0] * 4, ends
    with Ledger.open(ledger_url) as ledger:
        assert ledger.syncs() == []


@pytest.mark.parametrize("read_only", [False, True])
def test_a_ledger_of_a_newer_version_is_refused_untouched(ledger_url: str, tmp_path: Path, *, read_only: bool) -> None:
    with Ledger.open(ledger_url) as ledger:
        met(ledger)
    bare = database(ledger_url)
    with bare.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    bare.close()
    folder = tmp_path / "ledger"
    before = prints(folder) if folder.exists() else {}
    with pytest.raises(Fatal, match=r"newer version .* 9999.*upgrade Syncline"):
        Ledger.open(ledger_url, read_only=read_only)
    assert (prints(folder) if folder.exists() else {}) == before


def test_somebody_elses_database_is_refused_untouched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "theirs.db") as theirs:
        theirs.execute("CREATE TABLE recipes (title)")
    theirs.close()
    before = prints(tmp_path)
    with pytest.raises(Fatal, match="not a ledger"):
        Ledger.open(f"sqlite:///{tmp_path}/theirs.db")
    assert prints(tmp_path) == before


def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("milk, bread, and a great deal of other things" * 100)
    before = prints(tmp_path)
    with pytest.raises(Fatal, match="not a ledger") as fault:
        Ledger.open(f"sqlite:///{tmp_path}/notes.txt")
    assert "Traceback" not in str(fault.value)
    assert prints(tmp_path) == before


def test_a_truncated_ledger_is_told_apart(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        delivered(ledger, range(40))
    content = (tmp_path / "ledger.db").read_bytes()
    (tmp_path / "ledger.db").write_bytes(content[: len(content) // 3])
    with pytest.raises(Fatal, match="damaged"):
        Ledger.open(f"sqlite:///{tmp_path}/ledger.db")


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="cannot be opened"):
        Ledger.open(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("url", ["mysql://x/y", "ledger.db", "", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_names_no_ledger_is_the_authors_fault(url: str) -> None:
    with pytest.raises(SpecError, match="sqlite:///"):
        Ledger.open(url)


def test_an_unreachable_server_is_told_without_the_password() -> None:
    with pytest.raises(Fatal, match="cannot be reached") as fault:
        Ledger.open("postgresql://ledger:hunter22@127.0.0.1:1/ledger")
    assert "hunter22" not in f"{fault.value!r} {fault.value}"
    assert "ledger:***@127.0.0.1:1" in str(fault.value)


def test_a_database_that_is_not_there_is_told(postgresql: Server) -> None:
    with pytest.raises(Fatal, match="is not there"):
        Ledger.open(postgresql.url("nowhere"))


def test_a_full_disk_ends_the_run_and_loses_nothing(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        run = started(ledger)

        def shrink(raw: sqlite3.Connection, *_: object) -> None:
            raw.execute("PRAGMA max_page_count = 60")

        with ledger.journal(run, account="a", target="l") as journal:
            journal.open_batch(0, *batch(range(8)), "c0")
            sa.event.listen(ledger._database._engine, "checkout", shrink)
            with pytest.raises(Fatal, match="disk of the ledger is full"):
                journal.open_batch(1, *batch(range(1000, 30_000)), "c1")
        sa.event.remove(ledger._database._engine, "checkout", shrink)
        law_of_the_sums(ledger, run)
        assert ledger.open_batches(run)[0].waiting == {0, 1, 2, 4, 5, 6}


def test_a_ledger_that_is_not_there_is_empty_for_a_reader_and_stays_away(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/none/ledger.db", read_only=True) as ledger:
        assert (ledger.syncs(), ledger.runs(None), ledger.held("a"), ledger.spent()) == ([], [], {}, ({}, {}))
        assert ledger.audience("a").is_empty()
        assert met(ledger).name == "signups"
    assert list(tmp_path.iterdir()) == []


def test_a_reader_writes_no_byte(ledger_url: str, tmp_path: Path) -> None:
    with Ledger.open(ledger_url) as ledger:
        run = delivered(ledger, range(8))
    folder = tmp_path / "ledger"
    before = prints(folder) if folder.exists() else {}
    with Ledger.open(ledger_url, read_only=True) as reader:
        law_of_the_sums(reader, run)
        assert reader.members(run.sync_id).height == 6
        reader.audience("account")
        reader.trace(run.sync_id, "person1@example.com")
        reader.health()
        with pytest.raises(Fatal, match="cannot be written"):
            met(reader, "another")
    assert (prints(folder) if folder.exists() else {}) == before


def test_a_reader_sees_what_a_writer_commits_meanwhile(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        met(ledger)
    with Ledger.open(ledger_url, read_only=True) as reader:
        assert reader.runs(None) == []
        with Ledger.open(ledger_url) as writer:
            run = delivered(writer, range(4))
            assert [each.id for each in reader.runs(None)] == [run.id]
        assert reader.run("last").counts == run.counts


def test_a_reader_brings_an_older_ledger_forward_only_in_memory(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    bare = database(url)
    with bare.write() as connection:
        schema.upgrade(connection, "0001")
    bare.close()
    before = prints(tmp_path)
    with Ledger.open(url, read_only=True) as reader:
        assert reader.syncs() == []
        assert reader.health()[0].found.endswith(VERSION)
    assert prints(tmp_path) == before


def test_alembic_is_not_imported_for_a_ledger_that_is_up_to_date(ledger_url: str) -> None:
    with Ledger.open(ledger_url):
        pass
    program = "import sys; from syncline.ledger import Ledger; Ledger.open(sys.argv[1]).close(); print(*sys.modules)"
    end = subprocess.run([sys.executable, "-c", program, ledger_url], capture_output=True, text=True, check=True)
    assert "sqlalchemy" in end.stdout.split()
    assert "alembic" not in end.stdout.split()


def test_doctor_is_told_of_the_schema_the_size_and_the_open_leases(ledger: Ledger) -> None:
    started(ledger)
    checks = {check.subject: check for check in ledger.health()}
    assert checks["ledger"].found.endswith(f"schema {VERSION}")
    assert checks["ledger integrity"].ok
    assert "1 runs" in checks["ledger rows"].found
    assert f"process {os.getpid()}" in checks["lease of signups"].found
    assert all(check.ok for check in checks.values())
