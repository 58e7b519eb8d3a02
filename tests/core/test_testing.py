"""The kit itself: its promises are those of the face, its failures say which and where, its server is faithful."""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path
from unittest import SkipTest

import pytest
import syncline
from kit_office import Post, PostContract
from syncline import Config, RowSink
from syncline.testing import BrokenPromise, Call, Forward, Promise, Reply, SinkContract, promises
from syncline.testing.faults import with_items
from syncline.testing.hours import Hours
from syncline.testing.remote import Remote

TESTS = Path(__file__).parents[1]
OFFICE = """
from kit_office import Post, PostContract

class TestPost(PostContract):
    pass

class Dear(Post):
    "Says that each lead costs a call."
    def cost(self, leads):
        return leads

class TestDear(PostContract):
    plugin = Dear
"""
PROMISES = [each for each in vars(promises).values() if isinstance(each, Promise)]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.text)
def test_a_promise_stands_where_it_says_it_stands(promise: Promise) -> None:
    name, *rest = promise.place.removeprefix("syncline.").split(".")
    place = getattr(syncline, name, None) or importlib.import_module(f"syncline.{name}")
    for each in rest:
        assert hasattr(place, each)
    source = place.__doc__ if inspect.ismodule(place) else inspect.getsource(place)
    assert promise.words in " ".join((source or "").split())


def test_every_promise_is_one_that_is_checked() -> None:
    room = Path(promises.__file__).parent
    text = "".join(path.read_text() for path in room.glob("*.py") if path.stem != "promises")
    names = [name for name, each in vars(promises).items() if isinstance(each, Promise)]
    assert [name for name in names if f"promises.{name}" not in text] == []


def test_a_failure_says_which_promise_where_it_is_written_and_what_was_seen() -> None:
    assert str(BrokenPromise(promises.COST, "3 were said, 1 was made")) == (
        "broken promise: `cost` is what `deliver` spends\n"
        "    written in syncline.Sink.cost: “Calls that delivering so many leads takes.”\n"
        "    seen: 3 were said, 1 was made"
    )


def test_importing_the_kit_needs_no_test_runner_and_no_polars() -> None:
    code = "import sys, syncline.testing; sys.exit(bool({'pytest', 'polars', 'httpx'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_without_a_product_the_faults_of_a_network_are_skipped() -> None:
    class Mute(RowSink[Config]):
        """Keeps nothing."""

        name = "mute"

    class Plain(SinkContract):
        plugin = Mute

    check = Plain()
    check.setup_method()
    with pytest.raises(SkipTest, match="speaks no HTTP"):
        check.test_a_lock_of_half_an_hour()
    with pytest.raises(LookupError, match="`product` gives None"):
        _ = check.url
    check.teardown_method()


def test_the_checks_run_under_pytest_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "test_office.py").write_text(OFFICE)
    words = ["-p", "no:cacheprovider", "-q", "-k", "costs_what_was_said or is_declared", str(tmp_path)]
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", f"--rootdir={tmp_path}", *words]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "broken promise: `cost` is what `deliver` spends" in done.stdout
    assert "3 lead(s): 3 were said, 1 were made" in done.stdout


def test_a_forwarded_call_arrives_and_comes_back_as_it_is() -> None:
    seen: list[Call] = []

    def product(call: Call) -> Reply:
        seen.append(call)
        return Reply.of({"got": call.form, "asked": call.query}, 201, {"x-cursor": "7"})

    mishap = Reply()
    with Remote(product, Hours(), token_paths=(), mishap=mishap) as behind:
        answer = Forward(behind.url)(
            Call("POST", "/a%20b?x=1%2B1", {"x-who": "me", "content-type": "text/plain"}, "n=Änn+O%27Neill".encode())
        )
    assert (answer.status, answer.headers["x-cursor"]) == (201, "7")
    assert answer.body == '{"got":{"n":"Änn O\'Neill"},"asked":{"x":"1+1"}}'.encode()
    assert (seen[0].method, seen[0].path, seen[0].headers["x-who"]) == ("POST", "/a%20b", "me")


def test_the_items_of_a_page_are_found_wherever_they_are() -> None:
    page = Reply.of({"head": [1, 2, 3], "response": {"rows": [{"a": 1}, {"a": 2}]}})
    assert with_items(page, lambda items: items[::-1]) == Reply.of(
        {"head": [1, 2, 3], "response": {"rows": [{"a": 2}, {"a": 1}]}}
    )
    for body in (b"<html>", b"", b"[]", b"7"):
        assert with_items(Reply(200, body), lambda items: []) == Reply(200, body)


def test_a_contract_leaves_neither_server_nor_folder_behind() -> None:
    class Contract(PostContract):
        plugin = Post

    check = Contract()
    check.setup_method()
    check.test_it_is_declared()
    url, folder = check.url, check._folder
    assert folder.exists()
    check.teardown_method()
    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        Forward(url)(Call("GET", "/", {}, b""))
