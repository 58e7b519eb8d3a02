"""Creator reports of a running sandbox, read by the source as the engine reads them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from syncline import End, Page, Runtime, Window, flatten
from syncline.budget import Budgets, MemoryStore
from syncline.secrets import Redactor
from syncline_creator_source import Creator, CreatorConfig
from syncline_zoho import Zoho
from syncline_zoho_sandbox import Sandbox

NOW = datetime.now(UTC)
EVENTS = {"owner": "zylker", "application": "events", "report": "all_signups"}


def runtime(folder: Path) -> Runtime:
    """What a process lends to a connection."""
    stop = threading.Event()
    return Runtime(Budgets(MemoryStore(), stop=stop), Redactor(), folder / "cache", folder / "state", stop)


def zoho(folder: Path, sandbox: Sandbox, **more: Any) -> Zoho:
    """A connection of type `zoho` whose hosts are the sandbox."""
    settings: dict[str, Any] = {
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "refresh_token": sandbox.refresh_token,
        "hosts": sandbox.hosts,
        "budget": {"calls": 10_000, "window": "1s"},
    } | more
    return Zoho(msgspec.convert(settings, Zoho.Config), runtime(folder))


def creator(connection: Zoho, **config: Any) -> Creator:
    """The source over the report of sign-ups, unless `config` says otherwise."""
    return Creator(msgspec.convert(EVENTS | config, CreatorConfig), connection)


def window(*fields: str, **more: Any) -> Window:
    """What a run retrieves; the sync was created just now."""
    settings: dict[str, Any] = {"created": NOW, "now": datetime.now(UTC) + timedelta(seconds=1), "fields": fields}
    return Window(**(settings | more))


@dataclass
class Read:
    """What came out of one read."""

    pages: list[Page] = field(default_factory=list)
    end: End | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """All pages."""
        frames = [flatten(page.rows) for page in self.pages if isinstance(page.rows, pl.DataFrame)]
        return pl.concat(frames, how="diagonal") if frames else pl.DataFrame()

    @property
    def ids(self) -> list[str]:
        """The records read, in order."""
        return self.frame["ID"].to_list() if self.pages else []

    def rows(self) -> Mapping[str, dict[str, Any]]:
        """ID → record."""
        return {row["ID"]: row for row in self.frame.to_dicts()}


def read(source: Creator, of: Window, since: str | None = None, most: int | None = None) -> Read:
    """Read a window; with `most` break off after so many pages."""
    done = Read()
    (partition,) = source.partitions(of)
    pages = source.read(partition, since)
    while most is None or len(done.pages) < most:
        try:
            done.pages.append(next(pages))
        except StopIteration as finished:
            done.end = finished.value
            break
    return done
