"""What `pause` and `resume` have in common: the state of a sync is changed by hand."""

from __future__ import annotations

from pathlib import Path

from ..errors import SpecError
from .invocation import Invocation, is_path
from .watching import watched


def turned(invocation: Invocation, sync: str, state: str, reason: str) -> int:
    """Bring the sync into the state (`paused` or `active`), and say so. `NotRunnable` where that cannot be."""
    from ..ledger import not_runnable
    from ..ledger.syncs import BY_SPEC
    from ..observers import Observers
    from .survey import unknown_sync

    if not reason.strip():
        raise SpecError("--reason is empty", mend="say why, or leave it out")
    name = invocation.sync_name(sync)
    folder = Path(sync).parent if is_path(sync) else None
    ledger = invocation.ledger(read_only=False, beside=folder)
    record = ledger.sync(name)
    if record is None and (is_path(sync) or invocation.named(sync)[0] is not None):
        raise SpecError(
            f"the ledger does not know {name} yet",
            why="it was neither applied nor run",
            mend="`enabled: false` in its spec creates it as paused",
        )
    if record is None:
        raise unknown_sync(sync, invocation.folder())
    by_spec = record.state == "paused" and record.reason == BY_SPEC
    if record.state in ("inactive", "completed") or (state == "active" and by_spec):
        raise not_runnable(name, record.state, record.reason)
    if record.state == state:
        said = f"{name} is {state} already: {record.reason}"
    else:
        with watched(invocation, ledger, folder or invocation.folder()):
            ledger.set_state(record.id, state, reason)
            news = {"sync": name, "state": state, "reason": reason}
            Observers(invocation.registry).tell("syncline_state_changed", **news)
        said = f"{name} is {state} now: {reason}"
    now = ledger.sync(name) or record
    if invocation.options.as_json:
        from . import documents

        invocation.terminal.document(documents.state(now))
    else:
        invocation.terminal.say(invocation.terminal.clean(said))
    return 0
