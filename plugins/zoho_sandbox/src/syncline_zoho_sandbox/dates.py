"""Dates as an application writes them: Java's pattern letters and the application's own time zone, never an offset.

Source: https://www.zoho.com/creator/help/api/v2.1/get-records.html (samples `04-Oct-2023 12:35:24`, `Sep 06,2026`).
"""

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
NUMBERS = {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)}
LETTERS = re.compile(r"yyyy|yy|MMMM|MMM|MM|M|dd|d|.", re.DOTALL)
DIGITS = {"yyyy": r"(?P<y>\d{4})", "yy": r"(?P<y>\d{2})", "dd": r"(?P<d>\d{2})", "d": r"(?P<d>\d{1,2})"}
DIGITS |= {"MM": r"(?P<m>\d{2})", "M": r"(?P<m>\d{1,2})", "MMM": r"(?P<m>[A-Za-z]{3})", "MMMM": r"(?P<m>[A-Za-z]+)"}
CLOCK = r"(?: (?P<H>\d{2}):(?P<M>\d{2})(?::(?P<S>\d{2}))?)?"


class DateFormat:
    """One application's way to write dates and date-times."""

    def __init__(self, pattern: str, time_zone: str) -> None:
        self.pattern = pattern
        self.zone = ZoneInfo(time_zone)
        self._parts = LETTERS.findall(pattern)
        self.date = lru_cache(maxsize=10_000)(self._date)
        self.read = lru_cache(maxsize=200_000)(self._read)
        self._shape = re.compile("".join(DIGITS.get(part) or re.escape(part) for part in self._parts) + CLOCK)

    def _date(self, moment: date) -> str:
        """The date alone."""
        month = MONTHS[moment.month - 1]
        words = {
            "yyyy": f"{moment.year:04d}", "yy": f"{moment.year % 100:02d}", "dd": f"{moment.day:02d}",
            "d": str(moment.day), "MM": f"{moment.month:02d}", "M": str(moment.month), "MMM": month[:3], "MMMM": month,
        }  # fmt: skip
        return "".join(words.get(part, part) for part in self._parts)

    def time(self, at: float) -> str:
        """A moment, given in seconds since 1970, as local date and time."""
        moment = datetime.fromtimestamp(at, UTC).astimezone(self.zone)
        return f"{self.date(moment.date())} {moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}"

    def _read(self, text: str) -> datetime | None:
        """The local date-time that *text* stands for (midnight for a bare date), or None if it has another shape."""
        found = self._shape.fullmatch(text.strip())
        if found is None:
            return None
        part = found.groupdict()
        month = NUMBERS.get(part["m"][:3].lower()) if part["m"].isalpha() else int(part["m"])
        year = int(part["y"]) + (2000 if len(part["y"]) == 2 else 0)
        try:
            clock = (int(part["H"] or 0), int(part["M"] or 0), int(part["S"] or 0))
            return datetime(year, month or 0, int(part["d"]), *clock)
        except ValueError:
            return None


@lru_cache(maxsize=32)
def date_format(pattern: str, time_zone: str) -> DateFormat:
    """The format for this pattern and zone, prepared once."""
    return DateFormat(pattern, time_zone)
