"""Folders of specs: which of their files are specs, and which folder lies over which."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

CONNECTIONS, DEFAULTS, SETTINGS = "connections.yaml", "defaults.yaml", "syncline.yaml"
RESERVED = frozenset({CONNECTIONS, DEFAULTS, SETTINGS})
"""Files beside the specs that are not specs."""
OVERLAYS = "overlays"
"""The folder of overlays: `configs/overlays/prod` lies over `configs`."""


def base_of(folder: Path) -> Path | None:
    """The folder that this one lies over, if it is an overlay; by its path alone, whether it exists or not."""
    whole = Path(os.path.abspath(folder))  # noqa: PTH100  # as it is written: a link to a folder is no other folder
    if whole.parent.name != OVERLAYS:
        return None
    return folder.parent.parent if folder.parent.name == OVERLAYS else Path(os.path.relpath(whole.parent.parent))


def layers(path: Path) -> tuple[Path, ...]:
    """The files that together are this one, the lowest first; only those that exist. Of a plain folder at most one."""
    base = base_of(path.parent)
    files = (path,) if base is None else (base / path.name, path)
    return tuple(file for file in files if file.exists())


def spec_files(folder: Path, besides: Path | None = None) -> list[Path]:
    """The specs of a folder, by name; for an overlay also those that only its base has. `besides` is none of them."""
    base = base_of(folder)
    names = {path.name for each in (folder, base) if each is not None for path in _yaml(each, besides)}
    return [folder / name for name in sorted(names)]


def _yaml(folder: Path, besides: Path | None) -> list[Path]:
    """Without what is no file, and would keep a reader waiting or lead to other files."""
    if not folder.is_dir():
        return []
    found = [each for each in folder.iterdir() if each.suffix in (".yaml", ".yml") and each.name not in RESERVED]
    other = os.path.realpath(besides) if besides is not None else None
    own = [each for each in found if not each.name.startswith(".") and os.path.realpath(each) != other]
    return [each for each in own if not (each.is_dir() or each.is_fifo() or each.is_char_device())]


def misplaced(folder: Path) -> str:
    """What is wrong with the place of a folder among overlays; empty when nothing is."""
    base = base_of(folder)
    if base is not None and base_of(base) is not None:
        return f"overlays do not nest: {base} is one itself"
    if base is not None and (folder / OVERLAYS).is_dir():
        return f"overlays do not nest: this is one itself, and holds the folder {OVERLAYS}"
    if folder.name == OVERLAYS and folder.is_dir() and (inner := sorted(_folders(folder))):
        return f"holds overlays, and is none: name one of them ({', '.join(inner)})"
    return ""


def _folders(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]


Print = tuple[tuple[int, int, int], ...]
"""What tells two states of some files apart: time, size and identity of each that exists."""


def prints(folder: Path, besides: Path | None = None) -> tuple[dict[str, Print], Print]:
    """The state of the specs of a folder, by the names of their files, and that of the files beside them; for an
    overlay those of its base are part of both. Cheap: each folder is listed once. `OSError` when one cannot be."""
    specs: dict[str, Print] = {}
    beside: Print = ()
    other = besides.resolve() if besides is not None else None
    for each in (base_of(folder), folder):
        for entry in sorted(_entries(each), key=lambda entry: entry.name):
            state = _state(entry)
            if state is None:
                continue
            if entry.name in RESERVED:
                beside += (state,)
            elif other is None or entry.name != other.name or Path(entry.path).resolve() != other:
                specs[entry.name] = (*specs.get(entry.name, ()), state)
    given = None if other is None else _state(other)
    return specs, beside if given is None else (*beside, given)


def _state(file: Path | os.DirEntry[str]) -> tuple[int, int, int] | None:
    """None for what is no file. A link that leads nowhere is one, and whoever reads it says what is wrong."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return (found.st_mtime_ns, found.st_size, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _entries(folder: Path | None) -> Iterator[os.DirEntry[str]]:
    """The YAML files of a folder; none of none."""
    if folder is None:
        return
    with os.scandir(folder) as listed:
        for entry in listed:
            if entry.name.endswith((".yaml", ".yml")) and not entry.name.startswith("."):
                yield entry
