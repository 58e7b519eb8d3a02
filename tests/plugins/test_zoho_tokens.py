"""Access tokens: one for all, renewed early, rarely and by one at a time; every refusal told in words."""

from __future__ import annotations

import json
import multiprocessing
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from creator_reports import zoho
from hypothesis import given
from hypothesis import strategies as st
from syncline import Answer, Fatal, Patience, Retriable, SynclineError
from syncline_zoho import Zoho
from syncline_zoho.refusals import Grant, lifetime_of, read_grant
from syncline_zoho_sandbox import Sandbox

REPORT = "/creator/v2.1/data/zylker/events/report/all_signups"


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(leads=10) as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Iterator[Sandbox]:
    shared.reset_calls()
    yield shared
    shared.reset()


def status(connection: Zoho) -> int:
    return connection.client("creator").send("GET", REPORT).status


def several(connection: Zoho) -> set[int]:
    """The statuses of calls from eight threads."""
    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(lambda _: status(connection), range(16)))


def asked(sandbox: Sandbox) -> int:
    return sandbox.calls().counts.get("accounts.token", 0)


def kept(folder: Path) -> Path:
    (file,) = (folder / "cache").glob("zoho-*.json")
    return file


def from_another_process(folder: str, url: str, credentials: dict[str, str], queue: Any) -> None:
    box = Sandbox.__new__(Sandbox)
    box.url = url
    box.__dict__.update(credentials)
    connection = zoho(Path(folder), box)
    queue.put(status(connection))
    connection.close()


def test_one_token_serves_every_connection_thread_and_product(sandbox: Sandbox, tmp_path: Path) -> None:
    for _ in range(3):
        connection = zoho(tmp_path, sandbox)
        assert several(connection) == {200}
        connection.close()
    assert asked(sandbox) == 1


def test_one_token_serves_every_process(sandbox: Sandbox, tmp_path: Path) -> None:
    processes = multiprocessing.get_context("spawn")
    queue: Any = processes.Queue()
    names = ("client_id", "client_secret", "refresh_token")
    credentials = {name: getattr(sandbox, name) for name in names}
    started = [
        processes.Process(target=from_another_process, args=(str(tmp_path), sandbox.url, credentials, queue))
        for _ in range(3)
    ]
    for process in started:
        process.start()
    assert [queue.get(timeout=120) for _ in started] == [200] * 3
    for process in started:
        process.join()
    assert asked(sandbox) == 1


