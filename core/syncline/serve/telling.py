"""What a run loop says of its runs, line by line, in the logs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..hooks import hookimpl

log = logging.getLogger("syncline")


class Teller:
    """An observer that writes each event into the logs."""

    @hookimpl
    def syncline_run_started(self, run: Mapping[str, Any]) -> None:
        """A run started, or goes on."""
        log.info("the run goes on" if run["resumed"] else "the run started", extra=_names(run))

    @hookimpl
    def syncline_run_finished(self, run: Mapping[str, Any]) -> None:
        """A run ended."""
        counts = ", ".join(f"{n} {name.replace('_', '-')}" for name, n in run["counts"].items() if n) or "no leads"
        message = f": {run['message']}" if run.get("message") else ""
        level = logging.INFO if run["status"] in ("succeeded", "partial", "interrupted") else logging.ERROR
        log.log(level, "the run ended: %s (%s)%s", run["status"], counts, message, extra=_names(run))

    @hookimpl
    def syncline_run_postponed(self, sync: str, reason: str, failures: int, until: str) -> None:
        """A run failed or could not start."""
        times = "once" if failures == 1 else f"{failures} times in a row"
        log.error("failed %s, tries again at %s: %s", times, until, reason, extra={"sync": sync})

    @hookimpl
    def syncline_state_changed(self, sync: str, state: str, reason: str) -> None:
        """A sync changed its state."""
        log.info("now %s: %s", state, reason, extra={"sync": sync})


def _names(run: Mapping[str, Any]) -> dict[str, Any]:
    return {"run": run["run"], "sync": run["sync"]}
