"""A place where one sync meets faults: a spec, a ledger, and a Zoho that is told to misbehave.

Commands are carried out by `syncline.cli.main` in this process, which costs a twentieth of a process; what is to be
killed, or to run beside another one, is a process of its own.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from moved_clock import MovedClock
from shelf import load, store
from syncline import registry
from syncline.cli import main
from syncline.clock import Clock
from syncline_zoho_sandbox import Sandbox
from workshop import Own

CHILD = Path(__file__).with_name("cli_child.py")
PATIENCE = 30.0
"""Real seconds after which a test gives up; a machine under load is slow."""
IN_TOTAL = ("new", "re_added", "duplicate", "ignored", "rejected", "unknown")
LIST = "Webinar leads"
PUBLIC = "Newsletter"


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


class Place:
    """`run` carries out the sync of `spec`; after every run, and at the end of every test, the sums hold."""

    def __init__(self, folder: Path, box: Sandbox, own: Own) -> None:
        self.folder, self.box, self._own = folder, box, own
        self.spec = folder / "sign-ups.yaml"
        self.ledger = folder / "ledger" / "ledger.db"
        self.clock: Clock = MovedClock.at(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}", folder / "clock")
        self.processes: list[subprocess.Popen[str]] = []
        self.connect()
        self.write()

    # ---------------------------------------------------------------------------------------------- the two ends

    def connect(self, **keys: Any) -> None:
        """Write connections.yaml; `keys` go over the plain ones."""
        plain = {
            "type": "zoho",
            "data_center": "in",
            "client_id": self.box.client_id,
            "client_secret": "${env:ZOHO_CLIENT_SECRET}",
            "refresh_token": "${file:token.txt}",
            "hosts": {name: url for name, url in self.box.hosts.items() if name != "recruit"},
            "budget": {"calls": 100_000, "window": "5m"},
        }
        (self.folder / "token.txt").write_text(self.box.refresh_token)
        (self.folder / "connections.yaml").write_text(yaml.safe_dump({"connections": {"zoho": plain | keys}}))

    def write(self, *, source: Mapping[str, Any] = {}, sink: Mapping[str, Any] = {}, **keys: Any) -> None:
        """Write the spec; None takes a key away."""
        plain: dict[str, Any] = {
            "version": 1,
            "name": "sign-ups",
            "source": {
                "type": "creator", "connection": "zoho", "owner": "zylker", "application": "events",
                "report": "all_signups", "lookback": "unlimited",
            } if "type" not in source else {},
            "retrieve": "all",
            "mapping": {"Lead Email": "Email", "First Name": "Name.first_name", "Company": "Company"},
            "ignore": ["defaults"],
            "sink": {"type": "marketinghub", "connection": "zoho", "list": LIST} if "type" not in sink else {},
        }  # fmt: skip
        spec = {name: value for name, value in (plain | keys).items() if value is not None}
        spec["source"] |= source
        spec["sink"] |= sink
        self.spec.write_text(yaml.safe_dump(spec, sort_keys=False, allow_unicode=True))

    def shelf(self, **options: Any) -> None:
        """Let the sync fill a shelf from the table of `records`, in place of MarketingHub from Creator."""
        self.write(
            source={"type": "table", "file": str(self.folder / "table.json")},
            sink={"type": "shelf", "file": str(self.folder / "shelf.json")} | options,
            mapping={"Email": "Email", "Name": "Name", "Mood": "Mood"},
        )

    def records(self, *records: Mapping[str, Any]) -> None:
        """What the table holds."""
        (self.folder / "table.json").write_text(json.dumps(records))

    def people(self) -> dict[str, Any]:
        """Who stands on the shelf, by address."""
        found: dict[str, Any] = self.shelf_state()["people"]
        return found

    def shelf_state(self) -> dict[str, Any]:
        """What the file of the shelf says."""
        return load(self.folder / "shelf.json")

    def store_shelf(self, state: dict[str, Any]) -> None:
        """Change what the file of the shelf says."""
        store(self.folder / "shelf.json", state)

    def put(self, **statuses: str) -> None:
        """Set the status of people on the shelf (`ann` is ann@example.com); `gone` takes them away."""
        state = self.shelf_state()
        for name, status in statuses.items():
            state["people"].setdefault(f"{name}@example.com", {"subscribed": 0})["status"] = status
            if status == "gone":
                del state["people"][f"{name}@example.com"]
        self.store_shelf(state)

    def sign_up(self, *names: str, **fields: Any) -> tuple[str, ...]:
        """Records in Creator, `name`@example.com each; their IDs."""
        return self.box.insert_records(*(signup(name, **fields) for name in names))

    def held(self, mailing_list: str = LIST) -> dict[str, str]:
        """Who of example.com stands in a list, with status. The people whom the sandbox seeds have other domains."""
        found = {lead.email: lead.status for lead in self.box.leads(mailing_list)}
        return {address: status for address, status in found.items() if address.casefold().endswith("@example.com")}

    def writes(self) -> int:
        """Calls that put somebody into a list."""
        calls = self.box.calls()
        return calls.count("marketinghub.listsubscribe") + calls.count("marketinghub.addleadsinbulk")

    def later(self, seconds: float) -> None:
        """Let time pass, here and in Zoho."""
        file = self.folder / "clock"
        file.write_text(str(float(file.read_text()) + seconds))
        self.box.clock.advance(seconds)

    # ------------------------------------------------------------------------------------------------- commands

    @property
    def environment(self) -> dict[str, str]:
        """The variables of every command here."""
        apart = ("COLUMNS", "FORCE_COLOR")
        own = {name: value for name, value in os.environ.items() if name not in apart}
        here = {"HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache"), "NO_COLOR": "1"}
        secret = {"ZOHO_CLIENT_SECRET": self.box.client_secret}
        return own | here | secret | {"SYNCLINE_LEDGER": f"sqlite:///{self.ledger}"}

    def syncline(self, *words: str, code: int | None = 0) -> Said:
        """One command; its exit code is as expected (None: any), and it shows no stack trace and no secret."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.object(registry, "installed", return_value=self._own),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            got = main(words, clock=self.clock)
        return self._fair(Said(got, *(text.buffer.getvalue().decode() for text in (out, err))), words, code)

    def start(self, *words: str, clock: Clock | None = None) -> subprocess.Popen[str]:
        """One command in a process of its own; see `end`."""
        command = [sys.executable, "-W", "error", str(CHILD), str(clock or self.clock)]
        pipe = subprocess.PIPE
        self.processes.append(
            subprocess.Popen(
                [*command, *words], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=pipe,
                stderr=pipe, text=True,
            )
        )  # fmt: skip
        return self.processes[-1]

    def ended(self, process: subprocess.Popen[str], code: int = 0) -> Said:
        """The end of a process, which is waited for."""
        out, err = process.communicate(timeout=PATIENCE * 2)
        return self._fair(Said(process.returncode, out, err), process.args, code)  # type: ignore[arg-type]  # a list

    def killed(self, process: subprocess.Popen[str]) -> None:
        """End a process as a power failure would."""
        self.ended_by(process, signal.SIGKILL, -signal.SIGKILL)

    def ended_by(self, process: subprocess.Popen[str], number: int, code: int) -> Said:
        """Send a signal to a process and wait for its end."""
        process.send_signal(number)
        return self.ended(process, code)

    def document(self, *words: str, code: int = 0) -> Any:
        """The JSON document of one command."""
        return json.loads(self.syncline(*words, "--json", code=code).out)

    def run(self, *words: str, code: int = 0) -> dict[str, Any]:
        """One run of the sync (or another command that makes a run), after which the sums hold."""
        found: dict[str, Any] = self.document(*(words or ("run", self.spec.name)), code=code)
        self.law()
        return found

    def leads(self, run: str = "last") -> list[dict[str, Any]]:
        """The leads of a run."""
        return [json.loads(line) for line in self.syncline("leads", run, "--json").out.splitlines()]

    def outcomes(self, run: str = "last") -> dict[str, str]:
        """The leads of a run as address → outcome/reason."""
        return {lead["email"]: f"{lead['outcome']}/{lead['reason']}" for lead in self.leads(run)}

    def runs(self) -> list[dict[str, Any]]:
        """The runs of the sync, oldest first."""
        return list(reversed(self.document("history", "sign-ups", "--limit", "1000")["runs"]))

    def law(self) -> None:
        """The law of the sums, and that the counts are those of the rows, for every run that there is."""
        if not self.ledger.exists():
            return
        for sync in self.document("status")["syncs"]:
            for run in self.document("history", sync["sync"], "--limit", "1000")["runs"]:
                obeys_the_law(run, self.leads(run["run"]) if run["status"] != "running" else None)

    def eventually(self, question: Callable[[], Any], what: str) -> Any:
        """The first answer that is true."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if answer := question():
                return answer
            time.sleep(0.02)
        raise AssertionError(f"it did not come: {what}")

    def fired(self, kind: str) -> Callable[[], bool]:
        """Whether a scripted fault of this kind has been played."""
        return lambda: any(fault["fired"] for fault in self.box.faults() if fault["kind"] == kind)

    def close(self) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def _fair(self, said: Said, words: Sequence[str], code: int | None) -> Said:
        """Whatever happens: the exit code that is due, no stack trace, no secret."""
        text = said.out + said.err
        assert code in (None, said.code), f"{' '.join(words)} ended with {said.code}, not {code}\n{text}"
        assert "Traceback" not in text or "--debug" in words, text
        for secret in (self.box.client_secret, self.box.refresh_token):
            assert secret not in text
        return said


def obeys_the_law(run: Mapping[str, Any], leads: Sequence[Mapping[str, Any]] | None) -> None:
    """total = new + re_added + duplicate + ignored + rejected + unknown, and each count is that of its parts and of
    its rows (None: they are being written)."""
    counts = run["counts"]
    assert counts["total"] == sum(counts[name] for name in IN_TOTAL), run
    for name in ("duplicate", "ignored", "rejected"):
        assert counts[name] == sum(run[name].values()), run
    if leads is None:
        return
    rows = {name: sum(lead["outcome"] == name for lead in leads) for name in (*IN_TOTAL, "deleted")}
    assert rows == {name: counts[name] for name in rows}, run
    for name in ("ignored", "rejected"):
        for reason, n in run[name].items():
            assert n == sum((lead["outcome"], lead["reason"]) == (name, reason) for lead in leads), run


def signup(name: str, **fields: Any) -> dict[str, Any]:
    """A record of Creator's sign-up form: `name`@example.com."""
    person = {"prefix": "", "first_name": name.title(), "last_name": "", "suffix": "", "zc_display_value": name.title()}
    return {"Name": person, "Email": f"{name}@example.com", "Company": "Initech"} | fields


def person(name: str, id: int | None = None, mood: str | None = None, **fields: Any) -> dict[str, Any]:
    """A record of a table: `name`@example.com, for whom the shelf is in this mood."""
    number = id if id is not None else sum(map(ord, name))
    return {"ID": str(number), "Email": f"{name}@example.com", "Name": name.title(), "Mood": mood} | fields
