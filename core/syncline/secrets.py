"""References to secrets (`${env:NAME}`, `${file:PATH}`) and the redaction of what they resolve to."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, quote_plus

import msgspec

from .errors import SpecError

REFERENCE = re.compile(r"\$\{(env|file):([^}]+)\}")

Secret = Annotated[str, msgspec.Meta(extra_json_schema={"x-secret": True})]
"""The type of a config field that must be given as a reference: an inline value is a fault."""

MASK = "•••"

MOST_BYTES = 64 * 1024
"""Of a file that a reference names: keys and certificates fit, data does not."""


def is_reference(value: object) -> bool:
    """Whether the text holds at least one `${env:…}` or `${file:…}`."""
    return isinstance(value, str) and REFERENCE.search(value) is not None


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Every reference in a value, in dicts and lists to any depth: (`env` or `file`, name or path)."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from references(each)
    elif isinstance(value, str):
        for match in REFERENCE.finditer(value):
            yield match[1], match[2].strip()


class Redactor:
    """Knows every secret that was resolved and blots it out of texts, in all the shapes it may take.

    Shared by all threads of a process. The longest secret is blotted out first, so that a secret which contains
    another leaves no rest.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shapes: list[str] = []

    def add(self, secret: str) -> None:
        """From now on `secret` never passes `clean`; texts under 4 characters are not worth hiding and are passed."""
        if len(secret) < 4:
            return
        shapes = {secret, quote(secret, safe=""), quote_plus(secret), *_in_json(secret), *_in_base64(secret)}
        with self._lock:
            self._shapes = sorted(shapes.union(self._shapes), key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text with every known secret masked."""
        for shape in self._shapes:
            if shape in text:
                text = text.replace(shape, MASK)
        return text


def _in_json(secret: str) -> Iterator[str]:
    """The secret as it stands in JSON, and in JSON that stands as a text in other JSON, as answers are quoted."""
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield from (once, json.dumps(once, ensure_ascii=ascii_only)[1:-1])


def _in_base64(secret: str) -> Iterator[str]:
    """The secret as base64 alone, and within a longer text, such as the `user:secret` of a Basic header: there its
    characters depend on how many bytes stand before it, and the first and last of them on its neighbours."""
    raw = secret.encode()
    yield base64.b64encode(raw).decode()
    for before, shared in ((0, 0), (1, 2), (2, 3)):
        own = slice(shared, (before + len(raw)) * 8 // 6)
        yield base64.b64encode(bytes(before) + raw).decode()[own]


def resolve(value: Any, redactor: Redactor, *, folder: Path, where: str = "") -> Any:
    """The value with every reference replaced, in dicts and lists to any depth; what was inserted is redacted.

    A relative `${file:PATH}` starts at `folder` (that of the YAML); its text is taken without the final line end.
    Raises `SpecError` naming the reference (never a value) when a variable is not set or a file cannot be read.
    """
    if isinstance(value, dict):
        return {
            key: resolve(each, redactor, folder=folder, where=f"{where}.{key}".lstrip("."))
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [resolve(each, redactor, folder=folder, where=f"{where}[{n}]") for n, each in enumerate(value)]
    if not is_reference(value):
        return value

    def look_up(match: re.Match[str]) -> str:
        found = _look_up(match[1], match[2].strip(), folder, where)
        redactor.add(found)
        return found

    return REFERENCE.sub(look_up, value)


def _look_up(kind: str, name: str, folder: Path, where: str) -> str:
    reference = f"${{{kind}:{name}}}"
    if kind == "env":
        found = os.environ.get(name)
        if not found:
            raise SpecError(f"{reference} is not set", where=where, mend=f"set it: export {name}=…")
        return found
    try:
        text = _file_text(folder / Path(name).expanduser())
    except (OSError, ValueError, RuntimeError) as error:
        why = str(error) if isinstance(error, _Unfit) else type(error).__name__
        raise SpecError(
            f"{reference} cannot be read", where=where, why=why, mend="check the path and its permissions"
        ) from None
    text = text.rstrip("\r\n")
    if not text:
        raise SpecError(f"{reference} is empty", where=where, mend="write the secret into that file")
    return text


class _Unfit(ValueError):
    """What the path leads to holds no secret."""


def _file_text(path: Path) -> str:
    """The text of a plain file, wherever links lead to it. What would give bytes without end, or keep a reader
    waiting, is not opened: a device, a pipe, a socket."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _Unfit("it is no plain file")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise _Unfit(f"it is larger than {MOST_BYTES // 1024} KiB; a secret is short")
    return data.decode("utf-8")
