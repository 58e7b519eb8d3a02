"""What happens in one round, decided by its seed: people on two days, what the target does with them, and the deaths."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

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
    retries: bool
    days: list[list[Person]]
    held: dict[str, str]
    """Who is in the target before the first day: address → status."""
    refused: dict[str, str]
    """Whom the target refuses: address → code."""
    lost: dict[str, str] = field(default_factory=dict)
    """Whose first call gets no answer: address → `lost` (it was carried out) or `vanish` (it was not)."""
    slow: list[str] = field(default_factory=list)
    """Whose first answer is delayed."""


def address(number: int) -> str:
    """No address is a part of another one."""
    return f"q{number}@example.com"


def planned(seed: int, number: int, *, small: bool = False) -> Plan:
    """The round of this number."""
    name = f"{seed}/{number}"
    chance = random.Random(name)  # repeatable, not secret
    hub = chance.random() < 0.4
    public = chance.random() < 0.4
    people = chance.randint(6, 12) if small else chance.randint(12, 30)
    first = _first_day(chance, people)
    good = [each.email for each in first if each.email.startswith("q") and each.email.endswith("example.com")]
    known = chance.sample(sorted(set(good)), min(len(set(good)) // 2, 6))
    held = {who: chance.choice(("active", "active", "unsub", "bounce")) for who in known[:4]}
    refused = dict.fromkeys(known[4:], "2007")
    second = _second_day(chance, first)
    written = sorted({each.email for each in second if each.email.startswith("q")} | set(good))
    lost = {who: chance.choice(("lost", "vanish")) for who in written if chance.random() < 0.15}
    return Plan(
        name,
        hub=hub,
        public=public,
        batch=1 if public or hub else chance.choice((1, 1, 3)),
        page=chance.choice((6, 10, 20)),
        on_delete=chance.choice(("keep", "unsubscribe", "unsubscribe")),
        retries=chance.random() < 0.6,
        days=[first, second],
        held=held,
        refused=refused,
        lost={who: kind for who, kind in lost.items() if who not in refused},
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
