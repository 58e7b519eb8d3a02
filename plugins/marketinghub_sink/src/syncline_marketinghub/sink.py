"""The sink itself: it resolves its list when it is first needed, and hands the work to the other modules."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from syncline import (
    KEY,
    STATUS,
    AudiencePart,
    Check,
    Choice,
    Fatal,
    Field,
    Held,
    Result,
    Sink,
    Status,
    texts,
    trimmed,
)

from .api import Api
from .audience import Audience
from .config import MarketingHubConfig
from .delivery import BULK, Delivery
from .fields import ADDRESS_FIELD, create_field, labels, read_fields, unknown_field
from .lists import MailingList, choices, read_lists, resolve

if TYPE_CHECKING:
    import polars as pl

BULK_BATCH = 100
BULK_LEAST = 3
"""Fewer addresses than this are sent singly: a bulk call and the look-up after it would cost as much."""


class MarketingHub(Sink[MarketingHubConfig]):
    """Leads into a mailing list of Zoho MarketingHub (Marketing Automation).

    Each lead is sent at most once unless that is harmless. Into a private list sending again is an update that tells
    nobody, so a lead whose answer was lost is read back and sent again: at least once. A public list mails the person
    each time, so there a lead whose fate cannot be read back stays unknown: at most once.
    """

    name: ClassVar[str] = "marketinghub"
    Config = MarketingHubConfig
    connections: ClassVar[tuple[str, ...]] = ("zoho", "zoho_sandbox")
    identity: ClassVar[tuple[str, ...]] = ("list",)
    removals: ClassVar[tuple[str, ...]] = ("unsubscribe", "do_not_mail")
    key_field = ADDRESS_FIELD
    concurrency = 8

    def __init__(self, config: MarketingHubConfig, connection: Any = None) -> None:
        super().__init__(config, connection)
        self._lock = threading.RLock()
        self._api_: Api | None = None
        self._audience_: Audience | None = None
        self._delivery_: Delivery | None = None
        self._lists: list[MailingList] = []
        self._target: MailingList | None = None
        self._bare = False

    # ------------------------------------------------------------------------------------------ before a run

    @property
    def calls(self) -> int:
        """Requests made so far to MarketingHub, token requests apart."""
        return self._api_.calls if self._api_ else 0

    @property
    def target(self) -> str:
        """The key of the list; one call for every 100 lists of the account when it is not known yet."""
        return self._list().key

    def prepare(self, mapped: Sequence[str]) -> None:
        """Decide how leads are sent; no call."""
        self._bare = list(mapped) == [ADDRESS_FIELD] and self.config.source is None
        if self._bare:
            most = BULK * self._api().limit("addleadsinbulk").calls if self.connection else BULK_BATCH
            self.batch_size, self.concurrency = min(BULK_BATCH, most), 2

    def check(self, mapped: Sequence[str]) -> Iterator[Check]:
        """The list, its people, the scopes, the fields, and the budget: one line each."""
        from .checks import check_lines

        yield from check_lines(self._api(), self.config, mapped)

    @classmethod
    def choices(cls, key: str, given: Mapping[str, Any], connection: Any) -> Sequence[Choice] | None:
        """The mailing lists of the account."""
        return choices(read_lists(Api(connection))) if key == "list" else None

    def creates_fields(self) -> bool:
        """As the config says."""
        return self.config.create_fields

    def fields(self) -> Sequence[Field]:
        """All fields of the account, by their labels."""
        found = [each for each in read_fields(self._api()) if each.label.casefold() != ADDRESS_FIELD.casefold()]
        return [
            Field(ADDRESS_FIELD, "lead_email", "email", required=True),
            *(Field(each.label, each.name, each.type or "text") for each in found),
        ]

    def provide(self, mapped: Sequence[str]) -> None:
        """See that every mapped field exists; create those that do not, where `create_fields` allows it.

        MarketingHub drops fields it does not know without a word, so an unknown one is `Fatal`.
        """
        if self._bare:
            return
        known, unknown = self._labels(mapped)
        for name in unknown:
            create_field(self._api(), name)
        self._delivery().labels = known

    def provision(self, mapped: Sequence[str]) -> int:
        """One call for each field to be created. Reads the fields, unless the address alone is mapped."""
        return 0 if self._bare else len(self._labels(mapped)[1])

    def _labels(self, mapped: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        """The label for each mapped name, and the names to be created; `Fatal` where they may not be."""
        fields = read_fields(self._api())
        known, unknown = labels(fields, mapped)
        if unknown and not self.config.create_fields:
            raise Fatal(
                f"MarketingHub has no field {', '.join(map(repr, unknown))}",
                where="mapping",
                mend=unknown_field(unknown[0], fields),
            )
        return known, unknown

    # ------------------------------------------------------------------------------------------ what is known

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        """All values as text: dates and times ISO 8601, lists joined by a comma and a space, booleans true and false.

        An empty value is null, which is not sent, or with `empty_values: clear` the empty text, which clears it.
        """
        import polars as pl

        empty = "" if self.config.empty_values == "clear" else None
        columns = []
        for name in mapped:
            column = trimmed(pl.col(name)) if name == ADDRESS_FIELD else pl.col(name)
            blank = pl.col(name).is_null() | (trimmed(pl.col(name)) == "")
            left = pl.lit(None if name == ADDRESS_FIELD else empty, pl.String)
            columns.append(pl.when(blank).then(left).otherwise(column).alias(name))
        return texts(frame, mapped).with_columns(columns)

    def traits(self) -> str:
        """The list, the topics and the source label, as a short digest."""
        import hashlib

        text = msgspec.json.encode([self.config.list, self.config.topics, self.config.source])
        return hashlib.blake2b(text, digest_size=16).hexdigest()

    def updates(self) -> bool:
        """False on a public list: MarketingHub updates leads of private lists only, and might mail the person."""
        return self.config.on_duplicate == "update" and not (self._target and self._target.public)

    def audience(self, held: Mapping[tuple[str, Status], Held], sending: bool) -> Iterator[AudiencePart]:
        """Bring the snapshot up to date; see `Audience` for what is read."""
        if not sending and self.config.audience_check == "when_sending":
            return
        target = self._list()
        others = [each for each in self._lists if each.key != target.key]
        everywhere = self.config.known_in == "account"
        yield from self._audience().parts([target, *(others if everywhere else ())], held, sending=sending)
        if everywhere:
            yield from self._audience().vanished(self._lists, held)

    # ------------------------------------------------------------------------------------------ sending

    def cost(self, leads: int) -> int:
        """Calls that delivering so many leads takes: one for each, or for bare addresses eleven for a hundred."""
        if not self._in_bulk(leads):
            return leads
        return -(-leads // BULK) + -(-leads // self.batch_size)

    def cost_of_removal(self, leads: int) -> int:
        """One call for each."""
        return leads

    def estimate(self, calls: int) -> float:
        """Seconds that so many calls take at least: full windows before the last one."""
        bulk = self._bare and not (self._target and self._target.public)
        limit = self._api().limit("addleadsinbulk" if bulk else "listsubscribe")
        writes = -(-calls * BULK // (BULK + 1)) if bulk else calls
        return max(0, writes - 1) // limit.calls * (limit.window + limit.slack)

    def reserve(self, leads: int) -> None:
        """Acquire the calls of one `deliver`."""
        if self._in_bulk(leads):
            self._api().acquire("addleadsinbulk", -(-leads // BULK))
        else:
            self._api().acquire("listsubscribe", leads)

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        """Send the leads. A result is given for each; errors are raised only when nothing was carried out."""
        delivery = self._delivery()
        if self._in_bulk(leads.height):
            return delivery.in_bulk(leads[ADDRESS_FIELD].to_list())
        before = leads[STATUS].to_list() if STATUS in leads.columns else [None] * leads.height
        awaiting = [self._list().public and status != Status.ACTIVE.value for status in before]
        own = [name for name in leads.columns if name.startswith("#")]
        return delivery.one_by_one(leads.drop(own).to_dicts(), awaiting)

    def confirm(self, leads: pl.DataFrame) -> Sequence[Result]:
        """Look for the leads in the list; nothing is written."""
        from .readback import read_back

        return read_back(self._audience(), self.config, self._list(), leads)

    def remove(self, leads: pl.DataFrame) -> Sequence[Result]:
        """Unsubscribe people from the list, or move them to do-not-mail; whoever is not there is out already."""
        column = "#address" if "#address" in leads.columns else KEY
        return self._delivery().remove(leads[column].to_list())

    def removal(self) -> str | None:
        """How people who left the source are removed; None: they are kept."""
        return {"unsubscribe": "unsubscribed", "do_not_mail": "do_not_mail"}.get(self.config.on_delete)

    def describe(self) -> dict[str, str]:
        """What `show` prints."""
        config = self.config
        lines = {
            "list": config.list,
            "on duplicate": config.on_duplicate,
            "on delete": config.on_delete.replace("_", " "),
            "empty values": config.empty_values,
            "known in": config.known_in,
            "audience": f"whole every {config.audience_refresh}, looked at {config.audience_check.replace('_', ' ')}",
        }
        if config.topics:
            lines["topics"] = ", ".join(config.topics)
        if config.source:
            lines["lead source"] = config.source
        if config.create_fields:
            lines["create fields"] = "yes"
        return lines

    # ------------------------------------------------------------------------------------------ on first use

    def _in_bulk(self, leads: int) -> bool:
        """Bare addresses into a private list. A public one mails each person, so each needs a result of its own."""
        return self._bare and leads >= BULK_LEAST and not self._list().public

    def _list(self) -> MailingList:
        with self._lock:
            if self._target is None:
                self._lists = read_lists(self._api())
                self._target = resolve(self._lists, self.config.list)
                self.repeatable = not self._target.public
                if self._target.public:
                    self.batch_size = 1
            return self._target

    def _api(self) -> Api:
        with self._lock:
            if self._api_ is None:
                if self.connection is None:
                    raise Fatal("the sink marketinghub needs a connection", where="sink.connection")
                self._api_ = Api(self.connection)
            return self._api_

    def _audience(self) -> Audience:
        with self._lock:
            if self._audience_ is None:
                self._audience_ = Audience(self._api(), self.config)
            return self._audience_

    def _delivery(self) -> Delivery:
        with self._lock:
            if self._delivery_ is None:
                self._delivery_ = Delivery(self._api(), self.config, self._list(), self._audience())
            return self._delivery_
