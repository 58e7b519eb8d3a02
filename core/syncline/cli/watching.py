"""Who watches the runs of a process: the logs, the people who are notified, and telemetry."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SynclineError
from .invocation import Invocation

if TYPE_CHECKING:
    from ..ledger import Ledger
    from ..notices import Notices
    from ..telemetry import Telemetry

log = logging.getLogger("syncline")


@contextmanager
def watched(
    invocation: Invocation, ledger: Ledger, folder: Path, *, serving: bool = False, scraped: bool = False
) -> Iterator[Telemetry | None]:
    """Inside, the observers of this process are told of every run: the logs, the notifications that syncline.yaml in
    `folder` asks for, and the telemetry that the environment asks for, which is given out if there is any. At the end,
    what is still to be sent is sent. `serving`: the process stays; `scraped`: somebody will ask for its metrics."""
    observing = invocation.registry.observing
    with ExitStack() as stack:
        stack.enter_context(observing("syncline.logs", invocation.logs(serving=serving)))
        if notices := _notices(invocation, ledger, folder):
            stack.callback(notices.close)
            stack.enter_context(observing("syncline.notices", notices))
        telemetry = _telemetry(ledger, serving, scraped)
        if telemetry is not None:
            stack.callback(telemetry.close)
            stack.enter_context(observing("syncline.telemetry", telemetry))
        yield telemetry


def _telemetry(ledger: Ledger, serving: bool, scraped: bool) -> Telemetry | None:
    """Looked for only where a variable of OpenTelemetry is set, or somebody scrapes."""
    if not scraped and not any(name.startswith("OTEL_") for name in os.environ):
        return None
    from ..telemetry import opened

    return opened(ledger, os.environ, serving=serving, scraped=scraped)


def _notices(invocation: Invocation, ledger: Ledger, folder: Path) -> Notices | None:
    """What notifies people. Whatever is wrong with it is a warning: a run does not depend on who is told of it."""
    try:
        settings = invocation.settings(folder)
    except SynclineError as error:
        log.warning("nobody is notified: %s", error)
        return None
    if not settings.notifications:
        return None
    from ..notices import Notices, receivers

    found, faults = receivers(settings.notifications, invocation.redactor, folder)
    for fault in faults:
        log.warning("nobody is notified this way: %s", fault)
    return Notices(ledger, found, settings.degraded) if found else None
