"""Which columns a transform works on, and the shared types of its config."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from syncline import Config

if TYPE_CHECKING:
    import polars as pl

Names = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class SomeFields(Config, frozen=True, kw_only=True):
    """Config of a transform that works on some text fields, or on all of them."""

    fields: Annotated[
        Names | None, msgspec.Meta(description="The mapped fields to change; omitted: every text field.")
    ] = None


class NamedFields(Config, frozen=True, kw_only=True):
    """Config of a transform that works on named text fields."""

    fields: Annotated[Names, msgspec.Meta(description="The mapped fields to change.")]


def changed(frame: pl.DataFrame, names: Sequence[str] | None, change: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    """The frame with `change` applied to the named columns (None: all) that hold text or lists of text.

    Numbers, dates and other columns stay as they are, and so do the engine's.
    """
    import polars as pl

    columns: list[pl.Expr] = []
    for name in text_columns(frame, frame.columns if names is None else names):
        if frame.schema[name] == pl.String:
            columns.append(change(pl.col(name)))
        else:
            columns.append(pl.col(name).list.eval(change(pl.element())))
    return frame.with_columns(columns)


def text_columns(frame: pl.DataFrame, names: Iterable[str]) -> list[str]:
    """Those of the named columns that are there, are not the engine's, and hold text or lists of text."""
    import polars as pl

    return [
        name for name in names if not name.startswith("#") and frame.schema.get(name) in (pl.String, pl.List(pl.String))
    ]
