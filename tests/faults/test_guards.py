"""Faults 9 and 10: what a guard holds waits, is approved by its own set, and is carried out once."""

from __future__ import annotations

from typing import Any

import pytest
from fault_place import Place, person

MANY = 30
CROWD = [person(f"p{n:02}", n) for n in range(MANY)]
DELETE = {"on_delete": "unsubscribe"}


def shelf(place: Place, *, guards: Any = None, **keys: Any) -> None:
    """The table fills the shelf, and whoever leaves the one leaves the other."""
    place.write(
        source={"type": "table", "file": str(place.folder / "table.json")},
        sink={"type": "shelf", "file": str(place.folder / "shelf.json")} | DELETE,
        guards=guards,
        **({"mapping": {"Email": "Email", "Name": "Name", "Mood": "Mood"}} | keys),
    )


def there(place: Place) -> set[str]:
    """Who is active on the shelf."""
    people = place.people()
    return {key.partition("@")[0] for key, person in people.items() if person["status"] == "active"}


@pytest.fixture
def crowd(place: Place) -> Place:
    """A shelf that many stand on."""
    shelf(place)
    place.records(*CROWD)
    assert place.run()["counts"]["new"] == MANY
    return place


def held(place: Place) -> dict[str, Any]:
    """A run that finds most records gone, and one more."""
    place.records(*CROWD[:5], person("new", 99))
    run = place.run(code=6)
    assert (run["status"], run["counts"]["new"], run["counts"]["deleted"]) == ("held", 1, 0)
    return run


def test_a_mass_removal_waits_while_additions_flow_and_is_carried_out_once_it_is_approved(crowd: Place) -> None:
    run = held(crowd)
    assert there(crowd) == {f"p{n:02}" for n in range(MANY)} | {"new"}
    waits = {"leads": 25, "of": 30, "limit": {"leads": 20, "percent": 20.0}, "approved": 0, "waiting": 25}
    assert (run["held"]["removals"], run["held"]["changes"], run["held"]["state"]) == (waits, None, "waiting")
    assert f"syncline approve {run['run']}" in run["message"]
    shown = crowd.document("approve", "last", "--dry-run")
    assert {each["email"] for each in shown["leads"]} == {f"p{n:02}@example.com" for n in range(5, MANY)}
    assert crowd.run(code=6)["held"]["plan"] == run["held"]["plan"]
    assert crowd.document("approve", run["run"], "--yes")["held"]["state"] == "approved"
    assert crowd.document("approve", run["run"], "--yes")["held"]["state"] == "approved"
    done = crowd.run()
    assert (done["status"], done["counts"]["deleted"]) == ("succeeded", 25)
    assert there(crowd) == {"p00", "p01", "p02", "p03", "p04", "new"}
    refused = crowd.document("approve", run["run"], "--yes", code=5)
    assert (refused["status"], refused["state"], done["run"] in refused["reason"]) == ("refused", "used", True)


def test_an_approval_covers_only_those_who_stood_in_the_plan_and_still_do(crowd: Place) -> None:
    run = held(crowd)
    crowd.syncline("approve", run["run"], "--yes")
    crowd.records(*CROWD[:4], CROWD[5], person("new", 99))  # p04 left as well, p05 came back
    second = crowd.run(code=6)
    assert (second["counts"]["deleted"], second["held"]["removals"]["waiting"]) == (24, 1)
    assert there(crowd) == {"p00", "p01", "p02", "p03", "p04", "p05", "new"}
    third = crowd.run()  # one alone is within the guard
    assert (third["status"], third["counts"]["deleted"]) == ("succeeded", 1)
    crowd.syncline("approve", second["run"], "--yes", code=5)


def test_an_approval_lasts_for_one_plan_and_not_for_the_next(crowd: Place) -> None:
    crowd.syncline("approve", held(crowd)["run"], "--yes")
    crowd.run()
    crowd.records(*CROWD)
    crowd.put(**{f"p{n:02}": "gone" for n in range(5, MANY)})
    assert crowd.run()["counts"]["re_added"] == 25
    crowd.records(*CROWD[:5])
    assert crowd.run(code=6)["counts"]["deleted"] == 0


def test_a_plan_is_void_once_a_run_ended_well_without_it(crowd: Place) -> None:
    run = held(crowd)
    crowd.syncline("approve", run["run"], "--yes")
    crowd.records(*CROWD, person("new", 99))
    assert crowd.run()["status"] == "succeeded"
    assert crowd.document("approve", run["run"], "--yes", code=5)["state"] == "void"
    crowd.records(*CROWD[:5], person("new", 99))
    assert crowd.run(code=6)["counts"]["deleted"] == 0


def test_an_approved_removal_that_fails_stays_approved(crowd: Place) -> None:
    run = held(crowd)
    crowd.syncline("approve", run["run"], "--yes")
    state = crowd.shelf_state()
    crowd.store_shelf(state | {"closed": True})
    assert crowd.run(code=1)["status"] == "failed"
    crowd.store_shelf(state)
    assert crowd.run()["counts"]["deleted"] == 25


