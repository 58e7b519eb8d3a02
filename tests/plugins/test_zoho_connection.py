"""The connection types `zoho` and `zoho_sandbox`: hosts, budgets, accounts and what `check` says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from creator_reports import runtime, zoho
from syncline import Answer, Fatal, Limit
from syncline_zoho import Product, Zoho, code_of, scope_missing, seconds
from syncline_zoho.data_centers import DATA_CENTERS
from syncline_zoho.products import TRAITS, token_refused
from syncline_zoho_sandbox import Sandbox
from syncline_zoho_sandbox.connection import ZohoSandbox

CREDENTIALS = {"client_id": "1000.ID", "client_secret": "secret", "refresh_token": "1000.r.s"}


def config(**more: Any) -> Any:
    return msgspec.convert(CREDENTIALS | more, Zoho.Config)


def made(tmp_path: Path, **more: Any) -> Zoho:
    return Zoho(config(**more), runtime(tmp_path))


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[ZohoSandbox]:
    connection = ZohoSandbox(msgspec.convert({"leads": 10}, ZohoSandbox.Config), runtime(tmp_path))
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("center", "accounts", "api", "marketinghub"),
    [
        ("us", "https://accounts.zoho.com", "https://www.zohoapis.com", "https://marketingautomation.zoho.com"),
        ("in", "https://accounts.zoho.in", "https://www.zohoapis.in", "https://marketingautomation.zoho.in"),
        (
            "au",
            "https://accounts.zoho.com.au",
            "https://www.zohoapis.com.au",
            "https://marketingautomation.zoho.com.au",
        ),
        ("ca", "https://accounts.zohocloud.ca", "https://www.zohoapis.ca", "https://marketingautomation.zohocloud.ca"),
        (
            "cn",
            "https://accounts.zoho.com.cn",
            "https://www.zohoapis.com.cn",
            "https://marketingautomation.zoho.com.cn",
        ),
    ],
)
def test_each_data_centre_has_its_own_hosts(center: Any, accounts: str, api: str, marketinghub: str) -> None:
    found = DATA_CENTERS[center]
    assert (found.accounts, found.api, found.marketinghub) == (accounts, api, marketinghub)


def test_the_data_centres_of_the_contract_are_all_there(tmp_path: Path) -> None:
    assert list(DATA_CENTERS) == ["us", "eu", "in", "au", "jp", "ca", "sa", "uk", "cn"]
    for center in DATA_CENTERS:
        hosts = made(tmp_path, data_center=center).hosts()
        assert all((hosts.accounts, hosts.marketinghub, hosts.recruit))


def test_hosts_set_by_hand_go_before_those_of_the_data_centre(tmp_path: Path) -> None:
    connection = made(tmp_path, data_center="eu", hosts={"marketinghub": "http://127.0.0.1:8080"})
    assert connection.hosts().marketinghub == "http://127.0.0.1:8080"
    assert connection.hosts().accounts == "https://accounts.zoho.eu"


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "ftp://example.com",
        "https://example.com/",
        "https://a@example.com",
        "https://example.com/x?y",
        "https://",
        "https://example.com:x",
        "https://example.com\n",
    ],
)
def test_a_host_is_scheme_name_and_port_only(host: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="accounts"):
        config(hosts={"accounts": host})


def test_creator_s_host_is_the_one_that_the_token_names(tmp_path: Path) -> None:
    with Sandbox(leads=10) as sandbox:
        connection = zoho(tmp_path, sandbox, hosts={"accounts": sandbox.url})
        answer = connection.client("creator").send("GET", "/creator/v2.1/meta/applications")
        assert answer.json["code"] == 3000
        connection.close()


def test_an_account_stays_the_same_with_a_new_refresh_token_and_tells_nothing(tmp_path: Path) -> None:
    one = made(tmp_path).account
    assert one == made(tmp_path, refresh_token="1000.other.one").account
    assert one != made(tmp_path, client_id="1000.OTHER").account
    assert one != made(tmp_path, data_center="in").account
    assert "1000.ID" not in one


def test_a_budget_replaces_the_documented_limit_and_keeps_its_lock(tmp_path: Path) -> None:
    documented = Limit(500, 300.0, lock=1800.0, slack=1.0)
    assert made(tmp_path).limit("marketinghub", documented) == documented
    own = made(tmp_path, budget={"calls": 10, "window": "2m"}).limit("marketinghub", documented)
    assert own == Limit(10, 120.0, lock=1800.0, slack=1.0)


@pytest.mark.parametrize(
    ("budget", "looser"),
    [
        ({"calls": 50, "window": "1m"}, set()),
        ({"calls": 8, "window": "1m"}, set()),
        ({"calls": 500, "window": "5m"}, {"creator"}),
        ({"calls": 501, "window": "5m"}, {"creator", "marketinghub"}),
    ],
)
def test_check_warns_of_a_budget_that_is_looser_than_documented(
    tmp_path: Path, budget: dict[str, Any], looser: set[str]
) -> None:
    with Sandbox(leads=10) as sandbox:
        connection = zoho(tmp_path, sandbox, budget=budget)
        lines = list(connection.check())
        connection.close()
    assert lines[0].subject == "credentials"
    assert all(line.ok for line in lines)
    warned = {name for name in TRAITS for line in lines if line.subject == "budget" and name in line.found}
    assert warned == looser


def test_check_tells_what_is_wrong_with_the_credentials(tmp_path: Path) -> None:
    with Sandbox(leads=10) as sandbox:
        connection = zoho(tmp_path, sandbox, refresh_token="1000.x.y")
        (line,) = [line for line in connection.check() if line.subject == "credentials"]
        connection.close()
    assert not line.ok
    assert "refresh token is wrong" in line.found
    assert "make a new refresh token" in line.mend


def test_check_warns_of_a_host_that_is_not_encrypted(tmp_path: Path) -> None:
    with Sandbox(leads=10) as sandbox:
        connection = zoho(tmp_path, sandbox, hosts=sandbox.hosts | {"recruit": "http://recruit.example.com"})
        lines = [line for line in connection.check() if line.subject == "hosts.recruit"]
        connection.close()
    assert [line.mend for line in lines] == ["use https"]


@pytest.mark.parametrize("text", ["5m", "1h", "30d", "90s"])
def test_durations_are_seconds(text: str) -> None:
    assert seconds(text) == {"5m": 300, "1h": 3600, "30d": 2_592_000, "90s": 90}[text]


@pytest.mark.parametrize("window", ["5", "m", "0m", "1.5h", "5 m", "5m "])
def test_a_window_that_is_no_duration_is_a_fault(window: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="window"):
        config(budget={"calls": 1, "window": window})


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (401, {"code": 1030}, True),
        (401, {"code": 1000}, True),
        (401, None, True),
        (401, {"Code": "INVALID_OAUTHSCOPE"}, False),
        (401, {"code": 2945}, False),
        (401, {"code": 1060}, False),
        (200, {"code": "INVALID_OAUTHTOKEN"}, True),
        (200, {"code": "0"}, False),
        (404, {"code": 1000}, False),
    ],
)
def test_only_a_bad_token_is_worth_a_new_one(status: int, body: Any, refused: bool) -> None:
    answer = Answer(status, {}, "", body)
    assert token_refused(answer) is refused
    assert scope_missing(answer) is (code_of(answer) in ("2945", "INVALID_OAUTHSCOPE"))


def test_each_api_waits_as_long_as_it_asks_for(tmp_path: Path) -> None:
    throttled = {name: traits.throttled for name, traits in TRAITS.items()}
    assert throttled[Product.CREATOR](Answer(429, {}, "", None)) == 60
    assert throttled[Product.CREATOR](Answer(200, {}, "", {"code": 2955})) == 60
    assert throttled[Product.CREATOR](Answer(429, {"retry-after": "5"}, "", None)) == 5
    assert throttled[Product.MARKETINGHUB](Answer(429, {}, "", None)) == 1800
    assert throttled[Product.CREATOR](Answer(200, {}, "", {"code": 3000})) is None


def test_the_embedded_zoho_starts_when_asked_and_needs_no_credentials(embedded: ZohoSandbox) -> None:
    assert embedded._running is None
    assert embedded.account == "zoho_sandbox"
    assert [(line.subject, line.ok) for line in embedded.check()] == [("credentials", True), ("sandbox", True)]
    answer = embedded.client("creator").send("GET", "/creator/v2.1/meta/applications")
    assert answer.json["applications"][0]["link_name"] == "events"
    assert list(embedded.runtime.cache.glob("*")) == []


def test_the_state_of_the_embedded_zoho_outlives_the_run(embedded: ZohoSandbox, tmp_path: Path) -> None:
    record = {"Email": "kept@example.com"}
    (added,) = embedded.sandbox.insert_records(record)
    embedded.close()
    later = ZohoSandbox(msgspec.convert({"leads": 20}, ZohoSandbox.Config), embedded.runtime)
    path = f"/creator/v2.1/data/zylker/events/report/all_signups/{added}"
    assert later.client("creator").send("GET", path).json["data"]["Email"] == "kept@example.com"
    (line,) = [line for line in later.check() if line.subject == "sandbox"]
    assert not line.ok
    assert "delete" in line.mend
    later.close()


def test_the_embedded_zoho_s_limits_are_its_settings(tmp_path: Path) -> None:
    documented = Limit(500, 300.0, lock=1800.0)
    settings = {"lead_calls": 20, "call_window": 10}
    tight = ZohoSandbox(msgspec.convert({"settings": settings}, ZohoSandbox.Config), runtime(tmp_path))
    assert tight.limit("marketinghub", documented) == Limit(20, 10, lock=1800.0)
    assert tight.limit("marketinghub", Limit(100, 300.0)).calls == 100_000
    assert tight.limit("creator", Limit(50, 60.0)).calls == 100_000


def test_a_wrong_setting_of_the_embedded_zoho_is_named(tmp_path: Path) -> None:
    wrong = ZohoSandbox(msgspec.convert({"settings": {"nope": 1}}, ZohoSandbox.Config), runtime(tmp_path))
    with pytest.raises(Fatal, match="no setting 'nope'"):
        wrong.client("creator")
    (line,) = wrong.check()
    assert not line.ok
    assert "cannot start" in line.found
    wrong.close()
