"""Syncline's source for reports of Zoho Creator."""

from collections.abc import Sequence
from typing import Any

from syncline import Source, hookimpl

from .config import CreatorConfig
from .source import Creator

__all__ = ["Creator", "CreatorConfig", "syncline_sources"]


@hookimpl
def syncline_sources() -> Sequence[type[Source[Any]]]:
    """The source `creator`."""
    return [Creator]
