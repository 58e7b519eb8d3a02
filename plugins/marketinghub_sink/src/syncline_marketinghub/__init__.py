"""The sink `marketinghub`: leads into a mailing list of Zoho MarketingHub, today named Marketing Automation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncline import Sink, hookimpl

from .sink import MarketingHub


@hookimpl
def syncline_sinks() -> Sequence[type[Sink[Any]]]:
    """The sinks of this package."""
    return [MarketingHub]
