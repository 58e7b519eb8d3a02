"""The sandbox's MarketingHub, over the wire: subscribing, reading, limits."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from syncline_zoho_sandbox import ControlError, Sandbox

BASE = "/api/v1"
TARGET, NEWSLETTER = "Webinar leads", "Newsletter"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(leads=300, in_process=True) as box:
        yield box


@pytest.fixture
def box(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def http(box: Sandbox) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Zoho-oauthtoken {box.access_token()}"}
    with httpx.Client(base_url=box.url, headers=headers, trust_env=False, verify=False) as client:
        yield client


class Hub:
    """The calls of these tests, each with the parameters it needs."""

    def __init__(self, box: Sandbox, http: httpx.Client) -> None:
        self.http = http
        self.keys = box.lists()

    def post(self, path: str, **data: str) -> dict[str, Any]:
        answer = self.http.post(f"{BASE}/{path}", data=data)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        answer = self.http.get(f"{BASE}/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def subscribe(self, email: str, list_: str = TARGET, **fields: str) -> dict[str, Any]:
        info = json.dumps({"Lead Email": email, **{name.replace("_", " "): value for name, value in fields.items()}})
        return self.post("json/listsubscribe", listkey=self.keys[list_], leadinfo=info, resfmt="JSON")

    def leads(self, list_: str = TARGET, **parameters: Any) -> list[dict[str, str]]:
        answer = self.get("getleads", listkey=self.keys[list_], resfmt="JSON", **parameters)
        return list(answer.get("list_of_details", []))


@pytest.fixture
def hub(box: Sandbox, http: httpx.Client) -> Hub:
    return Hub(box, http)


def test_a_private_list_takes_a_lead_at_once_and_updates_its_fields(box: Sandbox, hub: Hub) -> None:
    new = hub.subscribe("ann@new.example.com", First_Name="Ann", Channel="Webinar", No_Such_Field="x")
    assert (new["status"], new["code"], new["uri"]) == ("success", "0", "/api/v1/json/listsubscribe")
    again = hub.subscribe("ANN@new.example.com ", Last_Name="O'Hara")
    assert again == new  # the answer never says whether the lead was new
    lead = box.lead(TARGET, "ann@new.example.com")
    assert lead is not None
    assert lead.status == "active"
    assert lead.fields == {"First Name": "Ann", "Channel": "Webinar", "Last Name": "O'Hara"}
    assert box.outbox() == ()


def test_parameters_may_stand_in_the_query(box: Sandbox, hub: Hub) -> None:
    info = json.dumps({"Lead Email": "q@new.example.com"})
    hub.http.post(f"{BASE}/json/listsubscribe", params={"listkey": hub.keys[TARGET], "leadinfo": info})
    assert box.lead(TARGET, "q@new.example.com") is not None


def test_a_public_list_sends_a_confirmation_mail_each_time_and_waits(box: Sandbox, hub: Hub) -> None:
    hub.subscribe("ann@new.example.com", NEWSLETTER, First_Name="Ann")
    hub.subscribe("ann@new.example.com", NEWSLETTER, First_Name="Changed")
    assert [mail.email for mail in box.outbox("confirmation")] == ["ann@new.example.com"] * 2
    waiting = box.lead(NEWSLETTER, "ann@new.example.com")
    assert waiting is not None
    assert waiting.status == "pending"
    assert waiting.fields == {"First Name": "Ann"}
    for status in ("active", "recent", "unsub", "bounce"):
        assert "ann@new.example.com" not in str(hub.leads(NEWSLETTER, status=status, range=100))
    assert box.change_lead("confirm", "ann@new.example.com", NEWSLETTER)
    hub.subscribe("ann@new.example.com", NEWSLETTER, First_Name="Changed")
    confirmed = box.lead(NEWSLETTER, "ann@new.example.com")
    assert confirmed is not None
    assert confirmed.status == "active"
    assert confirmed.fields == {"First Name": "Ann"}
    assert len(box.outbox("confirmation")) == 2
    assert not box.change_lead("confirm", "nobody@new.example.com", NEWSLETTER)


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("no-at.example.com", "2004"),
        ("a@nodot", "2004"),
        ("a b@example.com", "2004"),
        ("a@@example.com", "2004"),
        ("a@example..com", "2004"),
        ("info@example.com", "2005"),
        ("HR@example.com", "2005"),
        ("josé@bücher.example.com", "0"),
        ("o'hara+x@mail.example.org", "0"),
        ("用户@例え.example.net", "0"),
    ],
)
def test_addresses_are_judged_by_the_destination(hub: Hub, email: str, code: str) -> None:
    assert hub.subscribe(email)["code"] == code


def test_the_seed_holds_people_whom_only_the_destination_refuses(box: Sandbox, hub: Hub) -> None:
    registry = box.registry()
    assert len(registry.do_not_mail) == 5
    assert sorted(registry.refusals.values()) == ["2004", "2004", "2005", "2005"]
    assert {hub.subscribe(email)["code"] for email in registry.do_not_mail} == {"2006"}
    assert {email: hub.subscribe(email)["code"] for email in registry.refusals} == registry.refusals


@pytest.mark.parametrize(("kind", "word"), [("text", "error"), ("number", "failure")])
def test_a_business_error_is_http_200_with_text_or_number(box: Sandbox, hub: Hub, kind: str, word: str) -> None:
    box.settings(code_type=kind, failure_word=word)
    answer = hub.post("json/listsubscribe", listkey="nonsense", leadinfo="{}")
    assert (answer["status"], answer["code"]) == (word, "2501" if kind == "text" else 2501)
    assert hub.subscribe("ok@new.example.com")["code"] == ("0" if kind == "text" else 0)


def test_mistakes_in_parameters_have_their_codes(hub: Hub) -> None:
    key = hub.keys[TARGET]
    assert hub.post("json/listsubscribe", leadinfo="{}")["code"] == "2501"
    assert hub.post("json/listsubscribe", listkey=key)["code"] == "903"
    assert hub.post("json/listsubscribe", listkey=key, leadinfo="{}")["code"] == "903"
    assert hub.post("json/listsubscribe", listkey=key, leadinfo="{broken")["code"] == "2001"
    assert hub.post("json/listsubscribe", listkey=key, leadinfo="[1]")["code"] == "2001"
    assert hub.get("leadscount", listkey="nonsense", status="active")["code"] == "2202"
    assert hub.get("getleads", listkey="nonsense")["code"] == "2501"
    assert hub.get("getleads", listkey=key, status="sleeping")["code"] == "2007"
    assert hub.post("json/ListSubscribe")["code"] == "1004"
    assert hub.get("nothing/here")["code"] == "1004"
    assert hub.get("json/listsubscribe")["code"] == "901"


def test_a_bad_token_is_a_401_and_a_missing_scope_a_200(box: Sandbox, hub: Hub) -> None:
    bad = hub.http.get(f"{BASE}/getmailinglists", headers={"authorization": "Zoho-oauthtoken x"})
    assert (bad.status_code, bad.json()["code"]) == (401, "INVALID_OAUTHTOKEN")
    form = {"client_id": box.client_id, "client_secret": box.client_secret, "grant_type": "refresh_token"}
    refresh = box.grant("ZohoMarketingAutomation.lead.READ").refresh_token
    token = hub.http.post("/oauth/v2/token", data={**form, "refresh_token": refresh}).json()["access_token"]
    hub.http.headers["authorization"] = f"Bearer {token}"
    assert hub.subscribe("a@new.example.com")["Code"] == "INVALID_OAUTHSCOPE"
    assert hub.get("leadscount", listkey=hub.keys[TARGET])["status"] == "success"


def test_bulk_takes_ten_bare_addresses(box: Sandbox, hub: Hub) -> None:
    emails = [f"bulk{n}@new.example.com" for n in range(8)] + [
        "info@example.com",
        next(iter(box.registry().do_not_mail)),
    ]
    answer = hub.post("addleadsinbulk", listkey=hub.keys[TARGET], emailids=",".join(emails))
    assert (answer["code"], answer["listname"], answer["url"]) == ("0", TARGET, "/api/v1/addleadsinbulk")
    held = {lead.email for lead in box.leads(TARGET)}
    assert [email in held for email in emails] == [True] * 8 + [False] * 2
    too_many = ",".join(f"more{n}@new.example.com" for n in range(11))
    assert hub.post("addleadsinbulk", listkey=hub.keys[TARGET], emailids=too_many)["code"] == "2007"
    assert hub.post("addleadsinbulk", listkey=hub.keys[TARGET])["code"] == "903"


def test_a_list_is_made_renamed_and_deleted(box: Sandbox, hub: Hub) -> None:
    new = {"listname": "Fresh", "signupform": "private", "mode": "newlist", "emailids": "only@fresh.example.com"}
    made = hub.post("addlistandleads", **new)
    assert made["listname"] == "Fresh"
    assert box.lists()["Fresh"] == made["listkey"]
    assert hub.post("addlistandleads", **new)["code"] == "2205"
    assert hub.post("addlistandleads", listname="Other", emailids="a@example.com")["code"] == "903"
    key = made["listkey"]
    assert hub.post("updatelistdetails", listkey=key, newlistname="Stale", signupform="public")["code"] == "0"
    names = {each["listname"]: each["is_public"] for each in hub.get("getmailinglists")["list_of_details"]}
    assert names["Stale"] == "true"
    assert "Fresh" not in names
    assert hub.get("deletemailinglist", listkey=key, deleteleads="on")["code"] == "0"
    assert hub.post("addleadsinbulk", listkey=key, emailids="a@new.example.com")["code"] == "2206"
    assert hub.get("getleads", listkey=key)["code"] == "2203"
    assert hub.get("leadscount", listkey=key)["code"] == "2202"


def test_an_account_without_lists_says_so(hub: Hub) -> None:
    for key in hub.keys.values():
        hub.post("deletemailinglist", listkey=key)
    assert hub.get("getmailinglists")["code"] == "2401"


def test_the_lists_are_described_and_paged(hub: Hub) -> None:
    for answer in (
        hub.get("getmailinglists", resfmt="JSON"),
        hub.post("getmailinglists"),
        hub.get("getmailinglists.json"),
    ):
        assert [each["listname"] for each in answer["list_of_details"]] == [TARGET, NEWSLETTER, "Partners"]
    first = hub.get("getmailinglists")["list_of_details"][0]
    assert first["listkey"] == hub.keys[TARGET]
    assert first["is_public"] == "false"
    assert first["created_date"].isdigit()
    counted = hub.get("leadscount", listkey=hub.keys[TARGET], status="active")["no_of_leads"]
    assert first["noofcontacts"] == str(counted)
    assert len(hub.get("getmailinglists", fromindex=2, range=1)["list_of_details"]) == 1
    assert hub.get("getmailinglists", sort="desc")["list_of_details"][0]["listname"] == "Partners"


def test_unsubscribing_tells_the_person_and_shows_in_the_list(box: Sandbox, hub: Hub) -> None:
    hub.subscribe("ann@new.example.com")
    info = json.dumps({"Lead Email": "ann@new.example.com"})
    for _ in range(2):
        assert hub.post("json/listunsubscribe", listkey=hub.keys[TARGET], leadinfo=info)["code"] == "0"
    assert [mail.kind for mail in box.outbox()] == ["goodbye"]
    assert "ann@new.example.com" in str(hub.leads(status="unsub", range=100))
    assert "ann@new.example.com" not in str(hub.leads(status="active", range=100))
    stranger = json.dumps({"Lead Email": "stranger@new.example.com"})
    assert hub.post("json/listunsubscribe", listkey=hub.keys[TARGET], leadinfo=stranger)["code"] == "2103"


@pytest.mark.parametrize(("policy", "status"), [("active", "active"), ("keep", "unsub")])
def test_undoing_an_opt_out_is_noted(box: Sandbox, hub: Hub, policy: str, status: str) -> None:
    box.settings(resubscribe=policy)
    hub.subscribe("ann@new.example.com")
    box.change_lead("unsubscribe", "ann@new.example.com")
    hub.subscribe("ann@new.example.com")
    lead = box.lead(TARGET, "ann@new.example.com")
    assert lead is not None
    assert lead.status == status
    assert len(box.outbox("resubscribed")) == (policy == "active")


def test_do_not_mail_holds_for_the_account_and_answers_0_twice(hub: Hub) -> None:
    info = json.dumps({"Lead Email": "ann@new.example.com"})
    hub.subscribe("ann@new.example.com")
    first, second = (hub.post("json/leaddonotmail", leadinfo=info) for _ in range(2))
    assert first["code"] == second["code"] == "0"
    assert first["message"] != second["message"]
    assert hub.subscribe("Ann@New.example.com")["code"] == "2006"
    assert hub.post("json/leaddonotmail", leadinfo='{"Lead Email":"nonsense"}')["code"] == "2004"


def test_leads_are_read_in_pages_from_1_with_six_keys(hub: Hub) -> None:
    total = hub.get("leadscount", listkey=hub.keys[TARGET], status="active")["no_of_leads"]
    seen: list[dict[str, str]] = []
    while len(page := hub.leads(status="active", fromindex=len(seen) + 1, range=7)) == 7:
        seen += page
    seen += page
    assert len(seen) == total == len({each["lead_email"] for each in seen})
    assert {frozenset(each) for each in seen} == {
        frozenset({"phone", "zuid", "lead_email", "lastname", "firstname", "companyname"})
    }
    assert len(hub.leads(status="active")) == 20  # the default range
    backwards = hub.leads(status="active", sort="desc", range=100)
    assert [each["lead_email"] for each in backwards] == [each["lead_email"] for each in reversed(seen)]
    assert hub.get("getleads", listkey=hub.keys[TARGET], fromindex=0)["code"] == "2007"


def test_the_end_of_paging_is_a_short_page_or_code_2502(box: Sandbox, hub: Hub) -> None:
    past = {"listkey": hub.keys[TARGET], "fromindex": "9999"}
    assert hub.get("getleads", **past)["list_of_details"] == []
    box.settings(last_page="2502")
    assert hub.get("getleads", **past)["code"] == "2502"


def test_a_range_above_the_maximum_is_cut_silently(box: Sandbox, hub: Hub) -> None:
    box.settings(max_range=10)
    assert len(hub.leads(range=500)) == 10


def test_recent_means_the_last_days_newest_first(box: Sandbox, hub: Hub) -> None:
    before = hub.leads(status="recent", range=100)
    for n in range(3):
        hub.subscribe(f"r{n}@new.example.com")
        box.clock.advance(60)
    newest = [each["lead_email"] for each in hub.leads(status="recent", range=100)][:3]
    assert newest == [f"r{n}@new.example.com" for n in (2, 1, 0)]
    assert len(hub.leads(status="recent", range=100)) == len(before) + 3
    box.clock.advance(8 * 86_400)
    hub.http.headers["authorization"] = f"Bearer {box.access_token()}"
    assert hub.leads(status="recent", range=100) == []
    assert hub.leads(status="mostrecent", range=100) == []


def test_counts_add_statuses(box: Sandbox, hub: Hub) -> None:
    held = [lead.status for lead in box.leads(TARGET)]
    count = hub.get("leadscount", listkey=hub.keys[TARGET], status="active|unsub|bounce|spam")["no_of_leads"]
    assert count == len(held)
    assert held.count("bounce") > 0
    assert held.count("unsub") > 0
    assert hub.get("leadscount", listkey=hub.keys[TARGET], status="bounce")["no_of_leads"] == held.count("bounce")


def test_fields_come_in_the_documented_and_in_the_observed_shape(box: Sandbox, hub: Hub) -> None:
    documented = hub.get("lead/allfields", type="json")["response"]["fieldname"]
    assert {"DISPLAY_NAME", "FIELD_NAME", "no", "FIELD_ID"} == set(documented[0])
    box.settings(fields_shape="observed")
    observed = hub.get("lead/allfields", type="json")["response"]["fieldnames"]["fieldname"]
    labels = {each["DISPLAY_NAME"]: each["TYPE"] for each in observed}
    assert labels["Lead Email"] == "standard"
    assert labels["Full Name"] == labels["Channel"] == "custom"
    assert [each["FIELD_NAME"] for each in observed] == [each["FIELD_NAME"] for each in documented]
    assert hub.get("lead/allfields")["code"] == "903"


def test_a_single_field_comes_without_its_array(box: Sandbox, hub: Hub) -> None:
    box.settings(single_field=True)
    assert hub.get("lead/allfields", type="json")["response"]["fieldname"]["FIELD_NAME"] == "lead_email"


def test_a_custom_field_is_made_once_and_then_kept(box: Sandbox, hub: Hub) -> None:
    field = {"type": "json", "fieldname": "Shoe size", "fieldtype": "Integer", "fieldlength": "3"}
    hub.subscribe("ann@new.example.com", Shoe_size="38")
    made = hub.post("custom/add", **field)["response"]
    assert (made["code"], made["fieldname"], made["fieldlength"]) == ("200", "Shoe size", "3")
    assert hub.post("custom/add", **field)["code"] == "916"
    assert hub.post("custom/add", **{**field, "fieldname": "X", "fieldtype": "Shoe"})["code"] == "2007"
    assert hub.post("custom/add", type="json", fieldname="X")["code"] == "903"
    hub.subscribe("bob@new.example.com", Shoe_size="44")
    ann, bob = (box.lead(TARGET, f"{name}@new.example.com") for name in ("ann", "bob"))
    assert ann is not None
    assert bob is not None
    assert (ann.fields, bob.fields) == ({}, {"Shoe size": "44"})


def test_tags_are_made_and_given_to_active_leads(hub: Hub) -> None:
    hub.subscribe("ann@new.example.com")
    assert "TagInfoId" in hub.post("tag/add", tagName="warm", color="#00FF00")
    assert [hub.post("tag/add", tagName="warm")[key] for key in ("code", "status")] == ["6614", "failure"]
    assert hub.post("tag/add", tagName="cold", color="blue")["code"] == "6616"
    assert hub.post("tag/associate", tagName="warm", lead_email="ann@new.example.com")["code"] == "0"
    assert hub.post("tag/associate", tagName="none", lead_email="ann@new.example.com")["code"] == "6613"
    assert hub.post("tag/associate", tagName="warm", lead_email="bob@new.example.com")["code"] == "993"


@pytest.mark.parametrize("code", ["980", "2302"])
def test_the_plan_limits_new_leads_and_not_updates(box: Sandbox, hub: Hub, code: str) -> None:
    hub.subscribe("ann@new.example.com")
    box.settings(lead_limit=1, limit_code=code)
    assert hub.subscribe("bob@new.example.com")["code"] == code
    assert hub.subscribe("ann@new.example.com", First_Name="Ann")["code"] == "0"


def test_the_call_after_the_limit_locks_that_endpoint_for_half_an_hour(box: Sandbox, hub: Hub) -> None:
    box.settings(lead_calls=500)
    for n in range(500):
        assert hub.subscribe(f"n{n % 5}@new.example.com")["code"] == "0"
    assert hub.subscribe("late@new.example.com")["code"] == "2008"
    assert hub.get("getmailinglists")["code"] == "0"  # other endpoints go on
    box.clock.advance(1790)
    assert hub.subscribe("late@new.example.com")["code"] == "2008"
    box.clock.advance(20)
    assert hub.subscribe("late@new.example.com")["code"] == "0"


def test_the_window_slides(box: Sandbox, hub: Hub) -> None:
    box.settings(lead_calls=10)
    for _ in range(5):
        hub.get("getmailinglists")
    box.clock.advance(200)
    for _ in range(5):
        hub.get("getmailinglists")
    box.clock.advance(101)
    assert [hub.get("getmailinglists")["code"] for _ in range(6)] == ["0"] * 5 + ["2008"]


def test_field_calls_have_a_limit_of_their_own(box: Sandbox, hub: Hub) -> None:
    box.settings(field_calls=2)
    assert ["code" in hub.get("lead/allfields", type="json") for _ in range(3)] == [False, False, True]
    assert hub.get("getmailinglists")["code"] == "0"


@pytest.mark.parametrize(("look", "status"), [("2008", 200), ("429", 429), ("html", 400)])
def test_what_a_locked_endpoint_says_is_a_choice(box: Sandbox, hub: Hub, look: str, status: int) -> None:
    box.settings(lead_calls=0, locked_answer=look, retry_after=1800)
    answer = hub.http.get(f"{BASE}/getmailinglists")
    assert answer.status_code == status
    assert answer.headers["retry-after"] == "1800"
    assert answer.headers["content-type"].startswith("text/html" if look == "html" else "application/json")
    box.reset_limits()
    box.settings(lead_calls=10)
    assert hub.get("getmailinglists")["code"] == "0"


def test_a_field_is_relabelled_shortened_and_made_a_picklist(box: Sandbox, http: httpx.Client) -> None:
    def code(**info: str) -> str:
        leadinfo = json.dumps({"Lead Email": "ann@example.com", **info})
        form = {"listkey": box.lists()["Webinar leads"], "leadinfo": leadinfo, "resfmt": "JSON"}
        return str(http.post("/api/v1/json/listsubscribe", data=form).json()["code"])

    box.change_field("Company", length=7)
    assert [code(Company="Initech"), code(Company="Initrode")] == ["0", "2007"]
    box.change_field("Channel", choices=["Fair", "Webinar"])
    assert [code(Channel="Fair"), code(Channel=""), code(Channel="Radio")] == ["0", "0", "2007"]
    box.change_field("Country", to="Land")
    assert code(Country="India", Land="Japan") == "0"
    lead = box.lead("Webinar leads", "ann@example.com")
    assert lead is not None
    assert (lead.fields.get("Country"), lead.fields["Land"]) == (None, "Japan")
    with pytest.raises(ControlError, match="no field 'Country'"):
        box.change_field("Country", length=1)
