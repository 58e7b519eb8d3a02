"""The sandbox's Creator, over the wire: every trap of the data and meta API."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from syncline_zoho_sandbox import Sandbox

DATA = "/creator/v2.1/data/zylker/events/report"
META = "/creator/v2.1/meta"
SIGNUPS = f"{DATA}/all_signups"


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


def ids(answer: httpx.Response) -> list[str]:
    assert answer.json()["code"] == 3000, answer.text
    return [record["ID"] for record in answer.json()["data"]]


def ask(http: httpx.Client, criteria: str, report: str = "all_signups") -> list[dict[str, Any]]:
    parameters = {"criteria": criteria, "max_records": "1000", "field_config": "all"}
    answer = http.get(f"{DATA}/{report}", params=parameters)
    return list(answer.json()["data"]) if answer.json()["code"] == 3000 else []


def refused(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


def test_pages_follow_the_cursor_header_until_it_is_absent(http: httpx.Client) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    sizes = []
    while True:
        answer = http.get(SIGNUPS, headers=cursor)
        sizes.append(len(ids(answer)))
        seen += ids(answer)
        if "record_cursor" not in answer.headers:
            break
        assert answer.headers["record_cursor"].isalnum()
        cursor = {"record_cursor": answer.headers["record_cursor"]}
    assert sizes == [200, 200, 50]
    assert len(set(seen)) == 450


def test_a_page_that_is_exactly_full_and_the_last_one_has_no_cursor(box: Sandbox, http: httpx.Client) -> None:
    box.delete_records(*[item.ID for item in box.truth()[200:]])
    answer = http.get(SIGNUPS)
    assert len(ids(answer)) == 200
    assert "record_cursor" not in answer.headers


def test_paging_as_in_version_2_is_ignored_and_gives_the_first_page_for_ever(http: httpx.Client) -> None:
    assert ids(http.get(SIGNUPS, params={"from": "201", "limit": "200"})) == ids(http.get(SIGNUPS))


@pytest.mark.parametrize(("size", "status"), [("200", 200), ("500", 200), ("1000", 200), ("100", 400), ("x", 400)])
def test_only_three_page_sizes_exist(http: httpx.Client, size: str, status: int) -> None:
    answer = http.get(SIGNUPS, params={"max_records": size})
    assert refused(answer) == (status, 3000 if status == 200 else 9250)


@pytest.mark.parametrize("accept", ["*/*", "application/json, */*", "text/html", "application/json;charset=utf-8"])
def test_the_accept_header_of_the_data_api_must_be_exact(http: httpx.Client, accept: str) -> None:
    assert refused(http.get(SIGNUPS, headers={"accept": accept})) == (400, 9210)
    assert http.get(f"{META}/applications", headers={"accept": accept}).json()["code"] == 3000


def test_csv_is_the_other_accepted_form(http: httpx.Client) -> None:
    answer = http.get(f"{DATA}/all_webinars", headers={"accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[0] == "ID,Title,Seats,Added_Time,Modified_Time"
    assert len(answer.text.splitlines()) == 6


def test_field_config_decides_which_displayed_fields_come_back(http: httpx.Client) -> None:
    def keys(**parameters: str) -> set[str]:
        return set(http.get(SIGNUPS, params=parameters).json()["data"][0])

    quick, detail = keys(), keys(field_config="detail_view")
    assert {"ID", "Email", "Added_Time", "Modified_Time"} <= quick
    assert "Website" not in quick
    assert detail == {"ID", "Address", "Interests", "Consent", "Website"}
    assert keys(field_config="all") == quick | detail
    assert keys(fields="Email") == quick  # without field_config=custom the list is not looked at
    assert keys(field_config="custom", fields="Email,Website") == {"ID", "Email", "Website"}


def test_a_field_that_the_report_does_not_display_cannot_be_returned(http: httpx.Client) -> None:
    parameters = {"field_config": "custom", "fields": "Email,Internal_Note"}
    assert set(http.get(SIGNUPS, params=parameters).json()["data"][0]) == {"ID", "Email"}
    assert "Added_Time" not in http.get(f"{DATA}/signups_without_times", params={"field_config": "all"}).text


def test_an_unknown_field_name_is_refused(http: httpx.Client) -> None:
    assert refused(http.get(SIGNUPS, params={"field_config": "custom", "fields": "Email,Nope"})) == (400, 3710)
    assert refused(http.get(SIGNUPS, params={"criteria": 'Nope == "x"'})) == (400, 3710)
    assert refused(http.get(SIGNUPS, params={"field_config": "custom"})) == (401, 1000)


def test_one_record_by_its_id(http: httpx.Client) -> None:
    first = http.get(SIGNUPS, params={"field_config": "all"}).json()["data"][0]
    answer = http.get(f"{SIGNUPS}/{first['ID']}")
    assert answer.json() == {"code": 3000, "data": first}
    assert refused(http.get(f"{SIGNUPS}/1")) == (404, 3100)
    assert refused(http.get(f"{SIGNUPS}/abc")) == (404, 3100)


def test_no_records_has_three_spellings_that_take_turns(box: Sandbox, http: httpx.Client) -> None:
    rotated = [refused(http.get(f"{DATA}/waiting_list")) for _ in range(6)]
    assert sorted(rotated) == sorted([(200, 3000), (404, 3100), (400, 9280)] * 2)
    for spelling, expected in (("empty", (200, 3000)), ("3100", (404, 3100)), ("9280", (400, 9280))):
        box.settings(no_records=spelling)
        assert {refused(http.get(f"{DATA}/waiting_list")) for _ in range(3)} == {expected}


def test_every_shape_of_value(http: httpx.Client) -> None:
    parameters = {"field_config": "all"}
    full, _, empty = http.get(f"{DATA}/all_shapes", params=parameters).json()["data"][:3]
    scalars = ("number", "decimal", "percent", "currency", "flag", "auto", "text", "email", "phone", "image")
    assert all(isinstance(full[f"A_{kind}"], str) for kind in scalars)
    assert full["A_flag"] in ("true", "false")
    assert set(full["A_name"]) == {"prefix", "first_name", "last_name", "suffix", "zc_display_value"}
    assert full["A_address"]["country"] == "India"
    assert set(full["A_lookup"]) >= {"ID", "zc_display_value"}
    assert [set(each) >= {"ID", "zc_display_value"} for each in full["A_lookups"]] == [True, True]
    assert full["A_choices"] == ["Automation", "Analytics"]
    assert full["A_url"]["url"] == "https://example.com/"
    assert re.fullmatch(r"\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d", full["A_datetime"])
    assert re.fullmatch(r"\d\d-[A-Z][a-z]{2}-\d{4}", full["A_date"])
    assert empty["A_text"] == ""
    assert empty["A_choices"] == []
    assert empty["A_name"] == ""


def test_each_application_writes_times_in_its_own_format_and_zone(box: Sandbox, http: httpx.Client) -> None:
    at = 1_791_988_000.0  # 2026-10-14 14:26:40 UTC
    (signup,) = box.insert_records({"Email": "ann@example.com", "Added_Time": at})
    (applicant,) = box.insert_records(
        {"Email": "ann@example.com", "Added_Time": at}, form="applicant", application="hr_portal"
    )
    assert http.get(f"{SIGNUPS}/{signup}").json()["data"]["Added_Time"] == "14-Oct-2026 19:56:40"
    portal = f"/creator/v2.1/data/zylker/hr_portal/report/all_applicants/{applicant}"
    assert http.get(portal).json()["data"]["Added_Time"] == "Oct 14,2026 10:26:40"


def test_modified_time_of_a_record_never_edited_is_a_choice(box: Sandbox, http: httpx.Client) -> None:
    (new,) = box.insert_records({"Email": "ann@example.com"})

    def last() -> Any:
        return http.get(SIGNUPS, params={"criteria": f"ID == {new}"}).json()["data"][0]

    assert last()["Modified_Time"] == last()["Added_Time"]
    box.settings(never_edited="empty")
    assert last()["Modified_Time"] == ""


@pytest.mark.parametrize(
    "criteria",
    [
        'Status == "Confirmed"',
        'Status == "Confirmed" && Name.last_name != "Nobody"',
        '(Status == "Cancelled" || Status == "Confirmed") && !(Email.contains("zzzz"))',
        'Email.endsWith("@here.example.com")',
        'Email.startsWith("ann@")',
        'Email.contains("here")',
        'Name.first_name == "Ann" && Name.last_name == "O\\"Hara"',
        'Address.country == "India"',
        "Consent == true",
        "Webinar == 3888833000000113027",
        'Interests.contains("Events")',
        "Registered_On == '14-Oct-2026'",
        "Registered_On > '13-Oct-2026' && Registered_On <= '14-Oct-2026'",
        "Added_Time >= '14-Oct-2026 19:56:40'",
        'Company == ""',
        'Phone != ""',
    ],
)
def test_criteria_choose_records(box: Sandbox, http: httpx.Client, criteria: str) -> None:
    fitting = {
        "Email": "ann@here.example.com",
        "Name": {"first_name": "Ann", "last_name": 'O"Hara', "zc_display_value": 'Ann O"Hara'},
        "Status": "Confirmed",
        "Address": {"country": "India"},
        "Consent": "true",
        "Webinar": {"ID": "3888833000000113027", "zc_display_value": "Getting started"},
        "Interests": ["Events"],
        "Registered_On": "14-Oct-2026",
        "Added_Time": 1_791_988_000.0,
        "Company": "",
        "Phone": "+15705550113",
    }
    (wanted,) = box.insert_records(fitting)
    assert wanted in [record["ID"] for record in ask(http, criteria)]
    assert wanted not in [record["ID"] for record in ask(http, f"!({criteria})")]
    assert len(ask(http, criteria)) + len(ask(http, f"!({criteria})")) == 451


def test_numbers_in_criteria_are_compared_as_numbers(http: httpx.Client) -> None:
    assert {record["A_number"] for record in ask(http, "A_number >= 9", "all_shapes")} == {"9", "10"}
    assert {record["A_decimal"] for record in ask(http, "A_decimal < 1.5", "all_shapes")} == {"0.50"}


@pytest.mark.parametrize(
    "criteria",
    [
        'Status = "Confirmed"',
        'Status == "Confirmed',
        'Status == "Confirmed" &&',
        '(Status == "Confirmed"',
        "Added_Time > '2026-10-14 10:00:00'",  # not the application's format
        'Added_Time > "14-Oct-2026 10:00:00"',  # dates take single quotes
        'Status == "a" Status == "b"',
        "Status == Confirmed",
        '! Status == "x"',
    ],
)
def test_criteria_that_cannot_be_read_are_refused(http: httpx.Client, criteria: str) -> None:
    answer = http.get(SIGNUPS, params={"criteria": criteria})
    assert answer.status_code == 400
    assert answer.json()["code"] != 3000


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/creator/v2.1/data/nobody/events/report/all_signups", 404, 1040),
        ("/creator/v2.1/data/zylker/nothing/report/all_signups", 404, 2892),
        ("/creator/v2.1/data/zylker/payroll/report/all_salaries", 403, 1060),
        ("/creator/v2.1/data/zylker/events/report/nothing", 404, 2894),
        ("/creator/v2.1/data/zylker/events/nonsense", 404, 1000),
        ("/creator/v2.1/meta/zylker/nothing/forms", 404, 2892),
        ("/creator/v2.1/meta/zylker/events/form/nothing/fields", 404, 2893),
        ("/creator/v2.1/meta/nobody/applications", 404, 1040),
    ],
)
def test_what_does_not_exist_is_told_by_its_code(http: httpx.Client, path: str, status: int, code: int) -> None:
    assert refused(http.get(path)) == (status, code)


def test_a_missing_report_may_be_called_a_missing_component(box: Sandbox, http: httpx.Client) -> None:
    box.settings(missing_report="1090")
    assert refused(http.get(f"{DATA}/nothing")) == (404, 1090)


def test_a_renamed_link_breaks_the_old_url(box: Sandbox, http: httpx.Client) -> None:
    box.rename_report("all_signups", "every_signup")
    assert refused(http.get(SIGNUPS)) == (404, 2894)
    assert "every_signup" in http.get(f"{META}/zylker/events/reports").text
    box.rename_application("events", "happenings")
    assert refused(http.get(f"{DATA}/every_signup")) == (404, 2892)
    assert http.get("/creator/v2.1/data/zylker/happenings/report/every_signup").json()["code"] == 3000


def test_a_bad_token_a_missing_scope_and_a_wrong_method_are_refused(box: Sandbox, http: httpx.Client) -> None:
    assert refused(http.get(SIGNUPS, headers={"authorization": "Zoho-oauthtoken nonsense"})) == (401, 1030)
    assert refused(http.post(SIGNUPS)) == (405, 1020)
    needed = {
        SIGNUPS: "ZohoCreator.report.READ",
        f"{META}/applications": "ZohoCreator.dashboard.READ",
        f"{META}/zylker/events/forms": "ZohoCreator.meta.application.READ",
        f"{META}/zylker/events/reports": "ZohoCreator.meta.application.READ",
        f"{META}/zylker/events/form/signup/fields": "ZohoCreator.meta.form.READ",
    }
    for path, scope in needed.items():
        for scopes, code in ((scope, 3000), (",".join({*needed.values()} - {scope}), 2945)):
            data = {"client_id": box.client_id, "client_secret": box.client_secret, "grant_type": "refresh_token"}
            token = http.post("/oauth/v2/token", data={**data, "refresh_token": box.grant(scopes).refresh_token}).json()
            answer = http.get(path, headers={"authorization": f"Zoho-oauthtoken {token['access_token']}"})
            assert refused(answer) == (200 if code == 3000 else 401, code)


def test_the_minute_limit_slides(box: Sandbox, http: httpx.Client) -> None:
    box.settings(creator_minute_calls=50, retry_after=60)
    for _ in range(25):
        http.get(f"{META}/applications")
    box.clock.advance(30)
    for _ in range(25):
        http.get(SIGNUPS)
    limited = http.get(SIGNUPS)
    assert refused(limited) == (429, 2955)
    assert limited.headers["retry-after"] == "60"
    box.clock.advance(31)
    assert [http.get(SIGNUPS).status_code for _ in range(26)] == [200] * 25 + [429]


def test_the_daily_quota_is_code_4000_with_http_200_until_midnight_of_the_account(
    box: Sandbox, http: httpx.Client
) -> None:
    box.clock.set(1_791_988_000)  # 19:56:40 in India
    box.settings(creator_daily_calls=3)
    headers = {"authorization": f"Bearer {box.access_token()}"}
    assert [refused(http.get(SIGNUPS, headers=headers)) for _ in range(4)] == [(200, 3000)] * 3 + [(200, 4000)]
    box.clock.advance(4 * 3600 + 240)
    headers = {"authorization": f"Bearer {box.access_token()}"}
    assert refused(http.get(SIGNUPS, headers=headers)) == (200, 3000)


def test_the_meta_api_describes_applications_forms_and_fields(http: httpx.Client) -> None:
    found = {each["link_name"]: each for each in http.get(f"{META}/applications").json()["applications"]}
    assert set(found) == {"events", "hr_portal"}
    assert (found["events"]["time_zone"], found["events"]["date_format"]) == ("Asia/Kolkata", "dd-MMM-yyyy")
    assert (found["hr_portal"]["time_zone"], found["hr_portal"]["date_format"]) == ("America/New_York", "MMM dd,yyyy")
    assert {*found["events"]} >= {"application_name", "creation_date", "category", "created_by", "workspace_name"}
    assert http.get(f"{META}/zylker/applications").json()["applications"] == list(found.values())
    assert {f["link_name"] for f in http.get(f"{META}/zylker/events/forms").json()["forms"]} >= {"signup", "webinar"}
    reports = http.get(f"{META}/zylker/events/reports").json()["reports"]
    assert {"all_signups", "waiting_list", "signups_without_times", "all_shapes"} <= {r["link_name"] for r in reports}
    fields = {f["link_name"]: f for f in http.get(f"{META}/zylker/events/form/signup/fields").json()["fields"]}
    assert fields["Email"]["type"] == 3
    assert fields["Name"]["type"] == 29
    assert fields["Webinar"]["is_lookup_field"]
    assert {"key": "choice1", "value": "Confirmed"} in fields["Status"]["choices"]


def test_an_unreadable_cursor_is_refused(http: httpx.Client) -> None:
    assert http.get(SIGNUPS, headers={"record_cursor": "nonsense"}).status_code == 400
