"""`forget`, proved by every byte on the disk: as it is written, in other cases and encodings, and inside of blobs."""

from __future__ import annotations

import base64
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from fault_place import Place, signup
from syncline.ledger.frames import unpack

ADDRESS = "zaphod.beeblebrox@example.com"
NAME = "Zaphod-Beeblebrox"
OTHER = "trillian@example.com"
BLOBS = {"outcomes", "payload"}


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each file below a folder, byte by byte, and beside it what its compressed parts say when they are unpacked."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        yield path.name, data
        if data.startswith(b"SQLite format 3"):
            yield from unpacked(path)


def unpacked(ledger: Path) -> Iterator[tuple[str, bytes]]:
    """The blobs of a ledger; each column of a frame by its raw buffers as well, which may hold what no row shows."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            names = [each[0] for each in cursor.description]
            for row in cursor:
                for name, value in zip(names, row, strict=True):
                    if name in BLOBS and value:
                        frame = unpack(value)
                        yield f"{table}.{name}", str(frame.to_dicts()).encode()
                        yield f"{table}.{name} (raw)", raw(frame)
                    elif isinstance(value, str):
                        yield f"{table}.{name}", value.encode()


def raw(frame: object) -> bytes:
    """The uncompressed bytes of a frame."""
    import io

    stream = io.BytesIO()
    frame.write_ipc_stream(stream, compression="uncompressed")  # type: ignore[attr-defined]  # a frame of Polars
    return stream.getvalue()


def shapes(word: str) -> dict[str, bytes]:
    """How a word may lie on a disk."""
    cases = {word, word.upper(), word.title(), word.casefold()}
    found = {}
    for each in cases:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
            found[f"{each} in {encoding}"] = each.encode(encoding)
        found[f"{each} in a URL"] = quote(each, safe="").encode()
        found[f"{each} in hexadecimal"] = each.encode().hex().encode()
        found[f"{each} backwards"] = each[::-1].encode()
        for before in range(3):
            whole = base64.b64encode(bytes(before) + each.encode())
            found[f"{each} in base64 after {before}"] = whole[4:-4]
    return found


def traces(folder: Path, *words: str) -> list[str]:
    """Where a word is found, in whatever shape."""
    looked_for = {name: shape for word in words for name, shape in shapes(word).items()}
    return [
        f"{where}: {name}" for where, data in everything(folder) for name, shape in looked_for.items() if shape in data
    ]


@pytest.fixture
def lived(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place where that person went through all that a person can: new, updated, doubled, refused, misspelt, quoted by
    the other side, in a run that died, in a dead letter."""
    monkeypatch.setattr(tempfile, "tempdir", str(place.folder / "ledger"))
    place.ledger.parent.mkdir(mode=0o700)
    place.write(
        ignore=[
            "defaults",
            {"file_duplicate": {"keep": "last"}},
            {"invalid_pattern": {"typo_domains": {"exmaple.com": "example.com"}}},
        ]
    )
    misspelt = ADDRESS.replace("example", "exmaple")
    place.box.insert_records(
        signup("trillian", Company="Heart of Gold"),
        signup("x", Email=ADDRESS, Company=NAME),
        signup("y", Email=f" {ADDRESS.upper()} ", Company=NAME),
        signup("z", Email=misspelt, Company="Megadodo"),
    )
    place.run()
    place.box.faults.add("code", "marketinghub.listsubscribe", containing=ADDRESS.partition("@")[0], code="2007",
                         body=f"{ADDRESS} is not wanted")  # fmt: skip
    place.box.insert_records(signup("w", Email=ADDRESS, Company=f"{NAME} again"))
    place.run(code=4)
    place.box.faults.clear()
    place.box.faults.add("code", "creator.records", code="9999", body=f"what about {ADDRESS}?")
    place.run(code=1)
    place.box.faults.clear()
    return place


def test_before_that_the_person_is_found_in_many_places(lived: Place) -> None:
    found = " ".join(traces(lived.ledger.parent, ADDRESS, NAME))
    for place in ("members", "audience", "dead_letters", "batches.outcomes", "runs.message"):
        assert place in found
    assert "ledger.db" in found


def test_a_forgotten_person_is_in_no_byte_of_the_disk(lived: Place) -> None:
    lived.syncline("forget", ADDRESS.title(), "--yes")
    assert traces(lived.ledger.parent, ADDRESS, NAME) == []
    assert traces(lived.ledger.parent, OTHER) != []
    lived.law()


def test_the_person_does_not_come_back_with_the_next_run(lived: Place) -> None:
    lived.syncline("forget", ADDRESS, "--yes")
    assert lived.run()["ignored"]["do_not_mail"] == 1
    lived.syncline("forget", ADDRESS, "--yes")
    assert traces(lived.ledger.parent, ADDRESS) == []


def test_nothing_but_the_ledger_holds_people(lived: Place) -> None:
    """So that there is nothing else to be erased."""
    own = {path for path in lived.folder.rglob("*") if path.is_file() and path.parent != lived.ledger.parent}
    assert own
    for path in own:
        assert not re.search(rb"(?i)zaphod|trillian", path.read_bytes()), path