@pytest.mark.parametrize("few", [True, False])
def test_an_empty_read_removes_nobody_be_they_ever_so_few_and_cannot_be_approved(place: Place, *, few: bool) -> None:
    shelf(place, guards={"removals": "off"})
    place.records(*CROWD[: 2 if few else MANY])
    place.run()
    place.records()
    run = place.run(code=6)
    assert (run["counts"]["deleted"], run["held"]["state"]) == (0, "empty")
    assert "an empty read never removes anybody" in run["message"]
    assert "cannot be approved" in place.syncline("approve", "last", "--yes", code=5).err
    assert len(there(place)) == (2 if few else MANY)
    place.records(CROWD[0])
    assert place.run()["counts"]["deleted"] == (1 if few else MANY - 1)


@pytest.mark.parametrize(
    ("limits", "goes"),
    [({"leads": 25}, True), ({"leads": 24}, False), ({"percent": 84}, True), ({"percent": 83}, False),
     ({"leads": 1, "percent": 84}, True), ("off", True)],
)  # fmt: skip
def test_limits_are_the_specs_own(place: Place, limits: Any, *, goes: bool) -> None:
    shelf(place, guards={"removals": limits})
    place.records(*CROWD)
    place.run()
    place.records(*CROWD[:5])
    preview = place.document("preview", place.spec.name)["guards"]["removals"]
    assert (preview["leads"], preview["of"], preview["waiting"]) == (25, 30, 0 if goes else 25)
    assert place.run(code=0 if goes else 6)["counts"]["deleted"] == (25 if goes else 0)


def test_limits_may_stand_in_defaults_yaml_and_faults_are_shown(place: Place) -> None:
    (place.folder / "defaults.yaml").write_text("guards: {removals: {leads: 0}}\n")
    shelf(place)
    place.records(*CROWD)
    place.run()
    place.records(*CROWD[1:])
    assert place.run(code=6)["held"]["removals"]["waiting"] == 1
    (place.folder / "defaults.yaml").write_text("guards: {removals: {lead: 0}}\n")
    assert "leads" in place.syncline("validate", place.spec.name, code=2).err


def test_preview_says_what_would_wait_before_anything_is_written(crowd: Place) -> None:
    crowd.records(*CROWD[:5], person("new", 99))
    said = crowd.syncline("preview", crowd.spec.name).out
    assert "25 of 30 leads, more than 20 leads and more than 20 %: the run would be held, 25 would wait" in said
    crowd.records()
    assert "never removes anybody" in crowd.syncline("preview", crowd.spec.name).out


def changed(place: Place) -> list[dict[str, Any]]:
    """Everybody has another name."""
    return [each | {"Name": f"{each['Name']} Lee"} for each in CROWD]


def test_a_mass_change_waits_before_the_first_write_and_goes_when_it_is_approved(place: Place) -> None:
    shelf(place, guards={"changes": {"percent": 50}})
    place.records(*CROWD)
    assert place.run()["counts"]["new"] == MANY
    place.records(*changed(place), person("new", 99))
    preview = place.document("preview", place.spec.name)
    assert (preview["guards"]["changes"]["waiting"], preview["to_send"]) == (MANY, 1)
    run = place.run(code=6)
    assert (run["counts"]["new"], run["duplicate"]) == (1, {"updated": 0, "unchanged": 0, "held": MANY})
    assert {each["fields"]["Name"] for each in place.people().values() if each["fields"]["Email"][0] == "p"} == {
        each["Name"] for each in CROWD
    }
    place.syncline("approve", "last", "--yes")
    place.records(CROWD[0] | {"Name": "Other"}, *changed(place)[1:], person("new", 99))
    again = place.run(code=6)
    assert again["duplicate"] == {"updated": MANY - 1, "unchanged": 1, "held": 1}
    assert place.run()["duplicate"]["updated"] == 1


def test_removals_wait_as_long_as_changes_do(place: Place) -> None:
    shelf(place, guards={"changes": {"percent": 50}})
    place.records(*CROWD)
    place.run()
    place.records(*changed(place)[:-1])
    run = place.run(code=6)
    assert (run["counts"]["deleted"], run["held"]["removals"]["leads"]) == (0, 1)
    place.syncline("approve", "last", "--yes")
    assert place.run()["counts"]["deleted"] == 1


def test_what_is_not_held_cannot_be_approved_and_nobody_is_asked_without_a_terminal(crowd: Place) -> None:
    assert "holds nothing" in crowd.syncline("approve", "last", "--yes", code=2).err
    held(crowd)
    assert "--yes" in crowd.syncline("approve", "last", code=2).err
    crowd.syncline("approve", "nobody", "--yes", code=2)


def test_a_forgotten_person_leaves_the_plan(crowd: Place) -> None:
    held(crowd)
    crowd.syncline("forget", "p07@example.com", "--yes")
    assert "p07@example.com" not in {each["email"] for each in crowd.document("approve", "last", "--dry-run")["leads"]}
    crowd.syncline("approve", "last", "--yes")
    assert crowd.run()["counts"]["deleted"] == 24


def test_a_held_run_stands_in_status_history_and_show_with_the_way_on(crowd: Place) -> None:
    run = held(crowd)
    for words in (("status",), ("history", "sign-ups"), ("show", "sign-ups")):
        assert f"syncline approve {run['run']}" in " ".join(crowd.syncline(*words).out.split()), words
