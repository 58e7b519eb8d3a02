"""The HTTP client against a real server that misbehaves on purpose."""

from __future__ import annotations

import gzip
import pickle
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import chain, repeat
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline import Answer, Client, Fatal, Limit, Lost, Patience, Refused, Retriable, SynclineError
from syncline.budget import Budgets, MemoryStore
from syncline.http import body as bodies
from syncline.http import faults, wire
from syncline.http.answer import read_answer
from syncline.secrets import MASK, Redactor

Act = Callable[[socket.socket], None]
SECRET = "1000.a-secret-token"
PERSON = "ann@example.com"


def reply(status: int = 200, body: bytes = b'{"code":3000}', *headers: str) -> Act:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return lambda peer: peer.sendall(whole)


def drop(peer: socket.socket) -> None:
    """Close without a word."""


def cut(peer: socket.socket) -> None:
    peer.sendall(b'HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{"code":')


def drip(text: bytes) -> Act:
    def act(peer: socket.socket) -> None:
        with suppress(OSError):
            peer.sendall(text)
            while True:
                time.sleep(0.02)
                peer.sendall(b"x")

    return act


class Server:
    """Answers the n-th request as the n-th of its acts says; the last act is repeated."""

    def __init__(self, *acts: Act) -> None:
        self._acts = chain(acts, repeat(acts[-1]))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        with peer, suppress(OSError):
            while request := self._request(peer):
                self.requests.append(request)
                act = next(self._acts)
                act(peer)
                if act in (drop, cut):
                    break

    @staticmethod
    def _request(peer: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            part = peer.recv(65536)
            if not part:
                return b""
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += peer.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Bench:
    """Servers and clients of one test."""

    def __init__(self) -> None:
        self._closing: list[Callable[[], None]] = []
        self.redactor = Redactor()
        self.store = MemoryStore()
        self.stop = threading.Event()

    def server(self, *acts: Act) -> Server:
        made = Server(*acts)
        self._closing.append(made.close)
        return made

    def client(self, server: Server | str, **more: Any) -> Client:
        url = server if isinstance(server, str) else server.url
        budgets = Budgets(self.store, stop=self.stop)
        made = Client(url, budgets=budgets, redactor=self.redactor, stop=self.stop, **more)
        self._closing.append(made.close)
        return made

    def close(self) -> None:
        for each in reversed(self._closing):
            each()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_an_answer_carries_status_lower_case_headers_and_the_parsed_body(bench: Bench) -> None:
    server = bench.server(reply(200, b'{"code":3000}', "Record_Cursor: abc"))
    client = bench.client(server)
    answer = client.send("GET", "/x", params={"criteria": "A == 'ä b'"})
    assert (answer.status, answer.json, answer.text) == (200, {"code": 3000}, '{"code":3000}')
    assert answer.headers["record_cursor"] == "abc"
    assert server.requests[0].startswith(b"GET /x?criteria=A")
    assert b"accept: application/json\r\n" in server.requests[0].lower()
    assert client.calls == 1


def test_a_form_travels_in_the_body_and_never_in_the_address(bench: Bench) -> None:
    server = bench.server(reply())
    bench.client(server).send("POST", "/x", form={"leadinfo": '{"Lead Email":"ann@example.com"}', "name": "Zoë"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"ann" not in head
    assert body == b"leadinfo=%7B%22Lead+Email%22%3A%22ann%40example.com%22%7D&name=Zo%C3%AB"


@pytest.mark.parametrize(
    "trouble", [drop, cut, reply(502), reply(503, b"<html>"), reply(500, b""), reply(429, b"", "Retry-After: 0")]
)
def test_a_repeatable_call_passes_over_trouble_and_pays_for_each_attempt(bench: Bench, trouble: Act) -> None:
    server = bench.server(trouble, reply())
    client = bench.client(server)
    assert client.send("GET", "/x", budget=("api", Limit(2, 60.0))).json == {"code": 3000}
    assert client.calls == 2
    assert bench.store.take("api", Limit(2, 60.0), 1, time.time()) > 0


def test_patience_ends_with_what_the_other_side_said(bench: Bench) -> None:
    client = bench.client(bench.server(reply(503, b"<html>")), patience=Patience(attempts=3))
    with pytest.raises(Retriable, match=r"not available \(HTTP 503\)"):
        client.send("GET", "/x")
    assert client.calls == 3


def test_a_wait_beyond_patience_is_left_to_the_caller_and_keeps_others_off(bench: Bench) -> None:
    client = bench.client(bench.server(reply(429, b"{}", "Retry-After: 1800")))
    with pytest.raises(Retriable) as told:
        client.send("GET", "/x", budget=("api", Limit(500, 300.0)))
    assert told.value.after == 1800
    assert client.calls == 1
    assert bench.store.take("api", Limit(500, 300.0), 1, time.time()) > 1700


def test_a_product_can_say_too_many_calls_in_its_own_words(bench: Bench) -> None:
    server = bench.server(reply(200, b'{"code":2955}'), reply())
    client = bench.client(server, throttled=lambda answer: 0.01 if answer.json == {"code": 2955} else None)
    assert client.send("GET", "/x").json == {"code": 3000}


@pytest.mark.parametrize("trouble", [drop, cut, reply(500, b"<html>"), reply(503, b"")])
def test_a_write_whose_answer_does_not_come_is_lost_and_not_sent_again(bench: Bench, trouble: Act) -> None:
    server = bench.server(trouble)
    client = bench.client(server)
    with pytest.raises(Lost):
        client.send("POST", "/x", form={"a": "b"})
    assert len(server.requests) == client.calls == 1


def test_calls_one_after_another_share_a_connection(bench: Bench) -> None:
    server = bench.server(reply())
    client = bench.client(server)
    for _ in range(5):
        client.send("GET", "/x")
    assert (len(server.requests), server.connections) == (5, 1)


@pytest.mark.parametrize("trouble", [drop, cut, reply()])
def test_the_only_connection_is_free_again_whatever_became_of_the_call_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, trouble: Act
) -> None:
    monkeypatch.setattr(wire, "CONNECTIONS", 1)
    monkeypatch.setattr(wire, "TIMES", httpx.Timeout(10.0, pool=0.5))
    client = bench.client(bench.server(trouble, reply()))
    with suppress(Lost):
        client.send("POST", "/x", form={})
    assert client.send("POST", "/x", form={}).status == 200


def test_a_write_that_did_not_leave_is_retriable_and_counts_no_call(bench: Bench) -> None:
    server = bench.server(reply())
    server.close()
    client = bench.client(server)
    with pytest.raises(Retriable, match=r"no connection to 127.0.0.1"):
        client.send("POST", "/x", form={"a": "b"})
    assert client.calls == 0


@pytest.mark.parametrize("status", [200, 400, 429, 500, 503])
def test_a_write_s_answer_with_a_body_of_the_product_is_for_the_product_to_judge(bench: Bench, status: int) -> None:
    client = bench.client(bench.server(reply(status, b'{"code":"2008"}')))
    assert client.send("POST", "/x", form={}).status == status


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 X\r\nX-Slow: ", b"HTTP/1.1 200 X\r\nContent-Length: 99999\r\n\r\n"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_slow_drip_ends_wherever_it_drips(bench: Bench, head: bytes, method: str) -> None:
    client = bench.client(bench.server(drip(head)), patience=Patience(exchange=0.3, total=0.5, attempts=2))
    with pytest.raises(Lost if method == "POST" else Retriable, match=r"no complete answer in time|not proper HTTP"):
        client.send(method, "/x", form={} if method == "POST" else None)


def test_an_answer_without_end_is_cut_off(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline.http.body.MOST_BYTES", 1000)
    client = bench.client(bench.server(reply(200, b" " * 5000)))
    with pytest.raises(Fatal, match="longer than"):
        client.send("GET", "/x")
    with pytest.raises(Lost, match="longer than"):
        client.send("POST", "/x", form={})


@pytest.mark.parametrize("piece", [1, 65_536])
def test_a_small_answer_that_grows_when_it_is_opened_is_cut_off(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr("syncline.http.body.PIECE", 4096)
    monkeypatch.setattr("syncline.http.body.MOST_BYTES", 100_000)
    bomb = gzip.compress(b" " * 10_000_000)
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in in_parts(bomb, piece)) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    with pytest.raises(Fatal, match="longer than"):
        bench.client(bench.server(lambda peer: peer.sendall(head + parts))).send("GET", "/x")


def test_an_answer_is_opened_in_small_pieces_however_much_a_byte_holds() -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    assert max(len(piece) for piece in bodies._inflated([bomb])) <= bodies.PIECE


def in_parts(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def test_a_compressed_answer_is_read_and_only_such_is_asked_for(bench: Bench) -> None:
    server = bench.server(reply(200, gzip.compress(b'{"a":1}'), "Content-Encoding: gzip"))
    assert bench.client(server).send("GET", "/x").json == {"a": 1}
    assert b"accept-encoding: gzip\r\n" in server.requests[0].lower()


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "deflate"])
def test_an_answer_packed_in_another_way_is_not_opened(bench: Bench, encoding: str) -> None:
    server = bench.server(reply(200, gzip.compress(gzip.compress(b"{}")), f"Content-Encoding: {encoding}"))
    with pytest.raises(Fatal, match="was not asked for"):
        bench.client(server).send("GET", "/x")


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(b'{"a":1}')[:-9]], ids=["none", "cut"])
def test_a_compressed_answer_that_is_damaged_is_none(bench: Bench, body: bytes) -> None:
    server = bench.server(reply(200, body, "Content-Encoding: gzip"))
    with pytest.raises(Retriable, match="cannot be decompressed"):
        bench.client(server, patience=Patience(attempts=1)).send("GET", "/x")


