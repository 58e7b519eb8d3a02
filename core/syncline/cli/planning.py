"""What `plan` and `apply` have in common: a folder, compared with its ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Fatal, SpecError
from .invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..ledger import Ledger
    from ..plan import Plan
    from ..spec.model import Spec


@dataclass(frozen=True)
class Made:
    """A plan, and what it was made of: the specs, and a digest of each file."""

    plan: Plan
    specs: tuple[Spec, ...]
    files: Mapping[str, str]
    ledger: Ledger


def made(invocation: Invocation, folder: Path, *, prune: bool) -> Made:
    """The plan for a folder. Reads only. Raises `SpecError` with all faults of all files, and `Fatal` where pruning
    has nothing to go by."""
    from ..plan import compare, digests
    from ..spec import deployment_of

    if folder.is_file():
        raise SpecError("this is a file", where=str(folder), mend=f"name its folder: {folder.parent}")
    files = digests(folder, invocation.options.connections)
    specs = sound(invocation, folder)
    if prune and not specs:
        raise Fatal(
            "nothing is pruned, for the folder holds no spec",
            where=str(folder),
            why="an empty folder is more often a mistake than a wish to end everything",
            mend="`syncline status` lists the syncs; end the last ones by `syncline pause SYNC`",
        )
    ledger = invocation.ledger(beside=folder)
    name = deployment_of(folder, invocation.settings(folder))
    plan = compare(specs, ledger, invocation.registry, folder=str(folder), deployment=name, prune=prune)
    return Made(plan, specs, files, ledger)


def sound(invocation: Invocation, folder: Path) -> tuple[Spec, ...]:
    """All specs of a folder. Raises `SpecError` with every fault of every file: half a folder says nothing."""
    loaded = invocation.load([folder])
    if loaded.faults:
        raise SpecError(faults=loaded.faults)
    return loaded.specs
