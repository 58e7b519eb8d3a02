"""Changes of a spec for people: what was added, taken away, or is another value now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

_WORDS = ("", "true", "false", "nothing", "null")
_MARKS = re.compile(r"[][{}]|, |: | → ")


def lines(changes: Iterable[tuple[str, Any, Any]]) -> Iterator[str]:
    """`+ path: new`, `- path: old` or `~ path: old → new` for each; of a list the entries that came and went."""
    for path, old, new in changes:
        if isinstance(old, list) and isinstance(new, list):
            yield f"~ {path}:"
            yield from (f"    {line}" for line in _entries(old, new))
        elif old is None:
            yield f"+ {path}: {shown(new)}"
        elif new is None:
            yield f"- {path}: {shown(old)}"
        else:
            yield f"~ {path}: {shown(old)} → {shown(new)}"


def words(changes: Iterable[tuple[str, Any, Any]]) -> str:
    """All changes in one line."""
    told = "\n".join(lines(changes))
    return told.replace(":\n    ", ": ").replace("\n    ", ", ").replace("\n", "; ")


def _entries(old: Sequence[Any], new: Sequence[Any]) -> Iterator[str]:
    """The entries that went, each with a `-`, and those that came, each with a `+`; in their order."""
    before, after = [shown(each) for each in old], [shown(each) for each in new]
    for what, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what != "equal":
            yield from (f"- {entry}" for entry in before[start:end])
            yield from (f"+ {entry}" for entry in after[first:last])


def shown(value: Any) -> str:
    """A value as YAML writes it in one line; a text is quoted where its ends or its kind would be in doubt."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {shown(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    text = str(value).replace("\n", "⏎")
    doubtful = isinstance(value, str) and (text != text.strip() or text in _WORDS or bool(_MARKS.search(text)))
    return f"'{text}'" if doubtful else text
