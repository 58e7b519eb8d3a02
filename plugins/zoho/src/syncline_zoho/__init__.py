"""Syncline's connection to Zoho: OAuth, data centres, call budgets."""

from collections.abc import Sequence
from typing import Any

from syncline import Connection, hookimpl

from .connection import Account, Budget, Config, Daily, Hosts, Zoho
from .credentials import Credentials
from .durations import seconds
from .products import TRAITS, Product, code_of, scope_missing

__all__ = [
    "TRAITS",
    "Account",
    "Budget",
    "Config",
    "Credentials",
    "Daily",
    "Hosts",
    "Product",
    "Zoho",
    "code_of",
    "scope_missing",
    "seconds",
    "syncline_connections",
]


@hookimpl
def syncline_connections() -> Sequence[type[Connection[Any]]]:
    """The type `zoho`."""
    return [Zoho]
