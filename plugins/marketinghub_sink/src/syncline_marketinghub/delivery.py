"""Sending leads into one list and taking them out, each with a result of its own.

`json/listsubscribe` takes one lead. `addleadsinbulk` takes ten bare addresses and answers for all of them at once, so
what it did is looked up, and whoever is missing is sent alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import msgspec
from syncline import Fatal, Lost, Refused, Result, ResultKind, Retriable, key_of

from .api import Api
from .audience import Audience
from .codes import Verdict, meaning, result_of
from .config import MarketingHubConfig
from .fields import ADDRESS_FIELD
from .lists import MailingList

BULK = 10
"""Addresses that one `addleadsinbulk` takes."""
NOT_THERE = "2103"
NOT_SENT = Result(ResultKind.RETRYABLE, "not_sent", "an earlier call of the batch failed")
LOST = Result(ResultKind.UNKNOWN, "answer_lost", "sent, but the answer was lost")

LOOK_UP_PAGES = 5
"""Pages of recent leads that are searched for what a bulk call took; the newest are expected first."""

Lead = Mapping[str, str | None]
T = TypeVar("T")


class Delivery:
    """Writes to one list. Methods may be called from several threads."""

    def __init__(self, api: Api, config: MarketingHubConfig, target: MailingList, audience: Audience) -> None:
        self._api = api
        self._config = config
        self._target = target
        self._audience = audience
        self._lock = threading.Lock()
        self._ended: Fatal | None = None
        self._can_look_up = True
        self.labels: Mapping[str, str] = {}
        """The label for a mapped name; a name that is missing here is its own label."""

    def subscribe(self, lead: Lead, *, paid: bool, awaiting: bool) -> Result:
        """Add or update one lead with all its fields (null: left as it is)."""
        info = {self.labels.get(name, name): value for name, value in lead.items() if value is not None}
        form = {"listkey": self._target.key, "leadinfo": msgspec.json.encode(info).decode(), "resfmt": "JSON"}
        if self._config.source:
            form["sources"] = self._config.source
        try:
            reply = self._api.write("listsubscribe", form | self._topics(), paid=paid)
        except Refused as refused:
            return Result(ResultKind.REFUSED, refused.code, refused.what)
        return result_of(reply.code, awaiting=awaiting)

    def one_by_one(self, leads: Sequence[Lead], awaiting: Sequence[bool]) -> list[Result]:
        """Each lead by its own call, all of them paid."""
        self._check_ended()

        def send(part: Sequence[int]) -> list[Result]:
            return [self.subscribe(leads[n], paid=True, awaiting=awaiting[n]) for n in part]

        return self._in_turn([[n] for n in range(len(leads))], send)

    def in_bulk(self, addresses: Sequence[str]) -> list[Result]:
        """Bare addresses, ten for each paid call, into a private list."""
        self._check_ended()
        parts = [addresses[at : at + BULK] for at in range(0, len(addresses), BULK)]
        results = self._in_turn(parts, self._ten)
        taken = [n for n, result in enumerate(results) if result.kind is ResultKind.ACCEPTED]
        missing = self._missing([addresses[n] for n in taken])
        again = [n for n in taken if key_of(addresses[n]) in missing]
        asked = self._in_turn([[n] for n in again], lambda part: [self._alone(addresses[n]) for n in part], sent=True)
        for n, result in zip(again, asked, strict=True):
            results[n] = result
        return results

    def remove(self, addresses: Sequence[str]) -> list[Result]:
        """Take people out as `on_delete` says; whoever is not there is out already."""
        self._check_ended()
        return self._in_turn([[address] for address in addresses], lambda part: [self._remove(each) for each in part])

    def _ten(self, addresses: Sequence[str]) -> list[Result]:
        form = {"listkey": self._target.key, "emailids": ",".join(addresses), "resfmt": "JSON"}
        reply = self._api.write("addleadsinbulk", form | self._topics(), paid=True)
        if reply.verdict is Verdict.REFUSED:  # one address spoils the call; which one, only single calls tell
            return self._in_turn([[each] for each in addresses], lambda part: [self._alone(each) for each in part])
        return [result_of(reply.code)] * len(addresses)

    def _alone(self, address: str) -> Result:
        return self.subscribe({ADDRESS_FIELD: address}, paid=False, awaiting=False)

    def _missing(self, addresses: Sequence[str]) -> set[str]:
        """Keys of those who were taken but cannot be seen among the recent.

        When nobody at all of many can be seen, the list shows its changes late: the answer of the bulk call stands.
        """
        wanted = {key_of(address) for address in addresses}
        if not wanted or not self._can_look_up:
            return set()
        missing = set(wanted)
        try:
            for page in islice(self._audience.newest(self._target.key), LOOK_UP_PAGES):
                missing -= {key_of(address) for address in page}
                if not missing:
                    break
        except (Retriable, Fatal):  # the listing is locked, or the run is stopped: what the bulk call answered stands
            return set()
        if missing == wanted and len(wanted) >= BULK:
            self._can_look_up = False
            return set()
        return missing

    def _remove(self, address: str) -> Result:
        form = {"leadinfo": msgspec.json.encode({ADDRESS_FIELD: address}).decode(), "resfmt": "JSON"}
        if self._config.on_delete == "do_not_mail":
            reply = self._api.write("leaddonotmail", form)
        else:
            reply = self._api.write("listunsubscribe", form | {"listkey": self._target.key} | self._topics())
        if reply.code == NOT_THERE:
            return Result(ResultKind.ACCEPTED, reply.code, meaning(reply.code))
        return result_of(reply.code)

    def _topics(self) -> dict[str, str]:
        return {"topic_id": ",".join(self._config.topics)} if self._config.topics else {}

    def _check_ended(self) -> None:
        if self._ended is not None:
            raise self._ended

    def _in_turn(
        self, parts: Sequence[Sequence[T]], send: Callable[[Sequence[T]], list[Result]], *, sent: bool = False
    ) -> list[Result]:
        """Send part after part. An error is raised only while nothing was carried out (`sent`: something was before).

        Afterwards it becomes results, so that what was carried out is not forgotten: the part whose answer was lost is
        unknown, what had not gone out can be sent again, and an error that ends the run is raised at the next call.
        """
        results: list[Result] = []
        for part in parts:
            if self._ended is not None:
                break
            try:
                results += send(part)
                continue
            except Lost:
                if len(parts) == 1 and not sent:
                    raise
                results += [LOST] * len(part)
            except (Retriable, Fatal) as error:
                if not results and not sent:
                    raise
                if isinstance(error, Fatal):
                    self._ended = error
            break
        left = sum(map(len, parts)) - len(results)
        return results + [NOT_SENT] * left
