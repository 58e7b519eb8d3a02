"""A right plugin for tests of the kit: a post office that keeps guests, its fake, and the contract of its sink.

PYTEST_DONT_REWRITE: it asserts nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import polars as pl
from syncline import (
    ACCEPTED,
    KEY,
    Answer,
    AudiencePart,
    Check,
    Client,
    Config,
    Connection,
    Fatal,
    Field,
    Held,
    Limit,
    Lost,
    Patience,
    Result,
    ResultKind,
    Retriable,
    Runtime,
    Sink,
    Status,
    key_of,
    texts,
)
from syncline.testing import Call, Product, Reply, SinkContract

LIMIT = Limit(1000, 60.0)
PAGE = 2


class Office:
    """The fake: `POST /guests`, `POST /leave`, `GET /guests`, and tokens that end when they are refused."""

    def __init__(self) -> None:
        self.guests: dict[str, dict[str, str]] = {}
        self.left: dict[str, str] = {}
        self.banned: set[str] = set()
        self.mails = 0
        self.tokens = 0

    def __call__(self, call: Call) -> Reply:
        if call.path == "/oauth/token":
            self.tokens += 1
            return Reply.of({"access_token": f"token-{self.tokens}"})
        if call.path == "/guests" and call.writes:
            rows = json.loads(call.form["rows"])
            return Reply.of({"answers": [self._take(row, call.form.get("mail") == "yes") for row in rows]})
        if call.path == "/leave":
            self.out(json.loads(call.form["addresses"]))
            return Reply.of({"answers": []})
        return self._listing(call)

    def _take(self, row: dict[str, str], mail: bool) -> str:
        if row["Email"] in self.banned:
            return "E7"
        self.mails += mail
        self.guests[row["Email"]] = row
        return "ok"

    def out(self, addresses: Sequence[str]) -> None:
        for address in addresses:
            if self.guests.pop(address, None):
                self.left[address] = "left"

    def _listing(self, call: Call) -> Reply:
        people = sorted(self.guests if call.query["status"] == "active" else self.left)
        start = int(call.query["from"])
        return Reply.of({"total": len(people), "guests": [{"email": each} for each in people[start : start + PAGE]]})


class CounterConfig(Config, frozen=True, kw_only=True):
    """Where the office is."""

    url: str


class Counter(Connection[CounterConfig]):
    """A counter of the office: one client with a token."""

    name: ClassVar[str] = "counter"
    Config = CounterConfig
    patience: ClassVar[Patience] = Patience()
    renews: ClassVar[bool] = True

    def __init__(self, config: CounterConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        lent: dict[str, Any] = {"budgets": runtime.budgets, "redactor": runtime.redactor, "stop": runtime.stop}
        self._token = ""
        self._tokens = Client(config.url, **lent)
        self.client = Client(
            config.url,
            authorize=self._headers,
            token_refused=lambda answer: self.renews and answer.status == 401,
            patience=self.patience,
            **lent,
        )

    def _headers(self, renew: bool) -> Mapping[str, str]:
        if renew or not self._token:
            self._token = self._tokens.send("POST", "/oauth/token", form={}, repeatable=True).json["access_token"]
        return {"authorization": f"Bearer {self._token}"}

    def close(self) -> None:
        self.client.close()
        self._tokens.close()


class Post(Sink[Config]):
    """Guests by post, three at a time. A lead whose answer was lost is sent again: at least once."""

    name: ClassVar[str] = "post"
    connections: ClassVar[tuple[str, ...]] = ("counter",)
    key_field = "Email"
    batch_size = 3
    concurrency = 2
    repeatable = True
    connection: Counter

    @property
    def calls(self) -> int:
        return self.connection.client.calls

    @property
    def target(self) -> str:
        return "guests"

    def check(self, mapped: Sequence[str]) -> Iterator[Check]:
        try:
            total = self.page("active", 0)["total"]
        except (Retriable, Fatal) as error:
            yield Check("guests", False, error.what)
        else:
            yield Check("guests", True, f"{total} guests")

    def fields(self) -> Sequence[Field]:
        return [Field("Email", required=True), Field("Name")]

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        return texts(frame, mapped)

    def reserve(self, leads: int) -> None:
        self.connection.runtime.budgets.acquire("office", LIMIT)

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        own = [name for name in leads.columns if name.startswith("#")]
        return self.judged(self.sent(leads.drop(own).to_dicts()), leads)

    def sent(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        """The office's answer."""
        return self.connection.client.send("POST", "/guests", form={"rows": json.dumps(rows)} | self.extra())

    def extra(self) -> dict[str, str]:
        """More of the form."""
        return {}

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        """What the answer means."""
        body = answer.json
        if answer.status == 429:
            raise Retriable("too many letters", after=answer.retry_after)
        if answer.status == 401:
            raise Fatal("the office does not know us")
        if isinstance(body, dict) and body.get("status") == "error":
            raise Retriable("the office has an error")
        if not isinstance(body, dict) or "answers" not in body:
            raise Lost("the answer is not the office's")
        refused = Result(ResultKind.REFUSED, "E7", "banned")
        return [ACCEPTED if each == "ok" else refused for each in body["answers"]]

    def confirm(self, leads: pl.DataFrame) -> Sequence[Result]:
        held = {key_of(each) for each in self.listed("active")}
        return [ACCEPTED if key in held else Result(ResultKind.RETRYABLE) for key in leads[KEY]]

    def removal(self) -> str | None:
        return "unsubscribed"

    def remove(self, leads: pl.DataFrame) -> Sequence[Result]:
        self.connection.client.send("POST", "/leave", form={"addresses": json.dumps(leads["#address"].to_list())})
        return [ACCEPTED] * leads.height

    def audience(self, held: Mapping[tuple[str, Status], Held], sending: bool) -> Iterator[AudiencePart]:
        for status in (Status.ACTIVE, Status.UNSUBSCRIBED):
            people = pl.DataFrame({"address": self.listed(status)}, schema={"address": pl.String})
            yield AudiencePart(self.target, status, people, whole=True)

    def listed(self, status: str) -> list[str]:
        """Everybody of one status."""
        found: dict[str, None] = {}
        while True:
            page = self.page(status, len(found))
            fresh = {each["email"]: None for each in page["guests"]}
            if fresh.keys() <= found.keys() and len(found) < page["total"]:
                raise Retriable("a page brings nothing new, and more should follow")
            found |= fresh
            if len(found) >= page["total"]:
                return list(found)

    def page(self, status: str, start: int) -> dict[str, Any]:
        """One page of a listing."""
        answer = self.connection.client.send("GET", "/guests", params={"status": status, "from": str(start)})
        if not isinstance(answer.json, dict) or "guests" not in answer.json:
            raise Retriable("the page is not the office's", why=f"HTTP {answer.status}")
        page: dict[str, Any] = answer.json
        return page


class PostContract(SinkContract):
    """The contract of the office's sink."""

    plugin: ClassVar[type[Sink[Any]]] = Post
    counter: ClassVar[type[Counter]] = Counter
    mapped = ("Email", "Name")

    def product(self) -> Product:
        self.office = Office()
        return self.office

    def connection(self, runtime: Runtime) -> Counter:
        return self.counter(CounterConfig(url=self.url), runtime)

    def people(self) -> Mapping[str, Mapping[str, str]]:
        return dict(self.office.guests)

    def mails(self) -> int:
        return self.office.mails

    def refuse(self, address: str) -> None:
        self.office.banned.add(address)

    def opt_out(self, address: str) -> None:
        self.office.out([address])


NEVER = threading.Event()
"""Nobody sets it."""
