"""A right source for tests of the kit: a register in pages, its fake, and the contract.

PYTEST_DONT_REWRITE: it asserts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from kit_office import Counter, CounterConfig
from syncline import (
    Answer,
    Check,
    Config,
    End,
    Ending,
    Fatal,
    Field,
    Page,
    Pages,
    Partition,
    Retriable,
    Runtime,
    Source,
    SynclineError,
)
from syncline.testing import Call, Product, Reply, SourceContract

PAGE = 2


class Book:
    """The fake: `GET /records` in pages of two, `GET /records/ID`."""

    def __init__(self) -> None:
        self.records = [
            {"id": str(n), "email": f"guest{n}@example.com", "name": f"Guest {n}", "n": n} for n in range(1, 8)
        ]

    def __call__(self, call: Call) -> Reply:
        if call.path == "/oauth/token":
            return Reply.of({"access_token": "token"})
        if call.path != "/records":
            found = [each for each in self.records if each["id"] == call.path.removeprefix("/records/")]
            return Reply.of({"record": found[0]}) if found else Reply.of({"none": True}, 404)
        after, newer = int(call.query.get("after", "0")), int(call.query.get("newer", "0"))
        rest = [each for each in self.records if int(each["n"]) > max(after, newer)]
        page = rest[:PAGE]
        return Reply.of({"records": page, "next": page[-1]["id"] if len(rest) > PAGE else None})


class Register(Source[Config]):
    """Records of the register, each at least once."""

    name: ClassVar[str] = "register"
    connections: ClassVar[tuple[str, ...]] = ("counter",)
    id_field: ClassVar[str | None] = "id"
    connection: Counter

    @property
    def calls(self) -> int:
        return self.connection.client.calls

    def check(self, needed: Sequence[str]) -> Iterator[Check]:
        try:
            self.page(None, None)
        except SynclineError as error:
            yield Check("register", False, error.what)
        else:
            yield Check("register", True, "is there")

    def fields(self) -> Sequence[Field]:
        return [Field(name) for name in ("id", "email", "name", "n")]

    def read(self, partition: Partition, since: str | None) -> Pages:
        newer = partition.window.watermark
        cursor, newest, first = since, newer, True
        while True:
            rows, following = self.page(cursor, newer)
            if following is not None and (following == cursor or not rows):
                raise Fatal("the page leads nowhere")
            if rows:
                newest = str(rows[-1]["n"])
                yield Page(self.shown(rows, partition.window.fields), following or rows[-1]["id"])
            if following is None:
                return self.end(rows or not first, newest)
            cursor, first = following, False

    def end(self, some: object, newest: str | None) -> End:
        """How a read ends."""
        return End(Ending.COMPLETE if some else Ending.CONFIRMED_EMPTY, newest)

    def shown(self, rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """The fields that were asked for."""
        return [{name: row[name] for name in row if not fields or name in ("id", *fields)} for row in rows]

    def page(self, cursor: str | None, newer: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """One page, and the cursor of the next one."""
        params = {name: value for name, value in (("after", cursor), ("newer", newer)) if value is not None}
        answer = self.connection.client.send("GET", "/records", params=params)
        return self.judged(answer)

    def judged(self, answer: Answer) -> tuple[list[dict[str, Any]], str | None]:
        """What the answer means."""
        if answer.status == 401:
            raise Fatal("the register does not know us")
        body = answer.json
        if not isinstance(body, dict) or "records" not in body:
            raise Retriable("the page is not the register's", why=f"HTTP {answer.status}")
        return body["records"], body["next"]

    def fetch_one(self, id: str) -> Mapping[str, Any] | None:
        if not id.isdigit():
            return None
        answer = self.connection.client.send("GET", f"/records/{id}")
        return None if answer.status == 404 else answer.json["record"]

    def zone(self) -> str | None:
        return "Europe/Lisbon"


class RegisterContract(SourceContract):
    """The contract of the register."""

    plugin: ClassVar[type[Source[Any]]] = Register
    counter: ClassVar[type[Counter]] = Counter

    def product(self) -> Product:
        self.book = Book()
        return self.book

    def connection(self, runtime: Runtime) -> Counter:
        return self.counter(CounterConfig(url=self.url), runtime)

    def add(self) -> str:
        n = len(self.book.records) + 1
        self.book.records.append({"id": str(n), "email": f"guest{n}@example.com", "name": "Late", "n": n})
        return str(n)

    def empty(self) -> None:
        self.book.records.clear()
