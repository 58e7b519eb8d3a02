"""Specs: read, checked, and bound to plugins. See DESIGN 3 for the contract with the authors of the YAML."""

from .applied import spec_of_raw
from .binding import Bound, ConnectionUse, bind, bind_connection, bind_options
from .connections import Connections, load_connections
from .folder import Loaded, checker_of, load_paths
from .model import Mapped, Spec, SpecTest
from .reading import value_of
from .schema import schema
from .settings import Degraded, Notification, Settings, deployment_of, load_settings
from .stream import written
from .writing import SCHEMA_FILE, Draft, connections_text, inline, spec_text

__all__ = [
    "SCHEMA_FILE",
    "Bound",
    "ConnectionUse",
    "Connections",
    "Degraded",
    "Draft",
    "Loaded",
    "Mapped",
    "Notification",
    "Settings",
    "Spec",
    "SpecTest",
    "bind",
    "bind_connection",
    "bind_options",
    "checker_of",
    "connections_text",
    "deployment_of",
    "inline",
    "load_connections",
    "load_paths",
    "load_settings",
    "schema",
    "spec_of_raw",
    "spec_text",
    "value_of",
    "written",
]
