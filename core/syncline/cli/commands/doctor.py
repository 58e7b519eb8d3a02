"""`syncline doctor`: is everything here that runs need?"""

from __future__ import annotations

from ..ending import FAILED
from ..invocation import Invocation
from ..options import command


@command()
def doctor(invocation: Invocation) -> int:
    """Examine this installation: Python, plugins, ledger, cache, connections, secrets, time zones.

    Nothing is written, no network is used, and no secret is shown. Exit 1 when something is not right.

    \b
    Example:
      syncline doctor
    """
    from .. import documents
    from ..examination import examine

    found = list(examine(invocation))
    if invocation.options.as_json:
        invocation.terminal.document(documents.checks(found))
    else:
        from ...console.tables import checks

        invocation.terminal.say(*checks(invocation.terminal, found))
    return 0 if all(each.ok for each in found) else FAILED
