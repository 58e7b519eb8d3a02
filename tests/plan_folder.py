"""A folder of specs for tests of `plan` and `apply`: tables as sources, shelves as sinks, commands in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from syncline import hookimpl
from syncline.cli import main
from syncline.clock import SYSTEM, Clock
from syncline.ledger import Ledger
from workshop import Own, person

Said = pytest.CaptureFixture[str]


class Watch:
    """An observer that keeps what it is told of states."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.ended: list[tuple[str, str]] = []

    @hookimpl
    def syncline_state_changed(self, sync: str, state: str, reason: str) -> None:
        self.told.append((sync, state, reason))

    @hookimpl
    def syncline_sync_deactivated(self, sync: str, reason: str) -> None:
        self.ended.append((sync, reason))


class Folder:
    """`configs` in the current folder. Every command is one that a user types; `watch` hears of states."""

    def __init__(
        self, place: Path, url: str, said: Said, monkeypatch: pytest.MonkeyPatch, clock: Clock = SYSTEM
    ) -> None:
        self.place, self.url, self.clock, self.watch = place, url, clock, Watch()
        self._said = said
        monkeypatch.setenv("SYNCLINE_LEDGER", url)
        monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        monkeypatch.setattr("syncline.registry.installed", self._installed)
        (place / "configs").mkdir(parents=True)
        monkeypatch.chdir(place)
        self.people("ann", "ben", "eve")

    def _installed(self) -> Own:
        registry = Own()
        registry.add_observer("watch", self.watch)
        return registry

    def people(self, *names: str) -> None:
        """Who is in the table that all specs read."""
        (self.place / "table.json").write_text(json.dumps([person(name, n) for n, name in enumerate(names)]))

    def path(self, name: str, folder: str = "configs") -> Path:
        return self.place / folder / f"{name}.yaml"

    def write(self, name: str, *, folder: str = "configs", **keys: Any) -> Path:
        """A spec, with other keys than the plain ones (None: without it)."""
        spec = {
            "version": 1,
            "name": name,
            "source": {"type": "table", "file": str(self.place / "table.json")},
            "retrieve": "all",
            "mapping": {"Email": "Email", "Name": "Name"},
            "sink": {"type": "shelf", "file": str(self.place / "shelf.json")},
        } | keys
        path = self.path(name, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({key: value for key, value in spec.items() if value is not None}))
        return path

    def say(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a command."""
        self._said.readouterr()
        code = main(arguments, clock=self.clock)
        said = self._said.readouterr()
        return code, said.out, said.err

    def ask(self, *arguments: str) -> tuple[int, Any]:
        """Exit code and document of a command."""
        code, out, _ = self.say(*arguments, "--json")
        return code, json.loads(out)

    def plan(self, *arguments: str) -> dict[str, Mapping[str, Any]]:
        """The actions of a plan, by sync."""
        _, made = self.ask("plan", *arguments)
        return {each["sync"]: each for each in made["actions"]}

    def kinds(self, *arguments: str) -> dict[str, str]:
        """sync → action of a plan."""
        return {sync: each["action"] for sync, each in self.plan(*arguments).items()}

    def states(self) -> dict[str, str]:
        """sync → state in the ledger."""
        with Ledger.open(self.url, read_only=True) as ledger:
            return {sync.name: sync.state for sync in ledger.syncs()}

    def ledger(self) -> Ledger:
        """The ledger, to be changed behind the back of a plan."""
        return Ledger.open(self.url)
