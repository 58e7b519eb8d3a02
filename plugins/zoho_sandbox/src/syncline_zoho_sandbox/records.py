"""The records of Creator's forms, stored as the JSON texts they will be sent as.

A row keeps one JSON text per field, in the order of `Form.kinds`, so that a page of a thousand records is put together
without parsing any of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter

from syncline_zoho_sandbox.applications import Application, Form
from syncline_zoho_sandbox.criteria import Criteria
from syncline_zoho_sandbox.store import Store
from syncline_zoho_sandbox.wire import ENCODE

BREAK = b"\x1f"  # JSON escapes control characters, so this one can stand between texts
EMPTY: Mapping[str, object] = {"choices": [], "checks": [], "lookups": []}
DECODE = json.JSONDecoder().decode
FIRST_ID = 3888833000000114027
Row = tuple[int, list[bytes]]


def cells(application: Application, form: Form, record: Mapping[str, object]) -> bytes:
    """*record* as it is stored. Added_Time and Modified_Time may be given as seconds since 1970."""
    texts = []
    for name, kind in form.kinds.items():
        value = record.get(name, EMPTY.get(kind, ""))
        if kind == "datetime" and isinstance(value, int | float):
            value = application.dates.time(value)
        elif name == "ID":
            value = str(value)
        texts.append(ENCODE(value).encode())
    return BREAK.join(texts)


def store_records(store: Store, application: Application, form: Form, records: Sequence[Mapping[str, object]]) -> None:
    """Insert records, or replace those with the same ID."""
    rows = [(form.id, int(str(record["ID"])), cells(application, form, record)) for record in records]
    store.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", rows)


def record_of(store: Store, form: Form, id_: int) -> dict[str, object] | None:
    """One record as a dictionary, or None."""
    row = store.execute("SELECT cells FROM records WHERE form = ? AND id = ?", (form.id, id_)).fetchone()
    return None if row is None else dict(zip(form.kinds, map(json.loads, row[0].split(BREAK)), strict=True))


def found(store: Store, form: Form, after: int, criteria: Criteria | None) -> Iterator[Row]:
    """The records with an ID above *after* that fulfil *criteria*, in the order of their IDs, as (ID, JSON texts)."""
    rows = store.execute("SELECT id, cells FROM records WHERE form = ? AND id > ? ORDER BY id", (form.id, after))
    if criteria is None:
        for id_, text in rows:
            yield id_, text.split(BREAK)
        return
    names = list(form.kinds)
    wanted = sorted(criteria.fields)
    pick = itemgetter(0, *(names.index(name) for name in wanted))
    for id_, text in rows:
        texts = text.split(BREAK)
        values = DECODE((b"[" + b",".join(pick(texts)) + b"]").decode())
        if criteria.holds(dict(zip(wanted, values[1:], strict=True))):
            yield id_, texts


class Columns:
    """The chosen fields of a form, ready to be cut out of stored records."""

    def __init__(self, form: Form, chosen: Sequence[str]) -> None:
        names = list(form.kinds)
        self.chosen = [name for name in names if name == "ID" or name in chosen]
        # The ID is taken twice so that itemgetter gives a tuple even when it is the only column; %.0b shows nothing.
        self._pick = itemgetter(0, *(names.index(name) for name in self.chosen))
        self._shape = ("%.0b{" + ",".join(json.dumps(name) + ":%b" for name in self.chosen) + "}").encode()

    def json(self, texts: list[bytes]) -> bytes:
        """The record as one JSON object."""
        record: bytes = self._shape % self._pick(texts)
        return record
