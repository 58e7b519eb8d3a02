"""`syncline notify`: do notifications arrive?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..ending import FAILED
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...plugin import Check
    from ...spec import Settings


@command()
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False))
def notify(invocation: Invocation, folder: Path | None) -> int:
    """Send a test message to everybody whom syncline.yaml in DIR says to notify.

    DIR is the folder of the specs; by default the current one, or configs if there are no specs here. One line for
    each receiver, with what to do where it did not take the message. Exit 1 when any did not.

    \b
    Example:
      syncline notify configs
    """
    from ...errors import SpecError
    from .. import documents

    where = folder if folder is not None else invocation.folder()
    if not where.is_dir():
        raise SpecError("there is no such folder", where=str(where), mend="name the folder of the specs")
    settings = invocation.settings(where)
    if not settings.notifications:
        raise SpecError("nobody is to be notified", where=str(where / "syncline.yaml"), mend="add `notifications`")
    invocation.logs()
    found = list(_sent(invocation, settings, where))
    if invocation.options.as_json:
        invocation.terminal.document(documents.checks(found))
    else:
        from ...console.tables import checks

        invocation.terminal.say(*checks(invocation.terminal, found))
    return 0 if all(each.ok for each in found) else FAILED


def _sent(invocation: Invocation, settings: Settings, folder: Path) -> Iterator[Check]:
    """One try for each receiver."""
    from ...errors import SynclineError
    from ...notices import Notice, receivers
    from ...plugin import Check

    reason = f"somebody tried the notifications of {folder.absolute() / 'syncline.yaml'}; nothing is wrong"
    found, faults = receivers(settings.notifications, invocation.redactor, folder)
    for receiver in found:
        try:
            receiver.send(Notice("test", "", invocation.clock(), reason))
        except SynclineError as error:
            why = f" ({error.why})" if error.why else ""
            yield Check(receiver.label, False, invocation.redactor.clean(f"{error.what}{why}"), error.mend)
        else:
            yield Check(receiver.label, True, "took a test message")
    for fault in faults:
        yield Check(fault.where or "notifications", False, invocation.redactor.clean(fault.what), fault.mend)
