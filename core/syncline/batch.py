"""The columns that travel with every lead, and the Polars pieces that know nothing of plugins.

A frame in flight has the fields of the source (later: of the sink) and the columns named here. Their `#` keeps them
apart from any field: a mapping cannot name one.

Polars is imported by the functions that use it: whoever only names a column starts without it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

ID = "#id"
"""The record's ID in the source, as text; null where the source has none."""
ROW = "#row"
"""UInt64: the place of the lead in the run, from 0, in the order read."""
ADDRESS = "#address"
"""The value of the sink's key field after the transforms, as text."""
KEY = "#key"
"""The person: the address trimmed, case-folded and IDNA-normalised; null when there is no address."""
STATUS = "#status"
"""What is known of the person before sending: a `Status` value as text, or null."""
LETTER = "#letter"
"""Int64: the dead letter that the lead was before; only in leads that return."""
OWN_COLUMNS = (ID, ROW, ADDRESS, KEY, STATUS, LETTER)

BLANKS = "".join(
    chr(code)
    for code in (
        *range(0x09, 0x0E), 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x85, 0xA0, 0xAD, 0x034F, 0x061C, 0x115F, 0x1160, 0x1680,
        0x17B4, 0x17B5, 0x180E, *range(0x2000, 0x2010), *range(0x2028, 0x2030), *range(0x205F, 0x2065),
        *range(0x2066, 0x2070), 0x3000, 0x3164, 0xFEFF, 0xFFA0,
    )
)  # fmt: skip
"""Every Unicode space, zero-width and invisible formatting character: what `trim` takes from both ends."""

_PLAIN = r"^[!-~]+$"
_EXACT = 2.0**53
"""From here on a float does not hold every whole number."""


def is_uniform(column: pl.Series) -> bool:
    """Whether there are values, and all of them are the same; the cheap question, before an answer for each."""
    nulls = column.null_count()
    return column.len() > 0 and (nulls == column.len() or (not nulls and bool((column == column[0]).all())))


def trimmed(column: pl.Expr) -> pl.Expr:
    """The text without blanks at its ends."""
    return column.str.strip_chars(BLANKS)


def keys(addresses: pl.Series) -> pl.Series:
    """The person's key for each address: trimmed, case-folded, domain in ASCII (IDNA 2008 with UTS 46 mapping).

    An address that cannot be normalised keeps its trimmed, case-folded text, so that equal texts stay equal.
    """
    import polars as pl

    found = addresses.cast(pl.String).str.to_lowercase()
    blank = (~found.str.contains(_PLAIN)).arg_true()  # looked at closely; the plain majority is done
    if blank.is_empty():
        return found
    name = addresses.name
    text = trimmed(pl.col(name))
    rest = found[blank].to_frame().select(pl.when(text != "").then(text)).to_series()
    odd = rest.filter(~rest.str.contains(_PLAIN)).unique()
    domains: dict[str, str] = {}
    made = pl.Series([_key_of(each, domains) for each in odd], dtype=pl.String)
    return found.scatter(blank, rest.replace(odd, made) if odd.len() else rest)


def key_of(address: str) -> str:
    """The key of one address: see `keys`."""
    return _key_of(address, {})


def _key_of(address: str, domains: dict[str, str]) -> str:
    """`domains` keeps those that were put into ASCII already, which costs more than all the rest."""
    local, at, domain = unicodedata.normalize("NFC", address.strip(BLANKS).lower()).rpartition("@")
    if not at:
        return domain.casefold()
    if domain not in domains:
        domains[domain] = _in_ascii(domain)
    return f"{local.casefold()}@{domains[domain]}"


def _in_ascii(domain: str) -> str:
    import idna

    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain


def flatten(frame: pl.DataFrame) -> pl.DataFrame:
    """Struct columns become dotted columns (`Name.first_name`), to any depth; the order of fields is kept."""
    import polars as pl

    while any(isinstance(kind, pl.Struct) for kind in frame.dtypes):
        columns: list[pl.Expr] = []
        for name, kind in frame.schema.items():
            if isinstance(kind, pl.Struct):
                columns += [pl.col(name).struct.field(part.name).alias(f"{name}.{part.name}") for part in kind.fields]
            else:
                columns.append(pl.col(name))
        frame = frame.select(columns)
    return frame


def frame_of(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    """A frame from dicts, flattened; a key that only some rows have is null in the others, no row is guessed away."""
    import polars as pl

    return flatten(pl.from_dicts(rows, infer_schema_length=None, strict=False)) if rows else pl.DataFrame()


def as_text(column: str, kind: pl.DataType) -> pl.Expr:
    """Any column as text: dates ISO 8601, lists joined by `, `, booleans `true`/`false`, null stays null.

    A whole number is the same text whether it lies among whole numbers or, as 5.0, among others: which of the two a
    column is may differ from page to page.
    """
    import polars as pl

    value = pl.col(column)
    if isinstance(kind, pl.List):
        element = _number(pl.element()) if kind.inner.is_float() else pl.element().cast(pl.String)
        joined = value.list.eval(element).list.join(", ", ignore_nulls=True)
        return pl.when(value.list.len() > 0).then(joined).alias(column)
    if isinstance(kind, pl.Datetime):
        return value.dt.to_string("iso:strict").alias(column)
    if kind.is_float():
        return _number(value).alias(column)
    return value.cast(pl.String, strict=False).alias(column)


def _number(value: pl.Expr) -> pl.Expr:
    """A float as text, without a fraction where it has none (and is small enough to be exact)."""
    import polars as pl

    whole = (value == value.round()) & (value.abs() < _EXACT)
    return pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(value.cast(pl.String))


def texts(frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """The frame with `columns` as text: see `as_text`."""
    import polars as pl

    others = [name for name in columns if frame.schema[name] != pl.String]
    return frame.with_columns(as_text(name, frame.schema[name]) for name in others) if others else frame
