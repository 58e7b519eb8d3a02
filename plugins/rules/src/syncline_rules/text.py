"""Transforms that change the letters of a text: trim, lowercase, uppercase."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from syncline import Transform, trimmed

from .fields import NamedFields, SomeFields, changed


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
