"""The JSON Schema: composed from the plugins, good enough for an editor, and quick to start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from spec_plugins import registry
from syncline.registry import GROUP, Registry
from syncline.spec import load_paths, schema

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
OURS = {path.name.replace("_", "-") for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").is_file()}


@pytest.fixture(scope="module")
def shipped() -> Registry:
    """The plugins of this repository; a stranger's that happens to be installed is not among them."""
    points = entry_points(group=GROUP)
    return Registry(point for point in points if point.dist and point.dist.name.removeprefix("syncline-") in OURS)


def keys(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that a file may have, with its schema; the conditions of `if` are not keys."""
    if isinstance(node, list):
        for each in node:
            yield from keys(each, path)
    if not isinstance(node, dict):
        return
    for name, each in node.get("properties", {}).items():
        yield f"{path}.{name}", each
    for name, each in node.items():
        if name not in ("if", "default", "examples", "enum", "required"):
            yield from keys(each, path if name in ("anyOf", "allOf", "then", "properties") else f"{path}/{name}")


def test_the_checked_in_schema_is_that_of_the_shipped_plugins(shipped: Registry) -> None:
    text = msgspec.json.format(msgspec.json.encode(schema(shipped)), indent=2).decode() + "\n"
    assert (CONFIGS / "sync.schema.json").read_text(encoding="utf-8") == text, "run: make schema"


def test_the_schema_is_a_schema(shipped: Registry) -> None:
    Draft202012Validator.check_schema(schema(shipped))
    assert schema(shipped)["$schema"] == Draft202012Validator.META_SCHEMA["$schema"]


def test_the_schema_is_the_same_every_time() -> None:
    assert json.dumps(schema(registry())) == json.dumps(schema(registry()))


@pytest.mark.parametrize("word", ["title", "description"])
def test_every_key_has_words_for_the_editor(word: str, shipped: Registry) -> None:
    whole = schema(shipped)
    lacking = [path for path, each in keys(whole) if word not in each and not set(each) & {"const", "$ref"}]
    assert lacking == []


def test_every_key_of_our_own_has_an_example_or_a_default(shipped: Registry) -> None:
    whole = schema(shipped)
    own = {name: part for name, part in whole["$defs"].items() if "." not in name} | {"": whole | {"$defs": {}}}
    lacking = [
        f"{name}{path}"
        for name, part in own.items()
        for path, each in keys(part)
        if not set(each) & {"examples", "default", "const", "$ref", "enum"} and path not in (".type", ".connections")
    ]
    assert lacking == []


def test_references_inside_the_schema_lead_somewhere(shipped: Registry) -> None:
    text = json.dumps(schema(shipped))
    named = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert named <= set(schema(shipped)["$defs"])


@pytest.mark.parametrize(("section", "kind"), [("source", "source"), ("sink", "sink"), ("connection", "connection")])
def test_an_editor_finds_the_names_and_the_keys_of_the_chosen_plugin(section: str, kind: str) -> None:
    plugins = registry()
    part = schema(plugins)["$defs"][section]
    offered = {each["const"]: each["description"] for each in part["properties"]["type"]["anyOf"]}
    assert list(offered) == plugins.names(kind)
    assert all(offered.values())
    chosen = {each["if"]["properties"]["type"]["const"]: each["then"]["$ref"] for each in part["allOf"]}
    assert list(chosen) == plugins.names(kind)


def test_a_plugins_description_is_the_first_paragraph_of_its_docstring() -> None:
    form = schema(registry())["$defs"]["source.form"]
    assert form["description"] == form["properties"]["type"]["description"] == "Reads a form."


def test_the_schema_itself_refuses_an_inline_secret() -> None:
    whole = schema(registry())
    part = Draft202012Validator({"$ref": "#/$defs/connections_file", "$defs": whole["$defs"]})
    assert part.is_valid({"connections": {"hub": {"type": "hub", "token": "${env:T}"}}})
    assert not part.is_valid({"connections": {"hub": {"type": "hub", "token": "1000.hunter2"}}})


def test_the_shipped_files_are_sound(shipped: Registry) -> None:
    loaded = load_paths([CONFIGS], shipped)
    assert [str(fault) for fault in loaded.faults] == []
    assert [spec.name for spec in loaded.specs if spec.name == "webinar-signups"] == ["webinar-signups"]


@pytest.mark.parametrize("name", ["webinar-signups", "connections"])
def test_the_shipped_files_name_their_schema_for_editors(name: str) -> None:
    first = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    file = first.removeprefix("# yaml-language-server: $schema=")
    whole = json.loads((CONFIGS / file).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(whole)
    if "$ref" in whole:
        assert whole["$ref"] == "sync.schema.json#/$defs/connections_file"


def imported(code: str) -> set[str]:
    """The top modules that a fresh process imports by running the code."""
    code += "\nimport sys, json\nprint(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1]))


HEAVY = {"polars", "httpx", "sqlalchemy", "alembic", "croniter", "rich", "email_validator"}


def test_importing_specs_and_the_registry_imports_nothing_heavy() -> None:
    assert imported("import syncline.spec, syncline.registry, syncline.hooks") & HEAVY == set()


def test_checking_a_spec_without_sql_imports_nothing_heavy(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests")!r})
from pathlib import Path
from spec_plugins import CONNECTIONS, SPEC, registry
from syncline.spec import load_paths
folder = Path({str(tmp_path)!r})
(folder / "connections.yaml").write_text(CONNECTIONS)
lines = [line for line in SPEC.splitlines() if "sql:" not in line]
(folder / "x.yaml").write_text("\\n".join(lines))
assert load_paths([folder], registry()).faults == ()
"""
    assert imported(code) & HEAVY == set()
