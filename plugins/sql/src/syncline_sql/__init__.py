"""Syncline's sink for tables of SQLite and PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from syncline import Sink, hookimpl

from .config import SqlConfig
from .sink import Sql

__all__ = ["Sql", "SqlConfig", "syncline_sinks"]


@hookimpl
def syncline_sinks() -> Sequence[type[Sink[Any]]]:
    """The sink `sql`."""
    return [Sql]
