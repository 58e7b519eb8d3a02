"""What `syncline init` offers to choose from: owners, applications, reports, and the form behind a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from syncline import Choice
from syncline_zoho import Account

from .api import Api
from .codes import FORBIDDEN, Coded
from .config import CreatorConfig
from .fieldtypes import SYSTEM, form_fields
from .inspection import sample
from .structure import Item, Structure

MOST_FORMS = 10
"""So many forms are compared with the report; each costs a call, of which there are 50 in a minute."""

Given = Mapping[str, Any]


def choices(key: str, given: Given, connection: Account[Any]) -> Sequence[Choice] | None:
    """What the account holds for one key of the config; None for keys that are not chosen from it."""
    offered: Mapping[str, Callable[[Structure, Given], list[Choice]]] = {
        "owner": _owners,
        "application": _applications,
        "report": _reports,
        "form": lambda structure, given: _forms(structure, given, connection),
    }
    if key not in offered:
        return None
    return offered[key](Structure(connection, given.get("environment")), given)


def _owners(structure: Structure, given: Given) -> list[Choice]:
    """The owners of the applications that the token's user may see, whoever owns most of them first."""
    owned: dict[str, int] = {}
    for each in structure.applications():
        owner = _text(each, "workspace_name") or _text(each, "created_by")
        owned[owner] = owned.get(owner, 0) + 1
    ranked = sorted((name for name in owned if name), key=lambda name: -owned[name])
    return [Choice(name, detail=f"{owned[name]} application{'s' if owned[name] > 1 else ''}") for name in ranked]


def _applications(structure: Structure, given: Given) -> list[Choice]:
    found = structure.applications(given["owner"])
    return [
        Choice(link, _text(each, "application_name"), f"time zone {_text(each, 'time_zone') or 'not told'}")
        for each in found
        if (link := _text(each, "link_name")) and _text(each, "workspace_name") in ("", given["owner"])
    ]


def _reports(structure: Structure, given: Given) -> list[Choice]:
    found = structure.reports(given["owner"], given["application"])
    return [Choice(link, _text(each, "display_name")) for each in found if (link := _text(each, "link_name"))]


def _forms(structure: Structure, given: Given, connection: Account[Any]) -> list[Choice]:
    """The forms, those first that have every field of the report; the only one that does is proposed.

    Where it may not be known which forms fit, they are offered all the same.
    """
    owner, application = given["owner"], given["application"]
    found = [each for each in structure.forms(owner, application) if _text(each, "link_name")]
    shown = _shown(connection, given)
    fitting = set[str]()
    for each in found[:MOST_FORMS] if shown else ():
        link = _text(each, "link_name")
        if shown <= _names(structure, owner, application, link):
            fitting.add(link)
    ranked = sorted(found, key=lambda each: _text(each, "link_name") not in fitting)
    return [
        Choice(
            link := _text(each, "link_name"),
            _text(each, "display_name"),
            f"has all {len(shown)} fields of the report" if link in fitting else "",
            proposed=fitting == {link},
        )
        for each in ranked
    ]


def _shown(connection: Account[Any], given: Given) -> frozenset[str]:
    """The fields that the report shows, system fields apart; none when it may not be read, or shows no record."""
    names: dict[str, Any] = {key: given.get(key) for key in ("owner", "application", "report", "environment")}
    try:
        rows = sample(Api(connection, CreatorConfig(**names)))
    except Coded as error:
        if error.code not in FORBIDDEN:
            raise
        return frozenset()
    return frozenset(name for row in rows for name in row) - SYSTEM.keys()


def _names(structure: Structure, owner: str, application: str, form: str) -> frozenset[str]:
    try:
        return frozenset(form_fields(structure.fields(owner, application, form)))
    except Coded as error:
        if error.code not in FORBIDDEN:
            raise
        return frozenset()


def _text(item: Item, key: str) -> str:
    found = item.get(key)
    return found if isinstance(found, str) else ""
