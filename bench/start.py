"""What a start of the command line costs, beside the imports that it cannot do without, measured in the same run.

start.py [--rounds 15] [--specs 1000]: prints a table of CPU seconds (user and system, of whole processes) and of the
ratio to the reference above each block. CPU and not wall time, since other work on the machine disturbs it less; the
commands take turns, so that what disturbs comes to all. Each command is started once before it is measured, so that
its byte code is there, and what it prints is checked.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
SYNCLINE = str(Path(sys.executable).with_name("syncline"))
LIBRARIES = ("click", "PyYAML", "jsonschema", "msgspec", "pluggy", "polars", "SQLAlchemy")
SEVERAL = 5
"""Rounds of what takes seconds."""

BARE_LOOP = """
import json, sys
from pathlib import Path
import yaml
from jsonschema import Draft202012Validator
validator = Draft202012Validator(json.loads(Path(sys.argv[1]).read_text()))
faults = files = 0
for path in sorted(Path(sys.argv[2]).glob("sync-*.yaml")):
    with path.open("rb") as stream:
        faults += len(list(validator.iter_errors(yaml.load(stream, yaml.CSafeLoader))))
    files += 1
print(files, "files", faults, "faults")
"""
"""The least that a check of so many specs can do: the C loader of YAML, and a validator that was compiled once."""

SPEC = """\
# yaml-language-server: $schema=sync.schema.json
version: 1
name: {name}
description: Sign-ups of webinar {n} become leads of the newsletter

source:
  type: creator
  connection: zoho                      # see connections.yaml
  owner: zylker
  application: events-{n}
  report: all_signups
  criteria: 'Status == "Confirmed"'
  lookback: 14d

retrieve: since_last_fetch

mapping:                                # sink field: where it comes from
  Lead Email: Email
  First Name: Name.first_name
  Last Name: Name.last_name
  Full Name: {full_name}
  Company: {{field: Company, default: Unknown}}
  Phone: Phone
  Mobile: Mobile
  Country: Country
  City: Address.district_city
  Postal Code: Address.postal_code
  Job Title: Job_Title
  Industry: {{field: Industry, default: Other}}
  Language: {{field: Language, default: en}}
  Webinar: {{value: Webinar {n}}}
  Channel: {{value: Webinar}}
  Region: {{value: EMEA}}
  _consent: Consent
  _partner: Partner_Company

transforms:                             # in this order
  - trim
  - lowercase: {{fields: [Lead Email]}}
  - title_case: {{fields: [First Name, Last Name]}}
  - map_values: {{field: Country, values: {{UK: United Kingdom, USA: United States}}}}
  - format_phone: {{fields: [Phone, Mobile], region_field: Country}}

ignore:
  - defaults                            # empty, invalid, group, double, opted-out and bounced addresses
  - required: {{fields: [First Name, _consent]}}
  - file_duplicate: {{keep: last}}

sink:
  type: marketinghub
  connection: zoho
  list: Webinar leads {n}
  on_duplicate: update
  audience_check: when_sending

schedule:
  frequency: daily
  time: "{time}"
  timezone: Asia/Kolkata
  catch_up: one
"""
TESTS = """
tests:
  - name: names are trimmed and the address is in small letters
    given: {Email: " Ann@Example.com ", Name: {first_name: " Ann ", last_name: Lee}, Consent: "yes"}
    expect: {lead: {Lead Email: ann@example.com, First Name: Ann, Last Name: Lee, Company: Unknown, Channel: Webinar}}
  - name: a misspelt domain is ignored
    given: {Email: john@gnail.com, Name: {first_name: John}, Consent: "yes"}
    expect: {ignored: invalid_pattern}
  - name: a sign-up without an address is ignored
    given: {Name: {first_name: Maria}, Consent: "yes"}
    expect: {ignored: empty_email}
