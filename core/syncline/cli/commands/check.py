"""`syncline check`: would a run find everything it needs?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import completing
from ..ending import FAILED
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...assembly import Assembly
    from ...executor import Executor
    from ...plugin import Check
    from ...spec import Bound


@command()
@click.argument("spec", type=click.Path(path_type=Path, dir_okay=False), shell_complete=completing.specs)
def check(invocation: Invocation, spec: Path) -> int:
    """Test the connections, the source and the sink of SPEC; nothing is written.

    One line for each test, with what to do where it fails. Exit 1 when any fails.

    \b
    Example:
      syncline check configs/webinar-signups.yaml
    """
    from .. import documents

    bound = invocation.bound(spec)
    invocation.logs()
    found = list(_checks(invocation, bound))
    if invocation.options.as_json:
        invocation.terminal.document(documents.checks(found, sync=bound.spec.name))
    else:
        from ...console.tables import checks

        invocation.terminal.say(*checks(invocation.terminal, found))
    return 0 if all(each.ok for each in found) else FAILED


def _checks(invocation: Invocation, bound: Bound) -> Iterator[Check]:
    from ...assembly import Assembly
    from ...budget import Budgets, MemoryStore

    executor = invocation.executor(read_only=True, beside=bound.spec.path.parent)
    spent, parked = executor.ledger.spent()
    runtime = executor.runtime(Budgets(MemoryStore(spent, parked), stop=executor.stop, clock=executor.clock))
    with Assembly(bound, runtime) as assembly:
        for name, connection in assembly.connections.items():
            yield from _made(invocation, f"connection {name}", connection.check)
        yield from _made(invocation, "retrieve", lambda: _retrieval(executor, bound, assembly), quiet=True)
        needed = list(bound.spec.source_fields)
        yield from _made(invocation, f"source {assembly.source.name}", lambda: assembly.source.check(needed))
        yield from _made(invocation, f"sink {assembly.sink.name}", lambda: assembly.sink.check(assembly.mapped))


def _retrieval(executor: Executor, bound: Bound, assembly: Assembly) -> Iterator[Check]:
    """How far back is read, where that has to be said; and whether a moment of `retrieve` is within the limits."""
    from ...errors import SpecError
    from ...plugin import Check
    from ...spec.retrieval import notes
    from ...window import window_of

    spec, now = bound.spec, executor.ledger.now()
    record = executor.ledger.sync(spec.name)
    created = record.created_at if record else None
    try:
        window_of(spec, created=created, watermark=None, zone=assembly.zone, now=now)
    except SpecError as error:
        yield Check("retrieve", False, f"{error.what} ({error.why})", error.mend)
        return
    for note in notes(spec.raw, now, created=created, lookback=bound.lookback):
        yield Check("retrieve", True, note)


def _made(
    invocation: Invocation, subject: str, test: Callable[[], Iterable[Check]], *, quiet: bool = False
) -> Iterator[Check]:
    """The checks of one part; a part that cannot even be tested is one failed check. `quiet`: no checks, no line."""
    from ...errors import SynclineError
    from ...plugin import Check

    found = False
    try:
        for each in test():
            found = True
            yield each
    except SynclineError as error:
        yield Check(subject, False, invocation.redactor.clean(str(error)), error.mend)
        return
    if not found and not quiet:
        yield Check(subject, True, "has no checks of its own")
