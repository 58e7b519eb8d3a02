"""What became of a lead: outcomes, reasons and counts. Pure values; everything else stands on them.

The law of the sums: total = new + re_added + duplicate + ignored + rejected + unknown, at every instant.
`deleted` stands outside the total, because such a lead was not in the fetch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """The one end of every lead of a run."""

    NEW = "new"
    RE_ADDED = "re_added"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    DELETED = "deleted"


IN_TOTAL = tuple(outcome for outcome in Outcome if outcome is not Outcome.DELETED)

DEFAULT_REASONS: Mapping[str, str] = {
    "empty_email": "the address is missing or blank",
    "invalid_pattern": "not a valid address, or a misspelt well-known domain",
    "group_email": "a role or group address, not a person's",
    "file_duplicate": "the same address stands elsewhere in this fetch",
    "do_not_mail": "the person opted out",
    "bounced": "mail to this address bounced for good",
}
"""The six ignore reasons that every history shows, in the order in which they are tested (DESIGN 6)."""

OWN_REASONS: Mapping[Outcome, Mapping[str, str]] = {
    Outcome.NEW: {
        "added": "not in the target account before; added",
        "awaiting_confirmation": "added to a public list; the person has to confirm first",
    },
    Outcome.RE_ADDED: {
        "deleted_in_target": "was in the target account, was deleted there, and is added again",
        "removed_by_sync": "was removed by this sync earlier, and is added again",
    },
    Outcome.DUPLICATE: {
        "updated": "already in the target account; sent again because something differs",
        "unchanged": "already in the target account; nothing to send",
        "held": "already in the target account; something differs, and a guard holds the change",
        "restored": "changed by a run that was undone; given the former values again",
    },
    Outcome.IGNORED: DEFAULT_REASONS,
    Outcome.UNKNOWN: {
        "in_flight": "the intent is recorded; no answer yet",
        "not_sent": "the run ended before this lead was sent; the next run takes it up",
        "answer_lost": "sent, but the answer was lost; settled by reading back, or by `syncline retry --unknown`",
    },
    Outcome.DELETED: {
        "unsubscribed": "gone from the source; unsubscribed from the list",
        "do_not_mail": "gone from the source; moved to the do-not-mail registry",
        "undone": "added by a run that was undone, and taken out again; the detail says how",
    },
}
"""Reason codes that the engine itself gives, by outcome. Rules and sinks add theirs."""


UNDO_REASONS: Mapping[str, str] = {
    "changed_later": "a later run sent this lead again",
    "edited_in_target": "somebody edited the lead in the target since",
    "former_unknown": "nobody knows what stood there before the run",
    "former_empty": "the field was empty before the run, and the sink empties nothing (`empty_values: keep`)",
    "not_updated": "the sink does not update known leads (`on_duplicate: skip`, or a public list)",
    "mail_sent": "a mail went out, which cannot be taken back",
    "not_there": "is no longer in the target",
    "never_resubscribed": "was taken out by the run; nobody is subscribed again",
    "fate_unknown": "nobody knows whether the lead arrived",
    "cannot_remove": "the sink cannot take anybody out",
}
"""Why an undo leaves a lead as it is: reasons of `ignored` in a run that undoes another one; `do_not_mail` is
one too."""


@dataclass
class Counts:
    """How many leads ended where. Adding is the only way in, so the law of the sums holds by construction."""

    by_reason: dict[tuple[Outcome, str], int] = field(default_factory=dict)

    def add(self, outcome: Outcome, reason: str, n: int = 1) -> None:
        """Count `n` leads (negative to take back) under `outcome` for `reason`."""
        key = (outcome, reason)
        left = self.by_reason.get(key, 0) + n
        if left < 0:
            raise ValueError(f"{outcome}/{reason} would fall to {left}")
        if left:
            self.by_reason[key] = left
        else:
            self.by_reason.pop(key, None)

    def move(self, old: tuple[Outcome, str], new: tuple[Outcome, str], n: int = 1) -> None:
        """`n` leads leave `old` and arrive at `new`; the total does not change."""
        self.add(*old, -n)
        self.add(*new, n)

    def of(self, outcome: Outcome) -> int:
        """All leads of one outcome."""
        return sum(n for (kind, _), n in self.by_reason.items() if kind is outcome)

    @property
    def total(self) -> int:
        """Leads of the fetch: everything but `deleted`."""
        return sum(n for (kind, _), n in self.by_reason.items() if kind is not Outcome.DELETED)

    def reasons(self, outcome: Outcome) -> dict[str, int]:
        """Counts by reason of one outcome."""
        return {reason: n for (kind, reason), n in sorted(self.by_reason.items()) if kind is outcome}

    def document(self) -> dict[str, Any]:
        """The `counts`, `duplicate`, `ignored` and `rejected` parts of a run's JSON document (DESIGN 10)."""
        return {
            "counts": {"total": self.total} | {str(kind): self.of(kind) for kind in Outcome},
            "duplicate": {"updated": 0, "unchanged": 0} | self.reasons(Outcome.DUPLICATE),
            "ignored": dict.fromkeys(DEFAULT_REASONS, 0) | self.reasons(Outcome.IGNORED),
            "rejected": self.reasons(Outcome.REJECTED),
        }

    def plain(self) -> dict[str, int]:
        """For storage: {"outcome/reason": n}."""
        return {f"{kind}/{reason}": n for (kind, reason), n in sorted(self.by_reason.items())}

    @classmethod
    def from_plain(cls, stored: Mapping[str, int]) -> Counts:
        """The inverse of `plain`."""
        counts = cls()
        for key, n in stored.items():
            kind, _, reason = key.partition("/")
            counts.add(Outcome(kind), reason, n)
        return counts

    @classmethod
    def total_of(cls, parts: Iterable[Counts]) -> Counts:
        """The sum of several counts."""
        whole = cls()
        for part in parts:
            for (kind, reason), n in part.by_reason.items():
                whole.add(kind, reason, n)
        return whole
