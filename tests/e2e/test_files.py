"""From file to file: what is written and said of it, and that a killed run leaves nobody out, and nobody in twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from syncline.cli import main
from syncline_files import Ndjson, blocks

SPEC = """\
version: 1
name: tidy
source: {type: ndjson, path: people.ndjson}
retrieve: RETRIEVE
mapping: {email: Email, name: Name, n: N}
transforms: [{lowercase: {fields: [email]}}]
sink: {type: ndjson, path: out/leads.ndjson, rejects: out/rejects.ndjson}
"""
CHILD = """\
import os, signal, sys
from syncline.cli import main
from syncline_files import blocks, part

blocks.BLOCK = 400
add, left = part.Part.add, int(sys.argv[2])

def killing(self, body):
    global left
    left -= 1
    if left == 0:
        kept = {"before": 0, "within": len(body) // 2, "after": len(body)}[sys.argv[1]]
        os.write(self._file.fileno(), body[:kept])
        os.kill(os.getpid(), signal.SIGKILL)
    add(self, body)

part.Part.add = killing
sys.exit(main(["run", "tidy.yaml", "--ledger", "sqlite:///ledger.db"]))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty people, of whom a third are nobody's address, in several pages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blocks, "BLOCK", 400)
    (tmp_path / "tidy.yaml").write_text(SPEC.replace("RETRIEVE", "all"))
    add(tmp_path, range(60))
    return tmp_path


def add(folder: Path, numbers: range) -> None:
    """More people at the end of the file."""
    with (folder / "people.ndjson").open("a") as file:
        for n in numbers:
            email = f"info@example{n}.com" if n % 3 == 0 else f"Person{n}@example.com"
            file.write(json.dumps({"Email": email, "Name": f"P {n}", "N": n}) + "\n")


def run(capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    """One run; its counts."""
    code = main(["run", "tidy.yaml", "--ledger", "sqlite:///ledger.db", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code == 0, document
    return document["counts"]


def numbers(file: str) -> list[int]:
    """Who stands in a file, in order."""
    return [int(json.loads(line)["n"]) for line in Path("out", file).read_text().splitlines()]


KEPT = [n for n in range(60) if n % 3]
OUT = [n for n in range(60) if not n % 3]


def test_everybody_is_in_one_of_the_two_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = run(capsys)
    assert (counts["new"], counts["ignored"]) == (40, 20)
    assert (numbers("leads.ndjson"), numbers("rejects.ndjson")) == (KEPT, OUT)
    assert {path.stat().st_mode & 0o777 for path in Path("out").iterdir()} == {0o600}
    assert [path.name for path in sorted(Path("out").iterdir())] == ["leads.ndjson", "rejects.ndjson"]
    assert main(["leads", "last", "--ledger", "sqlite:///ledger.db", "--outcome", "new", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["email"] for each in told] == [f"person{n}@example.com" for n in KEPT]


@pytest.mark.parametrize(("moment", "write"), [("before", 3), ("within", 4), ("after", 5), ("after", 6)])
def test_a_killed_run_goes_on_with_its_files(
    moment: str, write: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, moment, str(write)], capture_output=True, env=dict(os.environ))
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not Path("out/leads.ndjson").exists(), "nothing is published before all is there"
    counts = run(capsys)
    assert (counts["total"], counts["new"], counts["ignored"]) == (60, 40, 20)
    assert (numbers("leads.ndjson"), numbers("rejects.ndjson")) == (KEPT, OUT)


def test_a_run_that_fails_leaves_the_former_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys)
    with (folder / "people.ndjson").open("a") as file:
        file.write('{"Email": "late@example.com"\n')
    assert main(["run", "tidy.yaml", "--ledger", "sqlite:///ledger.db"]) == 1
    said = capsys.readouterr()
    assert "people.ndjson:61: a line cannot be read" in said.out + said.err
    assert numbers("leads.ndjson") == KEPT
    assert [path.name for path in sorted(Path("out").iterdir())] == ["leads.ndjson", "rejects.ndjson"]


def test_only_what_was_appended_is_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tidy.yaml").write_text(SPEC.replace("RETRIEVE", "since_last_fetch"))
    assert run(capsys)["total"] == 60
    add(folder, range(60, 62))
    assert run(capsys)["total"] == 2
    (folder / "people.ndjson").unlink()
    add(folder, range(7))
    assert run(capsys)["total"] == 7, "another file is read whole"


def test_a_misspelt_field_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = folder / "tidy.yaml"
    spec.write_text(spec.read_text().replace("name: Name", "name: Nmae"))
    assert main(["run", "tidy.yaml", "--ledger", "sqlite:///ledger.db"]) == 1
    said = capsys.readouterr()
    assert "the source gives no field 'Nmae'" in said.out + said.err


def test_a_missing_file_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "people.ndjson").unlink()
    assert main(["run", "tidy.yaml", "--ledger", "sqlite:///ledger.db"]) == 1
    said = capsys.readouterr()
    assert "the file is not there" in said.out + said.err


def test_whoever_was_forgotten_is_not_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys)
    assert main(["forget", "person1@example.com", "--ledger", "sqlite:///ledger.db", "--yes"]) == 0
    capsys.readouterr()
    assert run(capsys)["new"] == 39
    assert numbers("leads.ndjson") == [n for n in KEPT if n != 1]
    assert 1 in numbers("rejects.ndjson")


def test_odd_values_are_read_as_they_are(folder: Path) -> None:
    lines = ['{"a": 1.0, "b": {"c": [1, "x"]}, "d": true}', "", '{"a": "\\ud83d\\ude00"}', '{"a": {"e": 1}, "d": null}']
    Path("odd.ndjson").write_text("\ufeff" + "\n".join(lines) + "\n")
    source = Ndjson(Ndjson.Config(path="odd.ndjson"))
    with source.open() as file:
        found = [row for frame, _ in source.frames(file, blocks.Place(), ["a", "b.c", "d"]) for row in frame.rows()]
    assert [row[0] for row in found] == ["1.0", "😀", '{"e":1}']
    assert [row[2] for row in found] == ["true", None, None]
