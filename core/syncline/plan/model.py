"""What a plan says: one action for each sync, as plain frozen values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What becomes of a sync."""

    CREATE = "create"
    UPDATE = "update"
    PAUSE = "pause"
    """Its spec says enabled: false, and nothing else is new."""
    RESUME = "resume"
    """Its spec does so no longer, and nothing else is new."""
    REMOVE = "remove"
    """Its spec is gone: it becomes inactive."""
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """It is in the ledger, not in the folder, and left alone."""
    REFUSED = "refused"


ACTING = (Kind.CREATE, Kind.UPDATE, Kind.PAUSE, Kind.RESUME, Kind.REMOVE)
"""The kinds that change the ledger, in the order in which they are carried out."""


@dataclass(frozen=True)
class Action:
    """What becomes of one sync. `changes` are (dotted path, old, new) each; `spec` is the merged spec, references
    unresolved.

    `revision` and `state` are those of the ledger when the plan was made (None: it did not know the sync), and `state`
    turns into `becomes`. `exit_code` of a refusal is that of the error which `run` would end with.
    """

    kind: Kind
    sync: str
    file: str | None = None
    changes: Sequence[tuple[str, Any, Any]] = ()
    revision: int | None = None
    state: str | None = None
    becomes: str | None = None
    reason: str = ""
    notes: Sequence[str] = ()
    sent_again: int | None = None
    """Up to so many known leads are sent once more; None: what is sent stays as it is."""
    next_run: tuple[datetime | None, datetime | None] | None = None
    """Before and after, where the schedule changes."""
    replaces: str | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0


@dataclass(frozen=True)
class Plan:
    """The actions, in the order in which they are carried out; those that change nothing come last.

    `held` says why a removal of many waits for a second word; empty: nothing is held.
    """

    folder: str
    deployment: str
    actions: Sequence[Action] = ()
    held: str = ""

    @property
    def acting(self) -> list[Action]:
        """The actions that change the ledger."""
        return [each for each in self.actions if each.kind in ACTING]

    @property
    def refused(self) -> list[Action]:
        """What cannot be done."""
        return [each for each in self.actions if each.kind is Kind.REFUSED]

    @property
    def wrong(self) -> list[Action]:
        """Refusals that are the fault of a spec: while there is one, nothing is done."""
        return [each for each in self.refused if each.exit_code != INACTIVE]

    @property
    def counts(self) -> dict[Kind, int]:
        """How many actions of each kind."""
        found = Counter(each.kind for each in self.actions)
        return {kind: found[kind] for kind in Kind}


INACTIVE = 5
"""The exit code of a refusal because the sync is inactive (see `errors.NotRunnable`)."""
