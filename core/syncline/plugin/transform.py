"""Transforms: mapped fields are changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..batch import frame_of
from .config import C
from .connection import Plugin

if TYPE_CHECKING:
    import polars as pl


class Transform(Plugin[C]):
    """Changes mapped fields. Columns whose name starts with `#` belong to the engine and must stay as they are."""

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with the same rows in the same order."""
        raise NotImplementedError(type(self).__name__)

    def needs(self) -> Sequence[str]:
        """The mapped fields this transform names, so that a misspelt one is a fault."""
        return ()

    def adds(self) -> Sequence[str]:
        """Fields that it adds beyond the mapped ones."""
        return ()


class RowTransform(Transform[C]):
    """The row-wise twin: one dict in, one dict out."""

    def row(self, lead: dict[str, Any]) -> dict[str, Any]:
        """The changed lead."""
        raise NotImplementedError(type(self).__name__)

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Apply `row` to each row."""
        own = [name for name in frame.columns if name.startswith("#")]
        rows = [self.row(lead) for lead in frame.drop(own).to_dicts()]
        return frame.select(own).hstack(frame_of(rows)) if rows else frame
