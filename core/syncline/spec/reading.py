"""Reads one YAML file into a document.

Scalars are typed by the core rules of YAML 1.2, stricter still: only `true`, `false`, `null`, `~`, nothing at all,
whole numbers without leading zeros and plain decimals are typed. `no`, `on`, `007`, `1e5`, `09:30` and dates are text.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ..errors import Fault
from .document import Document, Path_, Place

MAX_BYTES = 1024 * 1024
MAX_ALIASES = 100
MAX_LEVELS = 50
MAX_ALIASED = 10_000
"""Values that aliases may repeat in all: a few nested aliases would otherwise make millions."""

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_CORE = "tag:yaml.org,2002:"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def read(path: Path, file: str | None = None) -> tuple[Document | None, list[Fault]]:
    """The document of the file, or None with the faults that keep it from being one. `file` is its name in faults."""
    file = file or str(path)
    try:
        with open(path, "rb", opener=_at_once) as stream:  # Path.open takes no opener
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # a ValueError for a name that no file can have
        told = f"cannot be read ({getattr(error, 'strerror', None) or type(error).__name__})"
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            told = "there is no such file or folder; name a spec, or the folder of the specs"
        return None, [Fault(file, 1, 1, "", told)]
    return parse(data, file)


def _at_once(path: str, flags: int) -> int:
    """Opens a pipe without waiting for somebody to write into it; one with a writer is read to its end."""
    handle = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(handle, True)
    return handle


def parse(data: bytes, file: str) -> tuple[Document | None, list[Fault]]:
    """See `read`; a file with a fault of its own (a duplicate key, a tag) gives no document."""
    if len(data) > MAX_BYTES:
        return None, [Fault(file, 1, 1, "", "is larger than 1 MB; a spec holds settings, not data")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8-sig", errors="replace")
        return None, [Fault(*_end_of(good, file), "", "is not UTF-8 here; save the file as UTF-8")]
    if found := _CONTROL.search(text):
        code = f"U+{ord(found[0]):04X}"
        return None, [
            Fault(*_end_of(text[: found.start()], file), "", f"holds the control character {code}; remove it")
        ]
    composer = _Composer(text, file)
    try:
        document = composer.compose()
    except yaml.MarkedYAMLError as error:
        return None, [_syntax(error, text, file)]
    except _Stop as stop:
        return None, [*composer.faults, stop.fault]
    if composer.faults:
        return None, composer.faults
    return document, []


def value_of(text: str) -> Any:
    """What the text means as a value of a spec: `3`, `true`, `[a, b]`, `{field: Email}`. Raises ValueError."""
    document, faults = parse(text.encode(), "")
    if document is None or not document.values:
        raise ValueError(faults[0].message if faults else "is no value")
    return document.value


class _Stop(Exception):
    """The file cannot be read any further."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass
class _Node:
    """One composed value, before it has a path: aliases put the same node into several."""

    place: Place
    value: Any
    """A scalar, a list of nodes, or a dict of (place of the key, node)."""
    written: str | None = None
    size: int = 1