"""
PLAIN = '{template: "{Name.first_name} {Name.last_name}"}'
SQL = '{{sql: "concat_ws(\' \', \\"Name.first_name\\", \\"Name.last_name\\", \'{n}\')"}}'


@dataclass
class Row:
    """One command, what its standard output must hold, and the highest ratio to the reference that is wanted."""

    label: str
    command: list[str]
    prints: str = ""
    bar: float | None = None
    seconds: list[float] = field(default_factory=list)

    def measure(self, folder: Path) -> None:
        """Run it once, and keep what it took."""
        self.seconds.append(self.run(folder))

    def run(self, folder: Path) -> float:
        """Seconds of CPU of one whole process; ends the benchmark where the command did not do its work."""
        environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(self.command, stdout=output, cwd=folder, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            printed = output.read().decode()
        if process.returncode or self.prints not in printed:
            sys.exit(f"{' '.join(self.command)}: exit {process.returncode}, printed {printed[-500:]!r}")
        return usage.ru_utime + usage.ru_stime

    @property
    def median(self) -> float:
        """Of all rounds."""
        return statistics.median(self.seconds)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--specs", type=int, default=1000)
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python "
          f"{platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in LIBRARIES)}; "
          f"{datetime.now(UTC):%Y-%m-%d}")  # fmt: skip
    print(f"\n{'CPU seconds of whole processes':<58} {'median':>8} {'least':>8} {'ratio':>7}   bar")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder, asked.specs)
        for rows in starts(folder):
            table(rows, folder, asked.rounds)
        table(many(asked.specs), folder, SEVERAL)


def prepare(folder: Path, specs: int) -> None:
    """The specs, their connections and a ledger."""
    for name, kinds in (
        ("plain", {}),
        ("sql", {"full_name": SQL}),
        ("tests", {"full_name": SQL, "tests": TESTS}),
    ):
        written(folder / f"one-{name}", 1, **kinds)
        written(folder / f"many-{name}", specs, **kinds)
    lines = (folder / "one-plain" / "sync-0.yaml").read_text().count("\n")
    assert lines == 60, f"the spec has {lines} lines"
    shutil.copy(ROOT / "configs" / "sync.schema.json", folder / "schema.json")
    shutil.copytree(ROOT / "configs", folder / "configs")
    applied = [SYNCLINE, "apply", "one-plain", "--yes"]
    subprocess.run(applied, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def written(folder: Path, specs: int, *, full_name: str = PLAIN, tests: str = "") -> None:
    """A folder of specs of 60 lines (without `tests`), each with names, SQL and constants of its own."""
    folder.mkdir()
    shutil.copy(ROOT / "configs" / "connections.yaml", folder)
    for n in range(specs):
        own = full_name.format(n=n) if full_name is SQL else full_name
        text = SPEC.format(name=f"sync-{n}", n=n, full_name=own, time=f"{n % 24:02}:{n // 24 % 60:02}")
        (folder / f"sync-{n}.yaml").write_text(text + tests)


def starts(folder: Path) -> list[list[Row]]:
    """The blocks of single commands, each under its reference."""
    return [
        [
            imports("click"),
            Row("syncline --help", [SYNCLINE, "--help"], "doctor", 2.0),
            Row("syncline run --help", [SYNCLINE, "run", "--help"], "SPEC"),
        ],
        [
            imports("click, yaml, jsonschema"),
            Row("validate: one spec of 60 lines", validate("one-plain"), "ok: 1 spec, 0 tests", 2.0),
            Row("plugins", [SYNCLINE, "plugins"], "marketinghub"),
            Row("schema", [SYNCLINE, "schema"], '"$defs"'),
            Row("schedule: one spec", [SYNCLINE, "schedule", "one-plain/sync-0.yaml"], "Asia/Kolkata"),
        ],
        [
            imports("click, yaml, jsonschema, polars"),
            Row("validate: the same with an SQL expression", validate("one-sql"), "ok: 1 spec, 0 tests"),
            Row("validate: and with three tests", validate("one-tests"), "ok: 1 spec, 3 tests"),
            Row("validate: configs/webinar-signups.yaml", validate("configs/webinar-signups.yaml"), "3 tests"),
        ],
        [
            imports("click, yaml, jsonschema, sqlalchemy, rich.table"),
            Row("status: a ledger with one sync", [SYNCLINE, "status", "one-plain"], "sync-0"),
        ],
    ]


def many(specs: int) -> list[Row]:
    """So many specs, beside the bare loop over them."""
    loop = [sys.executable, "-c", BARE_LOOP, "schema.json", "many-plain"]
    return [
        Row(f"{specs:,} specs: C-YAML and jsonschema, a bare loop", loop, f"{specs} files 0 faults"),
        Row(f"validate: {specs:,} specs", validate("many-plain"), f"ok: {specs:,} specs, 0 tests", 3.0),
        Row("validate: each with an SQL expression of its own", validate("many-sql"), f"ok: {specs:,} specs"),
        Row("validate: and each with three tests", validate("many-tests"), f"{3 * specs:,} tests"),
    ]


def imports(names: str) -> Row:
    """The reference of a block."""
    return Row(f"python -c 'import {names}'", [sys.executable, "-c", f"import {names}"])


def validate(path: str) -> list[str]:
    """A command line."""
    return [SYNCLINE, "validate", path]


def table(rows: list[Row], folder: Path, rounds: int) -> None:
    """Measure the rows in turns, and print them; the first one is the reference."""
    for row in rows:
        row.run(folder)
    for _ in range(rounds):
        for row in rows:
            row.measure(folder)
    print()
    for row in rows:
        ratio = f"{row.median / rows[0].median:.2f}"
        bar = "" if row.bar is None else f"   {row.bar:.1f} {'met' if float(ratio) <= row.bar else 'NOT MET'}"
        print(f"{row.label:<58} {row.median:>8.3f} {min(row.seconds):>8.3f} {ratio:>7}{bar}", flush=True)


if __name__ == "__main__":
    main()