def test_the_token_file_is_for_the_user_alone_and_holds_no_credential(sandbox: Sandbox, tmp_path: Path) -> None:
    connection = zoho(tmp_path, sandbox)
    status(connection)
    file = kept(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    for secret in (sandbox.client_id, sandbox.client_secret, sandbox.refresh_token):
        assert secret not in file.read_text() + file.name
    connection.close()


def test_a_token_file_cut_short_is_begun_anew(sandbox: Sandbox, tmp_path: Path) -> None:
    first = zoho(tmp_path, sandbox)
    status(first)
    kept(tmp_path).write_text('{"grant": {"access_')
    second = zoho(tmp_path, sandbox)
    assert status(second) == 200
    first.close()
    second.close()


def test_a_token_is_renewed_five_minutes_before_it_expires(sandbox: Sandbox, tmp_path: Path) -> None:
    connection = zoho(tmp_path, sandbox)
    status(connection)
    connection.close()
    file = kept(tmp_path)
    for left, renewals in ((400, 1), (200, 2)):
        content = json.loads(file.read_text())
        content["grant"]["expires_at"] = time.time() + left
        file.write_text(json.dumps(content))
        again = zoho(tmp_path, sandbox)
        assert status(again) == 200
        again.close()
        assert asked(sandbox) == renewals


def test_a_token_that_still_holds_is_used_while_the_accounts_server_is_away(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncline_zoho.tokens.TOKEN_PATIENCE", Patience(attempts=1))
    connection = zoho(tmp_path, sandbox)
    status(connection)
    connection.close()
    content = json.loads(kept(tmp_path).read_text())
    content["grant"]["expires_at"] = time.time() + 200
    kept(tmp_path).write_text(json.dumps(content))
    sandbox.reset_calls()
    sandbox.faults.add("status", "accounts.token", status=503)
    again = zoho(tmp_path, sandbox)
    assert {status(again) for _ in range(3)} == {200}
    assert asked(sandbox) == 1
    again.close()


def test_a_short_lived_token_is_not_renewed_at_every_call(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.settings(token_lifetime=120)
    connection = zoho(tmp_path, sandbox)
    assert {status(connection) for _ in range(5)} == {200}
    assert asked(sandbox) == 1
    connection.close()


def test_an_expired_token_is_renewed_once_however_many_threads_meet_it(sandbox: Sandbox, tmp_path: Path) -> None:
    connection = zoho(tmp_path, sandbox)
    other = zoho(tmp_path, sandbox)
    gate = threading.Barrier(8)

    def call(n: int) -> int:
        gate.wait()
        return status(connection if n % 2 else other)

    status(connection)
    status(other)
    sandbox.faults.add("expire_tokens", "creator.records", nth=1)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(8))) == {200}
    assert asked(sandbox) == 2
    connection.close()
    other.close()


def test_a_missing_scope_asks_for_no_new_token(sandbox: Sandbox, tmp_path: Path) -> None:
    narrow = sandbox.grant("ZohoCreator.dashboard.READ").refresh_token
    connection = zoho(tmp_path, sandbox, refresh_token=narrow)
    answer = connection.client("creator").send("GET", REPORT)
    assert answer.json["code"] == 2945
    assert asked(sandbox) == 1
    connection.close()


def test_tokens_that_stay_refused_never_reach_zoho_s_limit(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add("code", "creator.records", code="1030", status=401)
    told = []
    for _ in range(12):
        connection = zoho(tmp_path, sandbox)
        try:
            assert status(connection) == 401
        except Retriable as error:
            told.append(error)
        connection.close()
    assert asked(sandbox) == 8
    assert told
    assert all("renewed 8 times in 10 minutes" in str(error) and 500 < (error.after or 0) <= 610 for error in told)


@pytest.mark.parametrize(
    ("wrong", "why", "mend"),
    [
        ({"client_id": "1000.NOBODY"}, "does not know this OAuth client", "data_center"),
        ({"client_secret": "a wrong one"}, "client secret is wrong", "API console"),
        ({"refresh_token": "1000.gone.gone"}, "refresh token is wrong, was revoked", "make a new refresh token"),
    ],
)
def test_wrong_credentials_are_told_apart_and_not_tried_again_at_once(
    sandbox: Sandbox, tmp_path: Path, wrong: dict[str, str], why: str, mend: str
) -> None:
    for _ in range(3):
        connection = zoho(tmp_path, sandbox, **wrong)
        with pytest.raises(Fatal, match=why) as told:
            connection.client("marketinghub").send("GET", "/api/v1/getmailinglists")
        assert mend in str(told.value)
        assert not any(secret in str(told.value) for secret in wrong.values())
        connection.close()
    assert asked(sandbox) == 1
    mended = zoho(tmp_path, sandbox)
    assert status(mended) == 200
    mended.close()


def test_a_revoked_refresh_token_is_told_with_the_way_to_a_new_one(sandbox: Sandbox, tmp_path: Path) -> None:
    connection = zoho(tmp_path, sandbox, data_center="in")
    status(connection)
    sandbox.faults.add("revoke", "creator.records", nth=1)
    with pytest.raises(Fatal, match=r"was revoked.*api-console\.zoho\.in.*ZohoCreator\.report\.READ"):
        status(connection)
    connection.close()


@pytest.mark.parametrize("http_status", [400, 200])
def test_the_throttle_of_the_accounts_server_is_left_alone_for_ten_minutes(
    sandbox: Sandbox, tmp_path: Path, http_status: int
) -> None:
    sandbox.settings(throttle_status=http_status, token_limit=0)
    for _ in range(3):
        connection = zoho(tmp_path, sandbox)
        with pytest.raises(Retriable, match="too many access tokens") as told:
            status(connection)
        assert 590 < (told.value.after or 0) <= 601
        connection.close()
    assert asked(sandbox) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "why"),
    [
        ({"kind": "no_token"}, Fatal, "gave no access token"),
        ({"kind": "html"}, Fatal, r"a page instead of a token.*hosts\.accounts"),
        ({"kind": "html", "status": 404}, Fatal, "a page instead of a token"),
        ({"kind": "redirect"}, Fatal, "a redirect to elsewhere"),
        ({"kind": "status", "status": 503, "body": "busy"}, Retriable, "not available"),
        ({"kind": "refuse"}, Retriable, "connection|proper HTTP"),
    ],
)
def test_an_accounts_server_that_gives_no_token_is_told_in_words(
    sandbox: Sandbox, tmp_path: Path, fault: dict[str, Any], kind: type[SynclineError], why: str
) -> None:
    sandbox.faults.add(endpoint="accounts.token", **fault)
    connection = zoho(tmp_path, sandbox)
    with pytest.raises(kind, match=why):
        status(connection)
    connection.close()


