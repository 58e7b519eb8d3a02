"""Transforms that change the letters of a text: trim, lowercase, uppercase, replace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from syncline import Config, SpecError, Transform, trimmed

from .fields import NamedFields, Names, SomeFields, changed

if TYPE_CHECKING:
    import polars as pl


class Trim(Transform[SomeFields]):
    """Takes every Unicode space, zero-width and invisible character from both ends of a text.

    Nothing inside a text is touched. A text of blanks alone becomes the empty text.
    """

    name = "trim"
    Config = SomeFields

    def needs(self) -> Sequence[str]:
        """The fields named."""
        return self.config.fields or ()

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Trim the fields."""
        return changed(frame, self.config.fields, trimmed)


class Lowercase(Transform[NamedFields]):
    """Writes a text in small letters, in every script that has them."""

    name = "lowercase"
    Config = NamedFields

    def needs(self) -> Sequence[str]:
        """The fields named."""
        return self.config.fields

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Lower the fields."""
        return changed(frame, self.config.fields, lambda text: text.str.to_lowercase())


class Uppercase(Transform[NamedFields]):
    """Writes a text in capital letters, in every script that has them (`ß` becomes `SS`)."""

    name = "uppercase"
    Config = NamedFields

    def needs(self) -> Sequence[str]:
        """The fields named."""
        return self.config.fields

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Raise the fields."""
        return changed(frame, self.config.fields, lambda text: text.str.to_uppercase())


class ReplaceConfig(Config, frozen=True, kw_only=True, rename={"with_": "with"}):
    """What is replaced by what."""

    fields: Annotated[Names, msgspec.Meta(description="The mapped fields to change.")]
    find: Annotated[str, msgspec.Meta(min_length=1, description="The text, or with `regex` the pattern, to look for.")]
    with_: Annotated[
        str, msgspec.Meta(description="What stands in its place; with `regex`, `$1` or `${name}` is a captured group.")
    ] = ""
    regex: Annotated[
        bool,
        msgspec.Meta(description="`find` is a regular expression (of Rust: no look-around)."),
    ] = False


class Replace(Transform[ReplaceConfig]):
    """Replaces a text, or what a regular expression finds, wherever it stands in a field."""

    name = "replace"
    Config = ReplaceConfig

    def __init__(self, config: ReplaceConfig) -> None:
        super().__init__(config)
        if config.regex:
            import polars as pl

            try:
                pl.select(pl.lit("").str.contains(config.find))
            except pl.exceptions.PolarsError as error:
                lines = str(error).strip().splitlines()
                raise SpecError(
                    "replace.find is not a valid regular expression",
                    why=lines[-1].removeprefix("error: "),
                    mend="see the syntax at https://docs.rs/regex, or leave `regex` out",
                ) from None

    def needs(self) -> Sequence[str]:
        """The fields named."""
        return self.config.fields

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Replace in the fields."""
        find, new, literal = self.config.find, self.config.with_, not self.config.regex
        return changed(frame, self.config.fields, lambda text: text.str.replace_all(find, new, literal=literal))
