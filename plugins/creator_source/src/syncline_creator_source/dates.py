"""Dates as a Creator application writes them: its own pattern of Java-like letters, its own time zone, no offset.

Source: https://www.zoho.com/creator/help/api/v2.1/get-records.html (samples), meta call of the applications.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from syncline import Fatal

if TYPE_CHECKING:
    import polars as pl

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PIECES = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z']+)")
DIRECTIVES = {
    "yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d",
    "EEEE": "%A", "EEE": "%a", "EE": "%a", "E": "%a",
}  # fmt: skip
CLOCKS = (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
"""The clock that follows the date; the first is the documented one, the others were met in applications' settings."""


@dataclass(frozen=True)
class Dates:
    """How one application writes dates and date-times."""

    pattern: str
    time_zone: str

    @cached_property
    def zone(self) -> ZoneInfo:
        """The application's zone. Raises `Fatal` when it is not known here."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # an OSError for a name that no file can have
            raise Fatal(
                f"the application's time zone {self.time_zone[:60]!r} is not known here",
                mend="choose a zone by its IANA name in the application's settings",
            ) from None

    @cached_property
    def _pieces(self) -> tuple[tuple[str, bool], ...]:
        """(text, is a directive's letters) in order. Raises `Fatal` for letters whose meaning is not known."""
        pieces = []
        place = 0
        for found in PIECES.finditer(self.pattern):
            letters = found["letters"]
            if found.start() != place or (letters and letters not in DIRECTIVES):
                break
            place = found.end()
            pieces.append((letters, True) if letters else (found["quoted"] or found["other"] or "'", False))
        if place != len(self.pattern) or not place:
            raise Fatal(
                f"the application's date format {self.pattern!r} is not understood",
                mend="choose another date format in the application's settings",
            )
        return tuple(pieces)

    @cached_property
    def chrono(self) -> str:
        """The pattern of the date alone, in the words of Polars."""
        return "".join(DIRECTIVES[text] if letters else text.replace("%", "%%") for text, letters in self._pieces)

    def literal(self, moment: datetime) -> str:
        """An aware moment as a literal for criteria: in single quotes, in the application's zone, to the second."""
        local = moment.astimezone(self.zone)
        month, day = MONTHS[local.month - 1], DAYS[local.weekday()]
        words = {
            "yyyy": f"{local.year:04d}", "yy": f"{local.year % 100:02d}", "MMMM": month, "MMM": month[:3],
            "MM": f"{local.month:02d}", "M": str(local.month), "dd": f"{local.day:02d}", "d": str(local.day),
            "EEEE": day, "EEE": day[:3], "EE": day[:3], "E": day[:3],
        }  # fmt: skip
        date = "".join(words[text] if letters else text for text, letters in self._pieces)
        return f"'{date} {local:%H:%M:%S}'"

    def dates(self, texts: pl.Series) -> pl.Series | None:
        """The texts as dates; None when one of them is no date."""
        parsed = texts.str.to_date(self.chrono, strict=False)
        return parsed if parsed.null_count() == texts.null_count() else None

    def datetimes(self, texts: pl.Series) -> pl.Series | None:
        """The texts as moments in UTC; None when one of them is none.

        A local time that happens twice is taken for the earlier moment, one that a DST change skips for the hour after.
        """
        for clock in CLOCKS:
            local = texts.str.to_datetime(self.chrono + clock, strict=False, time_unit="us")
            if local.null_count() == texts.null_count():
                return self._moments(local)
        return None

    def _moments(self, local: pl.Series) -> pl.Series:
        import polars as pl

        zone = self.zone.key
        name = local.name
        return (
            local.to_frame()
            .select(
                pl.coalesce(
                    pl.col(name).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null"),
                    pl.col(name)
                    .dt.offset_by("1h")
                    .dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null"),
                )
                .dt.convert_time_zone("UTC")
                .alias(name)
            )
            .to_series()
        )
