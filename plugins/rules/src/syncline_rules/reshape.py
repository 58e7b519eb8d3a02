"""Transforms that make values out of values: map_values, concat, split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from syncline import Config, SpecError, Transform, texts, trimmed

from .fields import Names, changed, text_columns

if TYPE_CHECKING:
    import polars as pl


class MapValuesConfig(Config, frozen=True, kw_only=True):
    """A table of values."""

    field: Annotated[str, msgspec.Meta(description="The mapped field to change.")]
    values: Annotated[
        dict[str, str | None], msgspec.Meta(min_length=1, description="Old value: new value. `null` empties the field.")
    ]
    default: Annotated[
        str | msgspec.UnsetType | None,
        msgspec.Meta(description="What any other value becomes, a missing one included; omitted: it stays as it is."),
    ] = msgspec.UNSET


class MapValues(Transform[MapValuesConfig]):
    """Translates the values of a field by a table; the spelling must match exactly (`trim` and `lowercase` go before).

    Numbers and booleans are compared as text (`true`, `42`).
    """

    name = "map_values"
    Config = MapValuesConfig

    def needs(self) -> Sequence[str]:
        """The field."""
        return (self.config.field,)

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Translate the field."""
        import polars as pl

        name, table, default = self.config.field, self.config.values, self.config.default
        old, new = pl.Series(list(table), dtype=pl.String), pl.Series(list(table.values()), dtype=pl.String)

        def translated(text: pl.Expr) -> pl.Expr:
            if default is msgspec.UNSET:
                return text.replace(old, new)
            return text.replace_strict(old, new, default=pl.lit(default, dtype=pl.String), return_dtype=pl.String)

        if not text_columns(frame, [name]):
            frame = texts(frame, [name])
        return changed(frame, [name], translated)


class ConcatConfig(Config, frozen=True, kw_only=True):
    """What is joined, and where it goes."""

    fields: Annotated[Names, msgspec.Meta(description="The mapped fields to join, in this order.")]
    into: Annotated[str, msgspec.Meta(pattern="^[^#]", description="The field that takes the result; new or old.")]
    separator: Annotated[str, msgspec.Meta(description="What stands between two values.")] = " "


class Concat(Transform[ConcatConfig]):
    """Joins several fields into one; missing and blank values are left out, with their separator."""

    name = "concat"
    Config = ConcatConfig

    def needs(self) -> Sequence[str]:
        """The fields to join."""
        return self.config.fields

    def adds(self) -> Sequence[str]:
        """The field that takes the result."""
        return (self.config.into,)

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Join the fields; the result is null where all are missing."""
        import polars as pl

        parts = texts(frame, dict.fromkeys(self.config.fields))
        full = [pl.when(trimmed(pl.col(name)) != "").then(pl.col(name)) for name in self.config.fields]
        joined = pl.concat_str(full, separator=self.config.separator, ignore_nulls=True)
        result = parts.select(pl.when(pl.any_horizontal(each.is_not_null() for each in full)).then(joined)).to_series()
        return frame.with_columns(result.alias(self.config.into))


class SplitConfig(Config, frozen=True, kw_only=True):
    """What is split, and where the parts go."""

    field: Annotated[str, msgspec.Meta(description="The mapped field to split; it stays unless `into` names it.")]
    separator: Annotated[str, msgspec.Meta(min_length=1, description="The text at which to split.")] = " "
    into: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern="^[^#]")], ...],
        msgspec.Meta(min_length=2, description="The fields that take the parts; the last one takes all that is left."),
    ]


class Split(Transform[SplitConfig]):
    """Splits a field at a separator into two or more; the last takes the rest, a part that is not there is null."""

    name = "split"
    Config = SplitConfig

    def __init__(self, config: SplitConfig) -> None:
        super().__init__(config)
        if len(set(config.into)) < len(config.into):
            raise SpecError("split.into names a field twice", mend="give every part its own field")

    def needs(self) -> Sequence[str]:
        """The field to split."""
        return (self.config.field,)

    def adds(self) -> Sequence[str]:
        """The fields that take the parts."""
        return self.config.into

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Split the field."""
        text = texts(frame.select(self.config.field), [self.config.field]).to_series()
        parts = text.str.splitn(self.config.separator, len(self.config.into))
        return frame.with_columns(
            parts.struct.field(f"field_{n}").alias(name) for n, name in enumerate(self.config.into)
        )
