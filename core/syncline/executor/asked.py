"""What somebody who asks for a retry gets: the letters of one run, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from ..errors import SpecError
from ..ledger import DeadLetter, Ledger
from ..ledger.backoff import UNKNOWN_CODE
from ..ledger.returning import Remains

WORDS = {
    "delivered": "delivered",
    "replaced": "tried again and refused once more, or without an answer",
    "changed": "replaced by a newer version of their record",
    "taken": "taken up again",
}
"""Why a letter was settled, as people read it; `ignored/REASON` and `duplicate/REASON` are read as they stand."""


@dataclass(frozen=True)
class Asked:
    """The dead letters of a run that `retry` was asked for: all that were refused, those with one `code`, or the
    `unknown` ones; at most `limit`."""

    ledger: Ledger
    sync_id: int
    run_id: str
    code: str | None = None
    limit: int | None = None
    unknown: bool = False

    def left(self) -> list[DeadLetter]:
        """Those that are open at this moment."""
        code = UNKNOWN_CODE if self.unknown else self.code
        found = self.ledger.dead_letters(run_id=self.run_id, sync_id=self.sync_id, code=code)
        return [letter for letter in found if self.unknown or letter.code != UNKNOWN_CODE][: self.limit]

    def nothing(self) -> SpecError:
        """The error to raise when none is."""
        remains = self.ledger.remains(self.run_id)
        if self.code is not None and remains.rejected:
            codes = ", ".join(f"{code} ({n:,})" for code, n in sorted(remains.rejected.items()))
            close = get_close_matches(self.code, remains.rejected, 1, 0.5)
            return SpecError(
                f"no lead of run {self.run_id} waits that was refused with code {self.code!r}",
                why=f"the codes of those that wait: {codes}",
                mend=f"did you mean --only {close[0]}?" if close else "name one of these, or leave --only out",
            )
        kind = UNKNOWN_CODE if self.unknown else "rejected"
        return SpecError(
            f"run {self.run_id} has no {kind} leads left to send again",
            why="; ".join(_became(remains)),
            mend=self._others(remains),
        )

    def _others(self, remains: Remains) -> str:
        retry = f"syncline retry {self.run_id}"
        if not self.unknown and remains.unknown:
            return f"there are {remains.unknown:,} unknown, which `{retry} --unknown` sends again"
        if self.unknown and remains.rejected:
            return f"there are {sum(remains.rejected.values()):,} rejected, which `{retry}` sends again"
        return f"`syncline leads {self.run_id}` shows what became of its leads"


def _became(remains: Remains) -> list[str]:
    return [f"{n:,} {WORDS.get(why, why or 'settled')} by run {run}" for (run, why), n in remains.settled.items()]


def besides(remains: Remains, run_id: str) -> list[str]:
    """What a retry of the rejected leads left alone, for whoever may have meant those too."""
    if not remains.unknown:
        return []
    which = f"{remains.unknown:,} unknown {'lead' if remains.unknown == 1 else 'leads'} of run {run_id}"
    return [f"left alone: {which}; `syncline retry {run_id} --unknown` sends them again"]
