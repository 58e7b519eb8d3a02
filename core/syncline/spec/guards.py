"""Guards: how much one run may change or remove. Their keys, for the schema, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .keys import Json, titled

OFF = "off"
LEADS, PERCENT = 20, 20.0
"""What a run may remove unless its spec says otherwise."""


@dataclass(frozen=True)
class Limit:
    """More than so many leads, and more than so many percent, trip the guard; what is None is not looked at."""

    leads: int | None = None
    percent: float | None = None

    def is_over(self, leads: int, of: int) -> bool:
        """Whether so many leads, out of so many, are more than allowed. Out of none, no share is too large: before the
        first good run there is nothing to compare with."""
        if self.leads is not None and leads <= self.leads:
            return False
        return leads > 0 and (self.percent is None or (of > 0 and leads * 100 > self.percent * of))

    def __str__(self) -> str:
        parts = [] if self.leads is None else [f"{self.leads:,} leads"]
        parts += [] if self.percent is None else [f"{self.percent:g} %"]
        return "more than " + " and more than ".join(parts)

    def document(self) -> dict[str, Any]:
        """`{"leads", "percent"}`, null for what is not looked at."""
        return {"leads": self.leads, "percent": self.percent}


@dataclass(frozen=True)
class Guards:
    """The limits of one run; None: no guard."""

    removals: Limit | None = Limit(LEADS, PERCENT)
    changes: Limit | None = None


def guards_of(written: Mapping[str, Any] | None) -> Guards:
    """What a spec says; what it leaves out is as it is by default."""
    given = {name: _limit(each) for name, each in (written or {}).items()}
    return Guards(**given)


def _limit(written: Any) -> Limit | None:
    return None if written == OFF else Limit(written.get("leads"), written.get("percent"))


def _limit_keys(description: str, default: Any) -> Json:
    return {
        "description": description,
        "errorMessage": "must be a limit like {leads: 20, percent: 20}, or off",
        "anyOf": [
            {"const": OFF, "description": "No guard."},
            {
                "type": "object",
                "properties": titled(
                    leads={"description": "More leads than this.", "type": "integer", "minimum": 0, "examples": [20]},
                    percent={
                        "description": "More than this share.",
                        "type": "number",
                        "minimum": 0,
                        "maximum": 100,
                        "examples": [20],
                    },
                ),
                "additionalProperties": False,
                "minProperties": 1,
            },
        ],
        "default": default,
        "examples": [{"leads": 20, "percent": 20}],
    }


def guards() -> Json:
    """The section `guards` of a spec."""
    return {
        "title": "Guards",
        "description": "How much one run may change or remove: a run that would do more is held before its first such "
        "write, and waits for `syncline approve`. A limit trips when all that it names is exceeded.",
        "type": "object",
        "properties": titled(
            removals=_limit_keys(
                "Leads taken out of the target; percent of the leads of the last good run.",
                {"leads": LEADS, "percent": int(PERCENT)},
            ),
            changes=_limit_keys(
                "Known leads that would be updated; percent of all leads that the sync has delivered. With it, nothing "
                "is sent before everything is read.",
                OFF,
            ),
        ),
        "additionalProperties": False,
        "minProperties": 1,
        "examples": [{"removals": {"leads": 50, "percent": 10}, "changes": {"percent": 50}}],
    }
