"""Where a person stands in the runs: for each finished run the hashes of its keys with the batches that hold them.

While a run goes on, each batch has the plain hashes of its keys. At its end they are sorted into parts of about a
thousand entries; a look-up reads one part of each run, some kilobytes, however long the history is.
"""

from __future__ import annotations

import polars as pl
import sqlalchemy as sa

from .frames import hash_of, may_hold, packed_ints, unpacked_ints
from .tables import batches, key_index, runs

PART_ENTRIES = 1024
SHARED = 2**32


def parts_of(entries: int) -> int:
    """Into how many parts so many entries go; at least one."""
    return max(1, entries // PART_ENTRIES)


def part_of(number: int, parts: int) -> int:
    """The part of a hash: hashes are spread evenly, so equal ranges hold about equally many."""
    return number * parts // SHARED


def build(connection: sa.Connection, run_id: str) -> None:
    """Sort the hashes of all batches of the run into its index, and drop them from the batches."""
    here = (batches.c.run_id == run_id) & batches.c.hashes.is_not(None)
    found = connection.execute(sa.select(batches.c.seq, batches.c.hashes).where(here).order_by(batches.c.seq)).all()
    if not found:
        return
    pairs = pl.concat(
        pl.DataFrame({"hash": unpacked_ints(each.hashes)}, schema={"hash": pl.UInt32}).with_columns(
            pl.lit(each.seq, dtype=pl.UInt32).alias("seq")
        )
        for each in found
    )
    parts = parts_of(pairs.height)
    sorted_pairs = pairs.with_columns((pl.col("hash").cast(pl.UInt64) * parts // SHARED).alias("part")).sort(
        "hash", "seq"
    )
    rows = [
        {
            "run_id": run_id,
            "part": int(str(part)),
            "parts": parts,
            "entries": packed_ints(own.get_column("hash").to_list() + own.get_column("seq").to_list()),
        }
        for (part,), own in sorted_pairs.partition_by("part", as_dict=True, maintain_order=True).items()
    ]
    if rows:
        connection.execute(key_index.insert(), rows)
    connection.execute(batches.update().where(here).values(hashes=None))


def batches_with(connection: sa.Connection, run_id: str, key: str, parts: int | None) -> list[int]:
    """The batches of the run that may hold the key, newest first; nearly always exactly those that do."""
    wanted = hash_of(key)
    if parts is None:
        query = sa.select(batches.c.seq, batches.c.hashes).where(batches.c.run_id == run_id)
        rows = connection.execute(query.where(batches.c.hashes.is_not(None)).order_by(batches.c.seq.desc()))
        return [each.seq for each in rows if may_hold(each.hashes, wanted)]
    here = (key_index.c.run_id == run_id) & (key_index.c.part == part_of(wanted, parts))
    blob = connection.execute(sa.select(key_index.c.entries).where(here)).scalar()
    return seqs_in(blob, wanted) if blob else []


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


def parts_of_run() -> sa.ScalarSelect[int]:
    """For a query over runs: the parts of the run's index, null while it has none."""
    return sa.select(key_index.c.parts).where(key_index.c.run_id == runs.c.id).limit(1).scalar_subquery()


def drop(connection: sa.Connection, run_id: str, key: str, parts: int | None) -> None:
    """Take a person out of the index of a run."""
    if parts is None:
        return
    here = (key_index.c.run_id == run_id) & (key_index.c.part == part_of(hash_of(key), parts))
    blob = connection.execute(sa.select(key_index.c.entries).where(here)).scalar()
    if not blob:
        return
    numbers = unpacked_ints(blob)
    half = len(numbers) // 2
    kept = [place for place in range(half) if numbers[place] != hash_of(key)]
    entries = packed_ints([numbers[place] for place in kept] + [numbers[half + place] for place in kept])
    connection.execute(key_index.update().where(here).values(entries=entries))
