"""What one YAML file says, as plain values, and where each of them stands; and how defaults.yaml goes under a spec."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import Fault

Step = str | int
Path_ = tuple[Step, ...]
WHOLE = ("mapping", "connections")
"""Sections whose entries are replaced as a whole."""


class Place(NamedTuple):
    """A 1-based position in a file."""

    file: str
    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """The `value` of a file; for each path in it the place of its `keys` (mapping entries only) and of its `values`;
    and, for scalars that are not text, the text as `written`."""

    file: str
    value: Any
    keys: dict[Path_, Place] = field(default_factory=dict)
    values: dict[Path_, Place] = field(default_factory=dict)
    written: dict[Path_, str] = field(default_factory=dict)

    def fault(self, path: Path_, message: str, *, at_key: bool = False) -> Fault:
        """A fault at the value of `path` (or at its key); where that is not written, at the nearest that is."""
        return Fault(*self.place(path, at_key=at_key), dotted(path), message)

    def place(self, path: Path_, *, at_key: bool = False) -> Place:
        """Where the value of `path` (or its key) stands; where it is not written, the nearest thing around it."""
        if at_key and path in self.keys:
            return self.keys[path]
        inner = path
        while inner not in self.values:
            if not inner:
                return Place(self.file, 1, 1)
            inner = inner[:-1]
        if inner != path and inner in self.keys:
            return self.keys[inner]
        return self.values[inner]

    def folder(self, path: Path_) -> Path:
        """The folder of the file in which the value of `path` stands: where what is relative in it starts."""
        return Path(self.place(path).file).parent

    def at(self, path: Path_) -> Any:
        """The value at `path`, which must exist."""
        return value_at(self.value, path)


def dotted(path: Path_) -> str:
    """The path as people write it: `mapping.Full Name.sql`, `ignore[1]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def merged(under: Document, over: Document) -> Document:
    """`over` with what only `under` has: mappings deep, everything else replaced; places point to their own files.

    A null in `over` takes the value of `under` away. A source or sink of another type takes nothing over, and an
    entry of the mapping, or of connections.yaml, is replaced as a whole, because its keys belong together.
    """
    result = Document(over.file, None)
    value = _merge(under, over, (), result)
    result.values[()] = over.values[()]
    return replace(result, value=value)


def _merge(under: Document, over: Document, path: Path_, into: Document) -> Any:
    low, high = value_at(under.value, path), value_at(over.value, path)
    if not _mergeable(low, high, path):
        _copy(over, path, into)
        return high
    for source in (under, over):
        if path in source.keys:
            into.keys[path] = source.keys[path]
        into.values[path] = source.values[path]
    result = {}
    for key in [*low, *(key for key in high if key not in low)]:
        inner = (*path, key)
        if key not in high:
            _copy(under, inner, into)
            result[key] = low[key]
        elif key not in low:
            _copy(over, inner, into)
            result[key] = high[key]
        elif high[key] is not None:
            result[key] = _merge(under, over, inner, into)
    return result


def _mergeable(low: Any, high: Any, path: Path_) -> bool:
    if not (isinstance(low, dict) and isinstance(high, dict)) or (len(path) == 2 and path[0] in WHOLE):
        return False
    kinds = [each["type"] for each in (low, high) if path in {("source",), ("sink",)} and "type" in each]
    return len(kinds) < 2 or bool(kinds[0] == kinds[1])


def value_at(value: Any, path: Path_) -> Any:
    """The value at `path`. The path must exist."""
    for step in path:
        value = value[step]
    return value


def _copy(source: Document, path: Path_, into: Document) -> None:
    for here, there in ((source.keys, into.keys), (source.values, into.values)):
        there.update({key: place for key, place in here.items() if key[: len(path)] == path})
    into.written.update({key: text for key, text in source.written.items() if key[: len(path)] == path})
