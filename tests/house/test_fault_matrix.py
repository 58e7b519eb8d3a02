"""The fault matrix is whole: each of the 24 faults has its tests and its mutants, and every mutant still applies."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
FAULTS = range(1, 25)

sys.path.insert(0, str(TESTS / "mutants"))
from run import Mutant, mutants  # noqa: E402  # it lies beside its data, not among the tests

ROW = re.compile(r"^\| (\d+) \| .+ \| ((?:`test_\w+\.py`(?:, )?)+) \|$", re.MULTILINE)


def rows() -> dict[int, list[str]]:
    """Fault → files of its tests, as the table of the matrix has them."""
    table = (TESTS / "faults" / "README.md").read_text()
    return {int(number): re.findall(r"`(test_\w+\.py)`", files) for number, files in ROW.findall(table)}


def defined(path: Path) -> set[str]:
    """The tests of a file."""
    return set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))


def test_each_of_the_24_faults_has_its_tests() -> None:
    assert list(rows()) == list(FAULTS)
    named = {file for files in rows().values() for file in files}
    assert named == {path.name for path in (TESTS / "faults").glob("test_*.py")}
    assert all(defined(TESTS / "faults" / file) for file in named)


def test_each_of_the_24_faults_has_a_mutant_and_no_two_share_a_name() -> None:
    assert {mutant.fault for mutant in mutants()} == set(FAULTS)
    names = [mutant.name for mutant in mutants()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_a_mutant_applies_and_names_tests_that_exist(mutant: Mutant) -> None:
    assert mutant.found(ROOT) == 1
    assert mutant.old != mutant.new
    assert mutant.bug
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert Path(file).name in rows()[mutant.fault]
        assert not name or name in defined(TESTS / file)
