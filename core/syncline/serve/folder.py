"""Follows a folder of specs: what changes there is applied; what is invalid is reported, and replaces nothing."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import Fault, SpecError
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
TOLD = 10
"""Faults of one file that are told; `validate` tells them all."""
_NAME = re.compile(r"^name:\s*[\"']?([a-z0-9-]+)", re.MULTILINE)

Adopt = Callable[[Sequence[Spec]], Sequence[SyncRecord | SpecError]]


class Folder:
    """`adopt` takes specs into the ledger, one answer for each; `connections` stands in for the folder's own, and
    `deployment` for the name by which it goes, unless its settings say one.

    Files are told apart by time, size and identity, and read when two looks at them agree: one that is being written is
    left alone until it is whole.
    """

    def __init__(
        self,
        folder: Path,
        connections: Path | None,
        registry: Registry,
        redactor: Redactor,
        adopt: Adopt,
        *,
        deployment: str | None = None,
    ) -> None:
        self._folder, self._given, self._deployment = folder, connections, deployment
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
        self._left: list[str] = []
        self._held: list[str] = []
        self._gone: dict[str, Path] = {}
        self._reconnected = False

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
        """See `Definitions`: look at the files, or read some of those that changed.

        Files that could not be taken in, because the ledger was out of reach, come again in the next step.
        """
        if not self._backlog:
            self._look()
        paths = self._backlog[:SLICE]
        adopted = self._take(paths) if paths else []
        del self._backlog[: len(paths)]
        left = [name for name in dict.fromkeys(self._left) if name not in self._served]
        if not self._backlog:
            self._tell_gone()
        held = [name for name in dict.fromkeys(self._held) if name in self._served]
        reconnected = self._reconnected
        self._left, self._held, self._reconnected = [], [], False
        return Step(adopted, held, left, bool(self._backlog), reconnected=reconnected)

    def _tell_gone(self) -> None:
        """Say of files that are gone what became of their syncs: another file may have them now."""
        for name, path in self._gone.items():
            if (now := self._served.get(name)) is not None:
                log.info("%s is gone: its sync is in %s now", path, now, extra={"sync": name})
            else:
                log.warning("%s is gone: its sync is not run here any more", path, extra={"sync": name})
        self._gone.clear()

    def _look(self) -> None:
        """Find what changed, and let go of what is gone."""
        try:
            names, beside = prints(self._folder, self._given)
        except OSError as error:
            place = error.filename or self._folder
            self._report(self._folder, [f"{place}: cannot be read ({error.strerror or type(error).__name__})"])
            return
        self._report(self._folder, [])
        before, before_beside = self._seen or (names, beside)
        if beside != self._beside and beside == before_beside:
            self._beside = beside
            self._taken = dict.fromkeys(self._taken, ())
        settled = [name for name, state in names.items() if before.get(name) == state]
        changed = [name for name in settled if self._taken.get(name) != names[name]]
        gone = [name for name in self._taken if name not in names and (self._seen is None or name not in before)]
        if changed or gone:  # a name may be free now that another file had
            faulty = {path.name for path in self._faults}
            changed += [name for name in settled if name in faulty and name not in changed]
        self._taken |= {name: names[name] for name in changed}
        self._backlog = [self._folder / name for name in sorted(changed)]
        self._seen = (names, beside)
        for file in gone:
            self._let_go(file)

    def _let_go(self, file: str) -> None:
        path = self._folder / file
        self._taken.pop(file)
        self._faults.pop(path, None)
        name = self._names.pop(path, None)
        if name is not None and self._served.get(name) == path:
            del self._served[name]
            self._left.append(name)
            self._gone[name] = path

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
                sound.append(self._called(spec))
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

    def _called(self, spec: Spec) -> Spec:
        """With the deployment that was given, where the folder is known by its path alone."""
        named = spec.deployment is not None and ":" not in spec.deployment
        return spec if named or self._deployment is None else replace(spec, deployment=self._deployment)

    def _connect(self, loaded: Loaded, paths: Sequence[Path]) -> Sequence[Fault]:
        """Take over the connections, unless they have faults, which are returned, or are not there any more: then those
        that were last sound stay in use."""
        found = next((loaded.connections[path] for path in paths if path in loaded.connections), None)
        if found is None:
            return ()
        if self._connections.document is None or (found.document is not None and not found.faults):
            known, self._connections = self._connections, found
            self._reconnected |= known.document is not None and known.entries != found.entries
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
        now = tuple(map(_shown, faults))
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


def _shown(text: str) -> str:
    """With names of files that are no text written so that they can be told."""
    return text.encode("utf-8", "backslashreplace").decode()


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
