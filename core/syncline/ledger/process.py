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
        return self.host == _host() and _born(self.pid) != self.born


def this_process() -> Holder:
    """The holder that we are."""
    return Holder(_host(), os.getpid(), _born(os.getpid()))


@functools.cache
def _host() -> str:
    parts = [socket.gethostname()]
    boot = _PROC / "sys/kernel/random/boot_id"
    if boot.exists():
        parts.append(boot.read_text().strip()[:8])
    if (_PROC / "self/ns/pid").is_symlink():
        parts.append(str((_PROC / "self/ns/pid").readlink()))
    return " ".join(parts)


def _born(pid: int) -> str:
    """When the process started, in the system's own words; empty when there is no such process (a zombie is none)."""
    if (_PROC / "self/stat").exists():
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    found = subprocess.run(  # noqa: S603  # a fixed program with a number
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()
