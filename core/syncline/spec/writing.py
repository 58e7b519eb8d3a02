"""Writes specs and connections files: plain values in, commented YAML out, which reads back as the same values."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

COMMENT_COLUMN = 40
LONGEST_COMMENT = 118
SCHEMA_FILE = "sync.schema.json"


@dataclass(frozen=True)
class Draft:
    """A spec before it is a file: the values of its sections, as they are to be read back.

    `source`, `sink` and `schedule` hold their keys in order (`type` and `connection` first); `mapping` holds a source
    field, or the keys of an origin, for each sink field. `notes` are comments at the end of the line of a dotted key
    (`source.report`), or, for a section, of its first line.
    """

    name: str
    description: str
    source: Mapping[str, Any]
    retrieve: Any
    mapping: Mapping[str, Any]
    transforms: Sequence[Any]
    ignore: Sequence[Any]
    sink: Mapping[str, Any]
    schedule: Mapping[str, Any] | None
    notes: Mapping[str, str] = field(default_factory=dict)
    below: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Comments on lines of their own at the end of a section; the section `` is the head of the file."""


def spec_text(draft: Draft) -> str:
    """The YAML of a spec, in the order in which data flows."""
    return "\n".join(_spec_lines(draft)) + "\n"


def connections_text(name: str, type: str, keys: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    """The YAML of a connections.yaml with one connection. Secrets must be references; `notes` as in `Draft`, by key."""
    lines = ["connections:", f"  {inline(name)}:", *_noted(f"    type: {inline(type)}", notes.get("type", ""))]
    for key, value in keys.items():
        lines += _noted(f"    {inline(key)}: {inline(value)}", notes.get(key, ""))
    return "\n".join(lines) + "\n"


def inline(value: Any) -> str:
    """One value on one line, as YAML that is read back as exactly this value: `no`, `007` and `a: b` are quoted.

    What would hide or steer (line ends, controls, marks of direction) is written as an escape.
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    return _scalar(value, quoted=False)


def comment(text: str) -> str:
    """Foreign text as the words of a comment: one line, no controls."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _spec_lines(draft: Draft) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA_FILE}"
    yield from _below("", draft, indent="")
    yield "version: 1"
    yield from _noted(f"name: {inline(draft.name)}", draft.notes.get("name", ""))
    if draft.description:
        yield f"description: {inline(draft.description)}"
    yield from _section("source", draft.source, draft)
    yield ""
    yield from _noted(f"retrieve: {inline(draft.retrieve)}", draft.notes.get("retrieve", ""))
    yield from _section("mapping", draft.mapping, draft)
    for name, entries in (("transforms", draft.transforms), ("ignore", draft.ignore)):
        if entries:
            yield from _list(name, entries, draft)
    yield from _section("sink", draft.sink, draft)
    if draft.schedule is not None:
        yield from _section("schedule", draft.schedule, draft)
    elif draft.below.get("schedule"):
        yield ""
        yield from _below("schedule", draft, indent="")


def _section(name: str, keys: Mapping[str, Any], draft: Draft) -> Iterator[str]:
    yield ""
    yield from _noted(f"{name}:", draft.notes.get(name, ""))
    for key, value in keys.items():
        yield from _noted(f"  {_key(key)}: {inline(value)}", draft.notes.get(f"{name}.{key}", ""))
    yield from _below(name, draft)


def _list(name: str, entries: Sequence[Any], draft: Draft) -> Iterator[str]:
    yield ""
    yield from _noted(f"{name}:", draft.notes.get(name, ""))
    for each in entries:
        yield from _noted(f"  - {inline(each)}", draft.notes.get(f"{name}.{each}", ""))
    yield from _below(name, draft)


def _below(name: str, draft: Draft, indent: str = "  ") -> Iterator[str]:
    for each in draft.below.get(name, ()):
        width = LONGEST_COMMENT - len(indent)
        yield from (f"{indent}# {line}" for line in textwrap.wrap(comment(each), width, break_on_hyphens=False))


def _noted(line: str, note: str) -> Iterator[str]:
    """The line with its comment behind it."""
    yield f"{line.ljust(COMMENT_COLUMN - 1)} # {comment(note)}" if note else line


def _key(key: str) -> str:
    """A key; `on` needs no quotes, because scalars of specs stay the texts that they are."""
    return key if _PLAIN_KEY.fullmatch(key) and key not in ("true", "false", "null") else inline(key)


def _flow(value: Any) -> str:
    """A value inside {…} or […]; a text there is quoted wherever it holds a sign of flow."""
    if isinstance(value, dict | list | tuple):
        return inline(value)
    text = _scalar(value, quoted=False)
    plain = isinstance(value, str) and text == value
    return _scalar(value, quoted=True) if plain and not _FLOWING.fullmatch(value) else text


def _scalar(value: Any, *, quoted: bool) -> str:
    if not isinstance(value, str):
        return _dumped(value)
    hidden = not value.isprintable()
    plain = None if quoted or hidden or _CLOCK.fullmatch(value) else _dumped(value)
    return plain if plain == value else _dumped(value, style='"', allow_unicode=not hidden)


def _dumped(value: Any, *, style: str | None = None, allow_unicode: bool = True) -> str:
    text: str = yaml.dump(
        value, Dumper=yaml.SafeDumper, default_style=style, allow_unicode=allow_unicode, width=float("inf")
    )
    return text.removesuffix("\n").removesuffix("\n...")


_CLOCK = re.compile(r"[0-9]+:[0-9:]+")
"""Older readers of YAML take 10:30 for a number, so every time of day is quoted."""
_PLAIN_KEY = re.compile(r"[a-z][a-z_]*")
_FLOWING = re.compile(r"\w+(?:[ .\-]\w+)*")
"""What needs no quotes inside {…} and […]."""
