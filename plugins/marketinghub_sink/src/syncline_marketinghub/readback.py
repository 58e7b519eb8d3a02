"""Reading back what became of leads whose answer was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from syncline import KEY, STATUS, Result, ResultKind, Status, keys

from .audience import BASIC_FIELDS, Audience
from .config import MarketingHubConfig
from .fields import ADDRESS_FIELD
from .lists import MailingList

if TYPE_CHECKING:
    import polars as pl

ARRIVED = Result(ResultKind.ACCEPTED, message="read back from the list")
ABSENT = Result(ResultKind.RETRYABLE, "absent", "not in the list; sending again is harmless")
UNSEEN = Result(ResultKind.RETRYABLE, "unseen", "in the list, but whether it was updated cannot be seen")
UNSURE = Result(ResultKind.UNKNOWN, "answer_lost", "not in the list, but it may be waiting for the person to confirm")
OPTED_OUT = Result(ResultKind.REFUSED, "unsub", "unsubscribed from the list", ignored="do_not_mail")
BOUNCED = Result(ResultKind.REFUSED, "bounce", "bounced in the list", ignored="bounced")


def read_back(audience: Audience, config: MarketingHubConfig, target: MailingList, leads: pl.DataFrame) -> list[Result]:
    """One result for each lead (column `#key`, the mapped fields, and `#status` if known), in order.

    A lead that is active in the list arrived. One that was active before may lack its update: unless the fields that
    a listing shows are all it has, and are equal, a private list is sent it again. People who opted out or bounced
    since are never sent again.
    """
    wanted = set(leads[KEY].drop_nulls())
    active = _found(wanted, audience, target, Status.ACTIVE)
    rest = wanted - set(active)
    out = _found(rest, audience, target, Status.UNSUBSCRIBED) if rest else {}
    bounced = _found(rest - set(out), audience, target, Status.BOUNCED) if rest - set(out) else {}

    def result(lead: Mapping[str, str | None]) -> Result:
        key = lead[KEY] or ""
        if shown := active.get(key):
            before = lead.get(STATUS) == Status.ACTIVE.value
            return UNSEEN if before and not target.public and not _same(lead, shown, config) else ARRIVED
        if key in out:
            return OPTED_OUT
        if key in bounced:
            return BOUNCED
        return UNSURE if target.public else ABSENT

    return [result(lead) for lead in leads.iter_rows(named=True)]


def _found(
    wanted: set[str], audience: Audience, target: MailingList, status: Status
) -> dict[str, Mapping[str, str | None]]:
    """Those of the wanted who have this status in the list: key → the fields that the listing shows.

    Recent leads are read first; the whole list only for those who are not among them.
    """
    import polars as pl

    found: dict[str, Mapping[str, str | None]] = {}

    def take(people: pl.DataFrame) -> None:
        marked = people.with_columns(keys(people["address"]).alias(KEY))
        for row in marked.filter(pl.col(KEY).is_in(list(wanted))).iter_rows(named=True):
            found[row[KEY]] = row

    if status is Status.ACTIVE:
        for part in audience.recent(target.key):
            take(part.people)
    if status is not Status.ACTIVE or len(found) < len(wanted):
        for part in audience.counted(target.key, status):
            take(part.people)
    return found


def _same(lead: Mapping[str, str | None], shown: Mapping[str, str | None], config: MarketingHubConfig) -> bool:
    """Whether everything that was sent can be seen in the listing."""
    visible: Sequence[str] = list(BASIC_FIELDS.values())
    for name, value in lead.items():
        if name.startswith("#") or name == ADDRESS_FIELD or value is None:
            continue
        if name not in visible or (shown.get(name) or "") != value:
            return False
    return config.source is None and not config.topics
