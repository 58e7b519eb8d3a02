"""The generated pages are what the code says, and nothing of the code is missing in them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
import syncline
from docs_pages import DOCS, ROOT
from syncline import hooks
from syncline.cli.ending import FAILED, USAGE
from syncline.cli.group import NAMES
from syncline.cli.running import EXITS
from syncline.decision import OWN_REASONS, Outcome
from syncline.errors import SynclineError
from syncline.registry import Registry
from syncline.spec import schema

REFERENCE = DOCS / "reference"


@pytest.fixture(scope="module")
def generate() -> Iterator[ModuleType]:
    """docs/generate.py."""
    sys.path.insert(0, str(DOCS))
    try:
        yield importlib.import_module("generate")
    finally:
        sys.path.remove(str(DOCS))


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ours(generate: ModuleType) -> Registry:
    """The plugins of this repository."""
    found: Registry = generate.ours()
    return found


def test_the_reference_is_what_the_code_says(generate: ModuleType) -> None:
    made = generate.pages()
    assert {path.name for path in REFERENCE.iterdir()} == set(made)
    stale = [name for name, text in made.items() if (REFERENCE / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run: make reference"


def test_the_readme_shows_the_shipped_spec(generate: ModuleType) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (ROOT / "configs" / "webinar-signups.yaml").read_text(encoding="utf-8") in text
    assert generate.readme() == text, "run: make reference"


def test_every_command_has_its_help_and_an_example() -> None:
    text = page("cli")
    for name in NAMES:
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert f"\nsyncline {name}" in section, name


def test_every_exit_code_is_explained() -> None:
    def codes(error: type[SynclineError]) -> set[int]:
        return {error.exit_code}.union(*map(codes, error.__subclasses__()))

    used = {0, FAILED, USAGE, *EXITS.values(), *codes(SynclineError)}
    for text in (page("cli"), (DOCS / "how-to" / "read-exit-codes.md").read_text(encoding="utf-8")):
        assert {code for code in range(100) if f"\n| `{code}` |" in text} == used


def test_every_reason_code_is_explained(ours: Registry) -> None:
    own = {code for reasons in OWN_REASONS.values() for code in reasons}
    ruled = {code for offer in ours.offers("rule") for code in getattr(offer.plugin, "codes", {})}
    text = page("reason-codes")
    assert [code for code in sorted(own | ruled) if f"| `{code}` |" not in text] == []
    assert [outcome for outcome in Outcome if f"\n## {outcome}\n" not in text] == []


def test_every_hook_is_explained() -> None:
    names = [name for name in vars(hooks) if name.startswith("syncline_")]
    assert [name for name in names if f"\n## {name}\n" not in page("hooks")] == []


def test_every_name_of_the_face_is_explained() -> None:
    text = page("python-face")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    assert [row[1].strip(" `") for row in rows] == list(syncline.__all__)
    assert [row[1] for row in rows if not row[3].strip()] == []


def test_every_option_of_every_plugin_is_explained(ours: Registry) -> None:
    parts = schema(ours)["$defs"]
    for offer in ours.offers():
        if offer.kind == "connection":
            text, head = page("connections"), "type: "
        else:
            text, head = page("plugins").partition(f"\n## {offer.kind.title()}s\n")[2].partition("\n## ")[0], ""
        section = text.partition(f"\n### {head}{offer.name}\n")[2].partition("\n### ")[0]
        assert section, f"{offer.kind} {offer.name}"
        keys = set(parts[f"{offer.kind}.{offer.name}"].get("properties", {})) - {"type"}
        assert [key for key in sorted(keys) if f"\n| `{key}` |" not in section] == [], offer.name


def test_every_source_and_every_sink_states_its_guarantee(ours: Registry) -> None:
    for offer in [*ours.offers("source"), *ours.offers("sink")]:
        stated = (offer.plugin.__doc__ or "").casefold()
        assert "at least once" in stated or "at most once" in stated, offer.name
