"""The fields of the account, `syncline check`, and what the sink says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl
import pytest
from marketinghub_account import LIST, MAPPED, Account, leads
from syncline import Fatal
from syncline_marketinghub.api import Reply
from syncline_marketinghub.config import MarketingHubConfig, duration
from syncline_marketinghub.fields import STANDARD, labels, read_fields
from syncline_marketinghub.lists import MailingList, choices
from syncline_marketinghub.sink import MarketingHub
from syncline_zoho import Budget
from syncline_zoho_sandbox import Sandbox

pytest_plugins = ("marketinghub_account",)

Make = Callable[..., MarketingHub]
ANN = "ann@example.com"


@pytest.mark.parametrize("shape", ["documented", "observed"])
def test_fields_are_read_in_both_shapes(sink: Make, box: Sandbox, shape: str) -> None:
    box.settings(fields_shape=shape)
    fields = sink().fields()
    assert {each.name for each in fields} >= {*STANDARD, "Channel"}
    assert [each.name for each in fields if each.required] == ["Lead Email"]


def test_the_lists_of_the_account_are_offered_with_what_they_are(account: Account) -> None:
    found = MarketingHub.choices("list", {}, account.connection())
    assert found is not None
    assert [each.value for each in found] == ["Newsletter", "Partners", "Webinar leads"]
    details = {each.value: each.detail for each in found}
    assert details["Newsletter"].endswith("leads, public: each new lead is mailed and has to confirm")
    assert details["Webinar leads"].endswith("leads, private")
    assert MarketingHub.choices("on_delete", {}, account.connection()) is None


def test_an_account_without_lists_offers_none(account: Account, box: Sandbox) -> None:
    connection = account.connection()
    for listkey in box.lists().values():
        form = {"listkey": listkey, "deleteleads": "off", "resfmt": "JSON"}
        connection.client("marketinghub").send("POST", "/api/v1/deletemailinglist", form=form)
    assert MarketingHub.choices("list", {}, connection) == []


def test_lists_of_one_name_are_offered_by_their_keys() -> None:
    twins = [
        MailingList("1a", "Leads", False, {}),
        MailingList("2b", "Leads", True, {}),
        MailingList("3c", "", False, {}),
    ]
    assert [(each.value, each.label) for each in choices(twins)] == [("3c", ""), ("1a", "Leads"), ("2b", "Leads")]


@pytest.mark.parametrize(
    "body",
    [
        {"fieldname": {"DISPLAY_NAME": "lead Email", "FIELD_NAME": "lead_email"}},
        {"fieldnames": {"fieldname": {"DISPLAY_NAME": "lead Email", "FIELD_NAME": "lead_email", "UITYPE": "email"}}},
        {"fieldnames": [{"DISPLAY_NAME": "lead Email"}]},
    ],
)
def test_one_field_may_come_without_its_array(body: dict[str, Any]) -> None:
    class One:
        def read(self, endpoint: str, params: object) -> Reply:
            return Reply("0", body)

    assert [each.label for each in read_fields(One())] == ["lead Email"]  # type: ignore[arg-type]  # only `read`


def test_an_unknown_field_ends_the_run_and_names_the_nearest(sink: Make) -> None:
    made = sink([*MAPPED, "Compny"])
    with pytest.raises(Fatal) as caught:
        made.provide([*MAPPED, "Compny"])
    assert "no field 'Compny'" in str(caught.value)
    assert "did you mean 'Company'?" in str(caught.value)
    assert "create_fields: true" in str(caught.value)


def test_missing_fields_are_created_where_the_spec_allows_it(account: Account, box: Sandbox) -> None:
    made = account.sink(create_fields=True)
    made.provide([*MAPPED, "Shoe Size"])
    made.reserve(1)
    made.deliver(leads(ANN, **{"Shoe Size": "42"}))
    lead = box.lead(LIST, ANN)
    assert lead is not None
    assert lead.fields["Shoe Size"] == "42"
    account.calls()
    made.provide([*MAPPED, "Shoe Size"])
    assert account.calls() == {"allfields": 1}


def test_a_field_that_another_process_created_meanwhile_is_fine(sink: Make, box: Sandbox) -> None:
    box.faults.add("code", "marketinghub.custom_add", code="916")
    sink(create_fields=True).provide([*MAPPED, "Shoe Size"])
    assert box.calls().counts["marketinghub.custom_add"] == 1


def test_a_field_that_cannot_be_created_ends_the_run(sink: Make) -> None:
    with pytest.raises(Fatal, match="'Shoe_Size!' could not be created"):
        sink(create_fields=True).provide([*MAPPED, "Shoe_Size!"])


def test_letter_case_of_a_label_does_not_matter(sink: Make, box: Sandbox) -> None:
    made = sink(["Lead Email", "first name"])
    made.provide(["Lead Email", "first name"])
    made.reserve(1)
    made.deliver(leads(ANN, **{"first name": "Ann"}))
    lead = box.lead(LIST, ANN)
    assert lead is not None
    assert lead.fields == {"First Name": "Ann"}


def test_two_names_of_one_field_are_refused(sink: Make) -> None:
    with pytest.raises(Fatal, match="'First Name' and 'first name' are one field"):
        sink().provide([*MAPPED, "first name"])


def test_the_address_is_always_sent_by_its_documented_name() -> None:
    assert labels([], ["Lead Email"]) == ({"Lead Email": "Lead Email"}, [])


def test_a_mapping_of_the_address_alone_asks_for_no_fields(account: Account) -> None:
    account.sink(["Lead Email"]).provide(["Lead Email"])
    assert account.calls() == {}


# ------------------------------------------------------------------------------------------------------- check


def lines(sink: MarketingHub, mapped: list[str]) -> dict[str, tuple[bool, str, str]]:
    return {each.subject: (each.ok, each.found, each.mend) for each in sink.check(mapped)}


def test_check_finds_everything_in_order_and_writes_nothing(sink: Make, box: Sandbox) -> None:
    before = box.leads(LIST)
    found = lines(sink(on_delete="unsubscribe"), MAPPED)
    assert list(found) == ["list", "leads", "scope CREATE", "scope UPDATE", "fields", "call budget"]
    assert all(ok for ok, _, _ in found.values())
    assert "private" in found["list"][1]
    assert (box.leads(LIST), box.outbox()) == (before, ())


def test_check_names_what_is_wrong_and_the_mend(account: Account, box: Sandbox) -> None:
    token = box.grant("ZohoMarketingAutomation.lead.READ").refresh_token
    sink = account.sink(list="Webinar lead", connection=account.connection(refresh_token=token))
    found = lines(sink, [*MAPPED, "Compny"])
    assert found["list"][0] is False
    assert "did you mean 'Webinar leads'?" in found["list"][2]
    assert found["scope CREATE"][0] is False
    assert "refresh token" in found["scope CREATE"][2]
    assert found["field 'Compny'"][0] is False
    assert found["call budget"][0] is True


def test_check_says_when_the_connection_may_not_use_the_list(sink: Make, box: Sandbox) -> None:
    box.faults.add("code", "marketinghub.getleads", code="2701")
    ok, found, mend = lines(sink(), MAPPED)["leads"]
    assert (ok, "2701" in found, "grant access" in mend) == (False, True, True)


def test_check_says_which_fields_will_be_created(sink: Make) -> None:
    assert lines(sink(create_fields=True), [*MAPPED, "Compny"])["field 'Compny'"][:2] == (
        True,
        "will be created before the first lead is sent",
    )


# ------------------------------------------------------------------------------------------------------ itself


def test_prepare_and_all_that_validate_needs_use_no_network() -> None:
    sink = MarketingHub(MarketingHubConfig(list="x", topics=("1",), source="Web", create_fields=True))
    sink.prepare(["Lead Email"])
    frame = pl.DataFrame({"Lead Email": [ANN]})
    assert sink.encode(frame, ["Lead Email"]).equals(frame)
    assert (sink.calls, sink.updates(), MarketingHub.known_fields(sink.config)) == (0, True, None)
    assert sink.describe()["topics"] == "1"


def test_what_needs_a_connection_says_so() -> None:
    with pytest.raises(Fatal, match="needs a connection"):
        _ = MarketingHub(MarketingHubConfig(list="x")).target


def test_traits_differ_exactly_when_a_delivery_would() -> None:
    configs: list[dict[str, Any]] = [
        {"list": "a"},
        {"list": "b"},
        {"list": "a", "topics": ["1"]},
        {"list": "a", "topics": ["1", "2"]},
        {"list": "a", "source": "Web"},
    ]
    traits = [MarketingHub(msgspec.convert(each, MarketingHubConfig)).traits() for each in configs]
    same = MarketingHub(MarketingHubConfig(list="a", on_delete="unsubscribe")).traits()
    assert len(set(traits)) == len(configs)
    assert same == traits[0]


def test_the_schema_describes_every_option() -> None:
    schema = msgspec.json.schema(MarketingHubConfig)["$defs"]["MarketingHubConfig"]
    assert schema["required"] == ["list"]
    assert [name for name, each in schema["properties"].items() if not each.get("description")] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"list": ""},
        {"list": "x", "audience_refresh": "7 days"},
        {"list": "x", "topics": ["1,2"]},
        {"list": "x", "lst": 1},
    ],
)
def test_a_wrong_option_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, MarketingHubConfig)


def test_durations_are_read() -> None:
    assert [duration(each).total_seconds() for each in ("30m", "12h", "7d")] == [1800, 43200, 604800]


def test_a_limit_of_very_few_calls_is_kept_as_it_is(account: Account) -> None:
    connection = account.connection(budget=Budget(calls=3, window="5m"))
    assert account.sink(connection=connection)._api().limit("listsubscribe").calls == 3
