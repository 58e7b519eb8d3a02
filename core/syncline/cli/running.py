"""What `run` and `retry` have in common: a run under way, watched and stoppable, and its result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import SynclineError
from .ending import FAILED, tell_defect
from .invocation import Invocation
from .watching import watched

if TYPE_CHECKING:
    from ..executor import Executor
    from ..ledger import RunRecord
    from ..spec import Bound

log = logging.getLogger("syncline")
EXITS: Mapping[str, int] = {
    "succeeded": 0,
    "failed": FAILED,
    "interrupted": FAILED,
    "inactive": FAILED,
    "partial": 4,
    "held": 6,
}
"""The exit code for each status that a run may end with. A run that finds its sync gone ends `inactive` and failed (1);
only the next one is refused (5)."""


def carried_out(
    invocation: Invocation,
    bound: Bound,
    start: Callable[[Executor], RunRecord],
    more: Callable[[Executor], list[str]] = lambda executor: [],
) -> int:
    """Start a run, show how it goes, and say how it ended, with `more` notes; returns the exit code."""
    from ..console import progress
    from ..executor import BrokenRun, Resting
    from .stopping import graceful

    folder = bound.spec.path.parent
    executor = invocation.executor(beside=folder)
    options, terminal = invocation.options, invocation.terminal
    broken: BrokenRun | None = None
    with watched(invocation, executor.ledger, folder):
        shown = progress.Progress(progress.display(terminal, logs=options.log_format == "json"))
        with shown, invocation.registry.observing("syncline.progress", shown), graceful(executor.stop):
            try:
                run = start(executor)
            except BrokenRun as error:
                run, broken = error.run, error
            except Resting as error:
                run = error.run
        forget_details(invocation, executor, bound)
        tell(invocation, run, [*_notes(executor, bound), *more(executor)])
        if broken is not None:
            tell_defect(invocation, broken.__cause__ or broken, document=False)
    return EXITS[run.status]


def forget_details(invocation: Invocation, executor: Executor, bound: Bound) -> None:
    """Drop the row detail of runs that are older than the `retention` of syncline.yaml; their counts stay."""
    try:
        executor.ledger.prune(invocation.settings(bound.spec.path.parent).retention)
    except SynclineError as error:  # the run is done and recorded: what could not be tidied up waits for the next one
        log.warning("row detail past its retention was not dropped: %s", error)


def tell(invocation: Invocation, run: RunRecord, notes: Sequence[str] = ()) -> None:
    """Print the run: its document, or its tables; with the notes of its sync."""
    if invocation.options.as_json:
        from .documents import noted

        invocation.terminal.document(run.document() | noted(notes))
    else:
        from ..console import result

        result.show(invocation.terminal, run, notes)


def _notes(executor: Executor, bound: Bound) -> list[str]:
    """What has to be said of how far back the sync reads."""
    from ..spec.retrieval import notes

    record = executor.ledger.sync(bound.spec.name)
    created = record.created_at if record else None
    return notes(bound.spec.raw, executor.ledger.now(), created=created, lookback=bound.lookback)
