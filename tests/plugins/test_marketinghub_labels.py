"""Mapped names meet the labels of an account."""

from __future__ import annotations

from syncline_marketinghub.fields import LeadField, labels

FIELDS = [
    LeadField("Company Name", "companyname"),
    LeadField("First Name", "firstname"),
    LeadField("Channel", "channel"),
]


def test_a_standard_field_is_known_by_its_documented_name_whatever_its_label() -> None:
    assert labels(FIELDS, ["Company", "First Name"]) == ({"Company": "Company Name", "First Name": "First Name"}, [])


def test_a_custom_field_has_no_second_name() -> None:
    assert labels(FIELDS, ["Kanal"]) == ({}, ["Kanal"])
