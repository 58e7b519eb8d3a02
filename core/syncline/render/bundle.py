"""What a pod needs of a folder of specs: the files, and the secrets that they refer to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import Fault
from ..folders import CONNECTIONS, DEFAULTS, OVERLAYS, SETTINGS, base_of, layers
from ..secrets import references
from ..spec import Connections, Spec
from ..spec.document import Document, merged
from ..spec.reading import read

LEDGER = "SYNCLINE_LEDGER"
MOST_BYTES = 1024 * 1024
"""What a ConfigMap may hold."""
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Bundle:
    """`files` are texts by their paths in the pod's folder of specs, without any secret. `variables` and `secret_files`
    are what the references in them name: environment variables, and absolute paths. `overlay` is the path of the
    overlay in that folder, empty where there is none."""

    files: Mapping[str, str]
    variables: tuple[str, ...]
    secret_files: tuple[PurePosixPath, ...]
    overlay: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the Secret must have: a variable by its name, a file by the name it has in its folder."""
        return tuple(sorted({*self.variables, *(path.name for path in self.secret_files)}))

    @property
    def data(self) -> dict[str, str]:
        """The files as a ConfigMap holds them: its keys take no slash."""
        return {key_of(path): text for path, text in self.files.items()}


def key_of(path: str) -> str:
    """The key in a ConfigMap for the path of a file."""
    return path.replace("/", "..")


def bundle(specs: Sequence[Spec], connections: Connections) -> tuple[Bundle, list[Fault]]:
    """The bundle of specs of one folder, or of one overlay and what is below it; and what keeps it from being carried
    into a pod."""
    folder = specs[0].path.parent
    settings = _settings(folder / SETTINGS)
    used = {part.connection for spec in specs for part in (spec.source, spec.sink) if part.connection}
    found = sorted({*references([dict(spec.raw) for spec in specs]), *references(settings)}.union(
        *(references(connections.entries[name].config) for name in used)
    ))  # fmt: skip
    variables = {name for kind, name in found if kind == "env"}
    if str(settings.get("ledger", "sqlite")).startswith("sqlite"):
        variables.add(LEDGER)
    made = Bundle(
        files=_files(folder, specs, connections),
        variables=tuple(sorted(variables)),
        secret_files=tuple(PurePosixPath(name) for kind, name in found if kind == "file"),
        overlay=f"{OVERLAYS}/{folder.absolute().name}" if base_of(folder) is not None else "",
    )
    return made, [Fault(str(specs[0].path), 1, 1, "", message) for message in _obstacles(made)]


def _files(folder: Path, specs: Sequence[Spec], connections: Connections) -> dict[str, str]:
    """The files of the folder, and for an overlay those below it, by where they stand from the lowest folder."""
    base = base_of(folder)
    above = "" if base is None else f"{OVERLAYS}/{folder.absolute().name}/"
    found: dict[str, Path] = {}
    for name in (*(spec.path.name for spec in specs), DEFAULTS, SETTINGS, CONNECTIONS):
        for path in layers(folder / name):
            found[(above if path.parent == folder else "") + name] = path
    if connections.document is not None and connections.path not in found.values():
        found = {path: file for path, file in found.items() if file.name != CONNECTIONS}
        found[above + CONNECTIONS] = connections.path
    return {path: found[path].read_text(encoding="utf-8-sig") for path in sorted(found)}


def _settings(path: Path) -> Mapping[str, object]:
    """What syncline.yaml says as it is written, for an overlay over that of its base. It is without faults."""
    whole: Document | None = None
    for file in layers(path):
        document = read(file)[0]
        if document is not None and isinstance(document.value, dict):
            whole = document if whole is None else merged(whole, document)
    return whole.value if whole is not None else {}


def _obstacles(made: Bundle) -> list[str]:
    told = [f"{name!r} cannot be a file of a ConfigMap; use letters, digits, '.', '-' and '_'"
            for name in made.files if not _KEY.fullmatch(key_of(name))]  # fmt: skip
    told += [f"${{env:{name}}} cannot be a variable of a pod; use letters, digits and '_'"
             for name in made.variables if not _VARIABLE.fullmatch(name)]  # fmt: skip
    for path in made.secret_files:
        if not path.is_absolute() or ".." in path.parts or path.parent == PurePosixPath("/"):
            told.append(
                f"${{file:{path}}} leads to no place of a pod; name a whole path, like /run/secrets/{path.name}"
            )
        elif not _KEY.fullmatch(path.name):
            told.append(f"${{file:{path}}} cannot be a key of a Secret; use letters, digits, '.', '-' and '_'")
    names = [path.name for path in made.secret_files]
    told += [f"${{file:…/{name}}} is referred to in two folders, or is a variable as well; a Secret needs one name each"
             for name in sorted(set(names)) if names.count(name) > 1 or name in made.variables]  # fmt: skip
    if sum(len(each.encode()) for pair in made.data.items() for each in pair) > MOST_BYTES:
        told.append("the files are larger than a ConfigMap may be (1 MiB); render fewer specs at a time")
    return told
