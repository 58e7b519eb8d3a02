"""syncline.yaml beside the specs: settings of the installation, read before anything runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import Fault
from .checker import Checker
from .reading import read

FILE = "syncline.yaml"
_PASSWORD = re.compile(r"^[^:/]+://[^/@:]*:[^/@$]+@")


@dataclass(frozen=True)
class Settings:
    """`ledger` is a database URL, a reference in it unresolved (None: the default); `retention` is in days."""

    ledger: str | None = None
    retention: int = 90


def load_settings(path: Path, checker: Checker) -> tuple[Settings, list[Fault]]:
    """The settings of the file, or the defaults where there is none; and its faults."""
    if not path.exists():
        return Settings(), []
    document, faults = read(path)
    if document is None or (document.value is None and not faults):
        return Settings(), faults
    faults = checker.settings(document)
    if faults:
        return Settings(), faults
    if _PASSWORD.match(document.value.get("ledger", "")):
        message = "holds a password: write the URL, or its password, as a reference, ${env:NAME} or ${file:PATH}"
        return Settings(), [document.fault(("ledger",), message)]
    return Settings(**document.value), []
