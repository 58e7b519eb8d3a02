"""What the ledger knows of people."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import polars as pl

from ..plugin import AudiencePart, Held, Status
from . import (
    letters,
    locks,
    people,
    suppression,
)
from .database import Database
from .receipts import remove


class OfPeople:
    """What the ledger knows of people. A part of `Ledger`."""

    _database: Database
    _suppressed: suppression.Suppressed

    def members(self, sync_id: int) -> pl.DataFrame:
        """Everybody this sync delivered: `#key`, source_id, fingerprint, delivered_at, seen, awaiting, removed."""
        return people.members_of(self._database, sync_id)

    def awaiting(self, account: str, *, besides: int | None) -> pl.DataFrame:
        """Whom the other syncs of the account asked to confirm: list, `#key`."""
        return people.awaiting(self._database, account, besides)

    def unsure(self, sync_id: int, *, besides: Collection[int] = ()) -> pl.DataFrame:
        """Whom this sync, or another one that fills its list, sent without an answer: by letters that nobody took care
        of, and by runs of others that have not ended. `#key`, unsure (the run)."""
        return letters.unsure(self._database, sync_id, besides)

    def member_values(self, sync_id: int, keys: pl.Series) -> pl.DataFrame:
        """What was delivered for these keys: `#key`, values (JSON)."""
        return people.member_values(self._database, sync_id, keys)

    def member(self, sync_id: int, key: str) -> dict[str, Any] | None:
        """One member with all that is known of it."""
        return people.member(self._database, sync_id, key)

    def mark_removed(self, sync_id: int, keys: Iterable[str]) -> None:
        """The sync took these people out of the target."""
        with self._database.write() as connection:
            locks.write_people(self._database, connection)
            remove(connection, self._database, sync_id, list(keys))

    def held(self, account: str) -> dict[tuple[str, Status], Held]:
        """What the audience snapshot has of the account: how many for each list and status, and when it was read."""
        return people.held(self._database, account)

    def record_audience(self, account: str, part: AudiencePart, started: datetime) -> None:
        """Take in a part of a refresh that began at `started`. The newest status of a person in a list wins, an opt-out
        wins within one refresh; after the last part of a whole read, who was not in it is gone (but kept)."""
        people.record_audience(self._database, account, part, started)

    def audience(self, account: str) -> pl.DataFrame:
        """The snapshot of the account: list, `#key`, status, values (JSON), gone."""
        return people.audience_of(self._database, account)

    def suppress(self, keys: Iterable[str], reason: str) -> None:
        """Never write to these people again; kept as keyed hashes."""
        with self._database.write() as connection:
            suppression.suppress(self._database, connection, keys, reason)

    def suppressed(self, keys: pl.Series) -> pl.Series:
        """For each key whether it is suppressed."""
        return self._suppressed.among(keys)
