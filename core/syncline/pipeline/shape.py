"""Shape: source fields become sink fields by the mapping, then the transforms run, then the person's key is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl

from .. import sql
from ..batch import ADDRESS, BLANKS, ID, KEY, ROW, keys
from ..errors import Fatal, PluginError
from ..plugin import Transform
from ..spec import template
from ..spec.model import Mapped

Observe = Callable[[str, pl.DataFrame], None]


class Shape:
    """Turns frames of source fields into frames of `#id`, `#row`, the mapped fields, `#address` and `#key`."""

    def __init__(
        self,
        mapping: Sequence[Mapped],
        transforms: Sequence[Transform[Any]],
        key_field: str,
        *,
        optional: Iterable[str] | None = None,
    ) -> None:
        self._mapping = mapping
        self._transforms = transforms
        self._key_field = key_field
        self._needed = sorted({name for each in mapping for name in each.needs})
        self._optional = set(optional or ())

    @property
    def fields(self) -> list[str]:
        """The mapped fields, those for rules and transforms among them."""
        return [each.target for each in self._mapping]

    def apply(self, frame: pl.DataFrame, observe: Observe = lambda stage, frame: None) -> pl.DataFrame:
        """The shaped frame, same rows, same order. `observe` is shown the frame after each step (for `explain`)."""
        frame = self._completed(frame)
        try:
            frame = frame.select(
                ID, ROW, *(_expression(each, frame.schema).alias(each.target) for each in self._mapping)
            )
        except pl.exceptions.PolarsError as error:
            raise Fatal(
                "the mapping cannot be computed", why=_short(error), mend="check its `sql` expressions"
            ) from None
        observe("mapping", frame)
        for transform in self._transforms:
            frame = self._transformed(transform, frame)
            observe(transform.name, frame)
        address = frame.get_column(self._key_field).cast(pl.String, strict=False)
        return frame.hstack([address.alias(ADDRESS), keys(address).alias(KEY)])

    def _completed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """With null columns for what this page happens to lack; a field that no page had so far ends the run."""
        missing = [name for name in self._needed if name not in frame.columns]
        heads = {name.partition(".")[0] for name in frame.columns}
        foreign = [name for name in missing if name not in self._optional and name.partition(".")[0] not in heads]
        if foreign:
            shown = ", ".join(name for name in frame.columns if not name.startswith("#"))
            raise Fatal(
                f"the source gives no field {', '.join(map(repr, foreign))}",
                why=f"it gives {shown}",
                mend="correct the mapping, or make the source show the field",
            )
        self._optional.update(frame.columns)
        return completed(frame, missing)

    def _transformed(self, transform: Transform[Any], frame: pl.DataFrame) -> pl.DataFrame:
        try:
            after = transform.apply(frame)
        except pl.exceptions.PolarsError as error:
            raise Fatal(f"transform {transform.name!r} failed", why=_short(error)) from None
        if after.height != frame.height or not after[ROW].equals(frame[ROW]):
            raise PluginError(
                f"transform {transform.name!r} added, dropped or moved rows",
                mend="apply() must keep every row in its place",
            )
        return after.with_columns(frame[ID])


def completed(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """The frame with null columns for those of `names` that it lacks."""
    missing = [name for name in names if name not in frame.columns]
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing) if missing else frame


def _expression(mapped: Mapped, schema: pl.Schema) -> pl.Expr:
    if mapped.sql is not None:
        value = sql.expression(mapped.sql)
    elif mapped.template is not None:
        value = _filled(mapped.template)
    elif mapped.field is not None:
        value = pl.col(mapped.field)
        if isinstance(schema[mapped.field], pl.Null):
            value = value.cast(pl.String)
    else:
        value = pl.lit(mapped.value)
    if mapped.default is None:
        return value
    return _defaulted(value, mapped, schema)


def _defaulted(value: pl.Expr, mapped: Mapped, schema: pl.Schema) -> pl.Expr:
    """The default stands in for a missing, null or empty value."""
    kind = pl.DataFrame(schema=schema).select(value.alias("v")).schema["v"]
    if isinstance(kind, pl.List):
        return pl.when(value.list.len() > 0).then(value).otherwise(pl.lit([mapped.default], kind))
    if isinstance(kind, pl.String | pl.Null):
        text = value.cast(pl.String)
        return pl.when(text.str.strip_chars(BLANKS) != "").then(text).otherwise(pl.lit(mapped.default).cast(pl.String))
    return value.fill_null(pl.lit(mapped.default).cast(kind, strict=False))


def _filled(text: str) -> pl.Expr:
    """The template with each `{field}` filled in; a missing value leaves nothing."""
    return pl.concat_str(
        pl.col(piece.text).cast(pl.String).fill_null("") if piece.is_field else pl.lit(piece.text)
        for piece in template.pieces(text)
    )


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
