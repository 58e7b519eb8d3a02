"""The sources and the sink for files keep every promise of a source and of a sink."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from syncline.testing import SinkContract, SourceContract
from syncline_files import Csv, Ndjson, NdjsonSink, blocks


class InAFolder:
    """A folder of its own for each check."""

    def setup_method(self) -> None:
        self.kept = tempfile.TemporaryDirectory()
        self.folder = Path(self.kept.name)
        self.prepare()
        super().setup_method()  # type: ignore[misc]  # of the contract

    def teardown_method(self) -> None:
        super().teardown_method()  # type: ignore[misc]  # of the contract
        self.kept.cleanup()

    def prepare(self) -> None:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def small_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """So that a short file is several pages."""
        monkeypatch.setattr(blocks, "BLOCK", 200)


class TestNdjson(InAFolder, SourceContract):
    plugin = Ndjson
    asks = ("Email", "Name.first", "ID")

    def prepare(self) -> None:
        self.file = self.folder / "leads.ndjson"
        self.config = {"path": str(self.file), "id": "ID"}
        rows = [{"ID": n, "Email": f"person{n}@example.com", "Name": {"first": f"Ann {n}"}} for n in range(25)]
        self.file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def add(self) -> str:
        with self.file.open("a") as file:
            file.write('{"ID": "late", "Email": "late@example.com"}\n')
        return "late"

    def empty(self) -> None:
        self.file.write_text("")


class TestCsv(InAFolder, SourceContract):
    plugin = Csv
    asks = ("Email", "ID")

    def prepare(self) -> None:
        self.file = self.folder / "leads.csv"
        self.config = {"path": str(self.file), "id": "ID"}
        rows = [f'{n},person{n}@example.com,"two\nlines, ""{n}"""\n' for n in range(25)]
        self.file.write_text("ID,Email,Note\n" + "".join(rows))

    def add(self) -> str:
        with self.file.open("a") as file:
            file.write("late,late@example.com,\n")
        return "late"

    def empty(self) -> None:
        self.file.write_text("ID,Email,Note\n")


class TestNdjsonSink(InAFolder, SinkContract):
    plugin = NdjsonSink
    mapped = ("email", "Name")
    options_more: ClassVar[dict[str, Any]] = {}

    def prepare(self) -> None:
        self.file = self.folder / "out" / "leads.ndjson"
        self.config = {"path": str(self.file)} | self.options_more

    def people(self) -> Mapping[str, Mapping[str, Any]]:
        files = [each for each in (self.file, *self.folder.glob("out/.*.part")) if each.exists()]
        rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        addresses = [row["email"] for row in rows]
        assert len(set(addresses)) == len(addresses), "somebody stands there twice"
        return {row["email"]: row for row in rows}


class TestNdjsonSinkThatAppends(TestNdjsonSink):
    options_more: ClassVar[dict[str, Any]] = {"write": "append"}
