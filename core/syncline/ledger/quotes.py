"""Texts that quote a person: the words of the other side in a message, the right spelling in another lead's detail.

They name nobody by a key, so all of them are looked through.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa

from ..batch import BLANKS
from . import tables
from .asking import asked_again
from .database import Database
from .frames import DETAIL, pack_outcomes, unpack_outcomes
from .locks import forget_people
from .tables import batches

GONE = "[forgotten]"
"""What stands in place of an address."""
_WORDS = ("message", "reason", "detail")
"""What columns are called that hold words, in whatever table."""
_TEXTS = tuple(column for table in tables.metadata.sorted_tables for column in table.columns if column.name in _WORDS)


def unquote(database: Database, key: str, address: str) -> int:
    """Take the address out of every text, as its key and as it was given, in whatever letter case; how many texts held
    it."""
    quoted = re.compile("|".join(map(re.escape, {key, address.strip(BLANKS)} - {""})), re.IGNORECASE)
    return sum(_in_column(database, column, quoted) for column in _TEXTS) + _in_details(database, quoted)


def _in_column(database: Database, column: sa.Column[str], quoted: re.Pattern[str]) -> int:
    table = column.table
    identity = list(table.primary_key.columns)
    with database.write() as connection:
        found = connection.execute(sa.select(*identity, column.label("text")).where(column.like("%@%"))).all()
        hits = [row for row in found if quoted.search(row.text)]
        for row in hits:
            here = sa.and_(*(own == value for own, value in zip(identity, row, strict=False)))
            connection.execute(sa.update(table).where(here).values({column: quoted.sub(GONE, row.text)}))
    return len(hits)


def _in_details(database: Database, quoted: re.Pattern[str]) -> int:
    """One batch after the other, each in a transaction of its own: a long history keeps nobody waiting."""
    found = 0
    for each in _read(database, sa.select(batches.c.run_id, batches.c.seq).where(_kept())):
        here = (batches.c.run_id == each.run_id) & (batches.c.seq == each.seq) & _kept()
        blob = next((row.outcomes for row in _read(database, sa.select(batches.c.outcomes).where(here))), None)
        if blob is not None and _held(unpack_outcomes(blob), quoted):
            found += _rewritten(database, here, quoted)
    return found


@asked_again
def _read(database: Database, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
    with database.read() as connection:
        return connection.execute(query).all()


def _kept() -> sa.ColumnElement[bool]:
    return batches.c.outcomes.is_not(None)


def _held(outcomes: pl.DataFrame, quoted: re.Pattern[str]) -> list[str]:
    return [text for text in outcomes.get_column(DETAIL).drop_nulls().to_list() if quoted.search(text)]


def _rewritten(database: Database, here: sa.ColumnElement[bool], quoted: re.Pattern[str]) -> int:
    with database.write() as connection:
        forget_people(database, connection)
        blob = connection.scalar(sa.select(batches.c.outcomes).where(here))
        if blob is None:
            return 0
        outcomes = unpack_outcomes(blob)
        texts = [None if text is None else quoted.sub(GONE, text) for text in outcomes.get_column(DETAIL).to_list()]
        clean = outcomes.with_columns(pl.Series(DETAIL, texts, dtype=pl.String))
        connection.execute(batches.update().where(here).values(outcomes=pack_outcomes(clean)))
    return len(_held(outcomes, quoted))
