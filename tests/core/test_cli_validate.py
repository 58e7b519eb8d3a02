"""`syncline validate` in the forms of forges, and over the files that a hook hands to it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline.cli import forges, main
from syncline.cli.forges import Annotation

CONFIGS = Path(__file__).parents[2] / "configs"
SPEC = "configs/webinar-signups.yaml"
SIGNS = ("%", "%0A", "%25", "%AZP25", ":", "::", ",", ";", "]", "\r", "\n", "=", "a", "##vso[", "::error ")
TEXT = st.lists(st.sampled_from(SIGNS), max_size=6).map("".join) | st.text(st.characters(exclude_categories=("Cs",)))
FOUND = st.builds(
    Annotation,
    kind=st.sampled_from(["fault", "test", "note"]),
    file=TEXT.map(lambda text: f"configs/{text}"),
    line=st.integers(1, 99),
    column=st.integers(1, 99),
    subject=TEXT,
    message=TEXT,
)

Said = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a folder of specs, and the current folder in it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "configs").mkdir()
    for name in ("webinar-signups.yaml", "connections.yaml"):
        shutil.copy(CONFIGS / name, tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rewrite(path: Path, old: str, new: str) -> int:
    """Change a file; the number of the line that changed."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


@pytest.fixture
def faulty(repository: Path) -> tuple[int, int]:
    """A fault and a test that fails; the lines at which they stand."""
    rewrite(repository / SPEC, "{ignored: invalid_pattern}", "{ignored: group_email}")
    test = (repository / SPEC).read_text().splitlines().index("  - name: a misspelt domain is ignored") + 1
    (repository / "configs" / "other.yaml").write_text("version: 1\nname: Other\n")
    return 2, test


# ---------------------------------------------------------------------------------------------------- the forms


def test_github_is_given_a_command_for_each_fault_and_each_failed_test(faulty: tuple[int, int], capsys: Said) -> None:
    assert main(["validate", "--format", "github"]) == 2
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert all(line.startswith("::error file=configs/") for line in lines)
    assert any(
        line.startswith("::error file=configs/other.yaml,line=2,col=7,title=Syncline%3A name::") for line in lines
    )
    (test,) = [line for line in lines if line.startswith(f"::error file={SPEC},line={faulty[1]},col=")]
    assert "%0Aexpected: ignored: group_email%0Agot:      ignored: invalid_pattern" in test
    assert said.err.splitlines() == [f"{len(lines) - 1} faults, 1 of 3 tests failed"]


def test_azure_is_given_an_issue_for_each_fault_and_each_failed_test(faulty: tuple[int, int], capsys: Said) -> None:
    assert main(["validate", "configs", "--format", "azure"]) == 2
    lines = capsys.readouterr().out.splitlines()
    place = f"sourcepath={SPEC};linenumber={faulty[1]};columnnumber=1"
    assert any(line.startswith(f"##vso[task.logissue type=error;{place};code=syncline/test]{SPEC}:") for line in lines)
    assert any(
        "sourcepath=configs/other.yaml;linenumber=2;columnnumber=7;code=syncline/fault]" in line for line in lines
    )


def test_gitlab_is_given_a_report_and_people_still_read_the_log(faulty: tuple[int, int], capsys: Said) -> None:
    assert main(["validate", "--format", "gitlab"]) == 2
    said = capsys.readouterr()
    report = json.loads(said.out)
    for each in report:
        assert each.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert each["severity"] in ("info", "minor", "major", "critical", "blocker")
    assert (SPEC, faulty[1]) in [(each["location"]["path"], each["location"]["lines"]["begin"]) for each in report]
    assert len({each["fingerprint"] for each in report}) == len(report)
    assert "configs/other.yaml:2:7: name:" in said.err


def test_sarif_names_tool_rules_and_places(faulty: tuple[int, int], capsys: Said) -> None:
    assert main(["validate", "--format", "sarif"]) == 2
    log = json.loads(capsys.readouterr().out)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "Syncline"
    places = []
    for each in run["results"]:
        assert rules[each["ruleIndex"]]["id"] == each["ruleId"]
        place = each["locations"][0]["physicalLocation"]
        places.append((place["artifactLocation"]["uri"], place["region"]["startLine"], each["ruleId"]))
    assert (SPEC, faulty[1], "test") in places
    assert ("configs/other.yaml", 2, "fault") in places


@pytest.mark.parametrize("form", ["github", "azure", "gitlab", "sarif"])
def test_where_all_is_well_a_forge_is_told_nothing(repository: Path, form: str, capsys: Said) -> None:
    assert main(["validate", "--format", form]) == 0
    said = capsys.readouterr()
    assert said.err == "ok: 1 spec, 3 tests\n"
    found = {"gitlab": lambda: json.loads(said.out), "sarif": lambda: json.loads(said.out)["runs"][0]["results"]}
    assert not found.get(form, lambda: said.out)()


def test_tests_that_could_not_run_are_a_warning(repository: Path, capsys: Said) -> None:
    rewrite(repository / SPEC, "  - trim\n", "  - trim\n  - hash: {fields: [Phone], salt: '${env:NO_SUCH_SALT}'}\n")
    assert main(["validate", "--format", "github"]) == 0
    assert capsys.readouterr().out.startswith(
        f"::warning file={SPEC},line=1,col=1,title=Syncline::{SPEC}:1:1: its tests"
    )