def test_an_answer_of_millions_of_values_is_not_parsed(bench: Bench) -> None:
    client = bench.client(bench.server(reply(200, b"[" + b"[]," * 1_500_000 + b"[]]")))
    with pytest.raises(Fatal, match="more than 2,000,000 values"):
        client.send("GET", "/x")


def test_a_redirect_is_an_error_that_names_the_host_and_is_not_followed(bench: Bench) -> None:
    server = bench.server(reply(302, b"", "Location: http://elsewhere.example.com/?q=ann@example.com"))
    with pytest.raises(Fatal, match=r"a redirect to elsewhere.example.com") as told:
        bench.client(server).send("GET", "/x")
    assert PERSON not in str(told.value)
    assert len(server.requests) == 1


def test_a_refused_token_is_renewed_once_and_the_call_repeated_once(bench: Bench) -> None:
    asked: list[bool] = []

    def authorize(renew: bool) -> dict[str, str]:
        asked.append(renew)
        return {"Authorization": f"Zoho-oauthtoken {len(asked)}"}

    server = bench.server(reply(401, b"{}"), reply())
    assert bench.client(server, authorize=authorize).send("POST", "/x", form={"a": "b"}).status == 200
    assert asked == [False, True]
    assert b"oauthtoken 2" in server.requests[1]
    assert server.requests[1].endswith(b"a=b")
    refusing = bench.server(reply(401, b"{}"))
    assert bench.client(refusing, authorize=authorize).send("GET", "/x").status == 401
    assert len(refusing.requests) == 2


