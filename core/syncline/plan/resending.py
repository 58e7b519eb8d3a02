"""How many known leads an edit sends once more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..ledger import Ledger, SyncRecord, difference
from ..plugin import Sink
from ..registry import Registry
from ..spec.conversion import config_of


def sent_again(ledger: Ledger, registry: Registry, known: SyncRecord, spec: Mapping[str, Any]) -> int | None:
    """At most so many people whom the sync has delivered would be sent once more, because `spec` (merged, references
    unresolved) makes other leads of them; None when it does not. Exact figures need a read of the source: `preview`.

    A sink that leaves known leads as they are is sent nothing, so 0.
    """
    if not _differs(registry, known.spec, spec):
        return None
    sink = _sink(registry, spec.get("sink") or {})
    if sink is not None and not _asked(sink, "updates"):
        return 0
    return ledger.members(known.id).filter(~pl.col("removed")).height


def _differs(registry: Registry, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether an edit changes what is sent: the fields, or what the sink makes of them."""
    if any(difference(old.get(section), new.get(section)) for section in ("mapping", "transforms")):
        return True
    options = [each.get("sink") or {} for each in (old, new)]
    if options[0] == options[1]:
        return False
    sinks = [_sink(registry, each) for each in options]
    traits = [None if sink is None else _asked(sink, "traits") for sink in sinks]
    return None in traits or traits[0] != traits[1]


def _sink(registry: Registry, options: Mapping[str, Any]) -> Sink[Any] | None:
    """The sink without a connection; None where it cannot be made without secrets or by this version of the plugin."""
    config = {key: value for key, value in options.items() if key not in ("type", "connection")}
    try:
        plugin = registry.get("sink", str(options.get("type")), Sink)
        return plugin(config_of(plugin.Config, config))
    except Exception:  # noqa: BLE001 - see `_asked`
        return None


def _asked(sink: Sink[Any], question: str) -> Any:
    """What the sink says of itself without a connection; None (it may be anything) where it needs one."""
    try:
        return getattr(sink, question)()
    except Exception:  # noqa: BLE001 - a stranger's plugin may raise anything; not to know is an answer here
        return None
