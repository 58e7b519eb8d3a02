"""What the command line loads, and how it presents itself."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from syncline.cli import root
from syncline.cli.group import NAMES
from syncline.ledger import Ledger

LOADED = """
import sys
before = set(sys.modules)
from syncline.cli import main
code = main(sys.argv[1:])
own = sorted(name for name in sys.modules if name.startswith("syncline."))
packages = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
foreign = sorted(name for name in packages if not name.startswith(("_", "cython_", "syncline")))
print("LOADED", code, ",".join(foreign), ",".join(own))
"""
"""What a command line imports: packages that are ours or the interpreter's own (`_…`) are left out of the foreign."""

PLUGINS = {"click", "pluggy", "msgspec", "typing_extensions"}
"""What it takes to know the plugins and their configs."""
READING = PLUGINS | {"yaml", "jsonschema", "jsonschema_specifications", "referencing", "rpds", "attr", "attrs", "idna"}
"""And to read and check a spec: the rest is what jsonschema stands on."""
LEDGER = {"sqlalchemy", "polars"}

SPEC = """
name: a
source: {type: creator, connection: zoho, owner: o, application: a, report: r}
retrieve: since_last_fetch
mapping:
  Lead Email: Email
  First Name: Name.first_name
  Full Name: {template: "{Name.first_name} {Name.last_name}"}
  Company: {field: Company, default: Unknown}
  Phone: Phone
transforms:
  - trim
  - lowercase: {fields: [Lead Email]}
  - title_case: {fields: [First Name]}
  - replace: {fields: [Company], find: Ltd., with: Limited}
  - map_values: {field: Company, values: {A: B}}
  - format_phone: {fields: [Phone]}
  - hash: {fields: [Phone]}
ignore:
  - defaults
  - file_duplicate: {keep: last}
  - required: {fields: [First Name]}
  - domain: {deny: [example.org]}
  - disposable
sink: {type: marketinghub, connection: zoho, list: Leads}
schedule: {frequency: daily, time: "09:30", timezone: Asia/Kolkata}
"""
SQL = '  Country: {sql: "upper(Country)"}\n'
TESTS = "tests:\n  - {name: none, given: {}, expect: {ignored: empty_email}}\n"


def loaded(*arguments: str, cwd: Path | None = None) -> tuple[int, set[str], list[str]]:
    """The exit code, the foreign packages and the modules of syncline that a command line imports."""
    command = [sys.executable, "-c", LOADED, *arguments]
    made = subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd)
    code, foreign, own = made.stdout.splitlines()[-1].removeprefix("LOADED ").split(" ")
    return int(code), set(foreign.split(",")), own.split(",")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a spec that needs neither SQL nor tests, and a ledger that is up to date."""
    (tmp_path / "connections.yaml").write_text("connections:\n  zoho: {type: zoho_sandbox}\n")
    (tmp_path / "a.yaml").write_text(SPEC)
    Ledger.open(f"sqlite:///{tmp_path}/.syncline/ledger.db", read_only=False).close()
    return tmp_path


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_imports_click_and_nothing_else_that_is_foreign(arguments: list[str]) -> None:
    code, foreign, own = loaded(*arguments)
    assert code == 0
    assert foreign == {"click"}
    beside = {name for name in own if not name.startswith("syncline.cli")}
    assert beside <= {"syncline.clock", "syncline.decision", "syncline.errors"}


def test_help_imports_nothing_of_the_standard_library_that_only_a_command_at_work_needs() -> None:
    script = "import sys; from syncline.cli import main; main(['--help']); print(*sys.modules)"
    made = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, env=pythonpath())
    modules = set(made.stdout.splitlines()[-1].split())
    assert "click" in modules, made.stderr
    assert modules.isdisjoint({"importlib.metadata", "email", "hashlib", "logging", "json", "socket", "zoneinfo"})


def pythonpath() -> dict[str, str]:
    """The environment in which an interpreter without site packages finds what this one finds."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_a_command_imports_only_its_own_module() -> None:
    _, _, own = loaded("run", "--help")
    assert [name for name in own if name.startswith("syncline.cli.commands.")] == ["syncline.cli.commands.run"]


def test_a_spec_is_validated_without_polars_sqlalchemy_httpx_and_rich(folder: Path) -> None:
    assert loaded("validate", cwd=folder)[:2] == (0, READING)


def test_only_what_needs_it_loads_polars_for_validate(folder: Path) -> None:
    spec = folder / "a.yaml"
    spec.write_text(SPEC.replace("transforms:", f"{SQL}transforms:"))
    assert loaded("validate", cwd=folder)[:2] == (0, READING | {"polars"})
    spec.write_text(SPEC + TESTS)
    assert loaded("validate", cwd=folder)[:2] == (0, READING | {"polars"})
    spec.write_text(SPEC + TESTS.replace("given: {}", "given: {Email: ann@}").replace("empty_email", "invalid_pattern"))
    assert loaded("validate", cwd=folder)[:2] == (0, READING | {"polars", "email_validator"})


def test_plugins_are_listed_and_their_schema_composed_without_what_a_run_needs(folder: Path) -> None:
    assert loaded("plugins", "--json", cwd=folder)[:2] == (0, PLUGINS)
    assert loaded("plugins", cwd=folder)[:2] == (0, PLUGINS | {"rich"})
    assert loaded("schema", cwd=folder)[:2] == (0, READING)


@pytest.mark.parametrize("command", [["status"], ["schedule", "a.yaml"]])
def test_what_looks_into_the_ledger_loads_neither_http_nor_migrations_nor_telemetry(
    folder: Path, command: list[str]
) -> None:
    assert loaded(*command, "--json", cwd=folder)[:2] == (0, READING | LEDGER)
    assert loaded(*command, cwd=folder)[:2] == (0, READING | LEDGER | {"rich"})


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself_with_an_example_and_takes_the_shared_options(name: str) -> None:
    command = root.get_command(None, name)  # type: ignore[arg-type]  # the group needs no context
    assert command is not None
    assert command.name == name
    assert command.help is not None
    assert f"Example:\n  syncline {name}" in inspect.cleandoc(command.help).replace("\b\n", "")
    options = {option for parameter in command.params for option in parameter.opts}
    assert options >= {"--json", "--debug", "--ledger", "--connections", "--log-format", "--no-color"}


def test_every_option_says_what_it_does() -> None:
    mute = [
        f"{name} {option.opts[0]}"
        for name in NAMES
        for option in root.get_command(None, name).params  # type: ignore[union-attr,arg-type]  # see above
        if option.opts[0].startswith("-") and not getattr(option, "help", None)
    ]
    assert mute == []
