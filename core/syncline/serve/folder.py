"""Follows a folder of specs: what changes there is applied; what is invalid is reported, and replaces nothing."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..errors import Fault, SpecError
from ..folders import CONNECTIONS, RESERVED, base_of, layers, spec_files
from ..ledger import SyncRecord
from ..registry import Registry
from ..secrets import Redactor
from ..spec import Bound, Connections, Loaded, bind, checker_of, load_paths, spec_of_raw
from ..spec.model import Spec
from .definitions import Step

log = logging.getLogger("syncline")
SLICE = 100
"""Files that are read in one step: a fraction of a second."""
TOLD = 10
"""Faults of one file that are told; `validate` tells them all."""
_NAME = re.compile(r"^name:\s*[\"']?([a-z0-9-]+)", re.MULTILINE)

Print = tuple[tuple[int, int, int], ...]
Adopt = Callable[[Sequence[Spec]], Sequence[SyncRecord | SpecError]]


class Folder:
    """`adopt` takes specs into the ledger, one answer for each; `connections` stands in for the folder's own.

    Files are told apart by time, size and identity, and read when two looks at them agree: one that is being written is
    left alone until it is whole.
    """

    def __init__(
        self, folder: Path, connections: Path | None, registry: Registry, redactor: Redactor, adopt: Adopt
    ) -> None:
        self._folder, self._given = folder, connections
        self._registry, self._redactor, self._adopt = registry, redactor, adopt
        self._connections = Connections(connections or folder / CONNECTIONS)
        self._seen: dict[Path, Print] = {}
        self._taken: dict[Path, Print] = {}
        self._beside: Print = ()
        self._backlog: list[Path] = []
        self._names: dict[Path, str] = {}
        self._served: dict[str, Path] = {}
        self._faults: dict[Path, tuple[str, ...]] = {}
        self._left: list[str] = []
        self._held: list[str] = []
        self._fresh = True

    def serves(self, name: str) -> bool:
        """Whether a file of the folder has this name, or had it when it was last valid."""
        return name in self._served

    def troubles(self) -> list[str]:
        """Every fault of the folder, as `validate` words it."""
        return [fault for _, faults in sorted(self._faults.items()) for fault in faults]

    def move(self, folder: Path) -> None:
        """From now on the specs are in another folder, which is complete: another revision of the same ones."""
        self._names = {folder / path.name: name for path, name in self._names.items()}
        self._served = {name: folder / path.name for name, path in self._served.items()}
        self._taken = dict.fromkeys(self._names, ())
        self._faults, self._seen, self._backlog = {}, {}, []
        self._folder, self._fresh = folder, True

    # ------------------------------------------------------------------------------------------------ following

    def step(self) -> Step:
        """See `Definitions`: look at the files, or read some of those that changed.

        Files that could not be taken in, because the ledger was out of reach, come again in the next step.
        """
        if not self._backlog:
            self._look()
        paths = self._backlog[:SLICE]
        adopted = self._take(paths) if paths else []
        del self._backlog[: len(paths)]
        left = [name for name in dict.fromkeys(self._left) if name not in self._served]
        held = [name for name in dict.fromkeys(self._held) if name in self._served]
        self._left, self._held = [], []
        return Step(adopted, held, left, bool(self._backlog))

    def _look(self) -> None:
        """Find what changed, and let go of what is gone."""
        try:
            places = [each for each in (base_of(self._folder), self._folder) if each is not None]
            lost = next((each for each in places if not each.is_dir()), None)
            files = spec_files(self._folder, self._given) if lost is None else []
            found = {path: _print(layers(path)) for path in files}
        except OSError as error:
            lost, why = self._folder, error.strerror or type(error).__name__
        else:
            why = "there is no such folder"
        self._report(self._folder, [f"{lost}: cannot be read ({why})"] if lost else [])
        if lost:
            return
        beside = _print(self._companions())
        if beside != self._beside and (self._fresh or beside == self._seen.get(self._folder)):
            self._beside = beside
            self._taken = dict.fromkeys(self._taken, ())
        ready = {path for path, seen in found.items() if self._fresh or self._seen.get(path) == seen}
        gone = [path for path in self._taken if path not in found and self._seen.get(path, ()) == ()]
        self._backlog = [path for path in found if path in ready and self._taken.get(path) != found[path]]
        if self._backlog or gone:  # a name may be free now that another file had
            self._backlog += [path for path in self._faults if path in ready and path not in self._backlog]
        self._taken |= {path: found[path] for path in self._backlog}
        self._seen, self._fresh = found | {self._folder: beside}, False
        for path in gone:
            self._let_go(path)

    def _companions(self) -> list[Path]:
        """The files that all specs of the folder share; not all need exist."""
        folders = [each for each in (base_of(self._folder), self._folder) if each is not None]
        return [folder / name for folder in folders for name in sorted(RESERVED)] + [*filter(None, [self._given])]

    def _let_go(self, path: Path) -> None:
        self._taken.pop(path)
        self._faults.pop(path, None)
        name = self._names.pop(path, None)
        if name is not None and self._served.get(name) == path:
            del self._served[name]
            self._left.append(name)
            log.warning("%s is gone: its sync is not run here any more", path, extra={"sync": name})

    # --------------------------------------------------------------------------------------------- taking in

    def _take(self, paths: Sequence[Path]) -> list[SyncRecord]:
        """Read files and apply what is sound; the rest is reported, and what ran so far goes on."""
        loaded = load_paths(paths, self._registry, self._given)
        shared = self._connect(loaded, paths)
        sound: list[Spec] = []
        names = self._names | {spec.path: spec.name for spec in loaded.specs}
        for spec in loaded.specs:
            earlier = self._served.get(spec.name)
            if earlier is not None and earlier != spec.path and names.get(earlier) == spec.name:
                self._report(spec.path, [f"{spec.path}: {earlier} has the name {spec.name!r} already"], spec.name)
            else:
                sound.append(spec)
        adopted = []
        for spec, answer in zip(sound, self._adopt(sound), strict=True):
            self._serve(spec)
            if isinstance(answer, SpecError):
                self._report(spec.path, [f"{spec.path}: {answer}"], spec.name)
                self._held.append(spec.name)
                continue
            self._report(spec.path, [], spec.name)
            adopted.append(answer)
        for path, faults in loaded.faults_of.items():
            own = [str(fault) for fault in faults if fault not in shared]
            name = self._keep(path)
            if own:
                self._report(path, own, name)
        return adopted

    def _connect(self, loaded: Loaded, paths: Sequence[Path]) -> Sequence[Fault]:
        """Take over the connections, unless they have faults, which are returned, or are not there any more: then those
        that were last sound stay in use."""
        found = next((loaded.connections[path] for path in paths if path in loaded.connections), None)
        if found is None:
            return ()
        if self._connections.document is None or (found.document is not None and not found.faults):
            self._connections = found
        self._report(self._given or self._folder / CONNECTIONS, map(str, found.faults))
        return found.faults

    def _serve(self, spec: Spec) -> None:
        """From now on the sync of this name is that of this file, and of no other."""
        former = self._names.get(spec.path)
        if former is not None and former != spec.name and self._served.get(former) == spec.path:
            del self._served[former]
            self._left.append(former)
            log.warning("%s is now that of %s: %s is not run here any more", spec.path, spec.name, former)
        self._names[spec.path] = spec.name
        self._served[spec.name] = spec.path

    def _keep(self, path: Path) -> str | None:
        """A file with faults stands for the sync of the name that it last had, or else gives, unless another does."""
        name = self._names.get(path) or _name_in(path)
        if name is None or self._served.get(name, path) != path:
            return None
        self._names[path] = name
        self._served[name] = path
        self._held.append(name)
        return name

    def _report(self, path: Path, faults: Iterable[str], name: str | None = None) -> None:
        """Say what is wrong with a file, once, and once more when it is well."""
        now = tuple(faults)
        before = self._faults.pop(path, ())
        names = {"sync": name} if name else {}
        if now:
            self._faults[path] = now
        for fault in now[:TOLD] if now != before else ():
            log.error("not applied, what ran before goes on: %s", fault, extra=names)
        if len(now) > TOLD and now != before:
            log.error("%s has %d more faults: `syncline validate` shows them", path, len(now) - TOLD, extra=names)
        if before and not now:
            log.info("%s is sound again", path, extra=names)

    # ---------------------------------------------------------------------------------------------- running

    def bound(self, sync: SyncRecord) -> Bound:
        """See `Definitions`: from the file where it says the same as the ledger, so that faults name their places."""
        path = self._served.get(sync.name) or self._folder / f"{sync.name}.yaml"
        loaded = load_paths([path], self._registry, self._given)
        spec = next((each for each in loaded.specs if each.raw == sync.spec), None)
        if spec is None:
            spec = spec_of_raw(sync.spec, path, checker_of(self._registry), self._connections)
            return bind(spec, self._registry, self._connections, self._redactor)
        return bind(spec, self._registry, loaded.connections[path], self._redactor)


def _print(paths: Iterable[Path]) -> Print:
    found = []
    for path in paths:
        try:
            there = path.stat()
        except OSError:
            continue
        found.append((there.st_mtime_ns, there.st_size, there.st_ino))
    return tuple(found)


def _name_in(path: Path) -> str | None:
    """The name that a file gives, though it has faults: its sync may be known from before."""
    for file in reversed(layers(path)):
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if found := _NAME.search(text):
            return found[1]
    return None
