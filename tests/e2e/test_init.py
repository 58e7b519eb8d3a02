"""`syncline init` as people and scripts meet it, on the embedded Zoho: by flags, and at a terminal."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from syncline.cli import main
from syncline_zoho_sandbox import Sandbox
from typist import Typist

LEADS = 60
CONNECTIONS = f"connections:\n  zoho: {{type: zoho_sandbox, leads: {LEADS}}}\n"
ENDS = ("--source", "creator", "--source", "application=events", "--source", "report=all_signups")
LIST = ("--sink", "list=Webinar leads")
SPEC = "all-signups.yaml"

Said = pytest.CaptureFixture[str]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A Zoho of this process, for tests that need a real account and no new server."""
    with Sandbox(leads=LEADS, in_process=True, token_limit=100_000) as running:
        yield running


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose sandbox is seeded once for all tests that only read it."""
    folder = tmp_path_factory.mktemp("state")
    with Sandbox(folder / ".syncline" / "sandbox", leads=LEADS):
        pass
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Path, box: Sandbox) -> Path:
    """A folder with the connection to a real account; the ledger, and with it the sandbox, is elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNCLINE_LEDGER", f"sqlite:///{state}/.syncline/ledger.db")
    monkeypatch.setenv("XDG_CACHE_HOME", str(state / "cache"))
    account(tmp_path, box, monkeypatch, box.refresh_token)
    return tmp_path


def account(folder: Path, box: Sandbox, monkeypatch: pytest.MonkeyPatch, refresh_token: str) -> None:
    """A connections.yaml of type zoho whose hosts are the sandbox, with this token."""
    hosts = "".join(f"      {name}: {url}\n" for name, url in box.hosts.items())
    keys = {"client_id": box.client_id, "client_secret": "${env:BOX_SECRET}", "refresh_token": "${env:BOX_TOKEN}"}
    lines = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    (folder / "connections.yaml").write_text(f"connections:\n  zoho:\n    type: zoho\n{lines}    hosts:\n{hosts}")
    monkeypatch.setenv("BOX_SECRET", box.client_secret)
    monkeypatch.setenv("BOX_TOKEN", refresh_token)


@pytest.fixture
def embedded(folder: Path) -> Path:
    """The folder, with the embedded sandbox in place of the account."""
    (folder / "connections.yaml").write_text(CONNECTIONS)
    return folder


