"""Two syncs that fill one public list, side by side in two processes: each new person is written to once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from syncline.ledger import Ledger
from test_executor_crash import child_environment
from workshop import Workshop, person

CHILD = Path(__file__).parents[1] / "filling_child.py"


class Pair:
    """The processes of this test, on one folder and one ledger."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.children: list[subprocess.Popen[str]] = []

    def start(self, name: str, *words: str) -> subprocess.Popen[str]:
        """A process that runs the sync of this name."""
        command = [sys.executable, str(CHILD), str(self.folder), self.url, name, *words]
        pipe = subprocess.PIPE
        child = subprocess.Popen(command, env=child_environment(), stdin=pipe, stdout=pipe, text=True)
        self.children.append(child)
        return child

    def people(self, name: str, *people: str) -> None:
        """Whom the source of a sync holds."""
        (self.folder / f"{name}.json").write_text(json.dumps([person(each) for each in people]))

    def subscribed(self, ledger: Ledger) -> dict[str, int]:
        """How often each person was written to."""
        return {
            key.partition("@")[0]: each["subscribed"] for key, each in Workshop(self.folder, ledger).people().items()
        }


def said(child: subprocess.Popen[str]) -> str:
    """The next line of a process."""
    assert child.stdout is not None
    return child.stdout.readline().strip()


def go_on(child: subprocess.Popen[str]) -> None:
    """Let it deliver."""
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


@pytest.fixture
def pair(tmp_path: Path, ledger_url: str) -> Iterator[Pair]:
    """Two syncs that know some people both."""
    made = Pair(tmp_path / "shop", ledger_url)
    made.folder.mkdir()
    made.people("one", "ann", "ben", "eve")
    made.people("two", "eve", "ben", "ann", "zoe")
    with Ledger.open(ledger_url):
        yield made
    for child in made.children:
        child.kill()
        child.communicate()


def test_the_second_sync_waits_and_then_knows_whom_the_first_one_wrote_to(pair: Pair, ledger_url: str) -> None:
    one = pair.start("one", "before")
    assert said(one) == "delivers"
    two = pair.start("two")
    assert said(two) == "waits for the list, which one fills"
    go_on(one)
    assert (said(one), said(two)) == ("ended succeeded", "ended succeeded")
    with Ledger.open(ledger_url) as ledger:
        assert pair.subscribed(ledger) == {"ann": 1, "ben": 1, "eve": 1, "zoe": 1}
        assert ledger.run("last").document()["counts"]["new"] == 1


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_sync_that_was_killed_frees_its_list_and_nobody_is_written_to_a_second_time(
    pair: Pair, ledger_url: str, step: str
) -> None:
    one = pair.start("one", step)
    assert said(one) == "delivers"
    two = pair.start("two")
    assert said(two).startswith("waits for the list")
    one.kill()
    one.wait()
    assert said(two) == "ended partial"
    again = pair.start("one")
    ended = said(again)
    with Ledger.open(ledger_url) as ledger:
        known = {"ben": 1, "eve": 1, "zoe": 1}
        assert pair.subscribed(ledger) == (known if step == "before" else known | {"ann": 1})
        sync = ledger.sync("one")
        assert sync is not None
        (run,) = ledger.runs(sync.id)
    counts = run.document()["counts"]
    assert (ended, run.resumed, counts["total"]) == ("ended partial", True, 3)
    assert (counts["unknown"], counts["duplicate"], counts["new"]) == (1, 2, 0)


def test_whom_one_sync_wrote_to_without_an_answer_the_other_one_leaves_alone(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncline.assembly.Assembly.account", "one account")
    shop = Workshop(tmp_path / "shop", ledger)
    first = shop.run([person("ann", 1, "lost 1")], sink={"public": True}, name="one")
    second = shop.run([person("ann", 1), person("zoe", 2)], sink={"public": True}, name="two")
    assert shop.outcomes(second) == {
        "ann@example.com": "unknown/answer_lost",
        "zoe@example.com": "new/awaiting_confirmation",
    }
    (line,) = [each["detail"] for each in ledger.trace(second.sync_id, "ann@example.com")]
    assert f"run {first.id} sent it" in line
    assert shop.people()["ann@example.com"]["subscribed"] == 1
