"""A source and a sink for tests of the engine: plain, scripted, and faithful to the face of plugins.

The shelf keeps people in a JSON file, so that a process that is killed leaves what it had carried out.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import polars as pl
from msgspec import Meta
from syncline import (
    ACCEPTED,
    KEY,
    AudiencePart,
    Config,
    Connection,
    Deactivate,
    End,
    Ending,
    Fatal,
    Field,
    Held,
    Lost,
    Page,
    Pages,
    Partition,
    Result,
    ResultKind,
    Retriable,
    Sink,
    Source,
    Status,
    key_of,
    texts,
)
from syncline.errors import SynclineError


class TableConfig(Config, frozen=True, kw_only=True):
    """Options of the table."""

    file: Annotated[str, Meta(description="A JSON file: a list of records.")]
    page: Annotated[int, Meta(description="Records in a page.")] = 10
    ending: Annotated[str, Meta(description="How the read ends.")] = "complete"
    zone: Annotated[str | None, Meta(description="A file that holds its zone; out of reach while there is none.")] = (
        None
    )


class HutConfig(Config, frozen=True, kw_only=True):
    """Options of the hut."""

    key: Annotated[str, Meta(description="What opens it.")]


class Hut(Connection[HutConfig]):
    """A connection that a table may name; it does nothing."""

    name: ClassVar[str] = "hut"
    Config = HutConfig


class Table(Source[TableConfig]):
    """Records of a JSON file, in pages; the cursor is the number of records read. A page whose first record has `wait`
    comes when there is a file of that path."""

    name: ClassVar[str] = "table"
    Config = TableConfig
    identity: ClassVar[tuple[str, ...]] = ("file",)
    id_field = "ID"

    def fields(self) -> Sequence[Field] | None:
        return None

    def read(self, partition: Partition, since: str | None) -> Pages:
        records = json.loads(Path(self.config.file).read_text())
        if records == "gone":
            raise Deactivate("the table was renamed")
        for start in range(int(since or 0), len(records), self.config.page):
            rows = records[start : start + self.config.page]
            if rows[0].get("fault"):
                raise Fatal("the table tore")
            while (gate := rows[0].get("wait")) and not Path(gate).exists():
                time.sleep(0.02)
            yield Page(rows, cursor=str(start + len(rows)))
        return End(Ending(self.config.ending), watermark=partition.window.now.isoformat())

    def zone(self) -> str | None:
        if self.config.zone is None:
            return None
        try:
            return Path(self.config.zone).read_text()
        except FileNotFoundError:
            raise Retriable("the table does not answer") from None

    def fetch_one(self, id: str) -> Mapping[str, Any] | None:
        records = json.loads(Path(self.config.file).read_text())
        return next((record for record in records if record["ID"] == id), None)


class HutTable(Table):
    """A table that stands in a hut."""

    name: ClassVar[str] = "hut_table"
    connections: ClassVar[tuple[str, ...]] = ("hut",)


class ShelfConfig(Config, frozen=True, kw_only=True):
    """Options of the shelf."""

    file: Annotated[str, Meta(description="A JSON file: the people on the shelf, and what was done.")]
    batch: Annotated[int, Meta(description="Leads in a call.")] = 1
    side_by_side: Annotated[int, Meta(description="Calls at once.")] = 4
    public: Annotated[bool, Meta(description="Sending twice does harm, and people stay unseen until they confirm.")] = (
        False
    )
    delay: Annotated[float, Meta(description="Seconds that a call takes.")] = 0.0
    on_delete: Annotated[str, Meta(description="keep or unsubscribe")] = "keep"
    on_duplicate: Annotated[str, Meta(description="update or skip")] = "update"


class Shelf(Sink[ShelfConfig]):
    """Keeps people. A lead whose `Mood` is a word of `MOODS` is answered accordingly, as often as its number says; what
    the file says of an address under `moods` counts before it."""

    name: ClassVar[str] = "shelf"
    Config = ShelfConfig
    identity: ClassVar[tuple[str, ...]] = ("file",)
    removals: ClassVar[tuple[str, ...]] = ("unsubscribe",)
    key_field = "Email"
    kill_at: ClassVar[Callable[[str, int], None]] = staticmethod(lambda step, n: None)

    def __init__(self, config: ShelfConfig, connection: Any = None) -> None:
        super().__init__(config, connection)
        self.batch_size, self.concurrency, self.repeatable = config.batch, config.side_by_side, not config.public
        self._lock = threading.Lock()
        self._calls = 0

    @property
    def calls(self) -> int:
        return self._calls

    @property
    def target(self) -> str:
        return "shelf"

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        return texts(frame, mapped)

    def updates(self) -> bool:
        return self.config.on_duplicate == "update"

    def removal(self) -> str | None:
        return "unsubscribed" if self.config.on_delete == "unsubscribe" else None

    def audience(self, held: Mapping[tuple[str, Status], Held], sending: bool) -> Iterator[AudiencePart]:
        with self._lock:
            self._calls += 1
        people = load(self.config.file)["people"]
        for status in (Status.ACTIVE, Status.UNSUBSCRIBED, Status.BOUNCED):
            addresses = [key for key, person in people.items() if person["status"] == status]
            yield AudiencePart(
                "shelf", status, pl.DataFrame({"address": addresses}, schema={"address": pl.String}), whole=True
            )

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        time.sleep(self.config.delay)
        with self._lock:
            self._calls += 1
            state = load(self.config.file)
            state["calls"] += 1
            own = [name for name in leads.columns if name.startswith("#")]
            rows = leads.drop(own).to_dicts()
            results = [self._take(state, row) for row in rows]
            self.kill_at("before", state["calls"])
            store(self.config.file, state)
            self.kill_at("after", state["calls"])
            for result in results:
                if isinstance(result, Exception):
                    raise result
            return [result for result in results if isinstance(result, Result)]

    def _take(self, state: dict[str, Any], row: dict[str, Any]) -> Result | Exception:
        key = key_of(row["Email"])
        tries = state["tries"][key] = state["tries"].get(key, 0) + 1
        mood, _, times = (state.get("moods", {}).get(key) or row.get("Mood") or "").partition(" ")
        answer = MOODS.get(mood) if tries <= int(times or 99) else None
        if answer is None or type(answer) is Lost:
            status = "pending" if self.config.public else "active"
            person = state["people"].setdefault(key, {"status": status, "subscribed": 0})
            person["subscribed"] += 1
            person["fields"] = row
        if answer is not None:
            return answer
        return Result(ResultKind.ACCEPTED, awaiting=self.config.public)

    def confirm(self, leads: pl.DataFrame) -> Sequence[Result]:
        people = load(self.config.file)["people"]
        absent = Result(ResultKind.UNKNOWN if self.config.public else ResultKind.RETRYABLE)
        seen = {key: person.get("fields") for key, person in people.items() if person["status"] == "active"}
        own = [name for name in leads.columns if name.startswith("#")]
        rows = leads.drop(own).to_dicts()
        return [ACCEPTED if seen.get(key) == row else absent for key, row in zip(leads[KEY], rows, strict=True)]

    def remove(self, leads: pl.DataFrame) -> Sequence[Result]:
        with self._lock:
            self._calls += 1
            state = load(self.config.file)
            if state.get("closed"):
                raise Fatal("the shelf is closed")
            for key in state["people"].keys() & set(leads[KEY]):
                state["people"][key]["status"] = "unsub"
            store(self.config.file, state)
        return [ACCEPTED] * leads.height


MOODS: dict[str, Result | SynclineError] = {
    "refuse": Result(ResultKind.REFUSED, "4711", "the shelf does not like it"),
    "heal": Result(ResultKind.REFUSED, "4712", "the shelf is being dusted", heals=True),
    "invalid": Result(ResultKind.REFUSED, "2004", ignored="invalid_pattern"),
    "optout": Result(ResultKind.REFUSED, "2006", ignored="do_not_mail"),
    "later": Result(ResultKind.RETRYABLE, "2101", "come again"),
    "busy": Retriable("the shelf is busy", after=0.01),
    "lost": Lost("no answer"),
    "vanish": Lost("no answer"),
    "full": Fatal("the shelf is full"),
}


class Vanish(Lost):
    """Sent, no answer, and not carried out."""


MOODS["vanish"] = Vanish("no answer")


def load(path: str | Path) -> dict[str, Any]:
    """What is on the shelf."""
    file = Path(path)
    empty: dict[str, Any] = {"people": {}, "calls": 0, "tries": {}}
    return json.loads(file.read_text()) if file.exists() else empty


def store(path: str | Path, state: dict[str, Any]) -> None:
    """Put it back, whole or not at all."""
    temporary = Path(f"{path}.{os.getpid()}")
    temporary.write_text(json.dumps(state))
    temporary.replace(path)