def test_which_answer_refuses_the_token_is_the_product_s_to_say(bench: Bench) -> None:
    server = bench.server(reply(401, b'{"code":2945}'))
    client = bench.client(server, authorize=lambda renew: {}, token_refused=lambda answer: False)
    assert client.send("GET", "/x").json == {"code": 2945}
    assert len(server.requests) == 1


def test_a_retry_is_logged_and_leaves_standard_output_alone(
    bench: Bench, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.redactor.add(SECRET)
    bench.client(bench.server(drop, reply())).send("GET", f"/{SECRET}", params={"q": PERSON})
    (line,) = [record.getMessage() for record in caplog.records if record.name == "syncline.http"]
    assert "trying again in" in line
    assert SECRET not in line
    assert PERSON not in line
    assert capsys.readouterr().out == ""


def test_a_stop_ends_a_long_wait_at_once(bench: Bench) -> None:
    client = bench.client(bench.server(reply(429, b"{}", "Retry-After: 200")))
    threading.Timer(0.2, bench.stop.set).start()
    started = time.monotonic()
    with pytest.raises(Fatal, match="stopped"):
        client.send("GET", "/x")
    assert time.monotonic() - started < 100


@pytest.mark.parametrize("act", [drop, reply(503, b""), reply(302, b"", f"Location: http://{SECRET}.example.com/")])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_error_holds_a_secret_a_query_or_a_person_not_even_in_its_chain(bench: Bench, act: Act, method: str) -> None:
    bench.redactor.add(SECRET)
    client = bench.client(
        bench.server(act), authorize=lambda renew: {"Authorization": f"Bearer {SECRET}"}, patience=Patience(attempts=1)
    )
    with pytest.raises(SynclineError) as told:
        client.send(method, f"/x/{SECRET}", params={"q": PERSON}, form={"b": PERSON} if method == "POST" else None)
    whole = "".join(traceback.format_exception(told.value))
    assert SECRET not in str(told.value)
    assert MASK in str(told.value)
    assert PERSON not in str(told.value)
    assert "httpcore" not in whole
    assert str(pickle.loads(pickle.dumps(told.value))) == str(told.value)


def test_a_header_that_cannot_be_sent_is_no_way_to_send_another(bench: Bench) -> None:
    server = bench.server(reply())
    with pytest.raises(Fatal, match="cannot be sent") as told:
        bench.client(server).send("GET", "/x", headers={"record_cursor": "a\r\nX-Evil: 1"})
    assert "Evil" not in str(told.value)
    assert server.requests == []


def test_a_value_that_is_no_unicode_is_refused_before_anything_is_sent(bench: Bench) -> None:
    server = bench.server(reply())
    with pytest.raises(Refused) as told:
        bench.client(server).send("POST", "/x", form={"a": "\ud800"})
    assert told.value.code == "not_unicode"
    assert server.requests == []


def test_cookies_of_an_answer_are_not_sent_back(bench: Bench) -> None:
    server = bench.server(reply(200, b"{}", "Set-Cookie: session=1; Path=/"))
    client = bench.client(server)
    client.send("GET", "/x")
    client.send("GET", "/x")
    assert b"cookie" not in server.requests[1].lower()


def test_threads_share_a_client_and_every_call_is_counted(bench: Bench) -> None:
    server = bench.server(reply())
    client = bench.client(server)
    threads = [threading.Thread(target=lambda: client.send("GET", "/x")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.calls == len(server.requests) == 8


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert bench.client(bench.server(reply())).send("GET", "/x").status == 200


def test_a_proxy_of_the_environment_is_used_for_other_hosts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = bench.server(reply(200, b'{"by":"proxy"}'))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert bench.client("http://creator.example.com").send("GET", "/x").json == {"by": "proxy"}
    assert proxy.requests[0].startswith(b"GET http://creator.example.com/x")


def test_name_and_tls_faults_are_told_in_words() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "x")
    untrusted.verify_message = "self-signed certificate"
    told = faults.explain(untrusted, "creator.example.com")
    assert told.lasting
    assert "certificate of creator.example.com is not trusted" in told.what
    assert told.why == "self-signed certificate"
    assert "cannot be resolved" in faults.explain(socket.gaierror(-2, "x"), "creator.example.com").what


@given(st.binary(max_size=200))
def test_any_body_becomes_an_answer(body: bytes) -> None:
    assert isinstance(read_answer(200, {}, body).text, str)


def test_a_body_nested_beyond_reason_is_no_json() -> None:
    assert read_answer(200, {}, b"[" * 200_000 + b"]" * 200_000).json is None
    assert read_answer(200, {}, b'[{"a":' * 51 + b"1" + b"}]" * 51).json is None
    assert read_answer(200, {}, b'[{"a":' * 49 + b"1" + b"}]" * 49).json is not None
    assert read_answer(200, {}, b'\xef\xbb\xbf{"a":1}').json == {"a": 1}
    assert read_answer(200, {}, b"<html>").json is None


@given(st.integers(min_value=0, max_value=10**30))
def test_retry_after_in_seconds_is_at_most_a_day(seconds: int) -> None:
    asked = Answer(429, {"retry-after": str(seconds)}, "", None).retry_after
    assert asked is not None
    assert asked == min(seconds, 86_400) or seconds >= 10**9


def test_retry_after_may_be_a_date_and_may_be_nonsense() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    asked = Answer(429, {"retry-after": later}, "", None).retry_after
    assert asked is not None
    assert 290 < asked <= 300
    assert Answer(429, {"retry-after": "soon"}, "", None).retry_after is None
    assert Answer(429, {}, "", None).retry_after is None
