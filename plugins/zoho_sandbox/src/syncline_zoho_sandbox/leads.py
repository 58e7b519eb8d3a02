"""Leads and mailing lists of the destination account, as the state keeps them.

A lead exists once per account, with its fields; its status is kept per list: `active`, `unsub`, `bounce`, or `pending`
(a public list waits for the person to confirm). Do-Not-Mail holds for the whole account.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from syncline_zoho_sandbox.addresses import key
from syncline_zoho_sandbox.store import Store

DO_NOT_MAIL = "2006"


class MailingList(NamedTuple):
    listkey: str
    number: int
    name: str
    public: bool
    created_at: float
    deleted: bool


class LeadField(NamedTuple):
    """A field of the destination. `name` is FIELD_NAME, `label` is what `leadinfo` uses as key.

    The `kind` of a picklist holds what may be picked, after bars: `Picklist|Fair|Webinar`.
    """

    number: int
    name: str
    label: str
    kind: str
    custom: bool
    length: int

    @property
    def choices(self) -> list[str]:
        """What may be picked; empty for a field that takes any text."""
        return self.kind.split("|")[1:]

    def takes(self, value: str) -> bool:
        """Whether the value fits the field."""
        return len(value) <= self.length and (not self.choices or value in ("", *self.choices))


def mailing_lists(store: Store) -> tuple[MailingList, ...]:
    """Every list ever made, deleted ones included, oldest first."""

    def load() -> tuple[MailingList, ...]:
        rows = store.execute("SELECT * FROM lists ORDER BY number").fetchall()
        return tuple(MailingList(row[0], row[1], row[2], bool(row[3]), row[4], bool(row[5])) for row in rows)

    return store.kept("lists", load)


def list_by_key(store: Store, listkey: str) -> MailingList | None:
    """The list with this key, deleted or not."""
    by_key = store.kept("lists by key", lambda: {each.listkey: each for each in mailing_lists(store)})
    return by_key.get(listkey)


def list_by_name(store: Store, name: str) -> MailingList | None:
    """The living list of this name (or with this key)."""
    living = [each for each in mailing_lists(store) if not each.deleted]
    return next((each for each in living if name in (each.name, each.listkey)), None)


def add_list(store: Store, name: str, public: bool, at: float) -> MailingList:
    """Make a list; its key is derived from its name and number, so that a seeded list always has the same key."""
    number = 1 + (store.value("SELECT max(number) FROM lists") or 0)
    listkey = "3z" + hashlib.sha256(f"{number} {name}".encode()).hexdigest()[:44]
    made = MailingList(listkey, number, name, public, at, False)
    store.execute("INSERT INTO lists VALUES (?, ?, ?, ?, ?, ?)", made)
    store.touch()
    return made


def lead_fields(store: Store) -> tuple[LeadField, ...]:
    """The fields of a lead in this account: the standard ones first."""

    def load() -> tuple[LeadField, ...]:
        rows = store.execute("SELECT * FROM lead_fields ORDER BY number").fetchall()
        return tuple(LeadField(row[0], row[1], row[2], row[3], bool(row[4]), row[5]) for row in rows)

    return store.kept("lead fields", load)


def labels(store: Store) -> Mapping[str, LeadField]:
    """The fields by the keys that `leadinfo` knows; any other key is dropped without a word."""
    return store.kept("labels", lambda: {each.label: each for each in lead_fields(store)})


def status_in(store: Store, listkey: str, lead: str) -> str | None:
    """The status of a lead in a list, or None if it is not in it."""
    status: str | None = store.value("SELECT status FROM members WHERE listkey = ? AND lead = ?", listkey, lead)
    return status


def save_lead(store: Store, email: str, fields: Mapping[str, str]) -> None:
    """Add the lead to the account, or update its fields; what is not given stays."""
    lead = key(email)
    row = store.execute("SELECT fields FROM leads WHERE key = ?", (lead,)).fetchone()
    if row is None:
        store.execute(
            "INSERT INTO leads SELECT ?, ifnull(max(number), 0) + 1, ?, ? FROM leads",
            (lead, email.strip(), json.dumps(dict(fields), ensure_ascii=False)),
        )
    elif fields:
        known = json.loads(row[0])
        if not fields.items() <= known.items():
            merged = json.dumps(known | dict(fields), ensure_ascii=False)
            store.execute("UPDATE leads SET fields = ? WHERE key = ?", (merged, lead))


def put_member(store: Store, listkey: str, lead: str, status: str, at: float) -> None:
    """Set the status of a lead in a list; one that becomes active counts as added at that moment."""
    serial = 1 + (store.value("SELECT max(serial) FROM members WHERE listkey = ? AND status = ?", listkey, status) or 0)
    store.execute(
        "INSERT INTO members VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET status = excluded.status,"
        " serial = excluded.serial, changed_at = excluded.changed_at,"
        " added_at = CASE excluded.status WHEN 'active' THEN excluded.added_at ELSE added_at END",
        (listkey, lead, status, serial, at, at),
    )


def forget_lead(store: Store, lead: str) -> bool:
    """Delete a lead from the account and from every list, as a person can do in the product's own pages."""
    store.execute("DELETE FROM members WHERE lead = ?", (lead,))
    store.execute("DELETE FROM tagged WHERE lead = ?", (lead,))
    return store.execute("DELETE FROM leads WHERE key = ?", (lead,)).rowcount > 0


def count(store: Store, listkey: str, statuses: Iterable[str]) -> int:
    """How many leads of a list have one of these statuses."""
    query = "SELECT count(*) FROM members WHERE listkey = ? AND status = ?"
    return sum(int(store.value(query, listkey, status)) for status in set(statuses))


def suppress(store: Store, lead: str) -> bool:
    """Put an address into the Do-Not-Mail registry; False if it was there already."""
    return store.execute("INSERT OR IGNORE INTO refusals VALUES (?, ?)", (lead, DO_NOT_MAIL)).rowcount > 0


def refusal_of(store: Store, lead: str) -> str | None:
    """The code with which this address is refused whatever it looks like: 2006 for Do-Not-Mail, or its own."""
    code: str | None = store.value("SELECT code FROM refusals WHERE lead = ?", lead)
    return code


def post(store: Store, kind: str, email: str, listkey: str) -> None:
    """Note a mail the product would have sent: `confirmation`, `goodbye`, or `resubscribed` (an opt-out undone)."""
    store.execute(
        "INSERT INTO outbox (at, kind, email, listkey) VALUES (?, ?, ?, ?)", (store.now(), kind, email, listkey)
    )
