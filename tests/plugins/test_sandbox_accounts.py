"""The sandbox's accounts server, over the wire."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from syncline_zoho_sandbox import Sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(leads=20, in_process=True) as box:
        yield box


@pytest.fixture
def box(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def http(box: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=box.url, trust_env=False, verify=False) as client:
        yield client


def form(box: Sandbox, **changes: str) -> dict[str, str]:
    return {
        "grant_type": "refresh_token",
        "client_id": box.client_id,
        "client_secret": box.client_secret,
        "refresh_token": box.refresh_token,
        **changes,
    }


def lists(http: httpx.Client, token: str, scheme: str = "Zoho-oauthtoken") -> httpx.Response:
    return http.get("/api/v1/getmailinglists", headers={"authorization": f"{scheme} {token}"})


def token(http: httpx.Client, box: Sandbox) -> str:
    return str(http.post("/oauth/v2/token", data=form(box)).json()["access_token"])


def test_a_refresh_token_buys_an_access_token_in_body_or_query(box: Sandbox, http: httpx.Client) -> None:
    for answer in (http.post("/oauth/v2/token", data=form(box)), http.post("/oauth/v2/token", params=form(box))):
        body = answer.json()
        assert answer.status_code == 200
        assert body["expires_in"] == 3600
        assert body["token_type"] == "Bearer"
        assert body["api_domain"] == box.url
        assert "refresh_token" not in body
        assert lists(http, body["access_token"]).json()["status"] == "success"


def test_both_authorization_schemes_work_and_a_token_in_the_url_does_not(box: Sandbox, http: httpx.Client) -> None:
    access = token(http, box)
    assert lists(http, access, "Bearer").json()["status"] == "success"
    assert http.get("/api/v1/getmailinglists", params={"access_token": access}).status_code == 401


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "1000.OTHER"}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client_secret"),
        ({"refresh_token": "1000.wrong"}, "invalid_code"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
    ],
)
def test_errors_of_the_token_call_come_with_http_200(
    box: Sandbox, http: httpx.Client, changes: dict[str, str], error: str
) -> None:
    answer = http.post("/oauth/v2/token", data=form(box, **changes))
    assert (answer.status_code, answer.json()) == (200, {"error": error})


@pytest.mark.parametrize("status", [400, 200])
def test_the_eleventh_token_in_ten_minutes_is_refused_until_the_window_has_passed(
    box: Sandbox, http: httpx.Client, status: int
) -> None:
    box.settings(throttle_status=status)
    for _ in range(10):
        token(http, box)
    refused = http.post("/oauth/v2/token", data=form(box))
    assert refused.status_code == status
    assert refused.json()["error"] == "Access Denied"
    assert refused.json()["status"] == "failure"
    other = box.grant().refresh_token
    assert "access_token" in http.post("/oauth/v2/token", data=form(box, refresh_token=other)).json()
    box.clock.advance(600)
    assert "access_token" in http.post("/oauth/v2/token", data=form(box)).json()


def test_a_token_lives_an_hour(box: Sandbox, http: httpx.Client) -> None:
    access = token(http, box)
    box.clock.advance(3590)
    assert lists(http, access).status_code == 200
    box.clock.advance(20)
    assert lists(http, access).status_code == 401


def test_of_eleven_valid_tokens_the_oldest_is_dropped_silently(box: Sandbox, http: httpx.Client) -> None:
    box.settings(token_limit=100)
    tokens = [token(http, box) for _ in range(11)]
    assert lists(http, tokens[0]).status_code == 401
    assert all(lists(http, each).status_code == 200 for each in tokens[1:])


def test_a_grant_code_works_once_and_brings_its_own_refresh_token(box: Sandbox, http: httpx.Client) -> None:
    grant = box.grant("ZohoMarketingAutomation.lead.ALL")
    exchange = form(box, grant_type="authorization_code", code=grant.code)
    body = http.post("/oauth/v2/token", data=exchange).json()
    assert "access_token" in body
    assert "access_token" in http.post("/oauth/v2/token", data=form(box, refresh_token=body["refresh_token"])).json()
    assert http.post("/oauth/v2/token", data=exchange).json() == {"error": "invalid_code"}


def test_a_grant_code_expires(box: Sandbox, http: httpx.Client) -> None:
    grant = box.grant(code_seconds=60)
    box.clock.advance(61)
    answer = http.post("/oauth/v2/token", data=form(box, grant_type="authorization_code", code=grant.code))
    assert answer.json() == {"error": "invalid_code"}


def test_revoking_ends_the_refresh_token_and_its_access_tokens(box: Sandbox, http: httpx.Client) -> None:
    access = token(http, box)
    assert http.post("/oauth/v2/token/revoke", params={"token": box.refresh_token}).json() == {"status": "success"}
    assert lists(http, access).status_code == 401
    assert http.post("/oauth/v2/token", data=form(box)).json() == {"error": "invalid_code"}
    assert http.post("/oauth/v2/token/revoke", params={"token": "nonsense"}).status_code == 400


@pytest.mark.parametrize(
    ("scopes", "allowed"), [("lead.READ", True), ("lead.ALL", True), ("lead.CREATE-UPDATE", False)]
)
def test_a_token_carries_the_scopes_of_its_grant(box: Sandbox, http: httpx.Client, scopes: str, allowed: bool) -> None:
    grant = box.grant(f"ZohoMarketingAutomation.{scopes}")
    access = http.post("/oauth/v2/token", data=form(box, refresh_token=grant.refresh_token)).json()["access_token"]
    body: dict[str, Any] = lists(http, access).json()
    assert body.get("status") == ("success" if allowed else "error")
    assert body.get("Code") == (None if allowed else "INVALID_OAUTHSCOPE")


def test_serverinfo_lists_the_data_centres_and_other_methods_are_refused(http: httpx.Client) -> None:
    assert http.get("/oauth/serverinfo").json()["locations"]["eu"] == "https://accounts.zoho.eu"
    assert http.get("/oauth/v2/token").status_code == 405
