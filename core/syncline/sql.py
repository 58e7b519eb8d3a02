"""SQL expressions, as they may stand in a mapping or a rule: one value per row out of the columns of that row.

Polars parses and runs them; nothing is evaluated as code. A subquery could read files (Polars opens them while it
parses), so the text is looked through before Polars sees it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

if TYPE_CHECKING:
    import polars as pl

Sql = Annotated[str, msgspec.Meta(extra_json_schema={"x-sql": True})]
"""The type of a config field that holds an SQL expression over the mapped fields: `validate` checks it."""

_TOKENS = re.compile(
    r"""(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*")|(?P<word>[^\W\d][\w$]*)|(?P<comment>--|/\*)|(?P<other>.)""",
    re.DOTALL,
)
_QUERIES = frozenset({"select", "with", "table", "values", "union", "intersect", "except", "exists"})
_LONGEST = 4_000
"""Characters; Polars parses by recursion, and a text without end would end the process."""
_WIDEST = 1_000
"""Characters to which a text may be filled up."""
_GROWTH = 1_000
"""How many times as long as its field a text may become by replacements inside one another."""
_FORBIDDEN = {
    "SubPlan": "a subquery",
    "StructExpr": "a part of a field outside double quotes",
    "Agg": "an aggregate over many rows",
    "Len": "an aggregate over many rows",
    "Over": "a window over many rows",
    "Rolling": "a window over many rows",
    "Explode": "a function that makes several rows of one",
    "Selector": "a choice of several columns",
    "Gather": "a look at other rows",
    "Filter": "a look at other rows",
    "Sort": "a look at other rows",
    "SortBy": "a look at other rows",
    "Slice": "a look at other rows",
    "AnonymousFunction": "a foreign function",
    "Range": "a series of numbers",
}
_ONE_ROW = "an expression sees one row at a time"
_MENDS = {"StructExpr": 'write the whole name in double quotes: "Name.first_name"'}


def expression(text: str) -> pl.Expr:
    """The Polars expression of an SQL text. Raises ValueError, with the reason, when it is no scalar expression."""
    import polars as pl

    _look_through(text)
    try:
        parsed = pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"not a valid SQL expression: {_first_line(error)}") from None
    try:
        tree = json.loads(parsed.meta.serialize(format="json"))
        kinds = set(_kinds(tree))
    except RecursionError:
        raise ValueError("the expression is nested too deeply") from None
    if isinstance(tree, dict) and "Alias" in tree:
        raise ValueError("an expression has no AS; a text stands in '…', a field in \"…\"")
    for kind in sorted(kinds):
        if what := _FORBIDDEN.get(kind):
            raise ValueError(f"{what} is not allowed; {_MENDS.get(kind, _ONE_ROW)}")
    _refuse_endless_texts(tree)
    _refuse_many_rows(parsed)
    return parsed


@lru_cache(maxsize=512)
def columns_of(text: str) -> frozenset[str]:
    """The columns that the expression reads. Raises ValueError as `expression` does."""
    return frozenset(expression(text).meta.root_names())


def check(text: str, columns: Collection[str] | None) -> str:
    """What is wrong with the expression over `columns` (None: not known), in one clause; empty when nothing is."""
    try:
        used = columns_of(text)
    except ValueError as error:
        return str(error)
    if columns is None:
        return ""
    for name in sorted(used.difference(columns)):
        dotted = [each for each in columns if each.startswith(f"{name}.")]
        if dotted:
            return f"{name!r} has parts; write one in double quotes: {_quoted(sorted(dotted)[0])}"
        close = get_close_matches(name, list(columns), 1)
        hint = f"; did you mean {_quoted(close[0])}?" if close else f" (known: {', '.join(sorted(columns))})"
        return f"{name!r} is not a known field{hint}"
    return ""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _look_through(text: str) -> None:
    """Refuse whatever could start a query or hide one from this look; it runs before Polars parses.

    Only plain '…' texts (a quote is doubled) and "…" names are known here; every other way to quote is refused, so
    that no reading of the text finds a word outside quotes that this one does not.
    """
    if not text.strip():
        raise ValueError("the expression is empty")
    if len(text) > _LONGEST:
        raise ValueError(f"the expression is longer than {_LONGEST} characters")
    before = opening = "("
    for token in _TOKENS.finditer(text):
        kind, part = token.lastgroup, token[0]
        if kind == "text" and (before.isalnum() or before in {"_", "&", "$"}):
            raise ValueError(f"a text in quotes must not have a prefix ({before}'…')")
        if kind == "text" and "\\'" in part:
            raise ValueError("a quote inside a text is doubled (''), not escaped with a backslash")
        if kind == "word" and (part.lower() in _QUERIES or (part.lower() == "from" and opening == "(")):
            raise ValueError(f"{part.upper()}: queries are not allowed; an expression sees one row at a time")
        if kind == "comment":
            raise ValueError("comments are not allowed inside an expression; write a YAML comment (#)")
        if kind == "other" and part in "'\"":
            raise ValueError(f"a quote ({part}) is never closed")
        if kind == "other" and part in ";`$\\\0":
            raise ValueError(f"{part!r} is not allowed in an expression")
        before = part[-1]
        opening = before if before.strip() else opening


