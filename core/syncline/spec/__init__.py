"""Specs: read, checked, and bound to plugins. See DESIGN 3 for the contract with the authors of the YAML."""

from .applied import spec_of_raw
from .binding import Bound, ConnectionUse, bind
from .connections import Connections, load_connections
from .folder import Loaded, checker_of, load_paths
from .model import Mapped, Spec, SpecTest
from .schema import schema
from .settings import Degraded, Notification, Settings, load_settings

__all__ = [
    "Bound",
    "ConnectionUse",
    "Connections",
    "Degraded",
    "Loaded",
    "Mapped",
    "Notification",
    "Settings",
    "Spec",
    "SpecTest",
    "bind",
    "checker_of",
    "load_connections",
    "load_paths",
    "load_settings",
    "schema",
    "spec_of_raw",
]
