"""What a Creator account offers to choose from, and the form that a report is probably made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from creator_reports import zoho
from syncline import Choice, Fatal
from syncline_creator_source import Creator
from syncline_zoho import Zoho
from syncline_zoho_sandbox import Sandbox

EVENTS = {"owner": "zylker", "application": "events"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(leads=30, token_limit=10_000, in_process=True) as running:
        yield running


@pytest.fixture(scope="module")
def connection(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoho]:
    made = zoho(tmp_path_factory.mktemp("creator"), sandbox)
    yield made
    made.close()


def offered(connection: Zoho, key: str, **given: str) -> list[Choice]:
    found = Creator.choices(key, given, connection)
    assert found is not None
    return list(found)


def test_owners_applications_and_reports_are_those_that_the_user_may_see(connection: Zoho) -> None:
    assert [each.value for each in offered(connection, "owner")] == ["zylker"]
    applications = offered(connection, "application", owner="zylker")
    assert [(each.value, each.label, each.detail) for each in applications] == [
        ("events", "Events", "time zone Asia/Kolkata"),
        ("hr_portal", "HR portal", "time zone America/New_York"),
    ]
    reports = {each.value: each.label for each in offered(connection, "report", **EVENTS)}
    assert reports["all_signups"] == "All sign-ups"


@pytest.mark.parametrize(
    ("report", "form"), [("all_signups", "signup"), ("all_webinars", "webinar"), ("signups_without_times", "signup")]
)
def test_the_form_that_has_every_field_of_the_report_comes_first_and_is_proposed(
    connection: Zoho, report: str, form: str
) -> None:
    first, *others = offered(connection, "form", report=report, **EVENTS)
    assert (first.value, first.proposed) == (form, True)
    assert "fields of the report" in first.detail
    assert [each.value for each in others if each.proposed or each.detail] == []


def test_no_form_is_proposed_for_a_report_that_shows_no_record(connection: Zoho) -> None:
    found = offered(connection, "form", report="waiting_list", **EVENTS)
    assert {each.value for each in found} == {"webinar", "signup", "waiting", "showcase"}
    assert [each for each in found if each.proposed or each.detail] == []


def test_forms_are_offered_even_where_their_fields_or_the_records_may_not_be_read(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    narrow = sandbox.grant("ZohoCreator.dashboard.READ,ZohoCreator.meta.application.READ").refresh_token
    made = zoho(tmp_path, sandbox, refresh_token=narrow)
    found = offered(made, "form", report="all_signups", **EVENTS)
    assert "signup" in {each.value for each in found}
    assert not any(each.proposed for each in found)
    made.close()


def test_what_is_no_matter_of_choice_is_none(connection: Zoho) -> None:
    assert [Creator.choices(key, {}, connection) for key in ("criteria", "lookback", "environment")] == [None] * 3


@pytest.mark.parametrize(
    ("key", "given", "what"),
    [
        ("application", {"owner": "nobody"}, "no account owner"),
        ("report", {"owner": "zylker", "application": "payroll"}, "may not see this application"),
        ("report", {"owner": "zylker", "application": "gone"}, "no application of this link name"),
    ],
)
def test_a_refusal_says_what_and_why(connection: Zoho, key: str, given: dict[str, Any], what: str) -> None:
    with pytest.raises(Fatal, match=what):
        Creator.choices(key, given, connection)


def test_a_missing_scope_is_named_with_the_way_to_it(sandbox: Sandbox, tmp_path: Path) -> None:
    made = zoho(tmp_path, sandbox, refresh_token=sandbox.grant("ZohoCreator.report.READ").refresh_token)
    with pytest.raises(Fatal, match=r"lacks the scope ZohoCreator\.dashboard\.READ") as caught:
        Creator.choices("owner", {}, made)
    assert "make a new refresh token" in caught.value.mend or "delete" in caught.value.mend
    made.close()
