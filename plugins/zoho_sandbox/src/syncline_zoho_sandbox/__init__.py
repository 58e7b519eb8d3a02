"""A local Zoho over HTTP: accounts, Creator 2.1 and MarketingHub, with their traps, limits and bad days."""

from syncline_zoho_sandbox.remote import CallLog, Control, ControlError, Grant, Lead, LoggedCall, Mail, Registry, Truth
from syncline_zoho_sandbox.sandbox import Sandbox
from syncline_zoho_sandbox.settings import Settings

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
