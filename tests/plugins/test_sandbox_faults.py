"""Scripted misbehaviour, as a client meets it."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from syncline_zoho_sandbox import ControlError, Sandbox

SIGNUPS = "/creator/v2.1/data/zylker/events/report/all_signups"
LISTS = "/api/v1/getmailinglists"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(leads=450, in_process=True) as box:
        yield box


@pytest.fixture
def box(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def http(box: Sandbox) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Zoho-oauthtoken {box.access_token()}", "accept": "application/json"}
    with httpx.Client(base_url=box.url, headers=headers, trust_env=False, verify=False) as client:
        yield client


def subscribe(box: Sandbox, http: httpx.Client, email: str = "ann@new.example.com") -> httpx.Response:
    data = {"listkey": box.lists()["Webinar leads"], "leadinfo": json.dumps({"Lead Email": email})}
    return http.post("/api/v1/json/listsubscribe", data=data)


def arrived(box: Sandbox, email: str = "ann@new.example.com") -> bool:
    return box.lead("Webinar leads", email) is not None


def pages(http: httpx.Client, most: int = 10) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = ""
    while len(found) < most:
        answer = http.get(SIGNUPS, headers={"record_cursor": cursor} if cursor else {})
        found.append([record["ID"] for record in answer.json()["data"]])
        cursor = answer.headers.get("record_cursor", "")
        if not cursor:
            break
    return found


def test_refuse_closes_before_the_call_is_handled(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("refuse", "marketinghub.listsubscribe", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        subscribe(box, http)
    assert not arrived(box)
    assert subscribe(box, http).json()["code"] == "0"
    assert [(call.status, call.fault) for call in box.calls().calls if "listsubscribe" in call.endpoint] == [
        (0, "refuse"),
        (200, ""),
    ]


def test_commit_then_drop_closes_after_the_call_is_handled(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("commit_then_drop", "marketinghub.listsubscribe")
    with pytest.raises(httpx.RemoteProtocolError):
        subscribe(box, http)
    assert arrived(box)


def test_cut_closes_in_the_middle_of_the_body(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("cut", "creator.records")
    with pytest.raises(httpx.RemoteProtocolError):
        http.get(SIGNUPS)


def test_delay_waits_before_or_after_handling(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("delay", "marketinghub.listsubscribe", seconds=0.5, containing="late@")
    with pytest.raises(httpx.ReadTimeout):
        http.post(
            "/api/v1/json/listsubscribe",
            data={"listkey": box.lists()["Webinar leads"], "leadinfo": '{"Lead Email": "late@new.example.com"}'},
            timeout=0.1,
        )
    assert not arrived(box, "late@new.example.com")
    box.faults.add("delay", "marketinghub.listsubscribe", seconds=0.5, commit=True, containing="early@")
    with pytest.raises(httpx.ReadTimeout):
        http.post(
            "/api/v1/json/listsubscribe",
            data={"listkey": box.lists()["Webinar leads"], "leadinfo": '{"Lead Email": "early@new.example.com"}'},
            timeout=0.1,
        )
    assert arrived(box, "early@new.example.com")


def test_a_delayed_call_does_not_hold_up_others(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("delay", "creator.records", seconds=0.4)
    slow = threading.Thread(target=lambda: http.get(SIGNUPS))
    started = time.monotonic()
    slow.start()
    with httpx.Client(base_url=box.url, headers=http.headers, trust_env=False, verify=False) as other:
        assert other.get(LISTS).json()["code"] == "0"
    assert slow.is_alive() or time.monotonic() - started >= 0.4
    slow.join()


def test_drip_sends_the_whole_body_slowly(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("drip", "marketinghub.getmailinglists", seconds=0.001)
    with http.stream("GET", LISTS) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 3
    assert json.loads(b"".join(pieces))["code"] == "0"


@pytest.mark.parametrize(
    ("script", "status", "media"),
    [
        ({"kind": "status", "status": 503, "body": "try later"}, 503, "text/plain"),
        ({"kind": "status", "status": 500, "body": '{"oops": 1}'}, 500, "application/json"),
        ({"kind": "html"}, 200, "text/html"),
        ({"kind": "html", "status": 502}, 502, "text/html"),
        ({"kind": "no_content"}, 204, "application/json"),
        ({"kind": "throttle"}, 429, "application/json"),
        ({"kind": "redirect"}, 302, "application/json"),
    ],
)
def test_false_answers_come_in_place_of_handling(
    box: Sandbox, http: httpx.Client, script: dict[str, Any], status: int, media: str
) -> None:
    box.faults.add(**script)
    answer = subscribe(box, http)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(media)
    box.faults.clear()
    assert not arrived(box)
    box.faults.add(**script, commit=True)
    assert subscribe(box, http).status_code == status
    box.faults.clear()
    assert arrived(box)


def test_a_code_is_worded_as_the_product_words_it(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("code", "*.getmailinglists", code="2402")
    box.faults.add("code", "creator.*", code="2930", status=404)
    box.faults.add("code", "accounts.token", code="invalid_code")
    hub = http.get(LISTS)
    assert hub.status_code == 200
    assert hub.json()["code"] == "2402"
    assert hub.json()["status"] == "error"
    creator = http.get(SIGNUPS)
    assert (creator.status_code, creator.json()["code"]) == (404, 2930)
    assert http.post("/oauth/v2/token").json() == {"error": "invalid_code"}


def test_throttle_may_name_a_time_and_a_redirect_another_host(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("throttle", count=1, retry_after=7)
    assert http.get(LISTS).headers["retry-after"] == "7"
    box.faults.add("throttle", count=1)
    assert "retry-after" not in http.get(LISTS).headers
    box.faults.add("redirect", location="http://other.example.com/x")
    assert http.get(LISTS).headers["location"] == "http://other.example.com/x"


def test_a_token_answer_may_lack_the_token(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("no_token", "accounts.token")
    answer = http.post("/oauth/v2/token")
    assert answer.status_code == 200
    assert "access_token" not in answer.json()
    assert "error" not in answer.json()


def test_all_tokens_may_expire_or_be_revoked(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("expire_tokens", "creator.records", count=1)
    assert http.get(SIGNUPS).json()["code"] == 1030
    http.headers["authorization"] = f"Bearer {box.access_token()}"
    assert http.get(SIGNUPS).json()["code"] == 3000
    box.faults.add("revoke", "creator.records", count=1)
    assert http.get(SIGNUPS).json()["code"] == 1030
    with pytest.raises(KeyError):
        box.access_token()


def test_an_endpoint_may_be_locked_out_of_the_blue(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("lock", "marketinghub.listsubscribe", nth=2)
    assert [subscribe(box, http).json()["code"] for _ in range(3)] == ["0", "2008", "2008"]
    assert http.get(LISTS).json()["code"] == "0"
    box.clock.advance(1801)
    assert subscribe(box, http).json()["code"] == "0"
    box.faults.add("lock", "creator.records", count=1, seconds=60)
    assert http.get(SIGNUPS).json()["code"] == 2955


def test_broken_bodies(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("truncated_json", count=1)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        http.get(SIGNUPS).json()
    box.faults.add("huge_body", count=1, bytes=3_000_000)
    huge = http.get(SIGNUPS)
    assert len(huge.content) > 3_000_000
    assert huge.json()["code"] == 3000
    box.faults.add("deep_json", count=1)
    with pytest.raises(RecursionError):
        http.get(SIGNUPS).json()


def test_pages_may_be_repeated_dropped_emptied_halved_or_shuffled(box: Sandbox, http: httpx.Client) -> None:
    one, two, three = pages(http)
    box.faults.add("repeat_page", "creator.records", nth=2)
    assert pages(http) == [one, one, three]
    box.faults.clear()
    box.faults.add("drop_page", "creator.records", nth=2)
    assert pages(http) == [one, three]
    box.faults.clear()
    box.faults.add("empty_page", "creator.records", nth=2)
    assert pages(http) == [one, [], three]
    box.faults.clear()
    box.faults.add("half_page", "creator.records", nth=1)
    assert pages(http) == [one[:100], two, three]
    box.faults.clear()
    box.faults.add("shuffle", "creator.records", nth=1, seed=3)
    shuffled = pages(http)
    assert shuffled[0] != one
    assert sorted(shuffled[0]) == one
    assert shuffled[1:] == [two, three]


def test_the_cursor_may_never_end(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("endless_cursor", "creator.records")
    found = pages(http, most=7)
    assert len(found) == 7
    assert found[3] == found[0]
    assert found[5] == found[2]


def test_pages_of_leads_may_go_wrong_too(box: Sandbox, http: httpx.Client) -> None:
    def leads(start: int) -> list[str]:
        parameters: dict[str, str | int] = {"listkey": box.lists()["Webinar leads"], "fromindex": start, "range": 10}
        return [
            each["lead_email"] for each in http.get("/api/v1/getleads", params=parameters).json()["list_of_details"]
        ]

    first, second = leads(1), leads(11)
    box.faults.add("repeat_page", "marketinghub.getleads", count=1)
    assert leads(11) == first
    box.faults.add("drop_page", "marketinghub.getleads", count=1)
    assert leads(1) == second
    box.faults.add("endless_cursor", "marketinghub.getleads", count=1)
    assert leads(9001) == first
    box.faults.add("empty_page", "marketinghub.getleads", count=1)
    assert leads(1) == []


def test_time_columns_may_be_missing(box: Sandbox, http: httpx.Client) -> None:
    box.faults.add("missing_times", "creator.records")
    record = http.get(SIGNUPS).json()["data"][0]
    assert "Email" in record
    assert "Added_Time" not in record
    assert "Modified_Time" not in record


def test_nth_count_probability_and_containing_choose_the_calls(box: Sandbox, http: httpx.Client) -> None:
    def failing(calls: int = 6) -> list[int]:
        return [n for n in range(1, calls + 1) if subscribe(box, http, f"n{n}@new.example.com").status_code == 500]

    box.faults.add("status", status=500, nth=3)
    assert failing() == [3]
    box.faults.clear()
    box.faults.add("status", status=500, nth=2, count=3)
    assert failing() == [2, 3, 4]
    box.faults.clear()
    box.faults.add("status", status=500, count=2)
    assert failing() == [1, 2]
    box.faults.clear()
    box.faults.add("status", status=500, containing="n5@new")
    assert failing() == [5]
    box.faults.clear()
    box.faults.add("status", status=500, probability=0.5, seed=4)
    once = failing(30)
    box.faults.clear()
    box.faults.add("status", status=500, probability=0.5, seed=4)
    assert failing(30) == once
    assert 5 < len(once) < 25
    (script,) = box.faults()
    assert (script["seen"], script["fired"]) == (30, len(once))


def test_only_so_many_creator_calls_run_at_a_time(box: Sandbox, http: httpx.Client) -> None:
    box.settings(creator_concurrent_calls=1)
    box.faults.add("delay", "creator.records", seconds=0.5, count=1)
    first = threading.Thread(target=lambda: http.get(SIGNUPS))
    first.start()
    while not box.faults()[0]["fired"]:
        pass
    with httpx.Client(base_url=box.url, headers=http.headers, trust_env=False, verify=False) as other:
        assert other.get(SIGNUPS).json()["code"] == 2955
    first.join()


def test_a_mistake_in_a_script_is_told(box: Sandbox) -> None:
    with pytest.raises(ControlError, match="no fault of kind 'explode'"):
        box.faults.add("explode")
    with pytest.raises(ControlError, match="has no colour"):
        box.faults.add("html", colour="red")


def test_a_bulk_call_may_fail_half_done(box: Sandbox, http: httpx.Client) -> None:
    emails = [f"n{n}@example.com" for n in range(10)]
    box.faults.add("half_batch", "marketinghub.addleadsinbulk", code="2007", items=6, count=1)
    form = {"listkey": box.lists()["Webinar leads"], "emailids": ",".join(emails), "resfmt": "JSON"}
    assert http.post("/api/v1/addleadsinbulk", data=form).json()["code"] == "2007"
    taken = {lead.email for lead in box.leads("Webinar leads")}
    assert [email for email in emails if email in taken] == emails[:6]


def test_a_call_is_held_until_the_script_is_cleared(box: Sandbox, http: httpx.Client) -> None:
    for commit in (False, True):
        box.faults.add("hold", "marketinghub.listsubscribe", commit=commit)
        email = f"held{commit}@example.com"
        sender = threading.Thread(target=subscribe, args=(box, http, email))
        sender.start()
        while not box.faults()[0]["fired"]:
            pass
        if commit:
            while box.lead("Webinar leads", email) is None:
                pass
        assert sender.is_alive()
        assert (box.lead("Webinar leads", email) is None) is not commit
        box.faults.clear()
        sender.join()
        assert box.lead("Webinar leads", email) is not None
