"""Which source field probably belongs into which sink field: by what the names mean, by equal names, and by type.

Pure functions; `syncline init` shows what they propose, and a person decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .plugin import Field

MEANINGS: Mapping[str, frozenset[str]] = {
    "address": frozenset(
        {"email", "emailaddress", "emailid", "leademail", "contactemail", "primaryemail", "youremail", "workemail",
         "businessemail", "mail", "mailaddress", "mailid"}
    ),
    "first name": frozenset({"firstname", "givenname", "forename", "fname"}),
    "last name": frozenset({"lastname", "surname", "familyname", "lname"}),
    "full name": frozenset({"fullname", "name", "yourname", "contactname", "leadname"}),
    "phone": frozenset({"phone", "phonenumber", "phoneno", "telephone", "telephonenumber", "tel", "workphone"}),
    "mobile": frozenset(
        {"mobile", "mobilenumber", "mobileno", "mobilephone", "cell", "cellphone", "cellnumber", "cellphonenumber"}
    ),
    "company": frozenset({"company", "companyname", "organization", "organisation", "organizationname", "employer"}),
    "job title": frozenset({"jobtitle", "designation", "jobposition", "position", "jobrole"}),
    "street": frozenset({"street", "addressline1", "streetaddress"}),
    "postal code": frozenset({"postalcode", "zip", "zipcode", "postcode", "pincode"}),
    "city": frozenset({"city", "town", "districtcity"}),
    "state": frozenset({"state", "province", "stateprovince", "region"}),
    "country": frozenset({"country", "countryname"}),
}  # fmt: skip
"""What a field is about: the spellings of its name, as `plain` makes them."""
NEAR: Mapping[str, str] = {"phone": "mobile", "mobile": "phone"}
"""A number of the one kind is better than none in a field of the other."""
TAKES: Mapping[str, frozenset[str]] = {
    "email": frozenset({"email", "text"}),
    "phone": frozenset({"phone", "text", "number"}),
    "url": frozenset({"url", "text"}),
    "number": frozenset({"number", "text"}),
    "date": frozenset({"date", "datetime", "text"}),
    "datetime": frozenset({"date", "datetime", "text"}),
    "boolean": frozenset({"boolean", "text"}),
}
"""For each family of sink types, the families of source types that fit; a family that is not here takes all."""
FAMILIES: Mapping[str, str] = {
    "integer": "number", "longinteger": "number", "long": "number", "int": "number", "decimal": "number",
    "float": "number", "percent": "number", "currency": "number", "checkbox": "boolean", "bool": "boolean",
    "string": "text", "textarea": "text", "picklist": "text", "radiooption": "text", "website": "url",
    "multiselect": "list", "telephone": "phone", "time": "text", "name": "text", "": "text",
}  # fmt: skip
"""Other words for the families."""
NO_PERSON = frozenset({"date", "datetime", "boolean", "list", "number"})
"""Types that hold no address and no name, whatever the field is called."""


@dataclass(frozen=True)
class Proposal:
    """The sink field `target` comes from the source field `source`; `why` is a clause for people."""

    target: str
    source: str
    why: str


class _Pair(NamedTuple):
    """A possible proposal. The least is the best: by rank, the parts of a field after whole ones, then as listed."""

    rank: int
    depth: int
    place: tuple[int, int]
    proposal: Proposal


def propose(source: Sequence[Field], sink: Sequence[Field], key_field: str) -> list[Proposal]:
    """At most one proposal for each sink field, in the sink's order, and none that uses a source field twice.

    `key_field` is the sink field of the address. A source field whose type does not fit is not proposed.
    """
    pairs = [
        _Pair(rank, name.count("."), (to, of), Proposal(target.name, name, why))
        for to, target in enumerate(sink)
        for of, origin in enumerate(source)
        if fits(origin.type, target.type) and mappable(target.name)
        for name in [origin.name]
        for rank, why in _reasons(origin, target, address=target.name == key_field)
    ]
    pairs.sort(key=lambda pair: pair[:3])
    taken: set[str] = set()
    chosen: dict[str, Proposal] = {}
    for pair in pairs:
        found = pair.proposal
        if found.target not in chosen and found.source not in taken:
            chosen[found.target] = found
            taken.add(found.source)
    return [chosen[target.name] for target in sink if target.name in chosen]


def fits(source: str, sink: str) -> bool:
    """Whether values of the one type are at home in the other; types that nobody knows fit everything."""
    of, to = family(source), family(sink)
    takes = TAKES.get(to)
    known = {*TAKES, *FAMILIES.values(), *(each for takes in TAKES.values() for each in takes)}
    return takes is None or of in takes or of not in known


def family(type: str) -> str:
    """The word of `TAKES` for a type, whatever the plugin calls it."""
    name = plain(type)
    return FAMILIES.get(name, name)


def plain(name: str) -> str:
    """A name without marks, letter case, spaces and signs: `E-Mail_Address` → emailaddress."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[\W_]", "", "".join(each for each in folded if not unicodedata.combining(each)))


def mappable(target: str) -> bool:
    """Whether a mapping can send this field: a leading `_` would keep it back, and `#` or a space cannot begin one."""
    return bool(target) and target[0] not in "_#" and not target[0].isspace()


def _reasons(origin: Field, target: Field, *, address: bool) -> Iterator[tuple[int, str]]:
    """Why the source field may belong into the sink field, with a rank; the lower, the surer."""
    ours, theirs = _words(origin), _words(target)
    meant = {"address"} if address else _meanings(theirs)
    meaning = _meanings(ours)
    kind = family(origin.type)
    if meant & {"address", "first name", "last name", "full name"} and kind in NO_PERSON:
        return
    if address:
        if kind == "email":
            yield (0, "the address") if "address" in meaning else (2, "of type email")
        elif "address" in meaning:
            yield 1, "the address"
        elif any("email" in word for word in ours):
            yield 3, "its name has to do with e-mail"
        return
    part = "." in origin.name  # the title of a link is no title of a person: of a part, only its meaning counts
    if theirs[:1] == ours[:1] != () and not part:
        yield 4, "the same name"
    elif set(theirs) & set(ours) and not part:
        yield 5, "the same label"
    for shared in sorted(meant & meaning - {"address"}):
        yield 6, f"the {shared}"
    for near in sorted(NEAR[each] for each in meant if NEAR.get(each) in meaning):
        yield 7, f"the {near}"


def _words(field: Field) -> tuple[str, ...]:
    """The field's name (of a part, its own name) and its label, as `plain` makes them; what is nothing but signs is
    left out."""
    words = (plain(field.name.rpartition(".")[2]), plain(field.label))
    return tuple(dict.fromkeys(word for word in words if word))


def _meanings(words: Sequence[str]) -> set[str]:
    return {meaning for meaning, names in MEANINGS.items() if not names.isdisjoint(words)}