@pytest.fixture
def init(folder: Path, capsys: Said) -> Run:
    """Run `init` where nobody can be asked: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["init", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


# ---------------------------------------------------------------------------------------------------- by flags


def test_a_few_flags_and_yes_make_a_spec_that_is_valid_and_can_be_previewed(
    init: Run, embedded: Path, capsys: Said
) -> None:
    folder = embedded
    code, out, err = init(*ENDS, *LIST, "--frequency", "daily", "--yes")
    assert code == 0, err
    assert out.startswith(f"{SPEC} is written and valid.\n")
    assert "  syncline preview all-signups.yaml\n" in out
    assert "As they would arrive" in err
    assert "Owner: zylker, the only one" in err
    assert files(folder) == [SPEC, "connections.yaml", "sync.schema.json"]
    spec = read(folder / SPEC)
    assert spec["source"] == {
        "type": "creator", "connection": "zoho", "owner": "zylker", "application": "events", "report": "all_signups",
        "form": "signup",
    }  # fmt: skip
    assert list(spec["mapping"].items())[:5] == [
        ("Lead Email", "Email"), ("First Name", "Name.first_name"), ("Last Name", "Name.last_name"),
        ("Company", "Company"), ("Phone", "Phone"),
    ]  # fmt: skip
    assert (spec["retrieve"], spec["schedule"]) == ("since_last_fetch", {"frequency": "daily", "time": "09:30"})
    assert "# in the zone of the source, Asia/Kolkata" in (folder / SPEC).read_text()
    assert main(["validate"]) == 0
    assert main(["preview", SPEC, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["counts"]["total"] == LEADS


def test_every_answer_can_be_a_flag_and_then_nothing_needs_to_be_taken(init: Run, folder: Path) -> None:
    code, out, err = init(
        *ENDS, "--source", "owner=zylker", "--source", "form=signup", "--source", "lookback=unlimited",
        "--source", 'criteria=Status == "Confirmed"', "--sink", "marketinghub", *LIST, "--sink", "on_duplicate=skip",
        "--connection", "zoho", "--name", "webinar", "--description", "Sign-ups: #1", "--map", "Title=",
        "--map", "Channel={value: Webinar}", "--map", "Job Title=Status", "--map", "_status=Status",
        "--retrieve", "all", "--frequency", "weekly", "--time", "07:05", "--on", "Monday, friday",
        "--timezone", "Europe/Berlin", "--json",
    )  # fmt: skip
    assert code == 0, out + err
    document = json.loads(out)
    assert (document["file"], document["sync"], document["warnings"]) == ("webinar.yaml", "webinar", [])
    assert document["text"] == (folder / "webinar.yaml").read_text(encoding="utf-8")
    assert document["next"][0] == "syncline check webinar.yaml"
    spec = document["spec"]
    assert spec["description"] == "Sign-ups: #1"
    assert spec["source"]["criteria"] == 'Status == "Confirmed"'
    assert spec["source"]["lookback"] == "unlimited"
    assert spec["mapping"]["Channel"] == {"value": "Webinar"}
    assert (spec["mapping"]["Job Title"], spec["mapping"]["_status"]) == ("Status", "Status")
    assert spec["sink"]["on_duplicate"] == "skip"
    assert spec["schedule"] == {
        "frequency": "weekly", "time": "07:05", "on": ["monday", "friday"], "timezone": "Europe/Berlin"
    }  # fmt: skip
    assert len(document["samples"]) == 5
    assert document["samples"][0]["lead"].keys() == {each for each in spec["mapping"] if not each.startswith("_")}
    assert document["read"] > sum(document["ignored"].values()) > 0
    assert document["first_run"].endswith("Z")


def test_leads_that_would_be_ignored_are_shown_with_their_reason(init: Run) -> None:
    code, out, _ = init(*ENDS, *LIST, "--yes", "--json", "--source", 'criteria=Email == ""', "--frequency", "by_hand")
    assert code == 0
    document = json.loads(out)
    assert document["ignored"].keys() == {"empty_email"}
    assert {each["ignored"] for each in document["samples"]} == {"empty_email"}
    assert "schedule" not in document["spec"]
    assert document["spec"]["retrieve"] == "all"


def test_a_dash_prints_the_spec_and_writes_nothing(init: Run, folder: Path) -> None:
    code, out, err = init(*ENDS, *LIST, "--yes", "--output", "-")
    assert code == 0, err
    assert out.startswith("# yaml-language-server: $schema=sync.schema.json\n")
    assert yaml.safe_load(out)["name"] == "all-signups"
    assert files(folder) == ["connections.yaml"]


def test_a_second_run_overwrites_only_when_it_is_told_to(init: Run, folder: Path) -> None:
    (folder / SPEC).write_text("mine: true\n")
    given = (*ENDS, *LIST, "--yes", "--name", "all-signups")
    code, _, err = init(*given)
    assert (code, "is there already" in err, "--force" in err) == (2, True, True)
    assert (folder / SPEC).read_text() == "mine: true\n"
    code, _, err = init(*given[:-2], "--output", SPEC)
    assert (code, "is there already" in err) == (1, True)
    assert init(*given, "--force")[0] == 0
    assert read(folder / SPEC)["name"] == "all-signups"
    code, out, _ = init(*given[:-2])
    assert (code, out.startswith("all-signups-2.yaml is written")) == (0, True)


def test_a_name_that_another_file_has_is_refused(init: Run, folder: Path) -> None:
    assert init(*ENDS, *LIST, "--yes", "--name", "webinar", "--output", "other.yaml")[0] == 0
    code, _, err = init(*ENDS, *LIST, "--yes", "--name", "webinar")
    assert (code, "other.yaml has the name 'webinar' already" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("--source application", "events, hr_portal")),
        (("--source", "application=events"), ("--source report", "all_signups")),
        (ENDS, ("--sink list", "Newsletter, Partners, Webinar leads")),
        ((*ENDS, *LIST), ("--name", "--yes takes what is proposed, all-signups")),
    ],
)
def test_an_answer_that_is_missing_is_named_by_its_flag(
    init: Run, folder: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    code, out, err = init(*arguments)
    assert (code, out) == (2, "")
    assert [each for each in words if each not in err] == []
    assert files(folder) == ["connections.yaml"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--source", "application=event"), "'event' is not there; did you mean 'events'?"),
        (("--source", "application=payroll"), "'payroll' is not there; there is 'events', 'hr_portal'"),
        (("--source", "creatr"), "'creatr' is not an installed source"),
        (("--source", "reprot=x"), "creator has no key 'reprot'; did you mean 'report'?"),
        (("--source", "a=1", "--source", "a=2"), "--source gives a twice"),
        (("--source", "report="), "--source takes KEY=VALUE"),
        (("--connection", "zho"), "'zho' is not there; did you mean 'zoho'?"),
        (("--connection", "type=zoho"), "connections.yaml is there already"),
        ((*ENDS, "--source", "form=sign"), "'sign' is not there; did you mean 'signup'?"),
        ((*ENDS, "--sink", "list=Webinar"), "'Webinar' is not there; did you mean 'Webinar leads'?"),
        ((*ENDS, *LIST, "--name", "All Sign-ups"), "small letters, digits and single hyphens"),
        ((*ENDS, *LIST, "--name", "connections"), "the name of another file"),
        (("--description", "\udcff"), "not valid Unicode"),
        (("--output", "spec.txt"), "cannot be a spec"),
        (("--output", "connections.yaml"), "cannot be a spec"),
        ((*ENDS, *LIST, "--map", "Lead Email=Emial"), "'Emial' is not a field of the source; did you mean 'Email'?"),
        ((*ENDS, *LIST, "--map", "Fone=Phone"), "'Fone' is not a field of the sink; did you mean 'Phone'?"),
        ((*ENDS, *LIST, "--map", "Phone"), "--map takes 'SINK FIELD=SOURCE FIELD'"),
        ((*ENDS, *LIST, "--map", "Phone={feld: x}"), "holds field, sql, value, template, default"),
        ((*ENDS, *LIST, "--map", "Lead Email="), "--map 'Lead Email=SOURCE FIELD' is needed"),
        ((*ENDS, *LIST, "--retrieve", "since"), "--retrieve is all, since_last_fetch, or after=MOMENT"),
        ((*ENDS, *LIST, "--retrieve", "after=yesterday"), "is no moment like"),
        ((*ENDS, *LIST, "--retrieve", "after=2020-01-01"), "the earliest valid moment is"),
        ((*ENDS, *LIST, "--time", "09:30"), "--time needs --frequency"),
        ((*ENDS, *LIST, "--frequency", "by_hand", "--day", "3"), "--day is for a schedule"),
        ((*ENDS, *LIST, "--frequency", "daily", "--time", "9:30"), "--time: must be a time of day"),
        ((*ENDS, *LIST, "--frequency", "daily", "--day", "3"), "--day: only for frequency monthly"),
        ((*ENDS, *LIST, "--frequency", "monthly", "--day", "40"), "--day: must be a day from 1 to 31, or last"),
        ((*ENDS, *LIST, "--frequency", "cron", "--cron", "x"), "--cron: must have five fields"),
        ((*ENDS, *LIST, "--frequency", "daily", "--timezone", "Kolkata"), "did you mean 'Asia/Kolkata'?"),
    ],
)
def test_an_answer_that_will_not_do_says_why_and_writes_nothing(
    init: Run, folder: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = init(*arguments, "--yes")
    assert (code, out) in ((2, ""), (3, "")), err
    assert words in err
    assert files(folder) == ["connections.yaml"]


def test_a_moment_is_taken_up_to_thirty_days_back(init: Run) -> None:
    moment = (datetime.now(UTC) - timedelta(days=29)).strftime("%Y-%m-%dT%H:%M:%S")
    code, out, err = init(*ENDS, *LIST, "--yes", "--retrieve", f"after={moment}", "--output", "-")
    assert code == 0, err
    assert yaml.safe_load(out)["retrieve"] == {"after": moment}


def test_an_empty_report_has_no_samples_and_is_set_up_all_the_same(init: Run) -> None:
    report = ("--source", "creator", "--source", "application=events", "--source", "report=waiting_list")
    code, out, err = init(*report, "--source", "form=waiting", *LIST, "--yes", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["spec"]["mapping"]["Lead Email"] == "Email"
    assert document["samples"] == []
    assert document["warnings"] == ["no samples can be shown: the source has no record for the first run"]


def test_the_fields_of_an_empty_report_without_a_form_are_taken_on_trust(init: Run) -> None:
    report = ("--source", "creator", "--source", "application=events", "--source", "report=waiting_list")
    code, _, err = init(*report, *LIST, "--yes")
    assert (code, "--map 'Lead Email=SOURCE FIELD' is needed" in err) == (2, True)
    code, out, err = init(*report, *LIST, "--map", "Lead Email=Email", "--yes", "--json")
    assert code == 0, err
    assert json.loads(out)["spec"]["mapping"] == {"Lead Email": "Email"}
    assert "its fields are not known" in json.loads(out)["warnings"][0]


def test_what_would_stop_a_run_is_told_instead_of_samples(init: Run) -> None:
    report = ("--source", "creator", "--source", "application=events", "--source", "report=signups_without_times")
    code, out, _ = init(*report, *LIST, "--yes", "--json")
    assert code == 0
    (warning,) = json.loads(out)["warnings"]
    assert "a run would fail now" in warning
    assert "add Added_Time and Modified_Time as columns" in warning


def test_new_fields_may_be_mapped_where_the_sink_makes_them(init: Run) -> None:
    given = (*ENDS, *LIST, "--map", "Mood=Status", "--yes", "--output", "-")
    assert init(*given)[0] == 2
    code, out, err = init(*given, "--sink", "create_fields=true")
    assert code == 0, err
    assert yaml.safe_load(out)["mapping"]["Mood"] == "Status"
    assert yaml.safe_load(out)["sink"]["create_fields"] is True


def test_without_connections_a_first_one_is_made_up(init: Run, folder: Path) -> None:
    (folder / "connections.yaml").unlink()
    code, _, err = init(*ENDS, *LIST, "--yes")
    assert (code, "--connection type=TYPE" in err, "zoho, zoho_sandbox" in err) == (2, True, True)
    code, _, err = init("--connection", "type=zoho_sandbox", *ENDS, *LIST, "--yes")
    assert code == 0, err
    assert read(folder / "connections.yaml") == {"connections": {"zoho": {"type": "zoho_sandbox"}}}
    assert main(["validate"]) == 0


def test_secrets_are_references_and_never_repeated(init: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "connections.yaml").unlink()
    given = ("--connection", "type=zoho", "--connection", "data_center=in", *ENDS, *LIST, "--yes")
    code, _, err = init(*given, "--connection", "client_secret=hush-hush-hush")
    assert (code, "never as the value" in err, "hush" in err) == (2, True, False)
    for name in ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN"):
        monkeypatch.delenv(f"ZOHO_{name}", raising=False)
    code, _, err = init(*given)
    assert (code, "${env:ZOHO_CLIENT_SECRET} is not set" in err) == (2, True)
    assert files(folder) == []


def test_a_connection_that_lets_nobody_in_ends_it_with_the_reason(
    init: Run, folder: Path, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(folder, box, monkeypatch, "1000.nobody.granted")
    code, _, err = init(*ENDS, *LIST, "--yes")
    assert (code, "the connection zoho does not work" in err) == (1, True)
    assert "refresh token" in err
    assert SPEC not in files(folder)


def test_what_may_not_be_listed_is_told_and_taken_as_it_was_said(
    init: Run, folder: Path, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = "ZohoMarketingAutomation.lead.READ,ZohoMarketingAutomation.lead.CREATE,ZohoMarketingAutomation.lead.UPDATE"
    few = box.grant(f"ZohoCreator.report.READ,ZohoCreator.dashboard.READ,{leads}")
    account(folder, box, monkeypatch, few.refresh_token)
    code, _, err = init(*ENDS, *LIST, "--yes", "--frequency", "by_hand")
    assert code == 0, err
    assert "! report cannot be listed: " in err
    assert "lacks the scope ZohoCreator.meta.application.READ" in err
    assert read(folder / SPEC)["source"]["report"] == "all_signups"
    fewer = box.grant(f"ZohoCreator.dashboard.READ,ZohoCreator.meta.application.READ,{leads}")
    account(folder, box, monkeypatch, fewer.refresh_token)
    code, _, err = init(*ENDS, *LIST, "--yes", "--name", "other")
    assert (code, "lacks the scope ZohoCreator.report.READ" in err) == (1, True)


# ------------------------------------------------------------------------------------------------ at a terminal


def typed(folder: Path, *arguments: str, width: int = 200, **variables: str) -> Typist:
    return Typist(folder, "init", *arguments, width=width, **variables)


def test_somebody_is_led_from_an_empty_folder_to_a_spec(folder: Path, capsys: Said) -> None:
    (folder / "connections.yaml").unlink()
    with typed(folder) as person:
        person.answer("number or name: ", "sandbox")
        person.answer("Name of the connection [zoho]: ", "")
        assert "events     Events" in person.answer("number or name: ", "1")
        person.answer("number or name: ", "all si")
        assert "has all 12 fields of the report" in person.answer("number or name [signup; - for none]: ", "")
        assert "each new lead is mailed" in person.answer("number or name: ", "leads, private")
        person.answer("nothing is called 'leads, private'", "")
        person.answer("choose one", "webinar")
        person.answer("Name of the sync [all-signups]: ", "Sign-ups")
        person.answer("single hyphens, like webinar-signups\nName of the sync [all-signups]: ", "sign-ups")
        person.answer("What is it for? (may stay empty): ", 'A "webinar": #1')
        shown = person.answer("mapping [take it]: ", "?mo")
        assert "Lead Email     Email" in shown
        assert "-NUMBER" in shown
        assert (
            person.answer("mapping [take it]: ", "mobile = Phone")
            == "sink fields left: Mobile\nsource fields left: Modified_Time\n"
        )
        person.answer("mapping [take it]: ", "job = stat")
        person.answer(
            "'stat' may be 'Address.state_province', 'Status': say more of it\nmapping [take it]: ", "job = status"
        )
        person.answer("mapping [take it]: ", 'Channel = "Webinar"')
        person.answer("mapping [take it]: ", "Company = {field: Company, default: Unknown}")
        person.answer("mapping [take it]: ", "-website")
        assert "'nonsense' is not a field of the sink" in (
            person.answer("mapping [take it]: ", "nonsense = Email") + person.answer("mapping [take it]: ", "-1")
        )
        assert "Lead Email is required" in person.answer("mapping [take it]: ", "")
        person.answer("'Lead Email' is required: Lead Email = SOURCE FIELD\nmapping [take it]: ", "Lead Email = Email")
        person.answer("mapping [take it]: ", "")
        person.answer("number or name [daily]: ", "monthly")
        person.answer("Time of day (HH:MM) [09:30]: ", "25:00")
        person.answer("must be a time of day", "18:15")
        person.answer("Day of the month (1 to 31, or last) [1]: ", "last")
        assert "The zone of the source is Asia/Kolkata." in person.answer("Time zone [Asia/Kolkata]: ", "Europe/Berlin")
        person.answer("number or name [since_last_fetch]: ", "all")
        shown = person.answer("or m to change the mapping] ", "m")
        assert "As they would arrive" in shown
        assert "would be ignored: " in shown
        person.answer("mapping [take it]: ", "")
        person.answer("or m to change the mapping] ", "y")
        assert person.end() == 0, person.seen
        assert "sign-ups.yaml is written and valid." in person.rest
    assert files(folder) == ["connections.yaml", "sign-ups.yaml", "sync.schema.json"]
    spec = read(folder / "sign-ups.yaml")
    assert spec["description"] == 'A "webinar": #1'
    assert spec["mapping"]["Company"] == {"field": "Company", "default": "Unknown"}
    assert (spec["mapping"]["Mobile"], spec["mapping"]["Job Title"]) == ("Phone", "Status")
    assert "Website" not in spec["mapping"]
    assert spec["schedule"] == {
        "frequency": "monthly", "time": "18:15", "day": "last", "timezone": "Europe/Berlin"
    }  # fmt: skip
    assert main(["validate"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("at", "leave"),
    [
        ("number or name: ", "\x03"),
        ("number or name: ", "\x04"),
        ("mapping [take it]: ", "\x03"),
        ("or m to change the mapping] ", "\x04"),
        ("or m to change the mapping] ", "n\n"),
    ],
)
def test_who_leaves_at_any_question_leaves_nothing_behind(folder: Path, at: str, leave: str) -> None:
    given = () if at.startswith("number") else (*ENDS, *LIST, "--source", "form=signup", "--frequency", "by_hand",
                                                "--retrieve", "all", "--name", "a", "--description", "b")  # fmt: skip
    with typed(folder, *given) as person:
        if at.startswith("or m"):
            person.answer("mapping [take it]: ", "")
        person.until(at)
        person.type(leave)
        assert person.end() == 1
        assert person.rest.strip().removeprefix("^C").strip() == "stopped: nothing was written"
    assert files(folder) == ["connections.yaml"]


def test_a_signal_to_end_leaves_nothing_behind(folder: Path) -> None:
    with typed(folder) as person:
        person.until("number or name: ")
        os.kill(person.process.pid, signal.SIGTERM)
        assert person.end() == 1
        assert "stopped: nothing was written" in person.rest
    assert files(folder) == ["connections.yaml"]


def test_with_yes_somebody_at_a_terminal_is_asked_only_what_cannot_be_proposed(folder: Path) -> None:
    with typed(folder, *ENDS, "--yes") as person:
        person.answer("number or name: ", "partners")
        assert person.end() == 0, person.seen
        assert "]: " not in person.seen
    assert read(folder / SPEC)["sink"]["list"] == "Partners"


def test_on_a_narrow_screen_each_sample_is_a_block(folder: Path) -> None:
    with typed(folder, *ENDS, *LIST, "--yes", "--output", "-", width=60) as person:
        assert person.end() == 0, person.seen
    _, _, samples = person.seen.partition("As they would arrive\n")
    assert "\n  First Name: " in samples


def test_a_real_account_whose_secrets_are_not_at_hand_begins_with_its_connection(folder: Path) -> None:
    (folder / "connections.yaml").unlink()
    with typed(folder) as person:
        person.answer("number or name: ", "zoho")
        person.answer("Name of the connection [zoho]: ", "prod")
        person.answer("[${env:PROD_CLIENT_ID}]: ", "1000.ABC")
        person.answer("[${env:PROD_CLIENT_SECRET}]: ", "hush-hush-hush")
        person.answer("never as the value", "")
        person.answer("[${env:PROD_REFRESH_TOKEN}]: ", "")
        person.answer("number or name [us; - for none]: ", "in")
        assert "${env:PROD_CLIENT_SECRET} is not set" in person.answer("go on when they are set? [Y/n] ", "y")
        assert person.end() == 1
        assert "connections.yaml is written, and no sync yet" in person.rest
    assert files(folder) == ["connections.yaml"]
    assert read(folder / "connections.yaml")["connections"]["prod"] == {
        "type": "zoho", "client_id": "1000.ABC", "client_secret": "${env:PROD_CLIENT_SECRET}",
        "refresh_token": "${env:PROD_REFRESH_TOKEN}", "data_center": "in",
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------- strangers' ends

STRANGER = '''
from typing import Annotated, Literal
import msgspec
from syncline import ACCEPTED, Choice, Config, RowSink, RowSource, hookimpl

class StandConfig(Config, frozen=True, kw_only=True):
    """Which stand."""
    stand: Annotated[str, msgspec.Meta(description="The number of the stand.")]
    hall: Annotated[int, msgspec.Meta(description="The hall.")]
    day: Annotated[Literal["first", "second"], msgspec.Meta(description="The day of the fair.")]
    note: str = ""

class Fair(RowSource[StandConfig]):
    """Visitors of a stand; at least once."""
    name = "fair"
    Config = StandConfig
    identity = ("stand",)
    id_field = "badge"
    @classmethod
    def choices(cls, key, given, connection):
        if key != "stand":
            return None
        return [Choice(f"S{n:03}", f"Stand {n}: {'no' if n == 7 else 'hall ' + str(n % 9)}") for n in range(300)]
    def rows(self, window):
        for n in range(3):
            yield {"badge": str(n), "e-mail": f"ann{n}@example.com", "surname": "Lee #1", "no": "007"}

class BoxConfig(Config, frozen=True, kw_only=True):
    """Nothing to say."""

class Box(RowSink[BoxConfig]):
    """Takes everything; at most once."""
    name = "box"
    Config = BoxConfig
    key_field = "Address: #1"
    def row(self, lead):
        return ACCEPTED

@hookimpl
def syncline_sources():
    return [Fair]

@hookimpl
def syncline_sinks():
    return [Box]
'''


@pytest.fixture
def stranger(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a process in which a package of somebody else is installed."""
    place = tmp_path_factory.mktemp("stranger")
    (place / "fair_of_strangers.py").write_text(STRANGER)
    described = place / "fair_of_strangers-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: fair-of-strangers\nVersion: 1\n")
    (described / "entry_points.txt").write_text("[syncline]\nfair = fair_of_strangers\n")
    return {"PYTHONPATH": os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")])}


def test_a_strangers_ends_are_asked_for_by_their_schemas_and_their_first_page(
    folder: Path, stranger: dict[str, str]
) -> None:
    (folder / "connections.yaml").unlink()
    with typed(folder, "--source", "fair", "--sink", "box", **stranger) as person:
        shown = person.answer("number or name: ", "hall 8")
        assert "S019" in shown
        assert "S020" not in shown
        assert "and 280 more: type a part of the name" in shown
        assert "and 13 more" in person.answer("number or name: ", "stand 26: h")
        person.answer("Hall (The hall): ", "three")
        person.answer("must be", "3")
        assert "second" in person.answer("number or name: ", "2")
        person.answer("Name of the sync [s026]: ", "")
        person.answer("may stay empty): ", "")
        assert "Address: #1  e-mail" in person.answer("mapping [take it]: ", "no: last = surname")
        person.answer("mapping [take it]: ", "no = no")
        person.answer("mapping [take it]: ", "")
        person.answer("number or name [daily]: ", "")
        person.answer("Time of day (HH:MM) [09:30]: ", "")
        assert "no time zone of its own" in person.answer("Time zone [UTC]: ", "")
        person.answer("number or name [since_last_fetch]: ", "")
        shown = person.answer("or m to change the mapping] ", "")
        assert "ann0@example.com" in shown
        assert "Of the first 3 records 0 leads would be ignored." in shown
        assert person.end() == 0, person.seen
    spec = read(folder / "s026.yaml")
    assert spec["source"] == {"type": "fair", "stand": "S026", "hall": "3", "day": "second"}
    assert spec["mapping"] == {"Address: #1": "e-mail", "no: last": "surname", "no": "no"}
    assert spec["schedule"]["timezone"] == "UTC"
    assert files(folder) == ["s026.yaml", "sync.schema.json"]
