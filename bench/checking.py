"""What came out, in a form that can be compared: counts, and a sum over all rows that does not look at their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec

FIELDS = (
    "lead_id", "first_name", "last_name", "email", "Phone", "Company", "Country", "Added_Time", "modified_at",
)  # fmt: skip


NAMES = tuple(f'"{name}"' for name in FIELDS)
"""The same, as a database wants them."""


class Lead(msgspec.Struct, gc=False):
    """A line that was written; values that are missing count as empty."""

    lead_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    Phone: str | None = None
    Company: str | None = None
    Country: str | None = None
    Added_Time: str | None = None
    modified_at: str | None = None
    reason: str | None = None


def of_files(*paths: Path) -> str:
    """Rows, reasons and sum of each file."""
    return "; ".join(_of_rows(_lines(path)) for path in paths)


def of_folders(folder: Path, names: Sequence[str]) -> str:
    """The same of folders of files of JSON lines, whose names of fields are in small letters."""
    return "; ".join(_of_rows(_small(path for path in sorted((folder / name).glob("*.jsonl")))) for name in names)


def of_table(rows: Iterable[tuple[str | None, ...]]) -> str:
    """The same of rows of a database, their columns in the order of `FIELDS`."""
    return _of_rows(Lead(*row) for row in rows)


def _lines(path: Path) -> Iterable[Lead]:
    decode = msgspec.json.Decoder(Lead).decode
    with path.open("rb") as file:
        for line in file:
            yield decode(line)


def _small(paths: Iterable[Path]) -> Iterator[Lead]:
    names = {name.lower(): name for name in (*FIELDS, "reason")}
    decode = msgspec.json.Decoder(dict[str, str | None]).decode
    for path in paths:
        with path.open("rb") as file:
            for line in file:
                yield Lead(**{names[name]: value for name, value in decode(line).items() if name in names})


def _of_rows(leads: Iterable[Lead]) -> str:
    rows, mark, reasons = 0, 0, Counter[str]()
    for lead in leads:
        rows += 1
        if lead.reason:
            reasons[lead.reason] += 1
        text = "\0".join([*(getattr(lead, name) or "" for name in FIELDS), lead.reason or ""])
        mark ^= int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
    told = "".join(f" {reason} {n}" for reason, n in sorted(reasons.items()))
    return f"{rows} rows{told} {mark:016x}"
