"""A remote that means harm: each answer ends in one clear message, in bounded time and memory, and learns nothing."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from fault_place import PATIENCE, Place, signup
from hostile import Hostile, say
from syncline import Client, Patience

MEASURED = Path(__file__).parents[1] / "measured_child.py"
MOST_MIB = 400
"""A run of nothing needs about 150 MiB here, and each of these answers 180 at most; unbounded they need gigabytes."""
Act = Callable[[BaseHTTPRequestHandler], None]

RECORD = signup("ann") | {
    "ID": "1",
    "Added_Time": "01-Jan-2026 00:00:00",
    "Modified_Time": "01-Jan-2026 00:00:00",
}


def page(*records: object) -> bytes:
    return json.dumps({"code": 3000, "data": records}).encode()


def gigabyte() -> Iterator[bytes]:
    yield b'{"code":3000,"data":["'
    block = b"x" * 2**20
    for _ in range(1024):
        yield block


BOMB = gzip.compress(b'{"code":3000,"data":["' + b"x" * 130 * 2**20, 1)
MANY = b'{"code":3000,"data":[' + b"[]," * (15 * 2**20) + b"[]]}"


def beside(act: Act, place: Place) -> Act:
    """Answers like the sandbox's Creator, but for the records, which come as `act` says."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if "/report/" in handler.path:
            act(handler)
            return
        url = place.box.hosts["creator"] + handler.path
        with urlopen(Request(url, headers={"Authorization": handler.headers["Authorization"]})) as true:
            say(handler, true.read())

    return answer


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda handler: say(handler, gigabyte()), "the answer is longer than 64 MiB"),
        (lambda handler: say(handler, BOMB, Content_Encoding="gzip"), "the answer is longer than 64 MiB"),
        (lambda handler: say(handler, MANY), "more than 2,000,000 values"),
    ],
    ids=["a gigabyte", "a bomb", "millions of values"],
)
def test_a_huge_answer_ends_the_run_and_fills_no_memory(place: Place, hostile: Hostile, act: Act, told: str) -> None:
    hostile.answer = beside(act, place)
    place.connect(hosts={**hosts(place), "creator": hostile.url})
    peak = place.folder / "peak"
    command = [
        sys.executable,
        "-W",
        "error",
        str(MEASURED),
        str(peak),
        str(place.clock),
        "run",
        str(place.spec),
        "--json",
    ]
    ended = subprocess.run(
        command,
        cwd=place.folder,
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 4,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert told in json.loads(ended.stdout)["message"]
    assert "check the hosts" in json.loads(ended.stdout)["message"]
    assert "Traceback" not in ended.stderr
    assert int(peak.read_text()) < MOST_MIB


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients wait as they do, but not for minutes."""
    monkeypatch.setitem(Client.__init__.__kwdefaults__, "patience", Patience(exchange=0.5, total=1.0, attempts=2))


def hosts(place: Place) -> dict[str, str]:
    return {name: url for name, url in place.box.hosts.items() if name != "recruit"}


@pytest.mark.parametrize("depth", [150, 900])
def test_json_nested_without_end_is_no_page(place: Place, hostile: Hostile, depth: int) -> None:
    deep = b'{"code":3000,"data":[{"ID":"1","Company":' + b"[" * depth + b"]" * depth + b"}]}"
    hostile.answer = beside(lambda handler: say(handler, deep), place)
    place.connect(hosts={**hosts(place), "creator": hostile.url})
    assert "not one of Creator's" in place.run(code=1)["message"]


def test_json_nested_as_far_as_it_is_taken_is_read(place: Place, hostile: Hostile) -> None:
    deep: object = "deep"
    for _ in range(90):
        deep = [deep]
    hostile.answer = beside(lambda handler: say(handler, page(RECORD | {"Company": deep})), place)
    place.connect(hosts={**hosts(place), "creator": hostile.url})
    place.write(ignore=None)
    assert place.run()["counts"]["total"] == 1


@pytest.mark.parametrize("pages", [1, 2, 3, 7])
def test_pages_that_go_round_with_ever_new_cursors_end_the_run(place: Place, hostile: Hostile, pages: int) -> None:
    asked = 0

    def turning(handler: BaseHTTPRequestHandler) -> None:
        nonlocal asked
        asked += 1
        records = [RECORD | {"ID": str(100 * (asked % pages) + n)} for n in range(3)]
        say(handler, page(*records), record__cursor=f"cursor{asked}")

    hostile.answer = beside(turning, place)
    place.connect(hosts={**hosts(place), "creator": hostile.url})
    message = place.run(code=1)["message"]
    assert "would never end" in message or "repeats the records" in message
    assert asked <= 4 * pages + 4


def test_a_cursor_without_end_is_none(place: Place, hostile: Hostile) -> None:
    hostile.answer = beside(lambda handler: say(handler, page(RECORD), record__cursor="x" * 60_000), place)
    place.connect(hosts={**hosts(place), "creator": hostile.url})
    assert "longer than any of Creator's" in place.run(code=1)["message"]


def test_an_answer_that_drips_for_ever_ends_at_its_deadline(place: Place, hostile: Hostile, hurried: None) -> None:
    def dripping(handler: BaseHTTPRequestHandler) -> None:
        say(handler, (b" " for _ in iter(lambda: never.wait(0.05), True)))

    never = threading.Event()
    hostile.answer = beside(dripping, place)
    place.connect(hosts={**hosts(place), "creator": hostile.url})
    assert "no complete answer in time" in place.run(code=1)["message"]


@pytest.mark.parametrize("status", [302, 308])
def test_a_redirect_to_another_host_is_not_followed_and_hands_nothing_over(
    place: Place, hostile: Hostile, status: int
) -> None:
    with Hostile() as elsewhere:
        target = f"http://127.0.0.1:{elsewhere.port}/?{place.box.refresh_token}"
        hostile.answer = lambda handler: say(handler, b"", status, Location=target)
        for product in ("accounts", "creator", "marketinghub"):
            place.connect(hosts={**hosts(place), product: hostile.url})
            place.sign_up("ann")
            message = place.run(code=None).get("message", "")
            assert "redirects are never followed" in message
            assert "check the host" in message
        assert elsewhere.requests == []
        assert len(hostile.requests) >= 3


def test_a_record_cannot_smuggle_a_header_by_its_cursor(place: Place, hostile: Hostile, hurried: None) -> None:
    def bent(handler: BaseHTTPRequestHandler) -> None:
        body = page(RECORD)
        handler.wfile.write(
            b"HTTP/1.1 200 X\r\nContent-Length: %d\r\nrecord_cursor: a\x0bX-Evil: 1\r\n\r\n%b" % (len(body), body)
        )

    hostile.answer = beside(bent, place)
    place.connect(hosts={**hosts(place), "creator": hostile.url})
    place.run(code=1)
    assert not any("x-evil" in headers for _, headers in hostile.requests)
