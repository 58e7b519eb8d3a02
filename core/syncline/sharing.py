"""Connections in use: one for each account as connections.yaml has it, shared by the runs of a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .plugin import Connection, Runtime
from .spec import ConnectionUse


@dataclass
class _Lent:
    use: ConnectionUse
    connection: Connection[Any]
    users: int = 0


class Shared:
    """Lends connections; one that nobody uses any more is closed."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._lent: list[_Lent] = []

    @contextmanager
    def lent(self, use: ConnectionUse) -> Iterator[Connection[Any]]:
        """The connection of this class and config, whatever it is called; it is there as long as the block goes on."""
        with self._lock:
            found = next((each for each in self._lent if _same(each.use, use)), None)
            if found is None:
                found = _Lent(use, use.plugin(use.config, self._runtime))
                self._lent.append(found)
            found.users += 1
        try:
            yield found.connection
        finally:
            with self._lock:
                found.users -= 1
                last = not found.users
                if last:
                    self._lent.remove(found)
            if last:
                found.connection.close()


def _same(one: ConnectionUse, other: ConnectionUse) -> bool:
    return one.plugin is other.plugin and one.config == other.config
