"""Plugins in general, and connections: credentials, clients and budgets of one remote account."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic

from ..budget import Budgets
from ..clock import SYSTEM, Clock
from ..secrets import Redactor
from .config import C, Check, Config

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Runtime:
    """What the process lends to a connection. `cache` is a folder private to the user (0700)."""

    budgets: Budgets
    redactor: Redactor
    cache: Path
    state: Path
    """A folder beside the ledger, for what must stay with it (the embedded sandbox keeps its state there)."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the run is to stop: every wait ends then."""
    clock: Clock = SYSTEM
    """The one by which everything is reckoned here: whether a token still holds, when a lock is over."""


class Plugin(Generic[C]):
    """Common to all kinds."""

    name: ClassVar[str]
    Config: ClassVar[type[Config]] = Config
    offered: ClassVar[bool] = True
    """Of sources and sinks. False: `syncline init` sets it up only where a flag names it."""
    paths: ClassVar[tuple[str, ...]] = ()
    """Config keys that hold paths, or URLs like `sqlite:///PATH`: a relative path starts in the folder of the file in
    which it is written."""

    def __init__(self, config: C) -> None:
        self.config = config


class Connection(Plugin[C]):
    """Credentials, HTTP clients and call budgets of one remote account, shared by all who name it."""

    def __init__(self, config: C, runtime: Runtime) -> None:
        super().__init__(config)
        self.runtime = runtime

    @property
    def account(self) -> str:
        """A stable text that is equal exactly for connections to the same remote account; without secrets."""
        return self.name

    def check(self) -> Iterator[Check]:
        """Test the credentials."""
        yield from ()

    def close(self) -> None:
        """Let go of sockets and processes."""
