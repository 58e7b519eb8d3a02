"""Specs: read, checked, and bound to plugins. See DESIGN 3 for the contract with the authors of the YAML."""

from .binding import Bound, ConnectionUse, bind
from .connections import Connections, load_connections
from .folder import Loaded, checker_of, load_paths
from .model import Mapped, Spec, SpecTest
from .schema import schema
from .settings import Settings, deployment_of, load_settings

__all__ = [
    "Bound",
    "ConnectionUse",
    "Connections",
    "Loaded",
    "Mapped",
    "Settings",
    "Spec",
    "SpecTest",
    "bind",
    "checker_of",
    "deployment_of",
    "load_connections",
    "load_paths",
    "load_settings",
    "schema",
]
