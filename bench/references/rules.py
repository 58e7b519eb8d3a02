"""The rules that every reference and peer uses, for the same work in all of them."""

from __future__ import annotations

import re
from typing import Any

from email_validator import EmailNotValidError, validate_email

RENAME = {
    "ID": "lead_id",
    "First_Name": "first_name",
    "Last_Name": "last_name",
    "Email": "email",
    "Modified_Time": "modified_at",
}
COLUMNS = (
    "ID", "First_Name", "Last_Name", "Email", "Phone", "Company", "Country", "Added_Time", "Modified_Time",
)  # fmt: skip
ROLES = frozenset(
    (
        "info admin sales support contact help office billing noreply no-reply postmaster webmaster abuse marketing hr "
        "jobs team hello service accounts"
    ).split()
)
FAST = (
    r"^[a-z0-9_+\-]+(\.[a-z0-9_+\-]+)*@"
    r"([a-z0-9]([a-z0-9]|-[a-z0-9])*\.)+[a-z]{2,24}$"
)
"""Whatever it takes, email-validator takes too, given the two limits of length and the endings below."""
SPECIAL = (".arpa", ".invalid", ".local", ".localhost", ".onion", ".test")
_fast = re.compile(FAST[1:-1]).fullmatch
_seen: set[str] = set()


def is_plain(address: str) -> bool:
    """Surely valid."""
    short = len(address) <= 100 and address.find("@") <= 64
    return short and address.isascii() and _fast(address) is not None and not address.endswith(SPECIAL)


def is_valid(address: str) -> bool:
    """As email-validator says, without the DNS."""
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def tidied(record: dict[str, Any]) -> dict[str, Any]:
    """S1, for one record."""
    lead = {RENAME.get(name, name): value for name, value in record.items()}
    lead["email"] = (lead["email"] or "").strip().lower()
    return lead


def judged(record: dict[str, Any]) -> dict[str, Any]:
    """S2, for one record; a lead that is kept out has a `reason`. The addresses that were seen are a plain set."""
    lead = tidied(record)
    email = lead["email"]
    if not email:
        lead["reason"] = "empty_email"
    elif not is_valid(email):
        lead["reason"] = "invalid_pattern"
    elif email.partition("@")[0] in ROLES:
        lead["reason"] = "group_email"
    elif email in _seen:
        lead["reason"] = "file_duplicate"
    else:
        _seen.add(email)
    return lead