def test_a_hung_refresh_ends_and_the_next_one_works(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncline_zoho.tokens.TOKEN_PATIENCE", Patience(exchange=0.3, total=0.5, attempts=2))
    monkeypatch.setattr("syncline_zoho.refusals.REMEMBER_PASSING", 0.01)
    sandbox.faults.add("delay", "accounts.token", seconds=2, count=2)
    connection = zoho(tmp_path, sandbox)
    with pytest.raises(Retriable, match="no complete answer in time"):
        status(connection)
    time.sleep(0.05)
    sandbox.faults.clear()
    assert status(connection) == 200
    connection.close()


def test_no_token_and_no_credential_is_in_a_text(sandbox: Sandbox, tmp_path: Path) -> None:
    connection = zoho(tmp_path, sandbox)
    header = connection._all_tokens().headers(False)["Authorization"]
    token = header.removeprefix("Zoho-oauthtoken ")
    assert token not in connection.runtime.redactor.clean(f"a text with {token} in it")
    for shown in (repr(connection.config), repr(connection.credentials()), repr(connection._all_tokens().grant())):
        assert token not in shown
        assert sandbox.refresh_token not in shown
    connection.close()


KEYS = st.sampled_from(["access_token", "expires_in", "expires_in_sec", "error"])
VALUES = st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.lists(st.text()))


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_json_of_the_token_endpoint_is_a_grant_or_a_refusal(body: dict[str, Any]) -> None:
    got = read_grant(Answer(200, {}, "", body), 1000.0, "help")
    if isinstance(got, Grant):
        assert got.access_token == body["access_token"]
        assert got.expires_at > 1000.0
    else:
        assert str(got.error(1000.0))


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"expires_in": 3600}, 3600),
        ({"expires_in": 3_600_000}, 3600),
        ({"expires_in": "3600"}, 3600),
        ({"expires_in": 3_600_000, "expires_in_sec": 3600}, 3600),
        ({}, 3600),
        ({"expires_in": True}, 3600),
    ],
)
def test_lifetimes_come_in_seconds_and_in_milliseconds(body: dict[str, Any], seconds: float) -> None:
    assert lifetime_of(body) == seconds


def test_a_header_cannot_be_smuggled_in_a_token() -> None:
    evil = Answer(200, {}, "", {"access_token": "x\r\nHost: evil"})
    assert not isinstance(read_grant(evil, 0.0, "help"), Grant)


def test_credentials_and_grants_survive_msgspec_as_they_are() -> None:
    grant = Grant("1000.x", 10.0, 5.0, "https://www.zohoapis.in")
    assert msgspec.json.decode(msgspec.json.encode(grant), type=Grant) == grant
