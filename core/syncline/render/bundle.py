"""What a pod needs of a folder of specs: the files, and the secrets that they refer to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import Fault
from ..secrets import references
from ..spec import Connections, Spec
from ..spec.reading import read

LEDGER = "SYNCLINE_LEDGER"
BESIDES = ("defaults.yaml", "syncline.yaml")
MOST_BYTES = 1024 * 1024
"""What a ConfigMap may hold."""
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Bundle:
    """`files` are texts by name, without any secret. `variables` and `secret_files` are what the references in them
    name: environment variables, and absolute paths."""

    files: Mapping[str, str]
    variables: tuple[str, ...]
    secret_files: tuple[PurePosixPath, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the Secret must have: a variable by its name, a file by the name it has in its folder."""
        return tuple(sorted({*self.variables, *(path.name for path in self.secret_files)}))


def bundle(specs: Sequence[Spec], connections: Connections) -> tuple[Bundle, list[Fault]]:
    """The bundle of specs of one folder; and what keeps it from being carried into a pod."""
    folder = specs[0].path.parent
    paths = {spec.path.name: spec.path for spec in specs}
    paths |= {name: folder / name for name in BESIDES if (folder / name).exists()}
    if connections.document is not None:
        paths["connections.yaml"] = connections.path
    files = {name: paths[name].read_text(encoding="utf-8-sig") for name in sorted(paths)}
    settings = _value(folder / "syncline.yaml")
    used = {part.connection for spec in specs for part in (spec.source, spec.sink) if part.connection}
    found = sorted({*references([dict(spec.raw) for spec in specs]), *references(settings)}.union(
        *(references(connections.entries[name].config) for name in used)
    ))  # fmt: skip
    variables = {name for kind, name in found if kind == "env"}
    if str(settings.get("ledger", "sqlite")).startswith("sqlite"):
        variables.add(LEDGER)
    secret_files = tuple(PurePosixPath(name) for kind, name in found if kind == "file")
    made = Bundle(files, tuple(sorted(variables)), secret_files)
    return made, [Fault(str(specs[0].path), 1, 1, "", message) for message in _obstacles(made)]


def _value(path: Path) -> Mapping[str, object]:
    document = read(path)[0] if path.exists() else None
    return document.value if document is not None and isinstance(document.value, dict) else {}


def _obstacles(made: Bundle) -> list[str]:
    told = [f"{name!r} cannot be a file of a ConfigMap; use letters, digits, '.', '-' and '_'"
            for name in made.files if not _KEY.fullmatch(name)]  # fmt: skip
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
    if sum(len(text.encode()) for text in made.files.values()) > MOST_BYTES:
        told.append("the files are larger than a ConfigMap may be (1 MiB); render fewer specs at a time")
    return told
