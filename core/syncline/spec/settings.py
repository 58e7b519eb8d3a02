"""syncline.yaml beside the specs: settings of the installation, read before anything runs."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Fault
from ..folders import layers
from .checker import Checker
from .document import Document, merged
from .reading import read

_PASSWORD = re.compile(r"^[^:/]+://[^/@:]*:[^/@$]+@")


@dataclass(frozen=True)
class Settings:
    """`ledger` is a database URL, a reference in it unresolved (None: the default); `retention` is in days;
    `deployment` is the name of the folder, see `deployment_of`.

    `folders` says for each key in which folder it was set: what is relative in its value starts there.
    """

    ledger: str | None = None
    retention: int = 90
    deployment: str | None = None
    folders: Mapping[str, Path] = field(default_factory=dict, compare=False)


def load_settings(path: Path, checker: Checker) -> tuple[Settings, list[Fault]]:
    """The settings of the file, or the defaults where there is none; and its faults. In an overlay its keys lie over
    those of the syncline.yaml of the base."""
    document: Document | None = None
    for file in layers(path):
        over, faults = read(file)
        if over is None:
            return Settings(), faults
        if over.value is not None:
            both = document is not None and isinstance(document.value, dict) and isinstance(over.value, dict)
            document = merged(document, over) if document is not None and both else over
    if document is None:
        return Settings(), []
    faults = checker.settings(document)
    if faults:
        return Settings(), faults
    if _PASSWORD.match(document.value.get("ledger", "")):
        message = "holds a password: write the URL, or its password, as a reference, ${env:NAME} or ${file:PATH}"
        return Settings(), [document.fault(("ledger",), message)]
    folders = {key: document.folder((key,)) for key in document.value}
    return Settings(**document.value, folders=folders), []


def deployment_of(folder: Path, settings: Settings) -> str:
    """The name that a folder of specs goes by in a ledger, which several folders may share.

    The `deployment` of its syncline.yaml; for an overlay whose base alone says one, with the name of the overlay behind
    it. Where none is said, this machine and the path: another folder is never taken for this one, but this one is
    another when it moves.
    """
    whole = Path(os.path.abspath(folder))  # noqa: PTH100  # as it is written, like all paths of overlays
    if settings.deployment is None:
        return f"{socket.gethostname()}:{whole}"
    said = Path(os.path.abspath(settings.folders["deployment"]))  # noqa: PTH100
    return settings.deployment if said == whole else f"{settings.deployment}/{whole.name}"
