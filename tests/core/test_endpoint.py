"""The endpoint for those who watch, over real sockets."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from syncline.endpoint import MOST, SECONDS, Endpoint, parsed
from syncline.errors import Fatal, SpecError


class Watched:
    """What the endpoint is asked about."""

    def __init__(self) -> None:
        self.ill: list[str] = []
        self.unready: list[str] = []
        self.endpoint = Endpoint(
            "127.0.0.1:0", health=lambda: self.ill, ready=lambda: self.unready, metrics=lambda: b"syncline_runs 1\n"
        )

    def ask(self, path: str, method: str = "GET") -> tuple[int, str, bytes]:
        """Status, content type and body."""
        request = urllib.request.Request(f"http://{self.endpoint.address}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers["content-type"], answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["content-type"], error.read()


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    with made.endpoint:
        yield made


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_all_is_well(path: str, watched: Watched) -> None:
    status, kind, body = watched.ask(path)
    assert (status, kind, json.loads(body)) == (200, "application/json", {"ok": True, "reasons": []})


def test_what_is_not_well_is_said_with_its_reasons(watched: Watched) -> None:
    watched.unready = ["the ledger cannot be reached", "no spec is valid"]
    status, _, body = watched.ask("/readyz")
    assert (status, json.loads(body)) == (503, {"ok": False, "reasons": watched.unready})
    assert watched.ask("/healthz")[0] == 200


def test_the_metrics_are_those_it_was_given(watched: Watched) -> None:
    assert watched.ask("/metrics?name=x") == (200, "text/plain; version=0.0.4; charset=utf-8", b"syncline_runs 1\n")


def test_a_head_has_no_body(watched: Watched) -> None:
    assert watched.ask("/healthz", "HEAD") == (200, "application/json", b"")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/../etc/passwd", "/healthz/x"])
def test_there_is_nothing_else(path: str, watched: Watched) -> None:
    assert watched.ask(path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "NONSENSE"])
def test_nothing_can_be_changed(method: str, watched: Watched) -> None:
    assert watched.ask("/healthz", method)[0] == 405


def test_without_metrics_there_is_no_such_page() -> None:
    with Endpoint("127.0.0.1:0", health=list, ready=list) as endpoint, pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"http://{endpoint.address}/metrics", timeout=10)
    assert raised.value.code == 404
    raised.value.close()


def test_a_question_that_breaks_is_answered_all_the_same(watched: Watched) -> None:
    watched.ill = None  # type: ignore[assignment]  # as if the one who answers were broken
    status, _, body = watched.ask("/healthz")
    assert (status, body) == (503, b"it broke: see the log\n")


def test_slow_clients_hold_nobody_up(watched: Watched) -> None:
    host, port = parsed(watched.endpoint.address)
    slow = [socket.create_connection((host, port)) for _ in range(3 * MOST)]
    try:
        for each in slow:
            each.sendall(b"GET /heal")
        assert watched.ask("/healthz")[0] == 200
        slow[0].settimeout(SECONDS / 2)
        assert slow[0].recv(100) == b""  # the oldest was cut off
    finally:
        for each in slow:
            each.close()


def test_an_endless_first_line_is_refused(watched: Watched) -> None:
    with socket.create_connection(parsed(watched.endpoint.address), timeout=10) as client:
        client.sendall(b"GET /" + b"x" * 70_000)
        assert client.recv(100).startswith(b"HTTP/1.0 414")


def test_a_port_in_use_is_one_clear_error(watched: Watched) -> None:
    address = watched.endpoint.address
    with pytest.raises(Fatal) as raised:
        Endpoint(address, health=list, ready=list)
    assert str(raised.value) == f"{address}: another process listens there already; end it, or choose another port"


@pytest.mark.parametrize("address", ["9464", "localhost", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_what_is_no_address_is_a_fault_of_the_command_line(address: str) -> None:
    with pytest.raises(SpecError, match="is not an address; write HOST:PORT, like "):
        Endpoint(address, health=list, ready=list)


def test_addresses_of_both_kinds_are_understood() -> None:
    assert [parsed(each) for each in ("127.0.0.1:1", "[::1]:2", ":3")] == [("127.0.0.1", 1), ("::1", 2), ("", 3)]


def test_the_port_is_free_again_afterwards() -> None:
    with Endpoint("127.0.0.1:0", health=list, ready=list) as first:
        address = first.address
    with Endpoint(address, health=list, ready=list) as second:
        assert second.address == address
