"""What the shell completes: spec files, sync names, run ids. Quick, and never in the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .invocation import Invocation

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..ledger import Ledger

_NAME = re.compile(r"^name:\s*[\"']?([a-z0-9-]+)", re.MULTILINE)
RUNS = 50


def specs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Spec files of the folder that was typed so far, and of the folders in it."""
    from click.shell_completion import CompletionItem

    from ..folders import spec_files

    typed = incomplete[: incomplete.rfind("/") + 1]
    folder = Path(typed)
    if not folder.is_dir():
        return []
    inner = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    found = [typed + each.name for each in spec_files(folder)]
    found += [f"{typed}{each.name}/{path.name}" for each in inner for path in spec_files(each)]
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


def syncs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of syncs, from the folder's files and the ledger; spec files once a path is begun."""
    from click.shell_completion import CompletionItem

    if "/" in incomplete or incomplete.startswith("."):
        return specs(context, parameter, incomplete)
    invocation = context.obj
    names = dict(_names(invocation.folder()))
    if (ledger := _ledger(invocation)) is not None:
        names = {sync.name: sync.state for sync in ledger.syncs()} | names
    return [CompletionItem(name, help=names[name]) for name in sorted(names) if name.startswith(incomplete)]


def runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`last` and the newest run ids."""
    from click.shell_completion import CompletionItem

    found = {"last": "the newest run of all"}
    if (ledger := _ledger(context.obj)) is not None:
        found |= {run.id: f"{run.sync}, {run.status}" for run in ledger.runs(None, RUNS)}
    return [CompletionItem(name, help=text) for name, text in found.items() if name.startswith(incomplete)]


def plugins(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of installed plugins."""
    from click.shell_completion import CompletionItem

    offers = context.obj.registry.offers()
    return [CompletionItem(each.name, help=each.kind) for each in offers if each.name.startswith(incomplete)]


def _names(folder: Path) -> Iterator[tuple[str, str]]:
    from ..folders import layers, spec_files

    for path in spec_files(folder):
        texts = (layer.read_text(encoding="utf-8", errors="replace") for layer in reversed(layers(path)))
        if found := next(filter(None, map(_NAME.search, texts)), None):
            yield found[1], str(path)


def _ledger(invocation: Invocation) -> Ledger | None:
    """The ledger, if it can be read: a key press is no place for an error."""
    from ..errors import SynclineError

    try:
        return invocation.ledger()
    except SynclineError:
        return None
