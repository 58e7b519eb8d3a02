"""Loads specs from files and folders: all faults of all files at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ..errors import Fault, SpecError
from ..registry import Registry
from . import connections as accounts
from .building import spec_of
from .checker import Checker
from .checks import Checks
from .connections import Connections, load_connections
from .document import Document, merged
from .model import Spec
from .reading import parse, read
from .settings import FILE as SETTINGS
from .settings import load_settings

DEFAULTS = "defaults.yaml"
RESERVED = frozenset({accounts.FILE, DEFAULTS, SETTINGS})
"""Files beside the specs that are not specs."""


@dataclass(frozen=True)
class Loaded:
    """The specs without faults, in the order of the files, and every fault of every file.

    `faults_of` holds, for each spec file with faults, those that keep this one from running; `faults` also holds
    those of connections.yaml and syncline.yaml that concern no loaded spec.
    """

    specs: tuple[Spec, ...]
    faults: tuple[Fault, ...]
    faults_of: Mapping[Path, tuple[Fault, ...]]
    connections: Mapping[Path, Connections]
    """For each spec file, the connections it may name."""

    def sound(self, path: Path) -> Spec:
        """The spec of a file that was asked for. Raises `SpecError` with the faults that keep it from running, or
        where the file is none of a spec."""
        if path in self.faults_of:
            raise SpecError(faults=self.faults_of[path])
        for spec in self.specs:
            if spec.path == path:
                return spec
        raise SpecError("this file is not a spec", where=str(path), mend="name the file of a spec beside it")


@lru_cache(maxsize=8)
def checker_of(registry: Registry) -> Checker:
    """The compiled schema of a registry, made once."""
    return Checker(registry)


def load_paths(
    paths: Iterable[Path],
    registry: Registry,
    connections: Path | None = None,
    *,
    texts: Mapping[Path, str] = {},
    neighbours: bool = False,
) -> Loaded:
    """Load files, and the specs of folders. `connections` stands in for the connections.yaml beside each spec, `texts`
    for files that are not written yet; with `neighbours` a name is also compared with those of the specs beside it that
    are not loaded.

    A file beside the specs that is none (connections.yaml, …) stands for the folder it lies in: all specs there depend
    on it. Never raises for what is in the files; a path that does not exist is a fault as well.
    """
    loading = _Loading(checker_of(registry), connections, texts)
    for path in paths:
        folder = path.parent if path.name in RESERVED and path.exists() else path
        if folder.is_dir():
            loading.beside(folder)
        for file in _specs_in(folder, connections):
            loading.load(file)
    loading.unique(loading.neighbours() if neighbours else {})
    return loading.result()


def _specs_in(path: Path, connections: Path | None) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    found = [each for each in path.iterdir() if each.suffix in (".yaml", ".yml") and not each.name.startswith(".")]
    other = connections.resolve() if connections is not None else None
    return sorted(each for each in found if each.name not in RESERVED and each.resolve() != other)


@dataclass
class _Loading:
    """One `load_paths` on its way."""

    checker: Checker
    given: Path | None
    texts: Mapping[Path, str]
    specs: dict[Path, Spec] = field(default_factory=dict)
    faults_of: dict[Path, list[Fault]] = field(default_factory=dict)
    besides: dict[Path, list[Fault]] = field(default_factory=dict)
    defaults: dict[Path, tuple[Document | None, list[Fault]]] = field(default_factory=dict)
    accounts: dict[Path, Connections] = field(default_factory=dict)
    used: dict[Path, Connections] = field(default_factory=dict)

    def load(self, path: Path) -> None:
        """Load one spec, unless it was."""
        if path in self.specs or path in self.faults_of:
            return
        held = self.used[path] = self._connections(path.parent)
        self._settings(path.parent)
        text = self.texts.get(path)
        document, faults = read(path) if text is None else parse(text.encode(), str(path))
        under, bad = self._defaults(path.parent)
        faults += bad
        if document is None:
            self.faults_of[path] = faults
            return
        if under is not None and isinstance(document.value, dict) and isinstance(under.value, dict):
            document = merged(under, document)
        faults += self.checker.spec(document)
        if isinstance(document.value, dict):
            checks = Checks(self.checker, document, held, faults)
            checks.run()
            if not faults:
                self.specs[path] = spec_of(path, document, checks.identity)
        if faults:
            self.faults_of[path] = faults

    def beside(self, folder: Path) -> None:
        """Check the files beside the specs of a folder, also where it has no spec."""
        self._connections(folder)
        self._settings(folder)
        self.besides[folder / DEFAULTS] = self._defaults(folder)[1]

    def neighbours(self) -> dict[tuple[Path, str], Path]:
        """By folder and name, the specs that lie beside those that were loaded, as far as they can be read."""
        found: dict[tuple[Path, str], Path] = {}
        for folder in {path.parent for path in self.specs}:
            for path in _specs_in(folder, self.given):
                value = None if path in self.used or (document := read(path)[0]) is None else document.value
                if isinstance(value, dict) and isinstance(name := value.get("name"), str):
                    found.setdefault((folder, name), path)
        return found

    def unique(self, neighbours: Mapping[tuple[Path, str], Path]) -> None:
        """A name is the identity of a sync: the second of a folder is a fault."""
        first = dict(neighbours)
        for path, spec in list(self.specs.items()):
            earlier = first.setdefault((path.parent, spec.name), path)
            if earlier != path:
                fault = spec.document.fault(("name",), f"{earlier} has the name {spec.name!r} already; choose another")
                self.faults_of[path] = [fault]
                del self.specs[path]

    def result(self) -> Loaded:
        """What was loaded."""
        own = {path: tuple(dict.fromkeys(sorted(faults))) for path, faults in self.faults_of.items()}
        everything = [fault for faults in (*own.values(), *self.besides.values()) for fault in faults]
        everything += [fault for held in self.accounts.values() for fault in held.faults]
        return Loaded(tuple(self.specs.values()), tuple(dict.fromkeys(everything)), own, self.used)

    def _connections(self, folder: Path) -> Connections:
        path = self.given or folder / accounts.FILE
        if path not in self.accounts:
            self.accounts[path] = load_connections(path, self.checker, self.texts.get(path))
            if self.given is not None and not path.exists() and path not in self.texts:
                self.besides[path] = [Fault(str(path), 1, 1, "", "there is no such file; see --connections")]
        return self.accounts[path]

    def _settings(self, folder: Path) -> None:
        path = folder / SETTINGS
        if path not in self.besides:
            self.besides[path] = load_settings(path, self.checker)[1]

    def _defaults(self, folder: Path) -> tuple[Document | None, list[Fault]]:
        path = folder / DEFAULTS
        if path not in self.defaults:
            self.defaults[path] = read(path) if path.exists() else (None, [])
        return self.defaults[path]
