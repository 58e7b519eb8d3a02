"""What `doctor` looks at, beside what the ledger says of itself."""

from __future__ import annotations

import os
import platform
import stat
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..errors import SynclineError
from ..folders import CONNECTIONS, layers
from ..plugin import Check
from ..secrets import references
from ..spec import checker_of, load_connections
from .invocation import Invocation

PYTHON = (3, 11)
PACKAGES = ("syncline", "polars", "sqlalchemy", "httpx", "pluggy", "msgspec", "tzdata")


def examine(invocation: Invocation) -> Iterator[Check]:
    """All checks, from the ground up."""
    yield Check("python", sys.version_info >= PYTHON, platform.python_version(), "" if sys.version_info >= PYTHON else
                "install Python 3.11 or newer")  # fmt: skip
    yield from _packages()
    yield from _plugins(invocation)
    yield from _ledger(invocation)
    yield _cache()
    yield from _connections(invocation)
    yield from _notifications(invocation)
    yield _zones()
    yield _clock()


def _packages() -> Iterator[Check]:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    mend = f"pip install {' '.join(missing)}" if missing else ""
    yield Check("packages", not missing, ", ".join(found + [f"{name} is missing" for name in missing]), mend)


def _plugins(invocation: Invocation) -> Iterator[Check]:
    registry = invocation.registry
    names = ", ".join(sorted({f"{each.package} {each.version}" for each in registry.offers()}))
    mend = "" if names else "install at least a source and a sink, for example syncline-creator-source"
    yield Check("plugins", bool(names), names or "none is installed", mend)
    for each in registry.broken:
        yield Check(
            f"plugin {each.package}", False, each.why, "repair or uninstall it; specs without it are not touched"
        )
    for (kind, name), owners in sorted(registry.doubled.items()):
        yield Check(f"{kind} {name}", False, f"offered by {' and by '.join(owners)}", "uninstall all but one of them")


def _ledger(invocation: Invocation) -> Iterator[Check]:
    try:
        yield from invocation.ledger().health()
    except SynclineError as error:
        yield Check("ledger", False, invocation.redactor.clean(str(error)), error.mend)


def _cache() -> Check:
    """The folder of access tokens must be its owner's alone. Looked at without making it."""
    import platformdirs

    folder = platformdirs.user_cache_path("syncline")
    if not folder.exists():
        return Check("cache", True, f"{folder}, made at the first run")
    about = folder.stat()
    mode = stat.S_IMODE(about.st_mode)
    if mode & 0o077:
        return Check("cache", False, f"{folder} may be read by others ({mode:o})", f"chmod 700 {folder}")
    mine = about.st_uid == os.getuid() and os.access(folder, os.W_OK)
    return Check("cache", mine, f"{folder} ({mode:o})", "" if mine else f"make it yours: chown {os.getuid()} {folder}")


def _connections(invocation: Invocation) -> Iterator[Check]:
    path = invocation.options.connections or invocation.folder() / CONNECTIONS
    if not layers(path):
        wanted = invocation.options.connections is not None
        yield Check("connections", not wanted, f"there is no {path}", "see --connections FILE" if wanted else "")
        return
    found = load_connections(path, checker_of(invocation.registry))
    for fault in found.faults:
        yield Check("connections", False, str(fault), "mend the file; `syncline validate` shows all faults")
    if not found.faults:
        yield Check("connections", True, f"{found.path}: {', '.join(found.entries) or 'none'}")
    for entry in found.entries.values():
        folder = found.document.folder(("connections", entry.name)) if found.document else path.parent
        for kind, name in sorted(set(references(entry.config))):
            yield _reference(f"connection {entry.name}", kind, name, folder)


def _notifications(invocation: Invocation) -> Iterator[Check]:
    """Whether the references of syncline.yaml lead to something; whether mails arrive, `notify` tells."""
    try:
        settings = invocation.settings()
    except SynclineError as error:
        yield Check("notifications", False, str(error), "mend the file; `syncline validate` shows all faults")
        return
    folder = settings.folders.get("notifications", invocation.folder())
    for each in settings.notifications:
        for kind, name in sorted(set(references(each.config))):
            yield _reference(each.place, kind, name, folder)


def _reference(subject: str, kind: str, name: str, folder: Path) -> Check:
    """Whether a reference leads to something; never to what."""
    if kind == "env":
        there = bool(os.environ.get(name))
        return Check(subject, there, f"{name} is {'set' if there else 'not set'}", "" if there else f"export {name}=…")
    path = folder / Path(name).expanduser()
    if not os.access(path, os.R_OK):
        return Check(subject, False, f"{path} cannot be read", "check the path and its permissions")
    exposed = stat.S_IMODE(path.stat().st_mode) & 0o077
    found = f"{path} can be read" + (", by others too" if exposed else "")
    return Check(subject, not exposed, found, f"chmod 600 {path}" if exposed else "")


def _zones() -> Check:
    import zoneinfo

    there = len(zoneinfo.available_timezones())
    ok = "Asia/Kolkata" in zoneinfo.available_timezones()
    return Check("time zones", ok, f"{there} zones are known", "" if ok else "pip install tzdata")


def _clock() -> Check:
    """A clock that stands before this program was written breaks schedules, tokens and call budgets."""
    now = time.time()
    ok = now > Path(__file__).stat().st_mtime - 86400
    found = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(now))
    return Check("clock", ok, found, "" if ok else "set the clock of this machine (NTP)")
