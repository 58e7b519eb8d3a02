"""A page of records as a frame: every value in a column of its own, typed as far as types are known.

Composites become dotted columns (`Name.first_name`); a composite itself is its display text. Lists, multi lookups and
subforms are lists of texts. Empty texts are null. A column whose values do not fit its type stays text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .dates import Dates
from .fieldtypes import ID, SYSTEM

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, Any]
BREAK = "\x1f"
DISPLAY = ("zc_display_value", "display_value", "value", "ID")


def frame_of(rows: Sequence[Row], columns: Sequence[str], types: Mapping[str, str], dates: Dates) -> pl.DataFrame:
    """The rows with these columns (dotted for parts), in this order; a column that no row has is null.

    `types` names the types of base fields, `dates` says how the application writes dates.
    """
    import polars as pl

    bases: dict[str, list[Any]] = {}
    series = []
    for column in columns:
        base, _, part = column.partition(".")
        values = bases.setdefault(base, [row.get(base) for row in rows])
        if part:
            series.append(_plain(column, [_part(value, part) for value in values]))
        else:
            series.append(_typed(_plain(column, values), types.get(base) or SYSTEM.get(base, ""), dates))
    return pl.DataFrame(series)


def all_columns(rows: Iterable[Row]) -> list[str]:
    """Every column that the rows have, in the order met; the parts of a composite after it."""
    found: dict[str, dict[str, None]] = {ID: {}}
    for row in rows:
        for name, value in row.items():
            parts = found.setdefault(name, {})
            if type(value) is dict:
                parts.update(dict.fromkeys(value))
    return [name for base, parts in found.items() for name in (base, *(f"{base}.{part}" for part in parts))]


def _part(value: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_part(item, path) for item in value]
    if not isinstance(value, dict):
        return None
    name, _, rest = path.partition(".")
    return _part(value.get(name), rest) if rest else value.get(name)


def _plain(name: str, values: list[Any]) -> pl.Series:
    """Texts, or lists of texts when one of the values is a list."""
    import polars as pl

    if any(type(value) is list for value in values):
        return _lists(name, [_texts(value) for value in values])
    texts = [(value or None) if type(value) is str else _text(value) for value in values]
    return pl.Series(name, texts, dtype=pl.String)


def _lists(name: str, lists: list[list[str] | None]) -> pl.Series:
    """Lists of non-empty texts as a column; joined and split, because Polars makes a Series of every single list."""
    import polars as pl

    if any(BREAK in text for texts in lists if texts for text in texts):
        return pl.Series(name, lists, dtype=pl.List(pl.String))
    joined = pl.Series(name, [None if texts is None else BREAK.join(texts) for texts in lists], dtype=pl.String)
    empty = pl.lit([], dtype=pl.List(pl.String))
    split = pl.when(pl.col(name) == "").then(empty).otherwise(pl.col(name).str.split(BREAK))
    return joined.to_frame().select(split.alias(name)).to_series()


def _texts(value: Any) -> list[str] | None:
    if isinstance(value, list):
        if all(type(item) is str and item for item in value):  # by far the most frequent
            return value
        return [text for item in value if (text := _text(item)) is not None]
    text = _text(value)
    return None if text is None else [text]


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return next((text for key in DISPLAY if (text := _text(value.get(key)))), None)
    if isinstance(value, list):
        return ", ".join(_texts(value) or []) or None
    return str(value)


def _typed(texts: pl.Series, kind: str, dates: Dates) -> pl.Series:
    import polars as pl

    if texts.dtype != pl.String:
        return texts
    typed: pl.Series | None = None
    if kind == "list":
        split = texts.to_frame().select(pl.when(pl.col(texts.name).is_not_null()).then(pl.concat_list(texts.name)))
        typed = split.to_series().alias(texts.name)
    elif kind == "number":
        typed = texts.cast(pl.Int64, strict=False)
    elif kind == "decimal":
        typed = texts.cast(pl.Float64, strict=False)
    elif kind == "boolean":
        typed = texts.str.to_lowercase().replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        )
    elif kind == "date":
        typed = dates.dates(texts)
    elif kind == "datetime":
        typed = dates.datetimes(texts)
    return typed if typed is not None and typed.null_count() == texts.null_count() else texts
