"""The table and the shelf, on which the tests of the engine stand, keep every promise of a source and of a sink."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from shelf import Shelf, Table, load, store
from syncline import key_of
from syncline.testing import SinkContract, SourceContract


class TestTable(SourceContract):
    plugin = Table

    def setup_method(self) -> None:
        self.kept = tempfile.TemporaryDirectory()
        self.file = Path(self.kept.name) / "table.json"
        self.config = {"file": str(self.file)}
        self.records = [{"ID": str(n), "Email": f"person{n}@example.com"} for n in range(25)]
        self.file.write_text(json.dumps(self.records))
        super().setup_method()

    def teardown_method(self) -> None:
        super().teardown_method()
        self.kept.cleanup()

    def add(self) -> str:
        self.file.write_text(json.dumps([*self.records, {"ID": "late", "Email": "late@example.com"}]))
        return "late"

    def empty(self) -> None:
        self.file.write_text("[]")


class TestShelf(SinkContract):
    plugin = Shelf
    mapped = ("Email", "Name")
    options_more: ClassVar[dict[str, Any]] = {"batch": 3, "on_delete": "unsubscribe"}

    def setup_method(self) -> None:
        self.kept = tempfile.TemporaryDirectory()
        self.file = Path(self.kept.name) / "shelf.json"
        self.config = {"file": str(self.file)} | self.options_more
        super().setup_method()

    def teardown_method(self) -> None:
        super().teardown_method()
        self.kept.cleanup()

    def opt_out(self, address: str) -> None:
        state = load(self.file)
        state["people"][key_of(address)]["status"] = "unsub"
        store(self.file, state)

    def people(self) -> Mapping[str, Mapping[str, Any]]:
        people = load(self.file)["people"]
        return {key: person["fields"] for key, person in people.items() if person["status"] != "unsub"}


class TestPublicShelf(TestShelf):
    options_more: ClassVar[dict[str, Any]] = {"batch": 3, "public": True, "on_delete": "unsubscribe"}

    def active(self) -> list[str]:
        return [key for key, person in load(self.file)["people"].items() if person["status"] == "active"]
