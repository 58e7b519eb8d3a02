"""One record of a file, looked for by its ID: blocks without it are passed over, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from syncline_files import blocks
from syncline_files.config import CsvConfig, NdjsonConfig
from syncline_files.ndjson import Ndjson
from syncline_files.table import Csv


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 64)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [('"r7"', "r7"), ('"\\u00727"', "r7"), ("7", "7"), ('"ä 7"', "ä 7"), ('"a\\"b"', 'a"b'), ('"a\\/b"', "a/b")],
)
def test_a_record_is_found_however_its_id_is_written(tmp_path: Path, written: str, wanted: str) -> None:
    rows = [f'{{"id": "x{n}", "email": "x{n}@example.com"}}' for n in range(20)]
    rows.insert(13, f'{{"id": {written}, "email": "anna@example.com"}}')
    path = tmp_path / "leads.ndjson"
    path.write_text("\n".join(rows), encoding="utf-8")
    source = Ndjson(NdjsonConfig(path=str(path), id="id"))
    assert source.fetch_one(wanted) == {"id": wanted, "email": "anna@example.com"}
    assert source.fetch_one("x19") == {"id": "x19", "email": "x19@example.com"}
    assert source.fetch_one("x") is None


def test_a_whole_number_that_is_written_otherwise_is_found_where_it_is_declared(tmp_path: Path) -> None:
    path = tmp_path / "leads.ndjson"
    path.write_text("\n".join(f'{{"id": {n}e1}}' for n in range(30)), encoding="utf-8")
    source = Ndjson(NdjsonConfig(path=str(path), id="id", types={"id": "integer"}))
    assert source.fetch_one("290") == {"id": 290}


@pytest.mark.parametrize("written", ["r7", '"r7"'])
def test_a_row_is_found(tmp_path: Path, written: str) -> None:
    path = tmp_path / "leads.csv"
    rows = [f"x{n},x{n}@example.com" for n in range(20)]
    path.write_text("\n".join(["id,email", *rows, f"{written},anna@example.com"]), encoding="utf-8")
    source = Csv(CsvConfig(path=str(path), id="id"))
    assert source.fetch_one("r7") == {"id": "r7", "email": "anna@example.com"}
    assert source.fetch_one("r") is None
