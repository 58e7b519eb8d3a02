"""Syncline's ends for files: the sources `ndjson` and `csv`, the sink `ndjson`."""

from collections.abc import Sequence
from typing import Any

from syncline import Sink, Source, hookimpl

from .config import CsvConfig, NdjsonConfig, NdjsonSinkConfig
from .ndjson import Ndjson
from .sink import NdjsonSink
from .table import Csv

__all__ = [
    "Csv",
    "CsvConfig",
    "Ndjson",
    "NdjsonConfig",
    "NdjsonSink",
    "NdjsonSinkConfig",
    "syncline_sinks",
    "syncline_sources",
]


@hookimpl
def syncline_sources() -> Sequence[type[Source[Any]]]:
    """The sources `ndjson` and `csv`."""
    return [Ndjson, Csv]


@hookimpl
def syncline_sinks() -> Sequence[type[Sink[Any]]]:
    """The sink `ndjson`."""
    return [NdjsonSink]
