"""The fields a lead can have in this account, and making those that are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from syncline import Fatal

from .api import Api
from .codes import Verdict, meaning

ADDRESS_FIELD = "Lead Email"
STANDARD = (
    ADDRESS_FIELD,
    "Title",
    "First Name",
    "Last Name",
    "Job Title",
    "Company",
    "Phone",
    "Secondary Email",
    "Mobile",
)
"""Fields every account has; their labels can be changed there, and custom fields come to them."""
ALIASES = {"firstname": "first name", "lastname": "last name", "companyname": "company", "phone": "phone"}
"""What the documentation calls standard fields (by FIELD_NAME), whatever an account labels them."""
NEW_FIELD_LENGTH = "255"
EXISTS = "916"


@dataclass(frozen=True)
class LeadField:
    """A field: its `label` is the key in `leadinfo` and in a mapping; `type` in MarketingHub's words, if told."""

    label: str
    name: str
    type: str = ""


def read_fields(api: Api) -> list[LeadField]:
    """All fields of the account. Both shapes seen are accepted, and one field without its array."""
    body = api.read("allfields", {"type": "json"}).body
    found = body.get("fieldname", body.get("fieldnames"))
    if isinstance(found, Mapping) and "fieldname" in found:
        found = found["fieldname"]
    fields = list(_fields([found] if isinstance(found, Mapping) else found))
    if not fields:
        raise Fatal("the answer names no fields", where="marketinghub lead/allfields", why=f"it has {', '.join(body)}")
    return fields


def labels(fields: Sequence[LeadField], mapped: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The mapped names with the label that MarketingHub knows each by, and the names it does not know.

    A name that differs from a label in letter case only means that label, as does the documented name of a standard
    field that the account labels otherwise. The address always is `Lead Email`: that is
    its key in `leadinfo`, however the account spells the label. Raises `Fatal` when two names mean one field.
    """
    exact = {field.label for field in fields}
    folded = {ALIASES[field.name]: field.label for field in fields if field.name in ALIASES}
    folded |= {field.label.casefold(): field.label for field in fields}
    found: dict[str, str] = {}
    for name in mapped:
        label = name if name in exact or name == ADDRESS_FIELD else folded.get(name.casefold())
        if label is None:
            continue
        if label in found.values():
            twin = next(other for other, its in found.items() if its == label)
            raise Fatal(
                f"{twin!r} and {name!r} are one field of MarketingHub",
                where="mapping",
                why=f"its label is {label!r}",
                mend="map one of them",
            )
        found[name] = label
    return found, [name for name in mapped if name not in found]


def create_field(api: Api, name: str) -> None:
    """Make a custom text field; one that exists already is as good. Raises `Fatal` when MarketingHub refuses."""
    form = {"type": "json", "fieldname": name, "fieldtype": "Text", "fieldlength": NEW_FIELD_LENGTH}
    reply = api.write("custom_add", form)
    if reply.verdict is not Verdict.DONE and reply.code != EXISTS:
        raise Fatal(
            f"the field {name!r} could not be created",
            where="marketinghub custom/add",
            why=f"code {reply.code}: {meaning(reply.code)}",
            mend="create it in MarketingHub; by API its name may hold only letters and digits",
        )


def unknown_field(name: str, fields: Sequence[LeadField]) -> str:
    """What to do about a mapped name that MarketingHub does not know."""
    known = [field.label for field in fields]
    close = get_close_matches(name, known, 1) or [each.label for each in fields if each.name == name]
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}set `create_fields: true`, or create it in MarketingHub, which ignores unknown fields silently"


def _fields(items: Any) -> Iterator[LeadField]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and isinstance(label := item.get("DISPLAY_NAME"), str) and label:
            yield LeadField(label, str(item.get("FIELD_NAME", "")), str(item.get("UITYPE", "")))
