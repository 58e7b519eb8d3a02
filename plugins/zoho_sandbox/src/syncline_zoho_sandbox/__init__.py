"""A local Zoho over HTTP: accounts, Creator 2.1 and MarketingHub, with their traps, limits and bad days.

A name is loaded when it is first asked for: this package is imported at every start of `syncline`, for its offer of
the connection type, and few starts need a Zoho.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .remote import CallLog, Control, ControlError, Grant, Lead, LoggedCall, Mail, Registry, Truth
    from .sandbox import Sandbox
    from .settings import Settings

__all__ = [
    "CallLog",
    "Control",
    "ControlError",
    "Grant",
    "Lead",
    "LoggedCall",
    "Mail",
    "Registry",
    "Sandbox",
    "Settings",
    "Truth",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {"Sandbox": "sandbox", "Settings": "settings"}.get(name, "remote")
    found = globals()[name] = getattr(import_module(f".{home}", __name__), name)
    return found
