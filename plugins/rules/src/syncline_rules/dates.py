"""The transform that reads dates and times as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from syncline import Config, SpecError, Transform, trimmed

from .fields import text_columns

if TYPE_CHECKING:
    import polars as pl

_TIME = re.compile(r"%-?[HIklMSTRXrcsfp+]|%\.?\d*f")
_OFFSET = re.compile(r"%:*#?z")
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}$"
_ISO_OFFSET = r"(?:[Zz]|[+-]\d{2}:?\d{2})$"
_ISO_TIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")


class ParseDateConfig(Config, frozen=True, kw_only=True):
    """How the dates are written."""

    field: Annotated[str, msgspec.Meta(description="The mapped field to change.")]
    formats: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="How the values are written, tried in order: strptime formats such as `%d.%m.%Y` or "
            "`%d-%b-%Y %H:%M:%S`; omitted: ISO 8601."
        ),
    ] = ()
    zone: Annotated[
        str | None, msgspec.Meta(description="IANA zone of times written without an offset, e.g. `Asia/Kolkata`.")
    ] = None
    unparsable: Annotated[
        Literal["null", "keep"], msgspec.Meta(description="What becomes of a value in none of the formats.")
    ] = "null"


class ParseDate(Transform[ParseDateConfig]):
    """Writes dates as ISO 8601 text: `2026-11-23`, with a time `2026-11-23T09:30:00`, with a zone or offset
    `2026-11-23T09:30:00+05:30`.

    A value in none of the formats becomes null, or stays with `unparsable: keep`. A time that the zone's clock skips
    counts as unparsable; of a time that it shows twice the earlier is meant. Dates and times that are typed already
    stay as they are.
    """

    name = "parse_date"
    Config = ParseDateConfig

    def __init__(self, config: ParseDateConfig) -> None:
        super().__init__(config)
        if config.zone is not None:
            try:
                ZoneInfo(config.zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise SpecError(
                    f"parse_date.zone: {config.zone!r} is not an IANA zone", mend="write it like Asia/Kolkata"
                ) from None
        for form in config.formats:
            if not _readable(form):
                raise SpecError(
                    f"parse_date.formats: {form!r} is not a strptime format of a whole date",
                    mend="write it like %d.%m.%Y or %d-%b-%Y %H:%M:%S",
                )

    def needs(self) -> Sequence[str]:
        """The field."""
        return (self.config.field,)

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Read the field and write it as ISO 8601."""
        import polars as pl

        name = self.config.field
        if frame.schema.get(name) != pl.String or not text_columns(frame, [name]):
            return frame
        text = trimmed(pl.col(name))
        forms = [self._read(text, form) for form in self.config.formats] or self._iso(text)
        if self.config.unparsable == "keep":
            forms.append(pl.col(name))
        return frame.with_columns(pl.coalesce(forms).alias(name))

    def _read(self, text: pl.Expr, form: str) -> pl.Expr:
        """ISO text of the values in one format; null for the others."""
        import polars as pl

        kind = _kind(form)
        if kind == pl.Date:
            return text.str.strptime(kind, form, strict=False).dt.to_string("%Y-%m-%d")
        if _OFFSET.search(form):
            moment = text.str.strptime(pl.Datetime("us", "UTC"), form, strict=False)
            return self._with_offset(moment)
        return self._local(text.str.strptime(pl.Datetime("us"), form, strict=False))

    def _iso(self, text: pl.Expr) -> list[pl.Expr]:
        import polars as pl

        text = text.str.replace(r"^(\d{4}-\d{2}-\d{2}) (\d)", "${1}T$2").str.replace("[Zz]$", "+00:00")
        dates = pl.when(text.str.contains(_ISO_DATE)).then(text)
        found = [dates.str.strptime(pl.Date, "%Y-%m-%d", strict=False).dt.to_string("%Y-%m-%d")]
        for form in _ISO_TIMES:
            found += [self._read(text, f"{form}%:z"), self._read(text, f"{form}%z"), self._read(text, form)]
        return found

    def _local(self, moment: pl.Expr) -> pl.Expr:
        if self.config.zone is None:
            return moment.dt.to_string(_SECONDS)
        zoned = moment.dt.replace_time_zone(self.config.zone, ambiguous="earliest", non_existent="null")
        return zoned.dt.to_string(f"{_SECONDS}%:z")

    def _with_offset(self, moment: pl.Expr) -> pl.Expr:
        zoned = moment.dt.convert_time_zone(self.config.zone) if self.config.zone else moment
        return zoned.dt.to_string(f"{_SECONDS}%:z")


_SECONDS = "%Y-%m-%dT%H:%M:%S"


def _kind(form: str) -> pl.Date | pl.Datetime:
    import polars as pl

    if _OFFSET.search(form):
        return pl.Datetime("us", "UTC")
    return pl.Datetime("us") if _TIME.search(form) else pl.Date()


def _readable(form: str) -> bool:
    """Whether the day of a moment that is written in this format can be read back."""
    import polars as pl

    moment = pl.Series([datetime(2026, 11, 23, 21, 30, 45, tzinfo=UTC)])
    try:
        written = (moment if _OFFSET.search(form) else moment.dt.replace_time_zone(None)).dt.to_string(form)
        read = written.str.strptime(_kind(form), form, strict=False)
    except pl.exceptions.PolarsError:
        return False
    return read.dt.date().to_list() == moment.dt.date().to_list()
