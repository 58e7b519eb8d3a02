"""The face of Syncline: everything a plugin imports, and nothing else.

A name is loaded when it is first asked for: the package is imported at every start, `syncline --help` included, and
most of what stands here is heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .batch import ADDRESS, ID, KEY, ROW, STATUS, flatten, key_of, keys, texts, trimmed
    from .budget import Limit, Quota
    from .decision import Outcome
    from .errors import (
        Deactivate,
        Fatal,
        Lost,
        PluginError,
        QuotaSpent,
        Refused,
        Retriable,
        SpecError,
        Stopped,
        SynclineError,
    )
    from .hooks import hookimpl
    from .http import Answer, Client, Patience
    from .plugin import (
        ACCEPTED,
        AudiencePart,
        Check,
        Choice,
        Config,
        Connection,
        End,
        Ending,
        Field,
        Held,
        Page,
        Pages,
        Partition,
        Result,
        ResultKind,
        RowRule,
        RowSink,
        RowSource,
        RowTransform,
        Rule,
        Runtime,
        Sink,
        Source,
        Status,
        Transform,
        Window,
    )
    from .secrets import Secret
    from .sql import Sql, expression

__version__ = "0.1.0"
__all__ = [
    "ACCEPTED",
    "ADDRESS",
    "ID",
    "KEY",
    "ROW",
    "STATUS",
    "Answer",
    "AudiencePart",
    "Check",
    "Choice",
    "Client",
    "Config",
    "Connection",
    "Deactivate",
    "End",
    "Ending",
    "Fatal",
    "Field",
    "Held",
    "Limit",
    "Lost",
    "Outcome",
    "Page",
    "Pages",
    "Partition",
    "Patience",
    "PluginError",
    "Quota",
    "QuotaSpent",
    "Refused",
    "Result",
    "ResultKind",
    "Retriable",
    "RowRule",
    "RowSink",
    "RowSource",
    "RowTransform",
    "Rule",
    "Runtime",
    "Secret",
    "Sink",
    "Source",
    "SpecError",
    "Sql",
    "Status",
    "Stopped",
    "SynclineError",
    "Transform",
    "Window",
    "expression",
    "flatten",
    "hookimpl",
    "key_of",
    "keys",
    "texts",
    "trimmed",
]

_ROOMS = ("errors", "decision", "secrets", "sql", "budget", "batch", "plugin", "hooks", "http")
"""Where the names live, the light rooms first."""


def __getattr__(name: str) -> Any:
    if name in __all__:
        for room in _ROOMS:
            module = import_module(f".{room}", __name__)
            if name in vars(module):
                found = globals()[name] = vars(module)[name]
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
