"""Fault 22: a field of the sink is renamed, shortened, or a picklist loses a choice."""

from __future__ import annotations

from fault_place import LIST, Place, signup


def fields(place: Place, name: str) -> dict[str, str]:
    """What MarketingHub holds of a person."""
    lead = place.box.lead(LIST, f"{name}@example.com")
    assert lead is not None
    return dict(lead.fields)


def test_a_renamed_field_ends_the_run_before_anything_is_lost_in_silence(place: Place) -> None:
    place.write(mapping={"Lead Email": "Email", "Country": "Country"})
    place.sign_up("ann", Country="India")
    place.run()
    place.box.change_field("Country", to="Countries")
    place.sign_up("bob", Country="Japan")
    sent = place.writes()
    message = place.run(code=1)["message"]
    assert "'Country'" in message
    assert "Countries" in message
    assert place.writes() == sent
    place.write(mapping={"Lead Email": "Email", "Countries": "Country"})
    place.run()
    assert fields(place, "bob")["Countries"] == "Japan"


def test_a_standard_field_is_known_by_its_documented_name_whatever_it_is_called_there(place: Place) -> None:
    place.box.change_field("Company", to="Organisation")
    place.sign_up("ann")
    assert place.run()["counts"]["new"] == 1
    assert fields(place, "ann")["Organisation"] == "Initech"


def test_a_value_that_a_shortened_field_does_not_take_is_that_leads_refusal_alone(place: Place) -> None:
    place.box.change_field("Company", length=7)
    place.box.insert_records(signup("ann"), signup("bob", Company="Initrode International"))
    assert place.run(code=4)["rejected"] == {"2007": 1}
    assert set(place.held()) == {"ann@example.com"}
    place.box.change_field("Company", length=200)
    assert place.run("retry", "last")["counts"]["new"] == 1
    assert fields(place, "bob")["Company"] == "Initrode International"


def test_a_choice_that_a_picklist_lost_is_that_leads_refusal_and_arrives_once_it_is_back(place: Place) -> None:
    place.write(mapping={"Lead Email": "Email", "Channel": "Company"})
    place.box.insert_records(signup("ann", Company="Fair"), signup("bob", Company="Radio"))
    place.box.change_field("Channel", choices=["Fair"])
    assert place.run(code=4)["rejected"] == {"2007": 1}
    place.box.change_field("Channel", choices=["Fair", "Radio"])
    run = place.run()
    assert (run["counts"]["new"], run["duplicate"]["unchanged"]) == (1, 1)
    assert fields(place, "bob")["Channel"] == "Radio"
