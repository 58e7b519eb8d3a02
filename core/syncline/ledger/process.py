"""Who holds a lease: this host, this process, and whether a holder of this host is still there."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """A process: `host` tells machines, boots and containers apart; `born` tells a reused pid apart."""

    host: str
    pid: int
    born: str

    def is_gone(self) -> bool:
        """True only when it is surely gone: it ran on this host, and its process is no more."""
        if self.host != _host():
            return False
        born = _born(self.pid) if self.born else None
        return not _is_there(self.pid) if born is None else born != self.born


def this_process() -> Holder:
    """The holder that we are."""
    return Holder(_host(), os.getpid(), _born(os.getpid()) or "")


def _is_there(pid: int) -> bool:
    """Whether a process has this number, be it somebody else's that is hidden from us."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and not ours
        return True
    return True


@functools.cache
def _host() -> str:
    parts = [socket.gethostname()]
    boot = _PROC / "sys/kernel/random/boot_id"
    if boot.exists():
        parts.append(boot.read_text().strip()[:8])
    if (_PROC / "self/ns/pid").is_symlink():
        parts.append(str((_PROC / "self/ns/pid").readlink()))
    return " ".join(parts)


def _born(pid: int) -> str | None:
    """When the process started, in the system's own words; empty for a zombie, which is gone. None when that is not
    shown: there is no such process, or it is another user's and hidden (`/proc` mounted with `hidepid`)."""
    if (_PROC / "self/stat").exists():
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return "" if fields[0] in "ZX" else fields[19]
    try:
        found = subprocess.run(  # noqa: S603  # a fixed program with a number
            ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return found.stdout.strip() or None
