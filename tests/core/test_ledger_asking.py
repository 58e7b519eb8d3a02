"""Questions to a ledger that nobody had open while somebody writes it: answered, of one moment, without complaint."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import syncline.ledger
from ledger_leads import delivered, met
from sqlalchemy import event
from syncline import Fatal
from syncline.clock import Clock
from syncline.ledger import Ledger, asking
from syncline.ledger.asking import asked_again
from syncline.ledger.database import Database


@contextmanager
def written_while_read(url: str, times: int) -> Iterator[list[str]]:
    """So many times, a writer comes when the first statement of a reader was carried out, adds a sync, and leaves."""
    added: list[str] = []
    at_work = False

    def write(connection: sa.Connection, cursor: Any, statement: str, *rest: Any) -> None:
        nonlocal at_work
        if at_work or len(added) >= times or not statement.startswith("SELECT"):
            return
        at_work = True
        with Ledger.open(url) as writer:
            added.append(f"sync-{len(added)}")
            met(writer, added[-1])
        at_work = False

    event.listen(sa.Engine, "after_cursor_execute", write)
    try:
        yield added
    finally:
        event.remove(sa.Engine, "after_cursor_execute", write)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A ledger with a run, that nobody has open."""
    found = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger.open(found) as ledger:
        delivered(ledger, range(12))
    return found


def test_a_reader_that_was_overtaken_asks_again(url: str) -> None:
    with Ledger.open(url, read_only=True) as reader, written_while_read(url, 1) as added:
        found = [sync.name for sync in reader.syncs()]
        assert added == ["sync-0"]
        assert set(added) < set(found)


def test_a_ledger_that_is_written_while_it_is_opened_is_read_all_the_same(url: str) -> None:
    with written_while_read(url, 2) as added, Ledger.open(url, read_only=True) as reader:
        run = reader.run("last")
        assert sum(frame.height for frame in reader.leads(run.id)) == 12
        assert len(added) == 2


def test_a_question_is_not_asked_for_ever(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "AGAIN", 3)
    with Ledger.open(url, read_only=True) as reader, written_while_read(url, 9) as added:
        with pytest.raises(Fatal, match="written while it was read"):
            reader.syncs()
        assert len(added) == 4


def test_damage_that_was_seen_while_somebody_wrote_is_no_damage(url: str) -> None:
    asked = []
    database = Database(url, read_only=True, now=Clock())

    @asked_again
    def torn() -> int:
        with database.read():
            asked.append(1)
            if len(asked) == 1:
                with Ledger.open(url) as writer:
                    met(writer, "another")
                raise sa.exc.DatabaseError("SELECT", {}, Exception("database disk image is malformed"))
        return len(asked)

    assert torn() == 2
    database.close()


def test_every_question_to_the_ledger_is_asked_again() -> None:
    folder = Path(syncline.ledger.__file__).parent
    once = []
    for path in sorted(folder.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef) or path.name == "database.py":
                continue
            reads = any(
                isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "read"
                for each in ast.walk(function)
            )
            decorated = any(isinstance(each, ast.Name) and each.id == "asked_again" for each in function.decorator_list)
            if reads and not decorated:
                once.append(f"{path.name}:{function.lineno} {function.name}")
    assert once == []
