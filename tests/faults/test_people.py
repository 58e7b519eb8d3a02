"""Faults 20 and 21: a person whose address changes, and two rows of one person in one run."""

from __future__ import annotations

import pytest
from fault_place import LIST, Place, signup


def test_a_record_that_gets_another_address_makes_one_new_contact_and_touches_the_old_one_no_more(place: Place) -> None:
    """MarketingHub knows people by their address alone and cannot change it (docs/explanation/the-audience.md)."""
    (record,) = place.sign_up("ann")
    place.run()
    place.box.update_records({"ID": record, "Email": "anna@example.com", "Company": "Initrode"})
    for _ in range(3):
        run = place.run()
    assert (run["counts"]["total"], run["duplicate"]["unchanged"]) == (1, 1)
    assert place.held() == {"ann@example.com": "active", "anna@example.com": "active"}
    companies = {lead.email: lead.fields["Company"] for lead in place.box.leads(LIST) if lead.email in place.held()}
    assert companies == {"ann@example.com": "Initech", "anna@example.com": "Initrode"}
    assert place.writes() == 2


def test_another_spelling_of_the_address_is_the_same_contact(place: Place) -> None:
    (record,) = place.sign_up("ann")
    place.run()
    place.box.update_records({"ID": record, "Email": " ANN@Example.com", "Company": "Initrode"})
    assert place.run()["duplicate"]["updated"] == 1
    assert place.held() == {"ann@example.com": "active"}


@pytest.mark.parametrize("keep", ["first", "last"])
def test_of_two_rows_of_one_person_one_is_sent_and_always_the_same(place: Place, keep: str) -> None:
    place.write(ignore=["defaults", {"file_duplicate": {"keep": keep}}])
    rows = [signup("ann", Company=f"Company {n}", Email=email) for n, email in enumerate(
        ("ann@example.com", "Ann@Example.com", " ann@EXAMPLE.com "))]  # fmt: skip
    place.box.insert_records(*rows, signup("bob"))
    run = place.run()
    assert (run["counts"]["new"], run["ignored"]["file_duplicate"], place.writes()) == (2, 2, 2)
    lead = place.box.lead(LIST, "ann@example.com")
    assert lead is not None
    assert lead.fields["Company"] == ("Company 0" if keep == "first" else "Company 2")
    assert place.run()["duplicate"] == {"updated": 0, "unchanged": 2}


def test_without_the_rule_still_one_call_goes_out_for_one_person(place: Place) -> None:
    place.write(ignore=["empty_email"], mapping={"Lead Email": "Email", "Company": "Company"})
    place.box.insert_records(*(signup("ann", Company=f"Company {n}") for n in range(3)))
    run = place.run()
    assert (run["counts"]["new"], run["counts"]["duplicate"], place.writes()) == (1, 2, 1)
