"""`check`, `fields`, `zone` and `describe` of a Creator report: every line with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from creator_reports import creator, zoho
from syncline import Check, PluginError
from syncline_zoho import Zoho
from syncline_zoho_sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(leads=300, token_limit=10_000) as running:
        yield running


@pytest.fixture(scope="module")
def connection(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoho]:
    made = zoho(tmp_path_factory.mktemp("creator"), sandbox)
    yield made
    made.close()


def lines(connection: Zoho, *needed: str, **config: Any) -> dict[str, Check]:
    return {line.subject: line for line in creator(connection, **config).check(needed)}


def test_a_report_that_is_well_has_only_good_lines(connection: Zoho) -> None:
    told = lines(connection, "Email", "Name.first_name", form="signup", criteria='Status == "Confirmed"')
    assert list(told) == ["application", "report", "form", "criteria", "fields", "time columns"]
    assert all(line.ok for line in told.values())
    assert told["application"].found == "events: dates as dd-MMM-yyyy, time zone Asia/Kolkata"


@pytest.mark.parametrize(
    ("config", "subject", "found"),
    [
        ({"owner": "nobody"}, "application", "no account owner"),
        ({"application": "event"}, "application", "did you mean events?"),
        ({"report": "all_signup"}, "report", "did you mean all_signups?"),
        ({"form": "sign"}, "form", "no form of this link name"),
        ({"criteria": "Nope == 1"}, "criteria", "3710"),
        ({"report": "signups_without_times"}, "time columns", "Added_Time and Modified_Time not shown"),
    ],
)
def test_what_is_wrong_is_found_with_its_mend(
    connection: Zoho, config: dict[str, str], subject: str, found: str
) -> None:
    line = lines(connection, "Email", **config)[subject]
    assert not line.ok
    assert found in line.found
    assert line.mend or subject == "criteria"


def test_fields_are_told_apart_into_hidden_misspelt_and_misnamed_parts(connection: Zoho) -> None:
    source = creator(connection, form="signup")
    needed = ["Email", "Internal_Note", "Compny", "Name.frist_name", "Address.latitude"]
    told = {line.found.split()[0]: line.mend for line in source.check(needed) if line.subject == "fields"}
    assert set(told) == {"Internal_Note", "Compny", "Name.frist_name"}
    assert "add Internal_Note as a column" in told["Internal_Note"]
    assert "did you mean Company?" in told["Compny"]
    assert "did you mean Name.first_name?" in told["Name.frist_name"]


def test_time_columns_are_needed_unless_everything_is_read(connection: Zoho) -> None:
    assert lines(connection, report="signups_without_times", lookback="unlimited")["time columns"].ok


def test_a_missing_scope_is_named_with_the_way_to_it(sandbox: Sandbox, tmp_path: Path) -> None:
    narrow = sandbox.grant("ZohoCreator.dashboard.READ,ZohoCreator.meta.application.READ").refresh_token
    made = zoho(tmp_path, sandbox, refresh_token=narrow)
    line = lines(made, "Email")["fields"]
    made.close()
    assert not line.ok
    assert "lacks the scope ZohoCreator.report.READ" in line.found
    assert "make a new refresh token" in line.mend


def test_fields_come_with_the_form_s_labels_types_and_choices(connection: Zoho) -> None:
    fields = {field.name: field for field in creator(connection, form="signup").fields() or ()}
    assert {"ID", "Email", "Name.first_name", "Address.country", "Added_Time"} <= set(fields)
    assert (fields["Email"].label, fields["Email"].type) == ("E-mail", "email")
    assert fields["Consent"].type == "boolean"
    assert fields["Added_Time"].type == "datetime"
    assert fields["Status"].choices == ("Confirmed", "Cancelled")
    assert "Internal_Note" not in fields
    assert "Name.first_name" in {field.name for field in creator(connection).fields() or ()}


def test_the_zone_is_the_application_s_and_show_names_the_report(connection: Zoho) -> None:
    source = creator(connection, criteria="A == 1")
    assert source.zone() == "Asia/Kolkata"
    assert source.calls == 1
    assert source.describe() == {
        "Creator report": "zylker/events/all_signups",
        "criteria": "A == 1",
        "lookback": "30d",
    }


def test_the_environment_travels_as_a_header_and_is_shown(connection: Zoho) -> None:
    source = creator(connection, environment="stage")
    assert source.describe()["environment"] == "stage"
    assert source.zone() == "Asia/Kolkata"


def test_a_source_without_a_connection_says_so() -> None:
    with pytest.raises(PluginError, match="needs a connection"):
        creator(None).zone()  # type: ignore[arg-type]  # what a spec without `connection:` would make
