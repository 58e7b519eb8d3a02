"""The house stands: no import circle, no import upwards, one foreign library in one room, plugins see the face only."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "syncline"
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").is_file())

FLOORS = [
    {"errors", "decision", "secrets", "batch", "budget", "clock", "folders", "schedule", "sql"},
    {"plugin"},
    {"hooks"},
    {"spec", "ledger", "http", "registry", "git"},
    {"__init__", "testing"},
    {"window", "observers", "notices", "proposal", "telemetry", "endpoint", "sharing"},
    {"adoption", "pipeline"},
    {"assembly", "plan"},
    {"executor"},
    {"preview", "explain", "render", "sampling", "serve", "spectest"},
    {"console"},
    {"cli"},
]
"""From the ground up. A module may import from lower floors, and from its own without a circle."""

ROOMS = {
    "pluggy": {"hooks", "registry"},
    "yaml": {"spec"},
    "jsonschema": {"spec"},
    "croniter": {"schedule"},
    "sqlalchemy": {"ledger"},
    "alembic": {"ledger"},
    "psycopg": {"ledger"},
    "click": {"cli"},
    "rich": {"console", "cli"},
    "httpx": {"http"},
    "stamina": {"http"},
    "structlog": {"cli"},
    "smtplib": {"notices"},
    "prometheus_client": {"telemetry"},
    "opentelemetry": {"telemetry"},
}
"""One foreign library, one room (DESIGN 2)."""


def imports(path: Path, package: str) -> Iterator[tuple[str, int]]:
    """Absolute names of everything that a module imports, wherever in the module it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            if node.module:
                yield stem, node.lineno
            for alias in node.names:
                yield f"{stem}.{alias.name}", node.lineno


def rooms() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(CORE.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        inside = path.relative_to(CORE)
        found.setdefault(inside.parts[0] if len(inside.parts) > 1 else inside.stem, []).append(path)
    return found


def package_of(path: Path) -> str:
    return ".".join(["syncline", *path.relative_to(CORE).parts[:-1]])


def edges() -> dict[str, set[str]]:
    """room → rooms that it imports."""
    names = rooms()
    graph: dict[str, set[str]] = {name: set() for name in names}
    for name, paths in names.items():
        for path in paths:
            for target, _ in imports(path, package_of(path)):
                parts = target.split(".")
                if parts[0] != "syncline":
                    continue
                room = parts[1] if len(parts) > 1 and parts[1] in names else "__init__"
                if room != name and not (room == "__init__" and len(parts) > 1):
                    graph[name].add(room)
    return graph


def test_every_room_has_a_floor() -> None:
    assert set(rooms()) == set().union(*FLOORS)


def test_no_room_imports_upwards() -> None:
    floor = {name: height for height, names in enumerate(FLOORS) for name in names}
    upwards = [(name, to) for name, targets in edges().items() for to in targets if floor[to] > floor[name]]
    assert upwards == []


def test_no_import_circle() -> None:
    graph = edges()
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' → '.join((*path, name))}"
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def modules() -> dict[str, Path]:
    return {
        ".".join(["syncline", *path.relative_to(CORE).with_suffix("").parts]).removesuffix(".__init__"): path
        for path in CORE.rglob("*.py")
        if "migrations" not in path.parts
    }


def test_no_circle_among_the_modules_of_a_room() -> None:
    files = modules()
    graph: dict[str, set[str]] = {}
    for name, path in files.items():
        targets = {target for target, _ in imports(path, package_of(path))}
        graph[name] = {target for target in targets if target in files and target != name}
        if path.name == "__init__.py":
            continue
        graph[name].discard(name.rpartition(".")[0])
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' → '.join((*path, name))}"
        if name not in done:
            for target in sorted(graph[name]):
                if target != "syncline":
                    visit(target, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_each_foreign_library_has_one_room() -> None:
    strays = [
        f"{path.relative_to(ROOT)}:{line} imports {target}"
        for name, paths in rooms().items()
        for path in paths
        for target, line in imports(path, package_of(path))
        if name not in ROOMS.get(target.split(".")[0], {name})
    ]
    assert strays == []


def test_the_core_imports_no_plugin() -> None:
    strays = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in CORE.rglob("*.py")
        for target, line in imports(path, package_of(path))
        if target.split(".")[0].startswith("syncline_")
    ]
    assert strays == []


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_imports_the_face_and_what_it_declares(plugin: Path) -> None:
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    declared = {_module(requirement) for requirement in project.get("dependencies", [])}
    (package,) = (path.name for path in (plugin / "src").iterdir() if (path / "__init__.py").is_file())
    allowed = {"syncline", package, *declared, *sys.stdlib_module_names}
    strays = [
        f"{path.relative_to(ROOT)}:{line} imports {target}"
        for path in sorted((plugin / "src").rglob("*.py"))
        for target, line in imports(path, ".".join([*path.relative_to(plugin / "src").parts[:-1]]))
        if target.split(".")[0] not in allowed or _behind_the_face(path, target)
    ]
    assert strays == []


def _behind_the_face(path: Path, target: str) -> bool:
    import syncline

    parts = target.split(".")
    return parts[0] == "syncline" and len(parts) > 1 and parts[1] not in syncline.__all__


def _module(requirement: str) -> str:
    name = requirement.split(";", maxsplit=1)[0].split("[", maxsplit=1)[0]
    for mark in "<>=!~ ":
        name = name.split(mark)[0]
    return {"dnspython": "dns"}.get(name, name.replace("-", "_"))


def test_every_plugin_is_in_the_makefile() -> None:
    line = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("PLUGINS :="))
    assert sorted(line.partition(":=")[2].split()) == [path.name for path in PLUGINS]
