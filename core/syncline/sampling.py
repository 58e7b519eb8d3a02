"""A few leads as they would arrive: one page of the source, mapped, transformed and judged. Nothing is written."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from . import window as windows
from .assembly import Assembly
from .batch import ROW, STATUS
from .pipeline.extract import Extraction
from .pipeline.screen import Screened
from .plugin import Field, Runtime, Source, Window
from .spec import Bound

SAMPLES = 5


@dataclass(frozen=True)
class Sample:
    """One record: the `lead` as it would be sent, or the reason for which it would be `ignored`, with its `detail`."""

    lead: Mapping[str, str | None]
    ignored: str | None = None
    detail: str | None = None


@dataclass
class Samples:
    """The first leads of a page of `read` records, and how many of them would be ignored, by reason.

    Opt-outs and bounces are not among these: they are looked up when a run has something to send.
    """

    read: int = 0
    leads: list[Sample] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def samples(bound: Bound, runtime: Runtime, *, now: datetime, n: int = SAMPLES) -> Samples:
    """What the first page of a run that starts `now` would come to; empty when the source has nothing to give.

    Raises what a run would raise.
    """
    with Assembly(bound, runtime) as assembly:
        zone = assembly.source.zone
        page = first_page(
            assembly.source, windows.window_of(bound.spec, created=now, watermark=None, zone=zone, now=now)
        )
        if page is None:
            return Samples()
        shaped = assembly.shape().apply(page).with_columns(pl.lit(None, pl.String).alias(STATUS))
        batch = Screened.fresh(shaped)
        for rule in assembly.rules:
            if rule.whole_fetch:
                rule.observe(batch.alive)
            batch = batch.judged(rule)
        assembly.sink.prepare(assembly.mapped)
        sent = assembly.sink.encode(shaped, assembly.mapped).select(assembly.mapped).head(n).to_dicts()
        verdicts = {each[ROW]: each for each in batch.verdicts.to_dicts()}
        leads = [
            Sample(lead, *((verdict["reason"], verdict["detail"]) if (verdict := verdicts.get(row)) else ()))
            for row, lead in zip(shaped[ROW].head(n), sent, strict=True)
        ]
        return Samples(page.height, leads, Counter(batch.verdicts["reason"].to_list()))


def first_page(source: Source[Any], window: Window) -> pl.DataFrame | None:
    """The first page of records with their IDs and row numbers; None when there are none."""
    enough = threading.Event()
    enough.set()  # the reader looks at it after each page, so one page comes, and no call is spent on a second
    with closing(iter(Extraction(source, source.partitions(window), stop=enough))) as batches:  # type: ignore[type-var]  # it is a generator
        batch = next(batches, None)
    return batch.frame if batch else None


def shown_fields(source: Source[Any], now: datetime) -> list[Field] | None:
    """What can be mapped, as the source says or else as its first page shows; None when it has nothing to show."""
    told = source.fields()
    if told is not None:
        return list(told)
    page = first_page(source, Window(created=now, now=now))
    if page is None:
        return None
    return [Field(name, type=_type(kind)) for name, kind in page.schema.items() if not name.startswith("#")]


def _type(kind: pl.DataType) -> str:
    if isinstance(kind, pl.List):
        return "list"
    if isinstance(kind, pl.Boolean):
        return "boolean"
    if isinstance(kind, pl.Datetime):
        return "datetime"
    if isinstance(kind, pl.Date):
        return "date"
    return "number" if kind.is_numeric() else "text"
