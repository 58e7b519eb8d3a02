"""syncline.yaml beside the specs: settings of the installation, read before anything runs."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from ..errors import Fault
from ..folders import layers
from .checker import Checker
from .document import Document, merged
from .notification_keys import EVENTS
from .reading import read

_PASSWORD = re.compile(r"^[^:/]+://[^/@:]*:[^/@$]+@")


@dataclass(frozen=True)
class Notification:
    """One receiver: the keys of its `webhook` or `email` as written, references unresolved; of which events (`on`) and
    of which `syncs` (patterns) it is told. `place` is where it stands in the file: `notifications[0]`."""

    place: str
    channel: Literal["webhook", "email"]
    config: Mapping[str, Any]
    on: tuple[str, ...] = tuple(EVENTS)
    syncs: tuple[str, ...] = ("*",)

    def wants(self, event: str, sync: str) -> bool:
        """Whether it is told of this event of this sync."""
        return event in self.on and any(fnmatchcase(sync, pattern) for pattern in self.syncs)


@dataclass(frozen=True)
class Degraded:
    """A run of at least `leads` leads is degraded when more than this share of them is ignored or rejected (0 to 1)."""

    ignored: float = 0.5
    rejected: float = 0.05
    leads: int = 20


@dataclass(frozen=True)
class Settings:
    """`ledger` is a database URL, a reference in it unresolved (None: the default); `retention` is in days;
    `deployment` is the name of the folder, see `deployment_of`.

    `folders` says for each key in which folder it was set: what is relative in its value starts there.
    """

    ledger: str | None = None
    retention: int = 90
    notifications: tuple[Notification, ...] = ()
    degraded: Degraded = Degraded()
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
    faults = checker.settings(document) or list(_unsafe(document))
    return (Settings(), faults) if faults else (_settings(document), [])


def _unsafe(document: Document) -> Iterator[Fault]:
    """What the schema cannot say: passwords where they would be seen."""
    if _PASSWORD.match(document.value.get("ledger", "")):
        message = "holds a password: write the URL, or its password, as a reference, ${env:NAME} or ${file:PATH}"
        yield document.fault(("ledger",), message)
    for n, entry in enumerate(document.value.get("notifications", ())):
        email = entry.get("email", {})
        path = ("notifications", n, "email")
        if ("user" in email) != ("password" in email):
            there, missing = ("user", "password") if "user" in email else ("password", "user")
            yield document.fault((*path, there), f"needs a {missing} as well", at_key=True)
        elif "password" in email and email.get("tls") == "none":
            yield document.fault((*path, "tls"), "would send the password in clear; say starttls or tls")


def _settings(document: Document) -> Settings:
    value = document.value
    notifications = [_notification(n, entry) for n, entry in enumerate(value.get("notifications", ()))]
    plain = {key: each for key, each in value.items() if key not in ("notifications", "degraded")}
    degraded, folders = _degraded(value.get("degraded", {})), {key: document.folder((key,)) for key in value}
    return Settings(**plain, notifications=tuple(notifications), degraded=degraded, folders=folders)


def _notification(n: int, entry: Mapping[str, Any]) -> Notification:
    channel: Literal["webhook", "email"] = "webhook" if "webhook" in entry else "email"
    chosen = {key: tuple(entry[key]) for key in ("on", "syncs") if key in entry}
    return Notification(f"notifications[{n}]", channel, entry[channel], **chosen)


def _degraded(value: Mapping[str, Any]) -> Degraded:
    limits: dict[str, Any] = {
        key: each if key == "leads" else float(each.removesuffix("%")) / 100 for key, each in value.items()
    }
    return Degraded(**limits)


def deployment_of(folder: Path, settings: Settings) -> str:
    """The name that a folder of specs goes by in a ledger, which several folders may share.

    The `deployment` of its syncline.yaml; for an overlay whose base alone says one, with the name of the overlay behind
    it. Where none is said, this machine and the path: another folder is never taken for this one, but this one is
    another when it moves.
    """
    whole = Path(os.path.abspath(folder))  # noqa: PTH100  # as it is written, like all paths of overlays
    if settings.deployment is None:
        return f"{socket.gethostname()}:{whole}"
    said = Path(os.path.abspath(settings.folders["deployment"]))  # noqa: PTH100 - as above
    return settings.deployment if said == whole else f"{settings.deployment}/{whole.name}"