def _kinds(tree: Any) -> Iterator[str]:
    """The names of all nodes of a serialised expression; literals are not looked into."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for kind, inner in tree.items():
            yield kind
            if kind == "function" and isinstance(inner, dict):
                yield from inner
            elif kind not in {"Literal", "Column", "function", "options", "dtype"}:
                yield from _kinds(inner)
    elif isinstance(tree, list):
        for each in tree:
            if not isinstance(each, str):
                yield from _kinds(each)


def _refuse_endless_texts(tree: Any) -> None:
    """A short expression must not make a text that fills the memory: texts are filled up to a length that is written
    there, and replacements inside one another multiply only so far."""
    if _growth(tree) > _GROWTH:
        raise ValueError(f"its replacements could make a text more than {_GROWTH:,} times as long")


def _growth(tree: Any) -> float:
    """How many times as long as what goes in the longest text can be that comes out."""
    if isinstance(tree, list):
        return max((_growth(each) for each in tree), default=1.0)
    if not isinstance(tree, dict):
        return 1.0
    inner: float = _growth([each for kind, each in tree.items() if kind not in {"Literal", "Column", "dtype"}])
    called, inputs = tree.get("function"), tree.get("input")
    if not isinstance(called, dict) or not isinstance(inputs, list):
        return inner
    if "ListExpr" in called and "Join" in called["ListExpr"]:
        return inner * (1 + len(str(_literal(inputs[-1]) or "")))
    made = called.get("StringExpr")
    if not isinstance(made, dict):
        return inner
    if made.keys() & {"PadStart", "PadEnd"}:
        length = _literal(inputs[-1])
        if not isinstance(length, int) or length > _WIDEST:
            raise ValueError(f"the length to fill a text up to must be a number up to {_WIDEST:,}")
    if "Replace" not in made:
        return inner
    before, after = (_literal(each) for each in inputs[1:3])
    if not isinstance(after, str):
        return inner * _GROWTH  # a field in place of each match: as long as it may be, so once at most
    needle = len(before) if isinstance(before, str) and made["Replace"].get("literal") else 1
    return inner * max(1.0, (len(after) + after.count("$")) / (needle or 1))


def _literal(tree: Any) -> str | int | None:
    """The text or number that stands there; None where it is something else."""
    value = tree.get("Literal") if isinstance(tree, dict) else None
    while isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    return value if isinstance(value, str | int) else None


def _refuse_many_rows(parsed: pl.Expr) -> None:
    """An aggregate makes one row of none; what works row by row leaves none."""
    import polars as pl

    names = parsed.meta.root_names()
    if not names:
        return
    for kind in (pl.String, pl.Float64, pl.Boolean, pl.Date, pl.Datetime("us"), pl.List(pl.String)):
        try:
            rows = pl.DataFrame(schema=dict.fromkeys(names, kind)).select(parsed).height
        except pl.exceptions.PolarsError:  # this type does not fit the expression: try the next
            continue
        if rows:
            raise ValueError("an aggregate over many rows is not allowed; an expression sees one row at a time")
        return


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
