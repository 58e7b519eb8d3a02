"""The one tree of errors: the class says what happens next, the text says what, where, why and what to do.

SynclineError
├── SpecError      the author of the YAML mends it                       exit 2
├── PluginError    whoever installs the plugins mends it                 exit 3
├── NotRunnable    the sync is inactive, paused or completed             exit 5
├── Busy           another process is running this sync                  exit 7
├── Deactivate     the sync ends, for good                               exit 1
├── Fatal          this run ends; the next one may succeed               exit 1
│   ├── LeaseLost  another process took the run over, and goes on with it exit 7
│   └── Stopped    somebody stopped the run while it waited              exit 1
├── Retriable      the same call may succeed later, `after` seconds on   exit 1 when retries are spent
│   └── QuotaSpent no call is left of the day: the run rests, and goes on exit 1
├── Lost           sent, but the answer was lost: the leads are unknown
└── Refused        one lead was refused, with the `code` of the refuser
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class SynclineError(Exception):
    """Base of all errors that Syncline raises on purpose.

    `what` happened, `where` (file, address, record), `why`, and the `mend`: each one short clause, without
    secrets and without personal data. Instances are picklable and compare by their text.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", why: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.mend = mend

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.why:
            text += f" ({self.why})"
        if self.mend:
            text += f"; {self.mend}"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.__dict__ | {"args": self.args})


def _rebuild(cls: type[SynclineError], state: dict[str, Any]) -> SynclineError:
    error = cls.__new__(cls)
    error.args = state.pop("args")
    error.__dict__.update(state)
    return error


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of one file: 1-based `line` and `column`, the dotted `path` of the key, and the message."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class SpecError(SynclineError):
    """The YAML is wrong. `faults` holds every fault of every file, in the order of the files."""

    exit_code = 2

    def __init__(
        self, what: str = "", *, faults: tuple[Fault, ...] = (), where: str = "", why: str = "", mend: str = ""
    ) -> None:
        super().__init__(what or f"{len(faults)} fault(s)", where=where, why=why, mend=mend)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults)) if self.faults else super().__str__()


class PluginError(SynclineError):
    """A plugin is missing, broken, doubled, or broke its contract. The text names its package."""

    exit_code = 3


class NotRunnable(SynclineError):
    """The sync's `state` (paused, completed, inactive) does not allow a run; `why` is the recorded reason."""

    exit_code = 5

    def __init__(self, what: str, *, sync: str, state: str, where: str = "", why: str = "", mend: str = "") -> None:
        super().__init__(what, where=where, why=why, mend=mend)
        self.sync = sync
        self.state = state


class Busy(SynclineError):
    """The lease of this sync is held: by the run `run` of the process `pid`; `own` when that is this process itself."""

    exit_code = 7

    def __init__(
        self,
        what: str,
        *,
        run: str = "",
        pid: int = 0,
        own: bool = False,
        where: str = "",
        why: str = "",
        mend: str = "",
    ) -> None:
        super().__init__(what, where=where, why=why, mend=mend)
        self.run = run
        self.pid = pid
        self.own = own


class Deactivate(SynclineError):
    """The source or the sink is gone for good: the sync becomes inactive, and this text is its reason."""


class Fatal(SynclineError):
    """This run cannot go on. Nothing is lost: what was recorded stays, and the next run may succeed."""


class LeaseLost(Fatal):
    """This process was silent for so long that another one took its run over, and goes on with it: nothing is lost."""

    exit_code = 7


class Stopped(Fatal):
    """The run was stopped while it waited; nothing else is wrong."""


class Retriable(SynclineError):
    """The same call may succeed later: not before `after` seconds from now (None: the caller's own back-off)."""

    def __init__(
        self, what: str, *, after: float | None = None, where: str = "", why: str = "", mend: str = ""
    ) -> None:
        super().__init__(what, where=where, why=why, mend=mend)
        self.after = after


class QuotaSpent(Retriable):
    """No call of the day is left. The run is not closed: it rests, and the next start goes on where it was."""


class Lost(SynclineError):
    """A write went out and its answer did not come back: it may or may not have been carried out."""


class Refused(SynclineError):
    """The other side refused one lead. `code` is its own code, as text."""

    def __init__(self, what: str, *, code: str, where: str = "", why: str = "", mend: str = "") -> None:
        super().__init__(what, where=where, why=why, mend=mend)
        self.code = code
