"""One read of a report, page by page, from a cursor or from the start of the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from syncline import End, Ending, Fatal, Page, Pages, Window

from .api import LARGEST_PAGE, Api, Records
from .codes import NO_FIELD, Coded
from .config import CreatorConfig
from .criteria import criteria_of, start_of
from .dates import Dates
from .fieldtypes import ID, TIMES
from .frames import Row, all_columns, frame_of
from .inspection import missing_fields, time_columns_help

if TYPE_CHECKING:
    import polars as pl


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a read has come: `record_cursor` of the next page, the `newest` moment seen (ISO 8601, UTC)."""

    record_cursor: str | None = None
    newest: str | None = None
    finished: bool = False

    def text(self) -> str:
        """As it stands in `Page.cursor`."""
        return msgspec.json.encode(self).decode()


class _Rounds:
    """Notices that pages go round, by one page that is kept (Brent's algorithm): a round of n pages is noticed within
    three times n, whatever cursors lead through it, and however long the report is."""

    def __init__(self) -> None:
        self._kept: Sequence[Any] = ()
        self._steps = self._until = 1

    def closed_by(self, ids: Sequence[Any]) -> bool:
        """Whether the page with these records is the one that was kept."""
        if ids and ids == self._kept:
            return True
        if self._steps == self._until:
            self._kept, self._steps, self._until = ids, 0, 2 * self._until
        self._steps += 1
        return False


