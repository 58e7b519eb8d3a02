"""A sandbox for the length of a `with` block."""

import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from syncline_zoho_sandbox.remote import Control
from syncline_zoho_sandbox.seed import Plan
from syncline_zoho_sandbox.settings import Settings

PATIENCE = 30


class Sandbox(Control):
    """A running local Zoho; stops with the `with` block.

    With *state_dir* the state survives, and several sandboxes may share it; without, it lives in a temporary directory.
    *leads*, *seed* and *settings* (see `Settings`) form a new state; settings are applied to an existing one as well.
    The server is a process of its own, which also ends when this process dies, or with *in_process* a thread.
    """

    def __init__(
        self, state_dir: Path | str | None = None, *, leads: int = 5000, seed: int = 1, in_process: bool = False,
        port: int = 0, **settings: object,
    ) -> None:  # fmt: skip
        Settings().changed(settings)  # a mistake is told before anything starts
        self._temporary = tempfile.TemporaryDirectory(prefix="zoho-sandbox-") if state_dir is None else None
        self.state_dir = Path(self._temporary.name if self._temporary else str(state_dir))
        start = _Thread if in_process else _Process
        self._running = start(self.state_dir, port, Plan(leads, seed), settings)
        super().__init__(self._running.url)

    def stop(self) -> None:
        """End the server; a temporary state is deleted."""
        self._running.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Thread:
    """The server in a thread of this process."""

    def __init__(self, state: Path, port: int, plan: Plan, settings: dict[str, object]) -> None:
        from syncline_zoho_sandbox.server import Server  # uvicorn and starlette: only a server pays for them

        self._server = Server(state, port, plan, settings)
        self.url = self._server.url
        self._thread = threading.Thread(target=self._server.work, name="zoho-sandbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


class _Process:
    """The server in a child process that ends when its standard input closes."""

    def __init__(self, state: Path, port: int, plan: Plan, settings: dict[str, object]) -> None:
        command = [sys.executable, "-m", "syncline_zoho_sandbox", "serve", "--state", str(state), "--port", str(port)]
        command += ["--leads", str(plan.leads), "--seed", str(plan.seed), "--settings", json.dumps(settings)]
        command += ["--end-with-stdin", "--announce-fd", "1"]
        # in a session of its own: Ctrl-C at a terminal ends the run gracefully, which still needs its Zoho
        self._child = subprocess.Popen(  # noqa: S603 -- our own
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        # One line when it listens, nothing when it died: then its own words are on standard error.
        line = self._child.stdout.readline() if self._child.stdout else b""
        if not line:
            self.stop()
            raise RuntimeError(f"the sandbox did not start (exit status {self._child.returncode})")
        self.url: str = json.loads(line)["url"]

    @property
    def pid(self) -> int:
        return self._child.pid

    def stop(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
