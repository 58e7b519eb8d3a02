"""What a plugin is: Connection, Source, Transform, Rule, Sink, and their row-wise twins.

A plugin class has a `name` (as in the YAML), a typed `Config` (its JSON Schema is derived from it) and a docstring
whose first paragraph is shown to users and, for sources and sinks, states the delivery guarantee.
All methods are called from worker threads; one instance serves one run.
"""

from .config import Check, Choice, Config, Field
from .connection import Connection, Plugin, Runtime
from .rule import RowRule, Rule
from .sink import ACCEPTED, AudiencePart, Held, Result, ResultKind, RowSink, Sink, Status
from .source import End, Ending, Page, Pages, Partition, RowSource, Source, Window
from .transform import RowTransform, Transform

__all__ = [
    "ACCEPTED",
    "AudiencePart",
    "Check",
    "Choice",
    "Config",
    "Connection",
    "End",
    "Ending",
    "Field",
    "Held",
    "Page",
    "Pages",
    "Partition",
    "Plugin",
    "Result",
    "ResultKind",
    "RowRule",
    "RowSink",
    "RowSource",
    "RowTransform",
    "Rule",
    "Runtime",
    "Sink",
    "Source",
    "Status",
    "Transform",
    "Window",
]
