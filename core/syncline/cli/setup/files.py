"""The files that a set-up leaves behind, each written as a whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ...errors import Fatal
from ...spec import SCHEMA_FILE, schema
from ..invocation import Invocation


def write(path: Path, text: str) -> None:
    """A new file. Raises `Fatal` when it is there already, or cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise _cannot(path, error) from None


def overwrite(path: Path, text: str) -> None:
    """The file as it is to be from now on; whoever reads it meanwhile sees the old one or the new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".init-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _cannot(path, error) from None


def schema_beside(invocation: Invocation, folder: Path) -> None:
    """The schema for editors, where there is none."""
    import msgspec

    path = folder / SCHEMA_FILE
    if not path.exists():
        text = msgspec.json.format(msgspec.json.encode(schema(invocation.registry)), indent=2).decode() + "\n"
        write(path, text)


def _cannot(path: Path, error: OSError) -> Fatal:
    return Fatal(f"{path} cannot be written", why=error.strerror or type(error).__name__)
