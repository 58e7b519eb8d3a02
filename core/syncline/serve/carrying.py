"""Carries out one claimed firing, and leaves it in a state from which somebody can go on, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import Busy, Deactivate, LeaseLost, NotRunnable, Retriable, SynclineError
from ..executor import BrokenRun, Executor
from ..ledger import CARRIED_OUT, Firing, RunRecord, SyncRecord, iso
from ..spec import Bound

log = logging.getLogger("syncline")


@dataclass(frozen=True)
class Carrier:
    """`bound` makes the plugins' side of a sync out of what the ledger has of it."""

    executor: Executor
    bound: Callable[[SyncRecord], Bound]

    def carry_out(self, firing: Firing) -> None:
        """Run the sync for its firing. What goes wrong before there is a run is told, and the firing waits."""
        ledger, names = self.executor.ledger, {"sync": firing.sync.name}
        try:
            run = self._run(firing)
            if run.due == firing.due:
                return
            if run.status == "inactive":
                ledger.drop(firing, run.message)
            else:
                self._postpone(firing, f"run {run.id}, which had been cut off, {run.status}: {run.message}")
        except NotRunnable as error:
            log.info("not run: %s", error, extra=names)
            ledger.drop(firing, str(error))
        except Busy:
            ledger.release(firing)
        except LeaseLost as error:  # whoever has the run now ends the firing with it
            log.warning("%s", error, extra=names)
            ledger.release(firing)
        except BrokenRun as error:
            log.error("%s", error, extra=names, exc_info=error.__cause__)
            if error.run.due != firing.due:
                self._postpone(firing, error.run.message)
        except SynclineError as error:
            text = self.executor.redactor.clean("; ".join(str(error).splitlines()))
            self._postpone(firing, text, after=error.after if isinstance(error, Retriable) else None)
        except Exception as error:  # a defect must cost this firing at most, never the loop
            log.exception("a defect: %s", type(error).__name__, extra=names)
            self._postpone(firing, f"a defect: {type(error).__name__}")

    def learn_zone(self, name: str) -> bool:
        """Ask the source of a sync for its own zone, and tell the ledger; whether that went well."""
        ledger = self.executor.ledger
        sync = ledger.sync(name)
        if sync is None:
            return False
        try:
            ledger.set_zone(sync.id, self.executor.zone(self.bound(sync)))
        except Deactivate as error:
            self.executor.deactivate(sync, self.executor.redactor.clean(str(error)))
        except Exception as error:  # noqa: BLE001 - a stranger's source may raise anything; the loop asks again later
            told = str(error) if isinstance(error, SynclineError) else f"a defect: {type(error).__name__}"
            log.warning("its zone is not known, so it is not planned: %s", told, extra={"sync": name})
            return False
        return True

    def _run(self, firing: Firing) -> RunRecord:
        """The run of the firing; one of an earlier start that was cut off is finished first."""
        bound = self.bound(firing.sync)
        run = self.executor.run(bound, firing=firing)
        while run.resumed and run.due != firing.due and run.status in CARRIED_OUT and not self.executor.stop.is_set():
            fresh = self.executor.ledger.sync(firing.sync.name)
            run = self.executor.run(bound, firing=replace(firing, sync=fresh or firing.sync))
        return run

    def _postpone(self, firing: Firing, message: str, *, after: float | None = None) -> None:
        if self.executor.stop.is_set():
            self.executor.ledger.release(firing)
            return
        until = self.executor.ledger.postpone(firing, message, after=after or 0.0)
        if until is None:
            log.warning("the firing went to another process: %s", message, extra={"sync": firing.sync.name})
            return
        sync = self.executor.ledger.sync(firing.sync.name)
        news = {"sync": firing.sync.name, "reason": message, "failures": sync.failures if sync else 1}
        self.executor.observers.tell("syncline_run_postponed", **news, until=iso(until))