class Reading:
    """Reads one window. `types` are the types of the form's fields, `dates` the application's way to write dates."""

    def __init__(self, api: Api, config: CreatorConfig, window: Window, types: Mapping[str, str], dates: Dates) -> None:
        self._api = api
        self._config = config
        self._window = window
        self._types = types
        self._dates = dates
        self._start = start_of(window, config)
        self._params = self._parameters()
        self._looked = False
        self._longest = 0
        self._newest: datetime | None = None

    def pages(self, since: str | None) -> Pages:
        """Yield the pages after `since`; see `syncline.Source.read`.

        A cursor that Creator no longer takes sends the read back to the start of the window: nothing is lost, and the
        engine passes over what it has recorded.
        """
        place = msgspec.json.decode(since, type=Place) if since else Place()
        self._newest = datetime.fromisoformat(place.newest) if place.newest else None
        if place.finished:
            return End(Ending.COMPLETE, self._watermark())
        records, cursor = self._first(place.record_cursor)
        met = since is not None or bool(records.rows)
        before: Sequence[Any] = ()
        asked = {cursor}
        round_trip = _Rounds()
        while True:
            ids = [row.get(ID) for row in records.rows]
            if ids and ids == before:
                raise self._stuck("a page repeats the records of the page before it")
            if round_trip.closed_by(ids):
                raise self._stuck("the pages begin again: the report would never end")
            if records.following in asked and records.following is not None:
                raise self._stuck("a page leads back to a page that was read already")
            frame = self._frame(records.rows, before)
            if frame.height:
                place = Place(records.following, self._newest_text(), finished=records.following is None)
                yield Page(frame, place.text())
            if records.following is None:
                return End(Ending.COMPLETE if met else Ending.CONFIRMED_EMPTY, self._watermark())
            asked.add(records.following)
            before = ids or before
            records = self._page(records.following)
            met = True

    def _first(self, cursor: str | None) -> tuple[Records, str | None]:
        if cursor:
            try:
                return self._page(cursor), cursor
            except Coded as error:
                if error.known:
                    raise
        return self._page(None), None

    def _page(self, cursor: str | None) -> Records:
        """A page that says that more follow, but is shorter than one before, was cut somewhere: it is asked for once
        more, and if it cannot be had again, what came stands."""
        page = self._asked(cursor)
        if page.following is not None and len(page.rows) < max(1, self._longest):
            try:
                page = self._asked(cursor)
            except Coded:
                if not page.rows:
                    raise
        self._longest = max(self._longest, len(page.rows))
        if page.following is not None and not page.rows:
            raise self._stuck("a page without records says that more follow")
        return page

    def _asked(self, cursor: str | None) -> Records:
        try:
            return self._api.page(self._params, cursor)
        except Coded as error:
            if error.code == NO_FIELD:
                self._refuse_missing(error)
            raise

    def _refuse_missing(self, error: Coded) -> None:
        """Creator names one field that it does not know, in words of its own: name all of them, in ours."""
        missing = missing_fields(self._api, self._config, self._window.fields)
        if missing:
            raise Fatal(
                f"the report {self._config.report} has no field {', '.join(sorted(missing))}",
                why=error.why,
                mend="; ".join(missing.values()),
            ) from None

    def _parameters(self) -> dict[str, str]:
        params = {"max_records": LARGEST_PAGE, "field_config": "all"}
        if self._window.fields:
            bases = dict.fromkeys((ID, *(name.partition(".")[0] for name in self._window.fields), *TIMES))
            params |= {"field_config": "custom", "fields": ",".join(bases)}
        if criteria := criteria_of(self._start, self._config, self._dates):
            params["criteria"] = criteria
        return params

    def _frame(self, rows: list[Row], before: Sequence[Any]) -> pl.DataFrame:
        """The rows that were not on the page before: pages shift when records are added while they are read."""
        import polars as pl

        fresh = {row.get(ID): row for row in rows}
        for known in before:
            fresh.pop(known, None)
        kept = list(fresh.values())
        if not kept:
            return pl.DataFrame()
        self._look(rows)
        columns = dict.fromkeys((ID, *self._window.fields, *TIMES)) if self._window.fields else all_columns(kept)
        frame = frame_of(kept, list(columns), self._types, self._dates)
        self._move(frame)
        return frame

    def _look(self, rows: list[Row]) -> None:
        """The time columns must be there, and on the first page every field asked for: its values would be lost."""
        shown = frozenset().union(*rows)
        absent = [name for name in TIMES if name not in shown]
        if self._start is not None and absent:
            raise Fatal(
                f"the report {self._config.report} does not show {' and '.join(absent)}",
                why="without them it cannot be known which records are new or changed",
                mend=time_columns_help(self._config.report, absent),
            )
        if self._looked:
            return
        self._looked = True
        absent = [name for name in self._window.fields if name.partition(".")[0] not in shown]
        if absent and (missing := missing_fields(self._api, self._config, absent)):
            raise Fatal(
                f"the report {self._config.report} does not show {', '.join(sorted(missing))}",
                mend="; ".join(missing.values()),
            )

    def _move(self, frame: pl.DataFrame) -> None:
        import polars as pl

        for name in TIMES:
            if name not in frame.columns:
                continue
            if frame[name].dtype == pl.String and frame[name].null_count() < frame.height and self._start is not None:
                raise Fatal(
                    f"{name} is not in the application's date format",
                    why=f"the application says {self._dates.pattern}",
                    mend="choose a usual date format in the application's settings",
                )
            newest = frame[name].max() if isinstance(frame[name].dtype, pl.Datetime) else None
            if isinstance(newest, datetime) and (self._newest is None or newest > self._newest):
                self._newest = newest

    def _newest_text(self) -> str | None:
        return self._newest.astimezone(UTC).isoformat() if self._newest else None

    def _watermark(self) -> str | None:
        """The newest moment seen: not past the start of the run, and never before the watermark it began with."""
        known = [self._newest] if self._newest else []
        before = datetime.fromisoformat(self._window.watermark) if self._window.watermark else None
        newest = min(*known, self._window.now) if known else None
        found = max((each for each in (newest, before) if each), default=None)
        return found.astimezone(UTC).isoformat() if found else None

    def _stuck(self, what: str) -> Fatal:
        return Fatal(
            what,
            where=f"{self._config.application}/{self._config.report}",
            why="Creator's record_cursor does not lead on",
            mend="run again; if it stays, ask Zoho's support and name Get Records 2.1",
        )
