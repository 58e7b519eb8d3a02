"""Fault 12: a ledger that is truncated, of an older or newer version, on a full disk, or that cannot be written."""

from __future__ import annotations

import ctypes
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from fault_place import CHILD, Place
from syncline.ledger.schema import upgrade

DROP_FROM_BOUNDING_SET, CAN_WRITE_ANYWHERE = 24, 1
"""prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE): then even root minds the permissions of files."""


def starting(place: Place, prepare: Callable[[], object]) -> subprocess.CompletedProcess[str]:
    """A run in a process for which something is prepared before it starts."""
    command = [sys.executable, "-W", "error", str(CHILD), str(place.clock), "run", place.spec.name]
    there = {"cwd": place.folder, "env": place.environment, "preexec_fn": prepare}
    return subprocess.run(command, **there, capture_output=True, text=True, check=False)


def prints(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_truncated_ledger_is_told_and_nothing_is_sent_and_the_restored_one_goes_on(place: Place) -> None:
    place.sign_up(*(f"p{n}" for n in range(30)))
    place.run()
    whole = place.folder / "whole"
    shutil.copytree(place.ledger.parent, whole)
    content = place.ledger.read_bytes()
    place.ledger.write_bytes(content[: len(content) // 3])
    sent = place.writes()
    for words in (("run", place.spec.name), ("status",), ("leads", "last")):
        assert "restore it from a backup" in place.syncline(*words, code=1).err
    assert place.writes() == sent
    shutil.rmtree(place.ledger.parent)
    shutil.copytree(whole, place.ledger.parent)
    assert place.run()["duplicate"]["unchanged"] == 30


def test_a_ledger_of_a_newer_version_is_left_untouched(place: Place) -> None:
    place.sign_up("ann")
    place.run()
    with closing(sqlite3.connect(place.ledger)) as ledger, ledger:
        (version,) = ledger.execute("SELECT version_num FROM alembic_version").fetchone()
        ledger.execute("UPDATE alembic_version SET version_num = '9999'")
    place.sign_up("bob")
    before, sent = prints(place.ledger.parent), place.writes()
    for words in (("run", place.spec.name), ("preview", place.spec.name), ("status",), ("apply", ".")):
        said = place.syncline(*words, code=1)
        assert "upgrade Syncline" in said.err
    assert (prints(place.ledger.parent), place.writes()) == (before, sent)
    with closing(sqlite3.connect(place.ledger)) as ledger, ledger:
        ledger.execute("UPDATE alembic_version SET version_num = ?", (version,))
    assert place.run()["counts"]["new"] == 1


def test_a_ledger_of_the_first_version_is_brought_forward_by_the_first_run_and_not_by_a_look(place: Place) -> None:
    place.ledger.parent.mkdir()
    engine = sa.create_engine(f"sqlite:///{place.ledger}")
    with engine.begin() as connection:
        upgrade(connection, "0001")
        connection.execute(sa.text("INSERT INTO meta (name, value) VALUES ('secret', x'00')"))
    engine.dispose()
    place.sign_up("ann")
    before = prints(place.ledger.parent)
    assert place.document("preview", place.spec.name)["counts"]["new"] == 1
    assert place.document("status")["syncs"]
    assert prints(place.ledger.parent) == before
    assert place.run()["counts"]["new"] == 1


def test_a_full_disk_ends_the_run_in_words_and_the_next_one_goes_on_from_there(place: Place) -> None:
    place.sign_up(*(f"p{n}" for n in range(10)))
    place.run()
    place.sign_up(*(f"q{n}" for n in range(400)))
    place.box.change_lead("refuse", "q7@example.com", code="2007")
    most = max(file.stat().st_size for file in place.ledger.parent.iterdir()) + 20_000
    said = starting(place, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    assert said.returncode == 1, said.stdout + said.stderr
    assert "ledger" in said.stderr
    assert "Traceback" not in said.stderr
    place.law()
    run = place.run(code=4)
    assert (run["counts"]["total"], run["rejected"]) == (410, {"2007": 1})
    assert len(place.held()) == 409


def test_a_ledger_that_cannot_be_written_sends_nothing(place: Place) -> None:
    place.sign_up("ann")
    place.run()
    place.sign_up("bob")
    sent = place.writes()
    prctl = ctypes.CDLL(None).prctl
    place.ledger.chmod(0o400)
    place.ledger.parent.chmod(0o500)
    said = starting(place, lambda: prctl(DROP_FROM_BOUNDING_SET, CAN_WRITE_ANYWHERE, 0, 0, 0))
    place.ledger.parent.chmod(0o700)
    place.ledger.chmod(0o600)
    assert said.returncode == 1, said.stdout + said.stderr
    assert "the ledger cannot be" in said.stderr
    assert "Traceback" not in said.stderr
    assert place.writes() == sent
    assert place.run()["counts"]["new"] == 1
