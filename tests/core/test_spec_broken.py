"""Broken specs, each with the exact faults that its author is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from spec_plugins import CONNECTIONS, SPEC, registry
from syncline.registry import Registry
from syncline.spec import load_paths

BROKEN = Path(__file__).parents[1] / "fixtures" / "broken" / "specs.yaml"


@dataclass(frozen=True)
class Case:
    """What is wrong (`broken`), the edit of the sound spec that makes it so, or the whole file; and the faults."""

    broken: str
    faults: list[str]
    instead_of: str = ""
    stands: str = ""
    whole_file: str | None = None

    @property
    def text(self) -> str:
        """The broken file."""
        return SPEC.replace(self.instead_of, self.stands, 1) if self.whole_file is None else self.whole_file


CASES = [Case(**row) for row in yaml.safe_load(BROKEN.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def plugins() -> Registry:
    """One registry for the module, so that its schema is compiled once."""
    return registry()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with connections, and the current one: faults name files as they were given."""
    (tmp_path / "connections.yaml").write_text(CONNECTIONS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults_of(text: str, plugins: Registry) -> list[str]:
    """The faults of one spec."""
    Path("x.yaml").write_text(text)
    return [str(fault) for fault in load_paths([Path("x.yaml")], plugins).faults]


@pytest.mark.usefixtures("folder")
def test_the_sound_spec_has_no_faults(plugins: Registry) -> None:
    assert faults_of(SPEC, plugins) == []


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.broken)
def test_a_broken_spec_shows_its_faults(case: Case, plugins: Registry) -> None:
    assert case.instead_of in SPEC
    assert faults_of(case.text, plugins) == [f"x.yaml:{fault}" for fault in case.faults]


def test_the_table_holds_at_least_sixty_broken_specs() -> None:
    assert len({case.text for case in CASES}) >= 60


@pytest.mark.usefixtures("folder")
def test_no_fault_speaks_the_validators_own_words(plugins: Registry) -> None:
    raw = ("is not of type", "is a required property", "Additional properties", "does not match", "is not one of")
    shown = [fault for case in CASES for fault in faults_of(case.text, plugins)]
    assert [fault for fault in shown if any(word in fault for word in raw)] == []