class _Composer:
    """Builds nodes from the parser's events, and holds them to the limits."""

    def __init__(self, text: str, file: str) -> None:
        self._parser = yaml.CSafeLoader(text)
        self._file = file
        self._anchors: dict[str, _Node | None] = {}
        self._aliases = 0
        self._aliased = 0
        self.faults: list[Fault] = []

    def compose(self) -> Document:
        """The one document of the stream."""
        self._parser.get_event()
        event = self._parser.get_event()
        if isinstance(event, yaml.StreamEndEvent):
            return Document(self._file, None, values={(): Place(self._file, 1, 1)})
        root = self._node(0)
        self._parser.get_event()
        event = self._parser.get_event()
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._stop(event, "a second document starts here; one file holds one")
        document = Document(self._file, None)
        return replace(document, value=_placed(root, (), document))

    def _node(self, level: int) -> _Node:
        event: Any = self._parser.get_event()
        if level > MAX_LEVELS:
            raise self._stop(event, f"is nested deeper than {MAX_LEVELS} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, level)
        else:
            node = self._mapping(event, level)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _alias(self, event: Any) -> _Node:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise self._stop(event, f"holds more than {MAX_ALIASES} aliases (*name)")
        if event.anchor not in self._anchors:
            raise self._stop(
                event, "this alias (*name) has no anchor (&name) before it; a text that starts with * is quoted"
            )
        node = self._anchors[event.anchor]
        if node is None:
            raise self._stop(event, "this alias stands inside its own anchor")
        self._aliased += node.size
        if self._aliased > MAX_ALIASED:
            raise self._stop(event, f"aliases repeat more than {MAX_ALIASED} values")
        return node

    def _scalar(self, event: Any) -> _Node:
        place, text, tag = self._place(event), event.value, event.tag
        if tag is not None and tag not in ("!", f"{_CORE}str"):
            self._refuse_tag(event, tag, ("bool", "float", "int", "null"))
        elif tag is None and event.implicit[0]:
            value = _typed(text)
            if not isinstance(value, str):
                return _Node(place, value, text)
        return _Node(place, text)

    def _sequence(self, event: Any, level: int) -> _Node:
        if event.tag not in (None, "!", f"{_CORE}seq"):
            self._refuse_tag(event, event.tag, ())
        nodes = []
        while not isinstance(self._parser.peek_event(), yaml.SequenceEndEvent):
            nodes.append(self._node(level + 1))
        self._parser.get_event()
        return _Node(self._place(event), nodes, size=1 + sum(node.size for node in nodes))

    def _mapping(self, event: Any, level: int) -> _Node:
        if event.tag not in (None, "!", f"{_CORE}map"):
            self._refuse_tag(event, event.tag, ())
        entries: dict[str, tuple[Place, _Node]] = {}
        while not isinstance(self._parser.peek_event(), yaml.MappingEndEvent):
            key_event: Any = self._parser.peek_event()
            key = self._node(level + 1)
            if not isinstance(key.value, str) and key.written is None:
                raise self._stop(key_event, "a key must be a text")
            name = key.value if key.written is None else key.written
            if name == "<<" and key_event.implicit[0]:
                message = "merge keys (<<) are not supported; shared values belong into defaults.yaml"
                self.faults.append(Fault(*key.place, "", message))
            elif name in entries:
                first = entries[name][0].line
                self.faults.append(
                    Fault(*key.place, "", f"the key {name!r} stands here a second time (first: line {first})")
                )
            node = self._node(level + 1)
            entries.setdefault(name, (key.place, node))
        self._parser.get_event()
        return _Node(self._place(event), entries, size=1 + sum(node.size for _, node in entries.values()))

    def _refuse_tag(self, event: Any, tag: str, core: tuple[str, ...]) -> None:
        plain = tag.removeprefix(_CORE) in core
        mend = "write the value plainly" if plain else "YAML tags are not allowed; remove it"
        self.faults.append(Fault(*self._place(event), "", f"this value carries a tag (!…); {mend}"))

    def _place(self, event: Any) -> Place:
        return Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _stop(self, event: Any, message: str) -> _Stop:
        return _Stop(Fault(*self._place(event), "", message))


def _placed(node: _Node, path: Path_, document: Document) -> Any:
    """The plain value of a node; its places are written into the document."""
    document.values[path] = node.place
    if node.written is not None:
        document.written[path] = node.written
    if isinstance(node.value, list):
        return [_placed(each, (*path, n), document) for n, each in enumerate(node.value)]
    if not isinstance(node.value, dict):
        return node.value
    result = {}
    for key, (place, inner) in node.value.items():
        document.keys[*path, key] = place
        result[key] = _placed(inner, (*path, key), document)
    return result


def _typed(text: str) -> str | int | float | bool | None:
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _end_of(text: str, file: str) -> Place:
    """The place right after `text`."""
    return Place(file, text.count("\n") + 1, len(text) - text.rfind("\n"))


def _syntax(error: yaml.MarkedYAMLError, text: str, file: str) -> Fault:
    """One clear fault out of the parser's error; nothing of the file's text is repeated in it."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines() or [""]
    rest = lines[line][column:] if line < len(lines) else ""
    problem = error.problem or ""
    if "quoted scalar" in (error.context or "") and "end of stream" in problem and error.context_mark:
        opened = error.context_mark
        return Fault(file, opened.line + 1, opened.column + 1, "", "the quote that opens here is never closed")
    if quote := _runaway(text):
        return Fault(file, *quote, "", "the quote that opens here is closed only lines later, or never")
    message = next((each for sign, each in _SYNTAX.items() if sign in problem), _UNCLEAR)
    if rest.startswith("\t") or (rest[:1] and "\t" in lines[line][:column] and not lines[line][:column].strip()):
        message = "a tab cannot indent YAML; use spaces"
    elif rest[:1] in ("@", "`", "%") and "cannot start" in problem:
        message = f"a plain text cannot start with {rest[0]!r}; put it in quotes"
    return Fault(file, line + 1, column + 1, "", message)


def _runaway(text: str) -> tuple[int, int] | None:
    """Where the last quoted text opens that runs over several lines before the parser gives up."""
    scanner = yaml.CSafeLoader(text)
    found: tuple[int, int] | None = None
    try:
        while scanner.check_token():
            token: Any = scanner.get_token()
            quoted = isinstance(token, yaml.ScalarToken) and token.style in ("'", '"')
            if quoted and token.end_mark.line > token.start_mark.line:
                found = (token.start_mark.line + 1, token.start_mark.column + 1)
    except yaml.YAMLError:
        return found
    return found


_UNCLEAR = "not valid YAML here; a common cause is a quote or bracket left open above, or the indentation"
_SYNTAX = {
    "mapping values are not allowed": "a second ': ' stands in this line, or the indentation is off; "
    "put a text that holds ': ' in quotes",
    "unknown escape character": "unknown escape in a \"…\" text; use '…' or double the backslash",
    "expected ',' or ']'": "a list in […] is not closed, or lacks a comma, before this",
    "expected ',' or '}'": "a mapping in {…} is not closed, or lacks a comma, before this",
    "could not find expected ':'": "this key has no ':' after it, or a quote above is not closed",
    "did not find expected '-' indicator": "this line is neither an entry of the list above (- …) nor indented like it",
    "found duplicate anchor": "this anchor (&name) stands a second time",
    "did not find expected node content": "a value is missing here, or a bracket above is not closed",
    "undefined tag handle": "YAML tags are not allowed; remove it",
}