def test_json_can_be_asked_for_in_both_ways_and_in_no_other_form(repository: Path, capsys: Said) -> None:
    assert main(["validate", "--format", "json"]) == main(["validate", "--json"]) == 0
    first, second = capsys.readouterr().out.split("\n}\n{")
    assert json.loads(first + "}") == json.loads("{" + second)
    assert main(["validate", "--json", "--format", "github"]) == 2
    assert "--json and --format github" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_paths_are_those_of_the_repository_wherever_the_command_starts(
    faulty: tuple[int, int], repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.chdir(repository / "configs")
    main(["validate", ".", "--format", "gitlab"])
    inside = json.loads(capsys.readouterr().out)
    monkeypatch.chdir(repository.parent)
    main(["validate", str(repository / "configs"), "--format", "gitlab"])
    assert inside == json.loads(capsys.readouterr().out)
    assert {each["location"]["path"] for each in inside} == {SPEC, "configs/other.yaml"}


def test_a_fingerprint_stays_when_lines_move(faulty: tuple[int, int], repository: Path, capsys: Said) -> None:
    def report() -> list[dict[str, Any]]:
        main(["validate", "--format", "gitlab"])
        found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
        return found

    before = report()
    path = repository / SPEC
    path.write_text("# one line more\n" + path.read_text())
    after = report()
    assert [each["fingerprint"] for each in before] == [each["fingerprint"] for each in after]
    assert [each["location"] for each in before] != [each["location"] for each in after]


@given(found=st.lists(FOUND, max_size=4))
def test_no_text_can_end_its_command_or_start_another(found: list[Annotation]) -> None:
    for lines in (list(forges.github(found)), list(forges.azure(found))):
        assert len(lines) == len(found)
        assert not any(sign in line for line in lines for sign in "\r\n")
    for each, line in zip(found, forges.github(found), strict=True):
        head, _, data = line.removeprefix(f"::{each.level} ").partition("::")
        decoded = {name: undone(value) for name, _, value in (part.partition("=") for part in head.split(","))}
        assert decoded == {"file": each.file, "line": str(each.line), "col": str(each.column), "title": each.title}
        assert undone(data) == each.text
    for each, line in zip(found, forges.azure(found), strict=True):
        head, _, data = line.removeprefix("##vso[task.logissue ").partition("]")
        assert undone(dict(part.split("=", 1) for part in head.split(";"))["sourcepath"], "%AZP25") == each.file
        assert undone(data, "%AZP25") == each.text


def undone(text: str, percent: str = "%25") -> str:
    """What a forge makes of an escaped text."""
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%5D", "]"), ("%3B", ";")):
        text = text.replace(code, sign)
    return text.replace(percent, "%")


@given(found=st.lists(FOUND, max_size=6))
def test_equal_findings_of_a_file_are_told_apart(found: list[Annotation]) -> None:
    prints = [each["fingerprint"] for each in forges.gitlab([*found, *found])]
    assert len(set(prints)) == 2 * len(found)


# ----------------------------------------------------------------------------------------- what a hook hands over


def test_a_file_beside_the_specs_stands_for_its_folder(repository: Path, capsys: Said) -> None:
    rewrite(repository / "configs" / "connections.yaml", "  zoho:\n", "  other:\n")
    assert main(["validate", "configs/connections.yaml"]) == 2
    assert f"{SPEC}:8:15: source.connection: 'zoho' is not in configs/connections.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("connections.yaml", "connections: {zoho: {type: zohoo}}\n"),
        ("defaults.yaml", "sink: [\n"),
        ("syncline.yaml", "retention: never\n"),
    ],
)
def test_the_files_beside_are_checked_where_there_is_no_spec(
    repository: Path, name: str, text: str, capsys: Said
) -> None:
    (repository / SPEC).unlink()
    (repository / "configs" / name).write_text(text)
    assert main(["validate", f"configs/{name}"]) == main(["validate", "configs"]) == 2
    assert capsys.readouterr().err.count(f"configs/{name}:") == 2


def test_several_files_are_checked_together_and_each_once(repository: Path, capsys: Said) -> None:
    assert main(["validate", SPEC, "configs/connections.yaml", "configs", SPEC]) == 0
    assert capsys.readouterr().out == "ok: 1 spec, 3 tests\n"


def test_a_new_spec_with_the_name_of_one_that_did_not_change_is_a_fault(repository: Path, capsys: Said) -> None:
    shutil.copy(repository / SPEC, repository / "configs" / "copy.yaml")
    assert main(["validate", "configs/copy.yaml"]) == 2
    assert f"configs/copy.yaml:3:7: name: {SPEC} has the name" in capsys.readouterr().err


def test_what_is_not_a_spec_does_not_run(repository: Path, capsys: Said) -> None:
    for name, told in (
        ("connections.yaml", "connections.yaml: this file is not a spec; name the file of a spec beside it"),
        (".", ": this is a folder, and one spec is wanted; name the file of a spec in it"),
        ("no.yaml", "no.yaml:1:1: there is no such file or folder; name a spec, or the folder of the specs"),
    ):
        assert main(["schedule", f"configs/{name}"]) == 2
        assert f"configs{'' if name == '.' else '/'}{told}" in capsys.readouterr().err
    assert main(["notify", "nosuch"]) == 2
    assert "nosuch: there is no such folder; name the folder of the specs" in capsys.readouterr().err
