"""What happens in one round, decided by its seed: people on one or two days, and what the target does with them."""

from __future__ import annotations

import random
from dataclasses import dataclass

GROUP = 5
"""So many rounds are compared with one run without faults."""
_GOOD = "@example.com"
GONE_AT_MOST = 12
"""Fewer than the guard of mass removals holds."""


@dataclass(frozen=True)
class Person:
    """A record: who, by what number, and what the record says."""

    number: int
    email: str
    first: str
    company: str

    def on_another_day(self, **changed: str) -> Person:
        """The same record, edited."""
        return Person(self.number, self.email, changed.get("first", self.first), changed.get("company", self.company))


@dataclass(frozen=True)
class Plan:
    """One round, apart from when the process dies."""

    seed: str
    hub: bool
    public: bool
    batch: int
    page: int
    on_delete: str
    days: list[list[Person]]
    held: dict[str, str]
    """Who is in the target before the first day: address → status."""
    refused: dict[str, str]
    """Whom the target refuses: address → code."""
    retries: bool
    """Whether the unknown are sent again in the end."""
    fresh: bool
    """Whether the ledger is made by the runs that are killed; else it is there and empty."""
    lost: dict[str, str]
    """Whose first call gets no answer: address → `lost` (it was carried out) or `vanish` (it was not)."""
    slow: list[str]
    """Whose first answer is delayed."""


def address(number: int) -> str:
    """No address is a part of another one."""
    return f"q{number}@example.com"


def planned(seed: int, number: int, *, small: bool = False) -> Plan:
    """The round of this number. Rounds of one group have the same people and target, other faults and other deaths."""
    alike = random.Random(f"{seed}/group/{number // GROUP}")  # repeatable, not secret
    chance = random.Random(f"{seed}/{number}")  # repeatable, not secret
    hub, public = alike.random() < 0.35, alike.random() < 0.4
    days = [_first_day(alike, alike.randint(4, 8) if small else alike.randint(8, 22))]
    if alike.random() < 0.5:
        days.append(_second_day(alike, days[0]))
    written = sorted({each.email for day in days for each in day if each.email.startswith("q") and _GOOD in each.email})
    known = alike.sample(written, min(len(written) // 2, 6))
    refused = dict.fromkeys(known[4:], "2007")
    return Plan(
        f"{seed}/{number}",
        hub=hub,
        public=public,
        batch=1 if public or hub else alike.choice((1, 1, 3)),
        page=alike.choice((6, 10, 20)),
        on_delete=alike.choice(("keep", "unsubscribe", "unsubscribe")),
        days=days,
        held={who: alike.choice(("active", "active", "unsub", "bounce")) for who in known[:4]},
        refused=refused,
        retries=chance.random() < 0.6,
        fresh=chance.random() < 0.15,
        lost={
            who: chance.choice(("lost", "vanish")) for who in written if chance.random() < 0.15 and who not in refused
        },
        slow=[who for who in written if chance.random() < 0.1],
    )


def _first_day(chance: random.Random, people: int) -> list[Person]:
    found = [Person(n, address(n), f"First{n}", chance.choice(("Initech", "Hooli", ""))) for n in range(people)]
    strange = [("", "Nobody"), ("no address", "None"), ("info@example.com", "Info"), ("q0@gnail.com", "Typo")]
    for email, first in strange:
        found.insert(chance.randint(1, len(found)), Person(1000 + len(found), email, first, "Initech"))
    twice = chance.choice(found[: people // 2])
    found.append(Person(2000, twice.email.replace("@e", "@E"), "Twice", "Hooli"))
    return found


def _second_day(chance: random.Random, first: list[Person]) -> list[Person]:
    gone = {each.number for each in first if chance.random() < 0.2}
    gone = set(sorted(gone)[:GONE_AT_MOST])
    stay = [each for each in first if each.number not in gone]
    edited = [each.on_another_day(first=f"{each.first} II") if chance.random() < 0.4 else each for each in stay]
    start = 3000
    return edited + [Person(start + n, address(start + n), f"Late{n}", "") for n in range(chance.randint(2, 10))]
