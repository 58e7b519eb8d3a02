"""What a fresh sandbox holds."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from email_validator import EmailNotValidError, validate_email
from syncline_zoho_sandbox import Sandbox, Truth

MISSPELT = {"gnail.com", "gmial.com", "hotmial.com", "yaho.com", "outlok.com"}
SIGNUPS = "/creator/v2.1/data/zylker/events/report/all_signups"


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(leads=5000, in_process=True) as box:
        yield box


def all_records(box: Sandbox) -> list[dict[str, Any]]:
    headers = {"authorization": f"Zoho-oauthtoken {box.access_token()}", "accept": "application/json"}
    records: list[dict[str, Any]] = []
    with httpx.Client(base_url=box.url, headers=headers, trust_env=False, verify=False) as http:
        while True:
            answer = http.get(SIGNUPS, params={"max_records": "1000", "field_config": "all"})
            records += answer.json()["data"]
            if "record_cursor" not in answer.headers:
                return records
            http.headers["record_cursor"] = answer.headers["record_cursor"]


@pytest.fixture(scope="module")
def records(box: Sandbox) -> list[dict[str, Any]]:
    return all_records(box)


@pytest.fixture(scope="module")
def truth(box: Sandbox) -> tuple[Truth, ...]:
    return box.truth()


def is_valid(email: str) -> bool:
    try:
        validate_email(email.strip(), check_deliverability=False)
    except EmailNotValidError:
        return False
    return "." in email.partition("@")[2]


def test_the_mix_of_people_is_as_promised(truth: tuple[Truth, ...]) -> None:
    counts = Counter(item.kind for item in truth)
    assert counts == {
        "empty_email": 100,
        "invalid_pattern": 150,
        "group_email": 100,
        "file_duplicate": 200,
        "unsubscribed": 75,
        "bounced": 50,
        "active_same": 300,
        "active_changed": 300,
        "active_elsewhere": 20,
        "do_not_mail": 5,
        "refused_2004": 2,
        "refused_2005": 2,
        "new": 3696,
    }


def test_truth_and_report_agree(truth: tuple[Truth, ...], records: list[dict[str, Any]]) -> None:
    assert [(item.ID, item.email) for item in truth] == [(record["ID"], record["Email"]) for record in records]


def test_every_usable_address_is_valid_and_below_a_reserved_domain(truth: tuple[Truth, ...]) -> None:
    usable = [item.email for item in truth if item.kind not in ("empty_email", "invalid_pattern")]
    assert [email for email in usable if not is_valid(email)] == []
    domains = {email.strip().lower().partition("@")[2] for email in usable}
    assert {".".join(domain.split(".")[-2:]) for domain in domains} == {"example.com", "example.org", "example.net"}
    assert len(domains) > 100
    assert any(not domain.isascii() for domain in domains)


def test_every_invalid_address_is_invalid_or_misspelt(truth: tuple[Truth, ...]) -> None:
    wrong = [item.email for item in truth if item.kind == "invalid_pattern"]
    assert [email for email in wrong if is_valid(email) and email.partition("@")[2] not in MISSPELT] == []
    assert any(email.endswith("@gnail.com") for email in wrong)


def test_duplicates_repeat_an_earlier_confirmed_address_in_another_spelling(
    truth: tuple[Truth, ...], records: list[dict[str, Any]]
) -> None:
    by_id = {item.ID: item for item in truth}
    status = {record["ID"]: record["Status"] for record in records}
    repeated = [item for item in truth if item.kind == "file_duplicate"]
    for item in repeated:
        original = by_id[item.of or ""]
        assert int(original.ID) < int(item.ID)
        assert status[original.ID] == status[item.ID] == "Confirmed"
        local, _, domain = item.email.strip().casefold().partition("@")
        assert f"{local}@{domain}" == original.email.casefold() or domain.encode("idna") == domain.encode()
    assert sum(item.email != by_id[item.of or ""].email for item in repeated) > len(repeated) / 2
    distinct = ("new", "active_same", "active_changed", "bounced")
    plain = [item.email.casefold() for item in truth if item.kind in distinct]
    assert len(plain) == len(set(plain))


def test_the_destination_knows_whom_the_mix_says_it_knows(box: Sandbox, truth: tuple[Truth, ...]) -> None:
    states: dict[str, set[tuple[str, str]]] = {}
    for name in box.lists():
        for lead in box.leads(name):
            states.setdefault(lead.email.casefold(), set()).add((name, lead.status))
    registry = box.registry()
    for item in truth:
        known = states.get(item.email.strip().casefold(), set())
        words = {status for _, status in known}
        if item.kind in ("active_same", "active_changed"):
            assert ("Webinar leads", "active") in known
        elif item.kind == "active_elsewhere":
            assert known == {("Partners", "active")}
        elif item.kind == "unsubscribed":
            assert words == {"unsub"}
        elif item.kind == "bounced":
            assert words == {"bounce"}
        elif item.kind in ("new", "do_not_mail", "refused_2004", "refused_2005"):
            assert not known
        assert (item.email.casefold() in registry.do_not_mail) == (item.kind == "do_not_mail")
        assert registry.refusals.get(item.email.casefold()) == (item.kind[8:] if item.kind[:8] == "refused_" else None)


def test_leads_that_are_the_same_have_the_same_basic_fields(
    box: Sandbox, truth: tuple[Truth, ...], records: list[dict[str, Any]]
) -> None:
    held = {lead.email.casefold(): lead.fields for lead in box.leads("Webinar leads")}
    for item, record in zip(truth, records, strict=True):
        if item.kind not in ("active_same", "active_changed"):
            continue
        fields = held[item.email.casefold()]
        basic = (fields["First Name"], fields["Last Name"], fields["Company"], fields["Phone"])
        name = record["Name"]
        same = basic == (name["first_name"], name["last_name"], record["Company"], record["Phone"])
        assert same == (item.kind == "active_same")


def test_leads_were_added_in_the_last_25_days_and_a_third_changed_later(records: list[dict[str, Any]]) -> None:
    changed = sum(record["Added_Time"] != record["Modified_Time"] for record in records)
    assert 0.28 < changed / len(records) < 0.38
    assert len({record["Added_Time"][:11] for record in records}) in (25, 26, 27)
    cancelled = sum(record["Status"] == "Cancelled" for record in records)
    assert 0 < cancelled < 200


def test_names_come_in_many_scripts_and_include_the_odd_ones(records: list[dict[str, Any]]) -> None:
    names = {record["Name"]["first_name"] for record in records} | {record["Name"]["last_name"] for record in records}
    assert {"007", "true", "null", "1e5", "O'Brien", "=cmd|'/C calc'!A0", "👩‍🚀 Zoë", "  Ann  "} <= names
    assert {"𠮷", "כהן", "佐藤", "محمد", "Щукин", "अनन्या", "Þórdís"} <= names


def test_the_same_seed_gives_the_same_people_and_another_one_others() -> None:
    emails = []
    for seed in (1, 1, 2):
        with Sandbox(leads=60, seed=seed, in_process=True) as box:
            emails.append(([item.email for item in box.truth()], box.refresh_token))
    assert emails[0] == emails[1] != emails[2]


@pytest.mark.parametrize("leads", [0, 1, 7])
def test_a_tiny_seed_works(leads: int) -> None:
    with Sandbox(leads=leads, in_process=True) as box:
        assert len(box.truth()) == leads
