"""The least that rows can do: rows.py S1|S2 INPUT OUTPUT [REJECTS], one after the other, with msgspec."""

from __future__ import annotations

import sys

import msgspec
from rules import ROLES, is_plain, is_valid


class Record(msgspec.Struct, gc=False):
    """What is read."""

    lead_id: str = msgspec.field(name="ID")
    first_name: str = msgspec.field(name="First_Name")
    last_name: str = msgspec.field(name="Last_Name")
    email: str | None = msgspec.field(name="Email")
    Phone: str
    Company: str
    Country: str
    Added_Time: str
    modified_at: str = msgspec.field(name="Modified_Time")


class Lead(msgspec.Struct, gc=False):
    """What is written."""

    lead_id: str
    first_name: str
    last_name: str
    email: str
    Phone: str
    Company: str
    Country: str
    Added_Time: str
    modified_at: str


class Reject(Lead, gc=False):
    """What is written of those kept out."""

    reason: str


def reason_of(email: str, seen: set[str]) -> str | None:
    """The first rule that applies."""
    if not email:
        return "empty_email"
    if not (is_plain(email) or is_valid(email)):
        return "invalid_pattern"
    if email.partition("@")[0] in ROLES:
        return "group_email"
    if email in seen:
        return "file_duplicate"
    seen.add(email)
    return None


def main(scenario: str, source: str, target: str, rejects: str | None = None) -> None:
    """Read, change, write."""
    decode, encode = msgspec.json.Decoder(Record).decode, msgspec.json.Encoder().encode
    seen: set[str] = set()
    out = open(rejects, "wb", 1 << 20) if rejects else None  # noqa: SIM115, PTH123 - closed with the process; a plain open is the floor
    with open(source, "rb", 1 << 20) as lines, open(target, "wb", 1 << 20) as kept:  # noqa: PTH123 - the floor
        for line in lines:
            each = decode(line)
            email = (each.email or "").strip().lower()
            fields = (
                each.lead_id, each.first_name, each.last_name, email, each.Phone, each.Company, each.Country,
                each.Added_Time, each.modified_at,
            )  # fmt: skip
            reason = reason_of(email, seen) if scenario == "S2" else None
            if reason is None:
                kept.write(encode(Lead(*fields)) + b"\n")
            elif out is not None:
                out.write(encode(Reject(*fields, reason)) + b"\n")
    if out is not None:
        out.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
