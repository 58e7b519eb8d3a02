"""Follows a folder of specs: what changes there is applied; what is invalid is reported, and replaces nothing."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..errors import SpecError
from ..folders import CONNECTIONS, Print, layers, prints
from ..ledger import SyncRecord
from ..registry import Registry
from ..secrets import Redactor
from ..spec import Bound, Connections, Loaded, bind, checker_of, load_paths, spec_of_raw
from ..spec.model import Spec
from .definitions import Step

log = logging.getLogger("syncline")
SLICE = 100
"""Files that are read in one step: a fraction of a second."""
_NAME = re.compile(r"^name:\s*[\"']?([a-z0-9-]+)", re.MULTILINE)

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
        self._seen: tuple[dict[str, Print], Print] | None = None
        """The folder as it was at the last look: its specs by their file names, and what lies beside them."""
        self._taken: dict[str, Print] = {}
        """Each file as it was read last."""
        self._beside: Print = ()
        self._backlog: list[Path] = []
        self._names: dict[Path, str] = {}
        self._served: dict[str, Path] = {}
        self._faults: dict[Path, tuple[str, ...]] = {}

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
        self._taken = dict.fromkeys(self._taken, ())
        self._faults, self._seen, self._backlog = {}, None, []
        self._folder = folder

    # ------------------------------------------------------------------------------------------------ following

    def step(self) -> Step:
        """See `Definitions`: look at the files, or read some of those that changed."""
        left = [] if self._backlog else self._look()
        paths, self._backlog = self._backlog[:SLICE], self._backlog[SLICE:]
        adopted = self._take(paths) if paths else []
        return Step(adopted, [name for name in left if name not in self._served], bool(self._backlog))

    def _look(self) -> list[str]:
        """Find what changed; the names whose files are gone."""
        names, beside = prints(self._folder, self._given)
        fresh = self._seen is None
        before, before_beside = self._seen or (names, beside)
        if beside != self._beside and beside == before_beside:
            self._beside = beside
            self._taken = dict.fromkeys(self._taken, ())
        settled = [name for name, state in names.items() if before.get(name) == state]
        changed = [name for name in settled if self._taken.get(name) != names[name]]
        gone = [name for name in self._taken if name not in names and (fresh or name not in before)]
        if changed or gone:  # a name may be free now that another file had
            faulty = {path.name for path in self._faults}
            changed += [name for name in settled if name in faulty and name not in changed]
        self._taken |= {name: names[name] for name in changed}
        self._backlog = [self._folder / name for name in sorted(changed)]
        self._seen = (names, beside)
        return [name for file in gone for name in self._let_go(file)]

    def _let_go(self, file: str) -> list[str]:
        path = self._folder / file
        self._taken.pop(file)
        self._faults.pop(path, None)
        name = self._names.pop(path, None)
        if name is None or self._served.get(name) != path:
            return []
        del self._served[name]
        log.warning("%s is gone: its sync is not run here any more", path, extra={"sync": name})
        return [name]

    # --------------------------------------------------------------------------------------------- taking in

    def _take(self, paths: Sequence[Path]) -> list[SyncRecord]:
        """Read files and apply what is sound; the rest is reported, and what ran so far goes on."""
        loaded = load_paths(paths, self._registry, self._given)
        self._connect(loaded, paths)
        sound: list[Spec] = []
        names = self._names | {spec.path: spec.name for spec in loaded.specs}
        for spec in loaded.specs:
            earlier = self._served.get(spec.name)
            if earlier is not None and earlier != spec.path and names.get(earlier) == spec.name:
                self._report(spec.path, [f"{spec.path}: {earlier} has the name {spec.name!r} already"])
                continue
            sound.append(spec)
        for path, faults in loaded.faults_of.items():
            self._report(path, map(str, faults))
            self._hold(path)
        adopted = []
        for spec, answer in zip(sound, self._adopt(sound), strict=True):
            if isinstance(answer, SpecError):
                self._report(spec.path, [f"{spec.path}: {answer}"])
                self._hold(spec.path, spec.name)
                continue
            self._report(spec.path, [])
            self._hold(spec.path, spec.name)
            adopted.append(answer)
        return adopted

    def _connect(self, loaded: Loaded, paths: Sequence[Path]) -> None:
        """Take over the connections, unless they have faults: then those that were last sound stay in use."""
        held = next((loaded.connections[path] for path in paths if path in loaded.connections), None)
        if held is None:
            return
        if not held.faults or self._connections.document is None:
            self._connections = held
        self._report(held.path, map(str, held.faults))

    def _hold(self, path: Path, name: str | None = None) -> None:
        """This file stands for the sync of this name; a file that cannot be read, for the one it last had."""
        name = name or self._names.get(path) or _name_in(path)
        if name is None or self._served.get(name, path) != path:
            return
        former = self._names.get(path)
        if former is not None and former != name and self._served.get(former) == path:
            del self._served[former]
        self._names[path] = name
        self._served[name] = path

    def _report(self, path: Path, faults: Iterable[str]) -> None:
        """Say what is wrong with a file, once, and once more when it is well."""
        now = tuple(faults)
        before = self._faults.pop(path, ())
        if now:
            self._faults[path] = now
        if now and now != before:
            log.error("not applied, what ran before goes on:\n%s", "\n".join(now))
        elif before and not now:
            log.info("%s is sound again", path)

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
