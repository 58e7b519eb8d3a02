"""A folder of specs that processes serve, on one ledger and by one clock: what a test of the run loop needs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from moved_clock import MovedClock
from shelf import load
from syncline.ledger import Ledger, SyncRecord
from syncline.ledger.tables import leases, nodes

CHILD = Path(__file__).with_name("cli_child.py")
PATIENCE = 60.0
"""Real seconds after which a test gives up; a machine under load is slow."""


class Desk:
    """`folder/specs` holds specs of the table and the shelf; every process is a real one.

    Its clock runs fast, so that what is done every few seconds takes a part of one.
    """

    def __init__(self, folder: Path, url: str, start: str, speed: float = 5.0) -> None:
        self.folder, self.url = folder, url
        self.clock = MovedClock.at(start, folder / "clock", speed)
        self.specs = folder / "specs"
        self.specs.mkdir(parents=True, exist_ok=True)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.ended_ones: set[int] = set()
        """Numbers of the processes that may have ended."""

    # --------------------------------------------------------------------------------------------------- specs

    def spec(self, name: str, *, file: str | None = None, **keys: Any) -> Path:
        """Write a spec, whole or not at all; None takes a key away."""
        table = self.folder / f"{name}.json"
        if not table.exists():
            self.records(name, [{"ID": "1", "Email": f"{name}@example.com", "Name": name}])
        source = {"type": "table", "file": str(table), "page": 1} | keys.pop("source", {})
        plain: dict[str, Any] = {
            "version": 1,
            "name": name,
            "source": source,
            "retrieve": "all",
            "mapping": {"Email": "Email", "Name": "Name"},
            "sink": {"type": "shelf", "file": str(self.folder / f"{name}.shelf")},
        }
        path = self.specs / (file or f"{name}.yaml")
        self.write(path, yaml.safe_dump({k: v for k, v in (plain | keys).items() if v is not None}, sort_keys=False))
        return path

    def write(self, path: Path, text: str) -> None:
        """A file, whole or not at all."""
        half = path.with_suffix(".half")
        half.write_text(text)
        half.replace(path)

    def records(self, name: str, records: list[Mapping[str, Any]] | str) -> None:
        """What the table of a sync holds."""
        self.write(self.folder / f"{name}.json", json.dumps(records))

    def held_up(self, name: str) -> Path:
        """The table of a sync does not give its second page before there is this file, which is returned."""
        gate = self.folder / f"{name}.gate"
        people = [{"ID": str(n), "Email": f"{name}{n}@example.com", "Name": name} for n in range(3)]
        people[1] |= {"wait": str(gate)}
        self.records(name, people)
        return gate

    def people(self, name: str) -> dict[str, Any]:
        """Who is on the shelf of a sync."""
        found: dict[str, Any] = load(self.folder / f"{name}.shelf")["people"]
        return found

    # ----------------------------------------------------------------------------------------------- processes

    def command(self, *words: str) -> list[str]:
        """The command line of a child."""
        return [sys.executable, "-W", "error", str(CHILD), str(self.clock), *words]

    @property
    def environment(self) -> dict[str, str]:
        """That of every child."""
        return os.environ | {"SYNCLINE_LEDGER": self.url, "HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder)}

    def serve(self, *words: str) -> subprocess.Popen[bytes]:
        """A process that serves; its standard error goes to a file."""
        log = (self.folder / f"serve-{len(self.processes)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                self.command("serve", *words), cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def serving(self, *words: str) -> subprocess.Popen[bytes]:
        """A process that serves, and has read and planned everything."""
        port = free_port()
        process = self.serve(*words, "--listen", f"127.0.0.1:{port}")
        self.eventually(lambda: ready(port), "a process that is ready")
        return process

    def said(self, n: int = -1) -> str:
        """What a process wrote so far."""
        number = range(len(self.processes))[n]
        return (self.folder / f"serve-{number}.log").read_text()

    def syncline(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """One command; its exit code is as expected, and it shows no stack trace."""
        done = subprocess.run(
            self.command(*words), cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def document(self, *words: str, code: int = 0) -> Any:
        """The JSON document of one command."""
        return json.loads(self.syncline(*words, "--json", code=code).stdout)

    def end(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
        """Send it a signal, and wait for its end."""
        self.ended_ones.add(self.processes.index(process))
        process.send_signal(number)
        return process.wait(PATIENCE)

    def over(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for the end of a process that was told to stop."""
        self.ended_ones.add(self.processes.index(process))
        return process.wait(PATIENCE)

    def close(self) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    # -------------------------------------------------------------------------------------------------- ledger

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger, to be read."""
        with Ledger.open(self.url, read_only=True, now=self.clock) as ledger:
            yield ledger

    def walk_to(self, moment: str) -> None:
        """Move the clock on in steps, so that whoever is at work is heard of in time, as it would be."""
        until = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        while (now := self.clock()) < until:
            self.clock.move_to(min(until, now + timedelta(seconds=40)).replace(tzinfo=None).isoformat())
            self.eventually(self._heard, "signs of life")

    def _heard(self) -> bool:
        """Whether all who hold something have given a sign of life just now."""
        with self.ledger() as ledger, ledger._database.read() as connection:
            beats = [
                *connection.scalars(sa.select(leases.c.heartbeat)),
                *connection.scalars(sa.select(nodes.c.heartbeat)),
            ]
        return all(self.clock() - beat < timedelta(seconds=30) for beat in beats)

    def sync(self, name: str) -> SyncRecord:
        """A sync as the ledger has it."""
        with self.ledger() as ledger:
            found = ledger.sync(name)
        assert found is not None
        return found

    def runs(self, name: str) -> list[dict[str, Any]]:
        """The runs of a sync, oldest first, as documents."""
        with self.ledger() as ledger:
            sync = ledger.sync(name)
            return [] if sync is None else [run.document() for run in reversed(ledger.runs(sync.id))]

    def ended(self, name: str, n: int) -> list[dict[str, Any]]:
        """The runs of a sync, oldest first, once `n` of them have ended; before that none."""
        ended = [run for run in self.runs(name) if run["status"] != "running"]
        return ended if len(ended) >= n else []

    def running(self, *names: str) -> list[str]:
        """Those of these syncs whose run is going."""
        return [name for name in names if any(run["status"] == "running" for run in self.runs(name))]

    def firings(self, name: str) -> list[dict[str, Any]]:
        """The firings of a sync, oldest first."""
        with self.ledger() as ledger:
            sync = ledger.sync(name)
            return [] if sync is None else list(reversed(ledger.firings(sync.id, 1000)))

    def states(self, name: str) -> list[tuple[str, int]]:
        """State and tries of the firings of a sync, oldest first."""
        return [(each["state"], each["attempts"]) for each in self.firings(name)]

    def says(self, words: str, n: int = -1) -> bool:
        """Whether a process has written this."""
        return words in self.said(n)

    def eventually(self, question: Callable[[], Any], what: str = "") -> Any:
        """The first answer that is true."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if answer := question():
                return answer
            for n, process in enumerate(self.processes):
                assert n in self.ended_ones or process.poll() is None, self.said(n)
            time.sleep(0.05)
        logs = "\n".join(self.said(n) for n in range(len(self.processes)))
        raise AssertionError(f"it did not come: {what}\n{logs}")


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def ready(port: int) -> bool:
    """Whether the process that listens there says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
