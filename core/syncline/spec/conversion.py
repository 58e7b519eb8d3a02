"""Turns the plain options of a plugin into its typed config; what does not fit becomes a fault, not a stack trace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from ..plugin import Config
from .document import Path_

C = TypeVar("C", bound=Config)
_AT = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class Misfit(Exception):
    """The options do not fit the config: `path` inside them, and the message for people."""

    def __init__(self, path: Path_, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def config_of(cls: type[C], options: Mapping[str, Any], hidden: Iterable[str] = ()) -> C:
    """The typed config. Raises `Misfit`; its message repeats none of the `hidden` texts."""
    try:
        return msgspec.convert(options, cls)
    except Exception as error:  # noqa: BLE001 - a stranger's config may raise anything from its __post_init__
        raise _misfit(error, options, hidden) from None


def _misfit(error: Exception, options: Mapping[str, Any], hidden: Iterable[str]) -> Misfit:
    text = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    found = _AT.search(text)
    message = _AT.sub("", text)
    if any(secret and secret in message for secret in hidden):
        message = "what this reference resolves to does not fit here (not shown: it may be a secret)"
    return Misfit(_path(found[1], options) if found else (), _plain(message))


def _path(text: str, options: Any) -> Path_:
    """msgspec's `.a.b[0]` as far as it leads inside the options."""
    path: list[str | int] = []
    for name, index in _STEP.findall(text):
        step: str | int = name or (int(index) if index.isdigit() else index)
        if isinstance(options, Mapping) and step in options:
            options = options[str(step)]
        elif isinstance(options, list) and isinstance(step, int) and step < len(options):
            options = options[step]
        else:
            break
        path.append(step)
    return tuple(path)


def _plain(message: str) -> str:
    for technical, plain in _WORDS:
        message = message.replace(technical, plain)
    return message[:1].lower() + message[1:]


_WORDS = (
    ("Expected `", "must be `"),
    ("`str`", "a text"),
    ("`int`", "a whole number"),
    ("`float`", "a number"),
    ("`bool`", "true or false"),
    ("`array`", "a list"),
    ("`object`", "a mapping"),
    ("`null`", "nothing"),
    ("Object missing required field", "a required key is missing:"),
    (", got ", ", not "),
)
