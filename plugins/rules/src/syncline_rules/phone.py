"""The transform that writes phone numbers in their international form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from syncline import Config, SpecError, Transform, texts

from .fields import Names, text_columns

if TYPE_CHECKING:
    import polars as pl

Region = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]


class FormatPhoneConfig(Config, frozen=True, kw_only=True):
    """Which numbers, and of which country those without `+` are."""

    fields: Annotated[Names, msgspec.Meta(description="The mapped fields to change.")]
    region: Annotated[
        Region | None, msgspec.Meta(description="ISO 3166 country of numbers written without `+`, e.g. `IN`.")
    ] = None
    region_field: Annotated[
        str | None,
        msgspec.Meta(description="A mapped field with that country's ISO code; `region` where it holds none."),
    ] = None


class FormatPhone(Transform[FormatPhoneConfig]):
    """Writes phone numbers in the form E.164 (`+442079460958`), by the numbering plans of `phonenumbers`.

    What is not a valid number there stays as it is.
    """

    name = "format_phone"
    Config = FormatPhoneConfig

    def __init__(self, config: FormatPhoneConfig) -> None:
        super().__init__(config)
        if config.region is not None:
            from phonenumbers import SUPPORTED_REGIONS

            if config.region not in SUPPORTED_REGIONS:
                raise SpecError(
                    f"format_phone.region: {config.region!r} is no country with a numbering plan",
                    mend="write its ISO 3166 code, e.g. GB (not UK)",
                )

    def needs(self) -> Sequence[str]:
        """The fields, and that of the country."""
        return (*self.config.fields, *([self.config.region_field] if self.config.region_field else []))

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Format the fields, each distinct number (and country) once."""
        import polars as pl

        country = pl.lit(self.config.region, dtype=pl.String)
        if self.config.region_field:
            held = texts(frame.select(self.config.region_field), [self.config.region_field]).to_series()
            code = pl.lit(held.str.strip_chars().str.to_uppercase())
            country = pl.when(code.str.contains("^[A-Z]{2}$")).then(code).otherwise(country)
        for name in text_columns(frame, self.config.fields):
            if frame.schema[name] == pl.String:
                frame = frame.with_columns(_formatted(frame.select(number=pl.col(name), country=country)).alias(name))
        return frame


def _formatted(pairs: pl.DataFrame) -> pl.Series:
    import polars as pl

    distinct = pairs.unique().filter(pl.col("number").str.contains(r"\d")).with_columns(pl.col("country").fill_null(""))
    forms = pl.Series([_e164(number, country) for number, country in distinct.iter_rows()], dtype=pl.String)
    joined = pairs.with_columns(pl.col("country").fill_null("")).join(
        distinct.with_columns(form=forms), on=["number", "country"], how="left", maintain_order="left"
    )
    return joined.select(pl.coalesce("form", "number")).to_series()


def _e164(number: str, country: str) -> str | None:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
