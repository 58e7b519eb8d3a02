"""Observers are told of events; one that fails is logged and passed over."""

from __future__ import annotations

import logging
from typing import Any

from .registry import Registry

log = logging.getLogger("syncline")


class Observers:
    """All observers of a registry. Told by any thread: one observer is told of one thing at a time."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def tell(self, hook: str, **news: Any) -> None:
        """Call each observer of `hook` (see `syncline.hooks`) with what it asks for of `news`."""
        for package, observer in self._registry.observers(hook):
            try:
                with self._registry.telling(package):
                    observer.function(*(news[name] for name in observer.argnames))
            except Exception as error:  # noqa: BLE001 - a stranger's observer may raise anything, and must not end a run
                log.warning("observer %s failed at %s: %s", package, hook, type(error).__name__)
