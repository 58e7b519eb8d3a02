"""Rules that users write themselves: a condition in SQL, and fields that must be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from syncline import Config, Rule, SpecError, Sql, expression, trimmed

from .fields import Names

if TYPE_CHECKING:
    import polars as pl


class SqlConfig(Config, frozen=True, kw_only=True):
    """The condition, and the name of the reason."""

    when: Annotated[Sql, msgspec.Meta(description="SQL over the mapped fields; where it is true, the lead is ignored.")]
    reason: Annotated[
        str, msgspec.Meta(pattern="^[a-z][a-z0-9_]*$", description="The reason code under which the leads count.")
    ] = "sql"


class SqlRule(Rule[SqlConfig]):
    """Ignores leads for which a condition in SQL is true; where it is null (a value is missing), the lead passes."""

    name = "sql"
    Config = SqlConfig
    codes = {"sql": "a condition of this sync applies"}  # noqa: RUF012 - the face declares it a ClassVar

    def __init__(self, config: SqlConfig) -> None:
        super().__init__(config)
        try:
            self._when = expression(config.when)
        except ValueError as error:
            raise SpecError(f"sql.when: {error}", mend="see docs/reference for what SQL may hold") from None

    def declared(self) -> Mapping[str, str]:
        """The reason that the config names."""
        return {self.config.reason: f"the condition holds: {self.config.when}"}

    def needs(self) -> Sequence[str]:
        """The fields of the condition."""
        return sorted(set(self._when.meta.root_names()))

    def reasons(self, frame: pl.DataFrame) -> pl.Expr:
        """The configured reason wherever the condition is true."""
        import polars as pl

        return pl.when(self._when.cast(pl.Boolean)).then(pl.lit(self.config.reason))


class RequiredConfig(Config, frozen=True, kw_only=True):
    """The fields that must be there."""

    fields: Annotated[Names, msgspec.Meta(description="The mapped fields that must hold something.")]


class Required(Rule[RequiredConfig]):
    """Ignores leads in which a field is missing, blank or an empty list; the detail names the first such field."""

    name = "required"
    Config = RequiredConfig
    codes = {"required_field": "a field that must be there is missing or blank"}  # noqa: RUF012 - a ClassVar

    def needs(self) -> Sequence[str]:
        """The fields named."""
        return self.config.fields

    def reasons(self, frame: pl.DataFrame) -> pl.Expr:
        """`required_field` for each lead that lacks one of the fields."""
        import polars as pl

        return pl.when(self._first_missing(frame).is_not_null()).then(pl.lit("required_field"))

    def details(self, ignored: pl.DataFrame) -> Sequence[str | None]:
        """The first field that is missing."""
        import polars as pl

        missing = self._first_missing(ignored)
        return ignored.select(pl.format("{} is missing or blank", missing)).to_series().to_list()

    def _first_missing(self, frame: pl.DataFrame) -> pl.Expr:
        import polars as pl

        return pl.coalesce(pl.when(_blank(name, frame.schema[name])).then(pl.lit(name)) for name in self.config.fields)


def _blank(name: str, kind: pl.DataType) -> pl.Expr:
    import polars as pl

    value = pl.col(name)
    if kind == pl.String:
        return (trimmed(value) == "").fill_null(True)
    if isinstance(kind, pl.List):
        return (value.list.drop_nulls().list.len() == 0).fill_null(True)
    return value.is_null()
