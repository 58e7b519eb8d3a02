"""The account's mailing lists: what they are called, whether they are public, how many people each holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from syncline import Choice, Fatal, Status

from .api import Api
from .codes import Verdict, verdict
from .paging import DIGITS, pages

LISTS_PER_PAGE = 100
COUNTS: Mapping[Status, tuple[str, ...]] = {
    Status.ACTIVE: ("noofcontacts", "noofleads", "no_of_contacts", "no_of_leads"),
    Status.UNSUBSCRIBED: ("noofunsubcnt",),
    Status.BOUNCED: ("noofbouncecnt",),
}
"""Keys of the counts; MarketingHub's own page shows none, these are the family's."""
GONE = frozenset(code for code in ("2102", "2202", "2203", "2206", "2501", "2707") if verdict(code) is Verdict.GONE)


@dataclass(frozen=True)
class MailingList:
    """One list. `public`: a person has to confirm before they are in it. `counts`: what the overview told."""

    key: str
    name: str
    public: bool
    counts: Mapping[Status, int]


def read_lists(api: Api) -> list[MailingList]:
    """All lists of the account, with their counts: one call for every 100."""
    found = pages(
        api, "getmailinglists", {"sort": "asc"}, size=LISTS_PER_PAGE, identity=lambda item: str(item.get("listkey", ""))
    )
    return [_list(item) for page in found for item in page if item.get("listkey")]


def resolve(lists: Sequence[MailingList], wanted: str) -> MailingList:
    """The list whose key or name is `wanted`. Raises `Fatal` when there is none, or more than one of that name."""
    for each in lists:
        if each.key == wanted:
            return each
    named = [each for each in lists if each.name == wanted]
    if len(named) == 1:
        return named[0]
    if named:
        keys = ", ".join(each.key for each in named)
        raise Fatal(
            f"{len(named)} mailing lists are named {wanted!r}",
            where="sink.list",
            why=f"their keys are {keys}",
            mend="name the list by its key",
        )
    names = [each.name for each in lists]
    close = get_close_matches(wanted, names, 1) or [name for name in names if name.casefold() == wanted.casefold()]
    raise Fatal(
        f"there is no mailing list {wanted!r}",
        where="sink.list",
        why=f"the account has {', '.join(map(repr, sorted(names))) or 'none'}",
        mend=f"did you mean {close[0]!r}?" if close else "create it in MarketingHub, or name another one",
    )


def choices(lists: Sequence[MailingList]) -> list[Choice]:
    """The lists by name, for `syncline init`; one that shares its name with another goes by its key."""
    names = [each.name for each in lists]
    return [
        Choice(each.name if names.count(each.name) == 1 and each.name else each.key, each.name, _described(each))
        for each in sorted(lists, key=lambda each: each.name.casefold())
    ]


def _described(found: MailingList) -> str:
    kind = "public: each new lead is mailed and has to confirm" if found.public else "private"
    people = found.counts.get(Status.ACTIVE)
    return kind if people is None else f"{people:,} leads, {kind}"


def count(api: Api, listkey: str, status: Status) -> int | None:
    """How many people of one status a list holds now; None when the list does not exist any more."""
    reply = api.read("leadscount", {"resfmt": "JSON", "listkey": listkey, "status": status.value}, GONE)
    if reply.code in GONE:
        return None
    found = _number(reply.body, ("no_of_leads", "no_of_contacts"))
    if found is None:
        raise Fatal("the answer holds no count", where="marketinghub leadscount", why=f"it has {', '.join(reply.body)}")
    return found


def _list(item: Mapping[str, Any]) -> MailingList:
    counts = {status: _number(item, keys) for status, keys in COUNTS.items()}
    return MailingList(
        str(item["listkey"]),
        str(item.get("listname", "")),
        # What is not known to be private is taken for public: nobody is then sent two mails by mistake.
        str(item.get("is_public", "")).strip().lower() not in ("false", "0", "no"),
        {status: number for status, number in counts.items() if number is not None},
    )


def _number(item: Mapping[str, Any], keys: Sequence[str]) -> int | None:
    for key in keys:
        text = str(item.get(key, "")).strip()
        if text.isascii() and text.isdigit() and len(text) <= DIGITS:
            return int(text)
    return None
