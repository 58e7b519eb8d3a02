"""A workshop for tests of the engine: a folder with a spec, a table as its source and a shelf as its sink."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from shelf import Hut, HutTable, Shelf, Table, load, store
from syncline.adoption import adopt
from syncline.decision import IN_TOTAL, Outcome
from syncline.executor import Executor
from syncline.ledger import Firing, Ledger, RunRecord
from syncline.registry import Offer, Registry, installed
from syncline.secrets import Redactor
from syncline.spec import Bound, bind, load_paths


class Own(Registry):
    """The installed plugins, a table and a shelf."""

    def __init__(self) -> None:
        super().__init__([])
        for offer in installed().offers():
            self._add(offer)
        self._add(Offer("source", "table", Table, "tests", "1"))
        self._add(Offer("sink", "shelf", Shelf, "tests", "1"))
        self._add(Offer("source", "hut_table", HutTable, "tests", "1"))
        self._add(Offer("connection", "hut", Hut, "tests", "1"))


class Workshop:
    """`run` reads the records and fills the shelf; every run is checked against the law of the sums."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ledger = ledger
        self.registry = Own()
        self.executor = Executor(ledger, self.registry, Redactor(), folder / "cache")
        self.shelf = folder / "shelf.json"
        self.table = folder / "table.json"

    def records(self, records: Sequence[Mapping[str, Any]] | str) -> None:
        """What the source holds from now on."""
        self.table.write_text(json.dumps(records))

    def people(self) -> dict[str, Any]:
        """Who is on the shelf."""
        found: dict[str, Any] = load(self.shelf)["people"]
        return found

    def put(self, **statuses: str) -> None:
        """Set the status of people on the shelf (`ann` is ann@example.com); `gone` takes them away."""
        state = load(self.shelf)
        for name, status in statuses.items():
            state["people"].setdefault(f"{name}@example.com", {"subscribed": 0})["status"] = status
            if status == "gone":
                del state["people"][f"{name}@example.com"]
        store(self.shelf, state)

    def bound(self, *, source: Mapping[str, Any] = {}, sink: Mapping[str, Any] = {}, **keys: Any) -> Bound:
        """The spec, with other keys than the plain ones."""
        spec = {
            "version": 1,
            "name": "sign-ups",
            "source": {"type": "table", "file": str(self.table)} | dict(source),
            "retrieve": "all",
            "mapping": {"Email": "Email", "Name": "Name", "Mood": "Mood"},
            "sink": {"type": "shelf", "file": str(self.shelf)} | dict(sink),
        } | keys
        path = self.folder / "sign-ups.yaml"
        path.write_text(
            yaml.safe_dump({key: value for key, value in spec.items() if value is not None}, allow_unicode=True)
        )
        loaded = load_paths([path], self.registry)
        assert not loaded.faults, "\n".join(map(str, loaded.faults))
        (found,) = loaded.specs
        return bind(found, self.registry, loaded.connections[found.path], Redactor())

    def run(self, records: Sequence[Mapping[str, Any]] | str | None = None, **keys: Any) -> RunRecord:
        """One run over these records (None: those of last time)."""
        if records is not None:
            self.records(records)
        return self.checked(self.executor.run(self.bound(**keys)))

    def fired(self, late: timedelta = timedelta(0), **keys: Any) -> RunRecord:
        """One run for a firing that is due now, or was due so long ago."""
        bound = self.bound(**keys)
        sync = adopt(self.ledger, self.executor.observers, bound.spec)
        firing = self.ledger.claim(self.ledger.join(), sync.id, self.ledger.now() - late)
        assert isinstance(firing, Firing), firing
        return self.executor.run(bound, firing=firing)

    def checked(self, run: RunRecord) -> RunRecord:
        """The run; the sums of its counts and of its leads are equal."""
        leads = [lead for frame in self.ledger.leads(run.id) for lead in frame.iter_rows(named=True)]
        for outcome in Outcome:
            assert run.counts.of(outcome) == sum(lead["outcome"] == outcome for lead in leads), outcome
        document = run.document()["counts"]
        assert document["total"] == sum(document[outcome] for outcome in IN_TOTAL)
        return run

    def outcomes(self, run: RunRecord) -> dict[str, str]:
        """address → outcome/reason."""
        return {
            lead["#address"]: f"{lead['outcome']}/{lead['reason']}"
            for frame in self.ledger.leads(run.id)
            for lead in frame.iter_rows(named=True)
        }


def person(name: str, id: int | None = None, mood: str | None = None, **fields: Any) -> dict[str, Any]:
    """A record of `name`@example.com."""
    number = id if id is not None else sum(map(ord, name))
    return {"ID": str(number), "Email": f"{name}@example.com", "Name": name.title(), "Mood": mood} | fields
