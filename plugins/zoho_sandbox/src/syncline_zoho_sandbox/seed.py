"""The first content of a sandbox. The same plan gives the same content, apart from the moment it is reckoned from."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from syncline_zoho_sandbox import accounts, creator_seed, hub_seed, people, schema
from syncline_zoho_sandbox.people import Person
from syncline_zoho_sandbox.settings import Settings
from syncline_zoho_sandbox.store import Store

DAY = 86_400.0
SPREAD = 25 * DAY

# What a record is meant to be, and its share of all. The rest is `new`.
KINDS: Mapping[str, float] = {
    "empty_email": 0.02,
    "invalid_pattern": 0.03,
    "group_email": 0.02,
    "file_duplicate": 0.04,  # `of` names the record whose address it repeats in another spelling
    "unsubscribed": 0.015,  # in one of the lists of the destination
    "bounced": 0.01,
    "active_same": 0.06,  # active in the target list with the same basic fields
    "active_changed": 0.06,  # active in the target list with another company or telephone number
    "active_elsewhere": 0.004,  # active in another list only
}
# Few, whatever the size: found out only when the destination refuses them.
RARE: Mapping[str, int] = {"do_not_mail": 5, "refused_2004": 2, "refused_2005": 2}


class Plan(NamedTuple):
    """How many sign-ups, and from which random numbers."""

    leads: int = 5000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Signup:
    """One record of the main report, before it is written down."""

    number: int
    kind: str
    person: Person
    email: str  # as entered
    added_at: float
    modified_at: float
    confirmed: bool
    twin: int | None = None  # the number of the sign-up whose address it repeats


def sow(store: Store, plan: Plan, settings: Mapping[str, object]) -> None:
    """Fill empty tables."""
    seeded_at = float(int(time.time()))
    _credentials(store, plan, settings, seeded_at)
    random = Random(f"zoho sandbox {plan.seed}")  # noqa: S311 -- nothing here is secret
    crowd = people.people(random)
    signups = list(_signups(random, crowd, plan, seeded_at))
    creator_seed.sow(store, random, signups, seeded_at)
    hub_seed.sow(store, random, crowd, signups, seeded_at)
    store.touch()


def _credentials(store: Store, plan: Plan, settings: Mapping[str, object], seeded_at: float) -> None:
    chosen = json.dumps(Settings().changed(settings).plain())
    names = ("client", "secret", "refresh", "more refresh", "code")
    digest = {name: hashlib.sha256(f"{name} {plan.seed}".encode()).hexdigest() for name in names}
    client_id, secret = f"1000.{digest['client'][:30].upper()}", digest["secret"][:42]
    refresh = f"1000.{digest['refresh'][:32]}.{digest['more refresh'][:32]}"
    # Revisions start at the time, so that a process never takes a new state for the one it remembers.
    row = (
        1,
        schema.VERSION,
        time.time_ns() // 1000,
        0.0,
        chosen,
        plan.seed,
        plan.leads,
        seeded_at,
        client_id,
        secret,
        refresh,
        0,
    )
    store.execute("INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    store.execute("INSERT INTO refresh_tokens VALUES (?, ?, 0)", (refresh, accounts.ALL_SCOPES))


def _kinds(random: Random, leads: int) -> list[str]:
    kinds = [kind for kind, share in KINDS.items() for _ in range(round(share * leads))]
    kinds += [kind for kind, number in RARE.items() for _ in range(number)]
    kinds = (["new"] * max(0, leads - len(kinds)) + kinds)[:leads]
    random.shuffle(kinds)
    if "new" in kinds:  # the first record can repeat nobody's address
        first = kinds.index("new")
        kinds[0], kinds[first] = kinds[first], kinds[0]
    return kinds


def _signups(random: Random, crowd: Iterator[Person], plan: Plan, seeded_at: float) -> Iterator[Signup]:
    moments = sorted(seeded_at - random.uniform(60, SPREAD) for _ in range(plan.leads))
    repeatable: list[Signup] = []
    for number, (kind, moment) in enumerate(zip(_kinds(random, plan.leads), moments, strict=True)):
        added = float(int(moment))
        modified = float(int(random.uniform(added, seeded_at))) if random.random() < 1 / 3 else added
        person, twin = next(crowd), None
        email = person.email
        if kind == "empty_email":
            email = random.choice(("", "", "   "))
        elif kind == "invalid_pattern":
            email = people.invalid(random, person)
        elif kind == "group_email":
            email = people.group(random)
        elif kind == "file_duplicate":
            original = random.choice(repeatable)
            person, email, twin = original.person, people.respelt(random, original.email), original.number
        confirmed = kind != "new" or number == 0 or random.random() > 0.03
        signup = Signup(number, kind, person, email, added, modified, confirmed, twin)
        if confirmed and kind in ("new", "active_same", "active_changed"):
            repeatable.append(signup)
        yield signup
