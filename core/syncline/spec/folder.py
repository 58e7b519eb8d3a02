"""Loads specs from files and folders: all faults of all files at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from ..errors import Fault, SpecError
from ..folders import CONNECTIONS, DEFAULTS, RESERVED, SETTINGS, base_of, layers, misplaced, spec_files
from ..registry import Registry
from .building import spec_of
from .checker import Checker
from .checks import Checks
from .connections import Connections, load_connections
from .document import Document, merged
from .keys import TOP
from .model import Spec
from .reading import parse, read
from .settings import deployment_of, load_settings

Read = tuple[Document | None, list[Fault]]
WHOLE = ("name", "source", "mapping", "sink")
"""Without one of these a file is no spec of its own."""


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
        what, mend = "this file is not a spec", "name the file of a spec beside it"
        if path.is_dir():
            what, mend = "this is a folder, and one spec is wanted", "name the file of a spec in it"
        raise SpecError(what, where=str(path), mend=mend)


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

    A file of an overlay (`configs/overlays/prod/x.yaml`) is merged over that of its base, and may be there alone.
    A file beside the specs that is none (connections.yaml, …) stands for its folder: all specs there depend on it.
    Never raises for what is in the files; a path that does not exist is a fault as well.
    """
    loading = _Loading(checker_of(registry), connections, texts)
    for path in paths:
        folder = path.parent if path.name in RESERVED and path.exists() else path
        if folder.is_dir():
            loading.place(folder)
            loading.beside(folder)
        for file in _specs_in(folder, connections):
            loading.load(file)
    loading.unique(loading.neighbours() if neighbours else {})
    return loading.result()


def _specs_in(path: Path, connections: Path | None) -> Sequence[Path]:
    return spec_files(path, connections) if path.is_dir() else [path]


@dataclass
class _Loading:
    """One `load_paths` on its way."""

    checker: Checker
    given: Path | None
    texts: Mapping[Path, str]
    specs: dict[Path, Spec] = field(default_factory=dict)
    faults_of: dict[Path, list[Fault]] = field(default_factory=dict)
    besides: dict[Path, list[Fault]] = field(default_factory=dict)
    defaults: dict[Path, Read] = field(default_factory=dict)
    deployments: dict[Path, str] = field(default_factory=dict)
    accounts: dict[Path, Connections] = field(default_factory=dict)
    used: dict[Path, Connections] = field(default_factory=dict)

    def load(self, path: Path) -> None:
        """Load one spec, unless it was."""
        if path in self.specs or path in self.faults_of:
            return
        held = self.used[path] = self._connections(path.parent)
        self._settings(path.parent)
        document, faults = self._document(path)
        if document is None:
            self.faults_of[path] = faults
            return
        faults += self.checker.spec(document)
        if isinstance(document.value, dict):
            checks = Checks(self.checker, document, held, faults)
            checks.run()
            if not faults:
                self.specs[path] = spec_of(path, document, checks.identity, self.deployments[path.parent])
        if faults:
            self.faults_of[path] = faults

    def beside(self, folder: Path) -> None:
        """Check the files beside the specs of a folder, also where it has no spec."""
        self._connections(folder)
        self._settings(folder)
        for each in (base_of(folder), folder):
            if each is not None:
                self.besides[each / DEFAULTS] = self._defaults(each)[1]

    def neighbours(self) -> dict[tuple[Path, str], Path]:
        """By folder and name, the specs that lie beside those that were loaded, as far as they can be read."""
        found: dict[tuple[Path, str], Path] = {}
        for folder in {path.parent for path in self.specs}:
            for path in _specs_in(folder, self.given):
                value = None if path in self.used or (document := read(path)[0]) is None else document.value
                if isinstance(value, dict) and isinstance(name := value.get("name"), str):
                    found.setdefault((folder, name), path)
        return found

    def place(self, folder: Path) -> None:
        """Check where a folder stands among overlays, also where it has no spec."""
        if why := misplaced(folder):
            self.besides[folder] = [Fault(str(folder), 1, 1, "", why)]

    def _document(self, path: Path) -> Read:
        """What the files of a spec say together, the highest over the others; None when it cannot be told."""
        if why := misplaced(path.parent):
            return None, [Fault(str(path.parent), 1, 1, "", why)]
        files = layers(path) or (path,)
        if path in self.texts and path not in files:
            files = (*files, path)
        whole: Document | None = None
        last: Document | None = None
        faults: list[Fault] = []
        for folder in (each for each in (base_of(path.parent), path.parent) if each is not None):
            under, bad = self._defaults(folder)
            faults += bad
            if under is not None and isinstance(under.value, dict):
                whole = under if whole is None else _over(whole, _effective(under, whole))
            if (file := folder / path.name) in files:
                text = self.texts.get(file)
                last, bad = read(file) if text is None else parse(text.encode(), str(file))
                faults += bad
                if last is None:
                    return None, faults
                whole = last if whole is None else _over(whole, last)
        if whole is None or last is None:
            return None, faults
        if fault := _alone(path, files, whole):
            return None, [*faults, fault]
        whole.values[()] = last.values[()]
        return replace(whole, file=last.file), faults

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
        path = self.given or folder / CONNECTIONS
        if path not in self.accounts:
            self.accounts[path] = load_connections(path, self.checker, self.texts.get(path))
            if self.given is not None and not path.exists() and path not in self.texts:
                self.besides[path] = [Fault(str(path), 1, 1, "", "there is no such file; see --connections")]
        return self.accounts[path]

    def _settings(self, folder: Path) -> None:
        path = folder / SETTINGS
        if path not in self.besides:
            settings, self.besides[path] = load_settings(path, self.checker)
            self.deployments[folder] = deployment_of(folder, settings)

    def _defaults(self, folder: Path) -> tuple[Document | None, list[Fault]]:
        path = folder / DEFAULTS
        if path not in self.defaults:
            self.defaults[path] = read(path) if path.exists() else (None, [])
        return self.defaults[path]


def _over(under: Document, over: Document) -> Document:
    """Merged; of two that cannot be, the one that is no mapping, for that is the fault."""
    if not isinstance(under.value, dict):
        return under
    return merged(under, over) if isinstance(over.value, dict) else over


def _effective(defaults: Document, under: Document) -> Document:
    """The defaults of an overlay without the keys that they take away where there is nothing to take: they speak to
    all specs of the folder, and not each has all keys."""
    if not isinstance(under.value, dict):
        return defaults
    idle = {key for key, value in defaults.value.items() if value is None and key in TOP and key not in under.value}
    return replace(defaults, value={key: value for key, value in defaults.value.items() if key not in idle})


def _alone(path: Path, files: Sequence[Path], document: Document) -> Fault | None:
    """A file of an overlay that changes some keys, and lies over nothing."""
    base = base_of(path.parent)
    if base is None or files != (path,) or not path.exists() or not isinstance(document.value, dict):
        return None
    missing = [key for key in WHOLE if key not in document.value]
    if not missing:
        return None
    close = get_close_matches(path.name, [each.name for each in spec_files(base)], 1)
    mend = f"did you mean {close[0]!r}?" if close else "a spec that is only in an overlay says everything itself"
    message = f"lies over nothing: there is no {base / path.name}, and alone it lacks {', '.join(missing)}; {mend}"
    return Fault(str(path), 1, 1, "", message)
