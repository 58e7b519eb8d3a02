"""Who must never be written to again, kept as keyed hashes: the list can be asked, but not read."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import polars as pl
import sqlalchemy as sa

from .asking import asked_again
from .database import Database
from .locks import hold_suppression
from .tables import meta, suppression


def hash_key(secret: bytes, key: str) -> bytes:
    """HMAC-SHA256 of a key with the ledger's random secret."""
    return hmac.digest(secret, key.encode(), hashlib.sha256)


def secret_of(connection: sa.Connection) -> bytes:
    """The ledger's random secret, made when the ledger was."""
    return bytes(connection.execute(sa.select(meta.c.value).where(meta.c.name == "secret")).scalar_one())


def suppress(database: Database, connection: sa.Connection, keys: Iterable[str], reason: str) -> None:
    """From now on these people are suppressed; the first reason stays."""
    hold_suppression(database, connection)
    secret = secret_of(connection)
    rows = [{"hash": hash_key(secret, key), "reason": reason, "at": database.now()} for key in sorted(set(keys))]
    if rows:
        connection.execute(database.insert(suppression).on_conflict_do_nothing(index_elements=["hash"]), rows)


class Suppressed:
    """Who is suppressed. The hashes are kept in memory, and read anew only when some were added. For any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[frozenset[bytes], bytes] = frozenset(), b""
        """The hashes and the secret that they were made with: one value, so that no thread sees half of it."""

    def among(self, keys: pl.Series) -> pl.Series:
        """For each key whether it is suppressed; null keys are not."""
        hashes, secret = self._read()
        found = [key is not None and hash_key(secret, key) in hashes for key in keys.to_list()] if hashes else None
        return pl.Series(keys.name, found or [False] * keys.len(), dtype=pl.Boolean)

    @asked_again
    def _read(self) -> tuple[frozenset[bytes], bytes]:
        with self._database.read() as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(suppression)).scalar_one()
            known = self._known
            if count != len(known[0]):  # hashes are only ever added
                hashes = frozenset(map(bytes, connection.scalars(sa.select(suppression.c.hash))))
                self._known = known = hashes, secret_of(connection)
            return known


def forgotten(connection: sa.Connection) -> bytes:
    """How many people were forgotten so far: whoever keeps people in memory reads them anew when this changes."""
    return bytes(connection.scalar(sa.select(meta.c.value).where(meta.c.name == "forgotten")) or b"0")


def count_forgotten(connection: sa.Connection) -> None:
    """One more person was forgotten, in this transaction."""
    n = int(forgotten(connection))
    connection.execute(meta.delete().where(meta.c.name == "forgotten"))
    connection.execute(meta.insert().values(name="forgotten", value=str(n + 1).encode()))
