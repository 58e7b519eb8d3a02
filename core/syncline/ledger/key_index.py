"""Where a person stands in the runs: for each finished run the hashes of its keys with the batches that hold them.

While a run goes on, each batch has the plain hashes of its keys. At its end they are sorted into parts of about a
thousand entries; a look-up reads one part of each run, some kilobytes, however long the history is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from .frames import hash_of, may_hold, packed_ints, unpacked_ints
from .tables import batches, key_index, runs

PART_ENTRIES = 1024
SHARED = 2**32
AT_ONCE = 2_000_000
"""Entries that are sorted at once."""


def parts_of(entries: int) -> int:
    """Into how many parts so many entries go; at least one."""
    return max(1, entries // PART_ENTRIES)


def part_of(number: int, parts: int) -> int:
    """The part of a hash: hashes are spread evenly, so equal ranges hold about equally many."""
    return number * parts // SHARED


def build(connection: sa.Connection, run_id: str) -> None:
    """Sort the hashes of all batches of the run into its index, and drop them from the batches. Of a long run some
    parts at a time, so that memory does not grow with it."""
    here = (batches.c.run_id == run_id) & batches.c.hashes.is_not(None)
    size = sa.func.sum(sa.func.length(batches.c.hashes))
    held = connection.execute(sa.select(sa.func.count(), size).where(here)).one()
    if not held[0]:
        return
    entries = int(held[1] or 0) // 4
    parts, passes = parts_of(entries), -(-entries // AT_ONCE) or 1
    for n in range(passes):
        low, high = n * parts // passes, (n + 1) * parts // passes
        if rows := _rows(connection, here, run_id, parts, range(low, high)):
            connection.execute(key_index.insert(), rows)
    connection.execute(batches.update().where(here).values(hashes=None))
    connection.execute(runs.update().where(runs.c.id == run_id).values(key_parts=parts))


def _rows(
    connection: sa.Connection, here: sa.ColumnElement[bool], run_id: str, parts: int, wanted: range
) -> list[dict[str, object]]:
    """The wanted parts of the index."""
    part = (pl.col("hash").cast(pl.UInt64) * parts // SHARED).alias("part")
    pairs = []
    for seq, blob in connection.execute(sa.select(batches.c.seq, batches.c.hashes).where(here).order_by(batches.c.seq)):
        own = pl.DataFrame({"hash": unpacked_ints(blob)}, schema={"hash": pl.UInt32})
        own = own.with_columns(pl.lit(seq, dtype=pl.UInt32).alias("seq"), part)
        pairs.append(own.filter(pl.col("part").is_between(wanted.start, wanted.stop, closed="left")))
    split = pl.concat(pairs).sort("hash", "seq").partition_by("part", as_dict=True, maintain_order=True)
    return [
        {
            "run_id": run_id,
            "part": int(str(number)),
            "entries": packed_ints(own.get_column("hash").to_list() + own.get_column("seq").to_list()),
        }
        for (number,), own in split.items()
    ]


def runs_with(
    connection: sa.Connection, key: str, *conditions: sa.ColumnElement[bool]
) -> Iterator[tuple[str, datetime, list[int]]]:
    """Runs that may hold the key, newest first, each with its batches that may, newest first. Nearly always they do."""
    wanted = hash_of(key)
    shared = sa.literal(wanted, sa.BigInteger) * runs.c.key_parts
    part = shared.op("/", return_type=sa.BigInteger())(sa.literal(SHARED, sa.BigInteger))  # SQL's own, whole, division
    joined = runs.outerjoin(key_index, (key_index.c.run_id == runs.c.id) & (key_index.c.part == part))
    query = sa.select(runs.c.id, runs.c.started_at, runs.c.key_parts, key_index.c.entries).select_from(joined)
    for run in connection.execute(query.where(*conditions).order_by(runs.c.started_at.desc(), runs.c.id.desc())).all():
        if run.key_parts is None:
            seqs = _unsorted(connection, run.id, wanted)
        else:
            seqs = seqs_in(run.entries, wanted) if run.entries else []
        if seqs:
            yield run.id, run.started_at, seqs


def _unsorted(connection: sa.Connection, run_id: str, wanted: int) -> list[int]:
    here = (batches.c.run_id == run_id) & batches.c.hashes.is_not(None)
    rows = connection.execute(sa.select(batches.c.seq, batches.c.hashes).where(here).order_by(batches.c.seq.desc()))
    return [each.seq for each in rows if may_hold(each.hashes, wanted)]


def seqs_in(blob: bytes, wanted: int) -> list[int]:
    """The batches that one part names for a hash, newest first."""
    half = len(blob) // 2
    needle = wanted.to_bytes(4, "little")
    found, place = [], blob.find(needle, 0, half)
    while place >= 0:
        if place % 4 == 0:
            found.append(int.from_bytes(blob[half + place : half + place + 4], "little"))
        place = blob.find(needle, place + 1, half)
    return sorted(set(found), reverse=True)


def drop(connection: sa.Connection, run_id: str, key: str, seqs: Collection[int]) -> None:
    """These batches of the run do not hold the key any more."""
    wanted = hash_of(key)
    parts = connection.execute(sa.select(runs.c.key_parts).where(runs.c.id == run_id)).scalar_one()
    if parts is None or not seqs:
        return
    here = (key_index.c.run_id == run_id) & (key_index.c.part == part_of(wanted, parts))
    numbers = unpacked_ints(connection.execute(sa.select(key_index.c.entries).where(here)).scalar_one())
    half = len(numbers) // 2
    kept = [n for n in range(half) if numbers[n] != wanted or numbers[half + n] not in seqs]
    entries = packed_ints([numbers[n] for n in kept] + [numbers[half + n] for n in kept])
    connection.execute(key_index.update().where(here).values(entries=entries))
