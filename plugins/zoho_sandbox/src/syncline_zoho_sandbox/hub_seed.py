"""What MarketingHub holds at first: three lists, fields, and who is unsubscribed, bounced or not to be mailed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from syncline_zoho_sandbox import leads
from syncline_zoho_sandbox.addresses import key
from syncline_zoho_sandbox.people import Person
from syncline_zoho_sandbox.store import Store

if TYPE_CHECKING:
    from syncline_zoho_sandbox.seed import Signup

DAY = 86_400.0
TARGET, NEWSLETTER, PARTNERS = "Webinar leads", "Newsletter", "Partners"
FIELDS = (
    ("lead_email", "Lead Email", "email", 100),
    ("title", "Title", "text", 100),
    ("firstname", "First Name", "text", 100),
    ("lastname", "Last Name", "text", 100),
    ("job_title", "Job Title", "text", 100),
    ("companyname", "Company", "text", 200),
    ("phone", "Phone", "phone", 50),
    ("secondary_email", "Secondary Email", "email", 100),
    ("mobile", "Mobile", "phone", 50),
)
CUSTOM = (
    ("channel", "Channel", "Text", 100),
    ("full_name", "Full Name", "Text", 200),
    ("country", "Country", "Text", 100),
    ("webinar", "Webinar", "Text", 200),
    ("website", "Website", "URL", 300),
    ("registered_on", "Registered On", "Date", 20),
)


class Entry(NamedTuple):
    """Somebody who is in a list already."""

    place: str
    email: str
    person: Person
    status: str


def sow(store: Store, random: Random, crowd: Iterator[Person], signups: Sequence["Signup"], seeded_at: float) -> None:
    """Store lists, fields, leads, the registry and the refusals."""
    rows = [(*each, 0) for each in FIELDS] + [(*each, 1) for each in CUSTOM]
    fields = [(n, name, label, kind, custom, length) for n, (name, label, kind, length, custom) in enumerate(rows, 1)]
    store.executemany("INSERT INTO lead_fields VALUES (?, ?, ?, ?, ?, ?)", fields)
    keys = {}
    for number, name in enumerate((TARGET, NEWSLETTER, PARTNERS)):
        made = leads.add_list(store, name, name == NEWSLETTER, seeded_at - (400 - number) * DAY)
        keys[name] = made.listkey
    entries = [entry for signup in signups for entry in _of_signup(random, signup)]
    entries += _strangers(crowd, len(signups))
    _store(store, random, keys, entries, seeded_at)
    for signup in signups:
        if signup.kind == "do_not_mail":
            leads.suppress(store, key(signup.email))
        elif signup.kind.startswith("refused_"):
            code = signup.kind.removeprefix("refused_")
            store.execute("INSERT INTO refusals VALUES (?, ?)", (key(signup.email), code))


def _of_signup(random: Random, signup: "Signup") -> Iterator[Entry]:
    """Where a person of the report is known already."""
    kind, person = signup.kind, signup.person
    if kind in ("unsubscribed", "bounced"):
        place = TARGET if random.random() < 2 / 3 else NEWSLETTER
        yield Entry(place, signup.email, person, "unsub" if kind == "unsubscribed" else "bounce")
    elif kind == "active_same":
        yield Entry(TARGET, signup.email, person, "active")
        if random.random() < 0.1:
            yield Entry(PARTNERS, signup.email, person, "active")
    elif kind == "active_changed":
        phone = "" if person.phone else "+15705550113"
        old = Person(
            person.first_name, person.last_name, person.latin, person.email, phone, "Former Employer", person.culture
        )
        yield Entry(TARGET, signup.email, old, "active")
    elif kind == "active_elsewhere":
        yield Entry(PARTNERS, signup.email, person, "active")


def _strangers(crowd: Iterator[Person], size: int) -> Iterator[Entry]:
    """People who never signed up for a webinar; nobody of them is in the report."""
    for place, status, share in (
        (TARGET, "active", 0.03), (TARGET, "unsub", 0.003), (TARGET, "bounce", 0.003), (NEWSLETTER, "active", 0.02),
        (NEWSLETTER, "unsub", 0.003), (NEWSLETTER, "bounce", 0.002), (PARTNERS, "active", 0.01),
    ):  # fmt: skip
        for person in islice(crowd, max(1, round(share * size))):
            yield Entry(place, person.email, person, status)


def _fields(person: Person) -> dict[str, str]:
    return {
        "First Name": person.first_name,
        "Last Name": person.last_name,
        "Company": person.company,
        "Phone": person.phone,
        "Country": person.culture.country,
        "Channel": "Import",
    }


def _store(store: Store, random: Random, keys: Mapping[str, str], entries: Sequence[Entry], seeded_at: float) -> None:
    known: dict[str, tuple[str, int, str, str]] = {}
    serials: dict[tuple[str, str], int] = {}
    members = []
    for place, email, person, status in entries:
        listkey = keys[place]
        known.setdefault(
            key(email), (key(email), len(known) + 1, email, json.dumps(_fields(person), ensure_ascii=False))
        )
        serial = serials[listkey, status] = serials.get((listkey, status), 0) + 1
        added = float(int(seeded_at - random.uniform(30, 390) * DAY))
        members.append((listkey, key(email), status, serial, added, added))
    store.executemany("INSERT INTO leads VALUES (?, ?, ?, ?)", known.values())
    store.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?)", members)
