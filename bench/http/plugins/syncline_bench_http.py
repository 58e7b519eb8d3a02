"""A source of pages over HTTP and a sink of batches over HTTP, as any author would write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from syncline import (
    ACCEPTED,
    Client,
    Config,
    Connection,
    End,
    Ending,
    Limit,
    Page,
    Pages,
    Partition,
    Result,
    ResultKind,
    Runtime,
    Sink,
    Source,
    hookimpl,
    texts,
)

if TYPE_CHECKING:
    import polars as pl

LIMIT = Limit(calls=100_000, window=60.0)


class OfficeConfig(Config, frozen=True, kw_only=True):
    """Where the office is."""

    url: Annotated[str, msgspec.Meta(description="scheme://host:port")]


class Office(Connection[OfficeConfig]):
    """Both ends of the benchmark: one client, one call budget."""

    name = "office"
    Config = OfficeConfig

    def __init__(self, config: OfficeConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self.client = Client(config.url, budgets=runtime.budgets, redactor=runtime.redactor, stop=runtime.stop)

    def close(self) -> None:
        """Close the sockets."""
        self.client.close()


class PagesConfig(Config, frozen=True, kw_only=True):
    """How large a page is."""

    limit: Annotated[int, msgspec.Meta(ge=1, description="Records of a page.")] = 1000


class LeadPages(Source[PagesConfig]):
    """Records in pages, each of which names the next. A read that ends is complete."""

    name = "lead_pages"
    Config = PagesConfig
    connections = ("office",)
    id_field = "ID"

    def read(self, partition: Partition, since: str | None) -> Pages:
        """From this cursor on."""
        while True:
            asked = {"limit": str(self.config.limit)} | ({"cursor": since} if since else {})
            answer = self.connection.client.send("GET", "/leads", params=asked, budget=("office source", LIMIT))
            since = answer.json["next_cursor"]
            yield Page(answer.json["data"], since)
            if since is None:
                return End(Ending.COMPLETE)


class LeadBoxes(Sink[Config]):
    """A hundred leads a call. Sending a lead again changes nothing, so a lost call is sent again: at least once."""

    name = "lead_boxes"
    connections = ("office",)
    key_field = "email"
    batch_size = 100
    concurrency = 10
    repeatable = True

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        """All fields as text."""
        return texts(frame, mapped)

    def reserve(self, leads: int) -> None:
        """One call."""
        self.connection.runtime.budgets.acquire("office sink", LIMIT)

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        """One call for all of them; it takes all or none."""
        sent: list[Mapping[str, Any]] = leads[[name for name in leads.columns if not name.startswith("#")]].to_dicts()
        answer = self.connection.client.send("POST", "/leads", json=sent, repeatable=True)
        if answer.status == 200:
            return [ACCEPTED] * len(sent)
        return [Result(ResultKind.REFUSED, str(answer.status))] * len(sent)


@hookimpl
def syncline_connections() -> Sequence[type[Connection[Any]]]:
    """The office."""
    return [Office]


@hookimpl
def syncline_sources() -> Sequence[type[Source[Any]]]:
    """Its pages."""
    return [LeadPages]


@hookimpl
def syncline_sinks() -> Sequence[type[Sink[Any]]]:
    """Its boxes."""
    return [LeadBoxes]
