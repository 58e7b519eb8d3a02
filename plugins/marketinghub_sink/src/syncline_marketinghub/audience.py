"""Bringing the snapshot of the account's people up to date with as few calls as possible.

Opt-outs are read last of each list: whoever unsubscribes while the list is being read is then seen in both readings,
and the later one counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from syncline import AudiencePart, Fatal, Held, Status, key_of

from .api import Api
from .config import MarketingHubConfig, duration
from .lists import MailingList, count
from .paging import Item, pages

if TYPE_CHECKING:
    import polars as pl

PART_ROWS = 5000
ADDRESSES = ("lead_email", "contact_email")
BASIC_FIELDS: Mapping[str, str] = {
    "firstname": "First Name",
    "lastname": "Last Name",
    "phone": "Phone",
    "companyname": "Company",
}
"""The only fields that a listing shows, and what they are called in a mapping."""
STATUSES = (Status.ACTIVE, Status.UNSUBSCRIBED, Status.BOUNCED)
_NEVER = Held(0, None, None)


class Audience:
    """What was read of the account in this run, and what has to be read."""

    def __init__(self, api: Api, config: MarketingHubConfig) -> None:
        self._api = api
        self._config = config
        self._read: dict[tuple[str, Status], Held] = {}

    def parts(
        self, lists: Sequence[MailingList], held: Mapping[tuple[str, Status], Held], *, sending: bool
    ) -> Iterator[AudiencePart]:
        """What differs from `held` in these lists; `sending`: opt-outs anew, whatever the counts say."""
        for each in lists:
            yield from self._list(each, dict(held) | self._read, sending)

    def vanished(self, lists: Sequence[MailingList], held: Mapping[tuple[str, Status], Held]) -> Iterator[AudiencePart]:
        """Lists that were deleted: nobody is active there any more. Whoever opted out there stays opted out."""
        there = {each.key for each in lists}
        for (listkey, status), known in held.items():
            absent = listkey not in there and (listkey, status) not in self._read
            if absent and status is Status.ACTIVE and known.count and count(self._api, listkey, status) is None:
                self._read[listkey, status] = Held(0, self._api.now(), self._api.now())
                yield AudiencePart(listkey, status, frame_of([]), whole=True)

    def newest(self, listkey: str) -> Iterator[list[str]]:
        """The addresses of those who became active lately, page by page."""
        for page in self._pages(listkey, "recent"):
            yield [address_of(item) for item in page]

    def recent(self, listkey: str) -> Iterator[AudiencePart]:
        """Who became active lately."""
        rows: list[Item] = []
        for page in self._pages(listkey, "recent"):
            rows += page
            if len(rows) >= PART_ROWS:
                yield AudiencePart(listkey, Status.ACTIVE, frame_of(rows))
                rows = []
        if rows:
            yield AudiencePart(listkey, Status.ACTIVE, frame_of(rows))

    def whole(self, listkey: str, status: Status, expected: int, *, sending: bool) -> Iterator[AudiencePart]:
        """Everybody of one status; the last part says `whole` when the listing and the count agree.

        A listing that ends before the `expected` number is counted again and read a second time: people who leave
        while it is being read shift others past the page's edge. If it still is too short, nobody is taken for gone;
        and with people who opted out nothing may be sent, because a listing cut short would hide them.
        """
        seen: set[str] = set()
        rows: list[Item] = []
        complete = False
        for attempt in (1, 2):
            several = 0
            for page in self._pages(listkey, status.value, expected):
                several += 1
                seen.update(key_of(address_of(item)) for item in page)
                rows += page
                if len(rows) >= PART_ROWS:
                    yield AudiencePart(listkey, status, frame_of(rows))
                    rows = []
            complete = len(seen) >= expected
            if not complete:
                expected = self._counted(listkey, status)
                complete = len(seen) >= expected and (several <= 1 or attempt == 2)
            if complete:
                break
        if sending and not complete and status is Status.UNSUBSCRIBED:
            raise Fatal(
                "the listing of those who unsubscribed is shorter than their number",
                where="marketinghub getleads",
                why=f"{len(seen)} of {expected} came",
                mend="run again; nobody is sent to a list whose opt-outs cannot be read",
            )
        yield AudiencePart(listkey, status, frame_of(rows), whole=complete)

    def counted(self, listkey: str, status: Status) -> Iterator[AudiencePart]:
        """Everybody of one status, with the number counted now."""
        yield from self.whole(listkey, status, self._counted(listkey, status), sending=True)

    def _list(
        self, each: MailingList, held: Mapping[tuple[str, Status], Held], sending: bool
    ) -> Iterator[AudiencePart]:
        known = {status: held.get((each.key, status), _NEVER) for status in STATUSES}
        counts = {status: self._count(each, status) for status in STATUSES}
        changed = {status: counts[status] != known[status].count for status in STATUSES}
        for status in (Status.UNSUBSCRIBED, Status.BOUNCED):
            changed[status] |= known[status].whole is None and counts[status] > 0
        differs = changed[Status.ACTIVE] and not self._moved(known, counts, changed, sending)
        if differs or self._is_due(known[Status.ACTIVE]):
            yield from self._as_counted(each, Status.ACTIVE, counts, sending)
        elif sending:
            yield from self.recent(each.key)
        for status in (Status.UNSUBSCRIBED, Status.BOUNCED):
            if sending or changed[status]:
                yield from self._as_counted(each, status, counts, sending)

    def _as_counted(
        self, each: MailingList, status: Status, counts: Mapping[Status, int], sending: bool
    ) -> Iterator[AudiencePart]:
        """Read as a whole, and remember the overview's count: it is what the next look compares with."""
        yield from self.whole(each.key, status, counts[status], sending=sending)
        now = self._api.now()
        self._read[each.key, status] = Held(counts[status], now, now)

    def _moved(
        self,
        known: Mapping[Status, Held],
        counts: Mapping[Status, int],
        changed: Mapping[Status, bool],
        sending: bool,
    ) -> bool:
        """Whether people only moved from active to unsubscribed or bounced, which the reading of those shows."""
        seen = sending or (changed[Status.UNSUBSCRIBED] or changed[Status.BOUNCED])
        return seen and sum(counts.values()) == sum(each.count for each in known.values())

    def _is_due(self, active: Held) -> bool:
        refresh = duration(self._config.audience_refresh)
        return active.whole is None or self._api.now() - active.whole >= refresh

    def _count(self, each: MailingList, status: Status) -> int:
        found = each.counts.get(status)
        return self._counted(each.key, status) if found is None else found

    def _counted(self, listkey: str, status: Status) -> int:
        found = count(self._api, listkey, status)
        if found is None:
            raise Fatal(
                "a mailing list was deleted while it was being read",
                where="marketinghub leadscount",
                why=f"list key {listkey}",
                mend="run again",
            )
        return found

    def _pages(self, listkey: str, word: str, expected: int | None = None) -> Iterator[list[Item]]:
        """The pages of `getleads`; `word` is active, recent, unsub or bounce."""
        params = {"listkey": listkey, "status": word, "sort": "desc" if word == "recent" else "asc"}
        size = self._config.page_size
        return pages(self._api, "getleads", params, size=size, identity=address_of, expected=expected)


def address_of(item: Item) -> str:
    """The address of a listed lead. Raises `Fatal` when the item has none, naming its keys."""
    for key in ADDRESSES:
        if isinstance(found := item.get(key), str) and found:
            return found
    raise Fatal("a listed lead has no address", where="marketinghub getleads", why=f"its keys are {', '.join(item)}")


def frame_of(items: Sequence[Item]) -> pl.DataFrame:
    """The people of a page as a part of the snapshot: `address` and the basic fields, all text."""
    import polars as pl

    rows = [
        (address_of(item), *(_text(item.get(key)) for key in BASIC_FIELDS)) for item in items
    ]  # a tuple for each row, in the order of the schema
    columns = ("address", *BASIC_FIELDS.values())
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
