"""What is proposed for a mapping: by meaning, by equal names, and never against the type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline import Field
from syncline.proposal import FAMILIES, MEANINGS, TAKES, fits, plain, propose

SINK = [
    Field("Lead Email", "lead_email", "email", required=True),
    Field("Title", "title"),
    Field("First Name", "firstname"),
    Field("Last Name", "lastname"),
    Field("Job Title", "job_title"),
    Field("Company", "companyname"),
    Field("Phone", "phone"),
    Field("Secondary Email", "secondary_email"),
    Field("Mobile", "mobile"),
    Field("Country", "country"),
    Field("Registered On", "registered_on", "Date"),
]


def proposed(*source: Field | str, sink: list[Field] | None = None, key: str = "Lead Email") -> dict[str, str]:
    fields = [Field(each) if isinstance(each, str) else each for each in source]
    return {each.target: each.source for each in propose(fields, sink or SINK, key)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (["Email"], {"Lead Email": "Email"}),
        (["E-mail Address"], {"Lead Email": "E-mail Address"}),
        (["email_id"], {"Lead Email": "email_id"}),
        ([Field("Contact", type="email")], {"Lead Email": "Contact"}),
        ([Field("Single_Line7", label="E-Mail")], {"Lead Email": "Single_Line7"}),
        (["Your_Email_Please"], {"Lead Email": "Your_Email_Please"}),
        (["Alternate", Field("Backup", type="email"), "Email"], {"Lead Email": "Email"}),
        (["Name", "Name.first_name"], {"First Name": "Name.first_name"}),
        (["Name.last_name"], {"Last Name": "Name.last_name"}),
        (["First_Name", "Surname"], {"First Name": "First_Name", "Last Name": "Surname"}),
        (["Given Name", "Family Name"], {"First Name": "Given Name", "Last Name": "Family Name"}),
        (["Vorname", Field("x", label="Last name")], {"Last Name": "x"}),
        (["Phone", "Mobile"], {"Phone": "Phone", "Mobile": "Mobile"}),
        (["Mobile Number"], {"Mobile": "Mobile Number"}),
        (["Telephone"], {"Phone": "Telephone"}),
        (["Organisation", "Designation"], {"Company": "Organisation", "Job Title": "Designation"}),
        (["Secondary_Email"], {"Lead Email": "Secondary_Email"}),
        (["Email", "Secondary_Email"], {"Lead Email": "Email", "Secondary Email": "Secondary_Email"}),
        (["Country", "Address.country"], {"Country": "Country"}),
        (["Address.country"], {"Country": "Address.country"}),
        (["Registered_On"], {"Registered On": "Registered_On"}),
        (["Website.title", "ID", "Added_Time"], {}),
    ],
)  # fmt: skip
def test_fields_are_met_by_what_they_mean(source: list[Field | str], expected: dict[str, str]) -> None:
    assert proposed(*source) == expected


def test_a_mobile_number_is_better_than_no_phone_number_at_all() -> None:
    sink = [Field("Email"), Field("Phone")]
    assert proposed("Email", "Cell Phone", sink=sink, key="Email") == {"Email": "Email", "Phone": "Cell Phone"}
    assert proposed("Mobile", "Phone", sink=sink, key="Email") == {"Phone": "Phone"}


def test_the_whole_name_goes_where_the_sink_wants_it_whole() -> None:
    sink = [Field("email"), Field("Full Name")]
    source = [Field("Name", type="name"), "Name.first_name", "Name.last_name"]
    assert proposed(*source, sink=sink, key="email") == {"Full Name": "Name"}


@pytest.mark.parametrize(
    ("kind", "target"),
    [("boolean", "Lead Email"), ("date", "Lead Email"), ("list", "Phone"), ("boolean", "First Name")],
)
def test_a_type_that_does_not_fit_is_not_proposed(kind: str, target: str) -> None:
    sink = [Field("Lead Email", type="email"), Field("Phone", type="Phone"), Field("First Name")]
    assert proposed(Field(target, type=kind), sink=sink) == {}


@pytest.mark.parametrize(
    ("source", "sink", "good"),
    [
        ("datetime", "Date", True), ("list", "Date", False), ("text", "DateTime", True),
        ("number", "LongInteger", True), ("url", "Email", False), ("decimal", "Percent", True),
        ("boolean", "Checkbox", True), ("date", "Text", True),
        ("list", "Multiselect", True), ("an own type", "Email", True), ("text", "an own type", True),
    ],
)  # fmt: skip
def test_types_are_compared_whatever_each_side_calls_them(source: str, sink: str, good: bool) -> None:
    assert fits(source, sink) is good


def test_a_field_that_a_mapping_cannot_send_is_left_alone() -> None:
    sink = [Field("Lead Email"), Field("_hidden"), Field("#1")]
    assert proposed("Email", "_hidden", "#1", sink=sink) == {"Lead Email": "Email"}


names = st.sampled_from(sorted({each for names in MEANINGS.values() for each in names})) | st.text(max_size=8)
kinds = st.sampled_from([*TAKES, *FAMILIES, "name", "list"]) | st.text(max_size=5)
fields = st.lists(
    st.builds(Field, name=names.filter(bool), label=names, type=kinds), max_size=12, unique_by=lambda each: each.name
)


@given(fields, fields)
def test_each_field_is_proposed_once_in_the_sinks_order_and_fits(source: list[Field], sink: list[Field]) -> None:
    key = sink[0].name if sink else "Email"
    found = propose(source, sink, key)
    assert len({each.target for each in found}) == len({each.source for each in found}) == len(found)
    order = [each.name for each in sink]
    assert [each.target for each in found] == sorted((each.target for each in found), key=order.index)
    types = {each.name: each.type for each in source}, {each.name: each.type for each in sink}
    assert all(fits(types[0][each.source], types[1][each.target]) for each in found)
    assert found == propose(source, sink, key)


@given(st.text())
def test_a_plain_name_is_plain_already(name: str) -> None:
    once = plain(name)
    assert plain(once) == once or not once.isascii()


def test_every_meaning_is_spelt_plainly_and_no_spelling_has_two() -> None:
    every = [each for names in MEANINGS.values() for each in names]
    assert [each for each in every if plain(each) != each] == []
    assert len(every) == len(set(every))
