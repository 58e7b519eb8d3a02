"""Creator's criteria: an expression over the fields of one record.

Comparisons, `&&`, `||`, parentheses, `!( … )`, `.contains`, `.startsWith`, `.endsWith`; text in double quotes, dates in
single quotes and the application's own format, numbers and booleans bare; sub-fields as `Name.last_name`.
Source: the criteria section of https://www.zoho.com/creator/help/api/v2.1/get-records.html
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from syncline_zoho_sandbox.dates import DateFormat

Record = Mapping[str, object]
Predicate = Callable[[Record], bool]
Kind = Literal["text", "number", "date", "flag"]

TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<date>'[^']*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)
    |(?P<sign>==|!=|>=|<=|&&|\|\||[><()!]))""",
    re.VERBOSE,
)
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__, "startsWith": str.startswith, "endsWith": str.endswith,
}  # fmt: skip


class CriteriaError(ValueError):
    """The expression cannot be read."""


class UnknownField(CriteriaError):
    """The expression names a field that the form lacks."""


class Written(NamedTuple):
    """A value written in the expression."""

    kind: Kind
    value: object


@dataclass(frozen=True, slots=True)
class Criteria:
    """A compiled expression, and the fields it looks at."""

    holds: Predicate
    fields: frozenset[str]


def compile_criteria(text: str, kinds: Mapping[str, str], dates: DateFormat) -> Criteria:
    """Read *text* against the form's fields (*kinds*: link name to kind); raises CriteriaError."""
    parser = _Parser(_tokens(text), kinds, dates)
    holds = parser.either()
    parser.end()
    return Criteria(holds, frozenset(parser.seen))


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position, text = 0, text.strip()
    while position < len(text):
        found = TOKEN.match(text, position)
        if found is None:
            raise CriteriaError(f"cannot read the criteria at character {position + 1}")
        tokens.append((str(found.lastgroup), found.group(str(found.lastgroup))))
        position = found.end()
    return tokens


class _Parser:
    """Recursive descent: either > both > single > comparison."""

    def __init__(self, tokens: list[tuple[str, str]], kinds: Mapping[str, str], dates: DateFormat) -> None:
        self.tokens, self.kinds, self.dates = tokens, kinds, dates
        self.at = 0
        self.seen: set[str] = set()

    def either(self) -> Predicate:
        parts = [self.both()]
        while self._took("||"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda record: any(part(record) for part in parts)

    def both(self) -> Predicate:
        parts = [self.single()]
        while self._took("&&"):
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else lambda record: all(part(record) for part in parts)

    def single(self) -> Predicate:
        if self._took("!"):
            self._need("(")
            inner = self._closed()
            return lambda record: not inner(record)
        return self._closed() if self._took("(") else self.comparison()

    def comparison(self) -> Predicate:
        kind, name = self._next()
        if kind != "name":
            raise CriteriaError(f"a field name is missing before {name!r}")
        path, test = name.split("."), None
        if path[-1] in TESTS:
            test = TESTS[path.pop()]
        if path[0] not in self.kinds:
            raise UnknownField(path[0])
        self.seen.add(path[0])
        if test is not None:
            self._need("(")
            wanted = str(self._literal().value)
            self._need(")")
            return _text_test(path, test, wanted)
        sign = self._next()[1]
        if sign not in ORDER:
            raise CriteriaError(f"{sign!r} is not a comparison")
        return _comparison(path, self.kinds[path[0]], sign, self._literal(), self.dates)

    def end(self) -> None:
        if self.at != len(self.tokens):
            raise CriteriaError(f"unexpected {self.tokens[self.at][1]!r}")

    def _closed(self) -> Predicate:
        inner = self.either()
        self._need(")")
        return inner

    def _literal(self) -> Written:
        kind, word = self._next()
        if kind == "text":
            return Written("text", re.sub(r"\\(.)", r"\1", word[1:-1]))
        if kind == "number":
            return Written("number", float(word) if "." in word else int(word))
        if kind == "name" and word in ("true", "false"):
            return Written("flag", word)
        if kind == "date":
            moment = self.dates.read(word[1:-1])
            if moment is None:
                raise CriteriaError(f"{word} is not a date of the form {self.dates.pattern}")
            return Written("date", moment)
        raise CriteriaError(f"{word!r} is not a value")

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise CriteriaError("the criteria end too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _took(self, sign: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == ("sign", sign):
            self.at += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._took(sign):
            raise CriteriaError(f"{sign!r} is missing")


def _plain(value: object, path: list[str]) -> list[str]:
    """The texts that a field (or a part of it) holds; several for multi select and multi lookup."""
    if isinstance(value, str) and len(path) == 1:
        return [value]
    for part in path[1:]:
        value = value.get(part, "") if isinstance(value, dict) else ""
    if isinstance(value, list):
        return [text for each in value for text in _plain(each, path[:1])]
    if isinstance(value, dict):
        return [str(value[key]) for key in ("ID", "zc_display_value", "value") if key in value]
    return [str(value)]


def _text_test(path: list[str], test: Callable[[str, str], bool], wanted: str) -> Predicate:
    return lambda record: any(test(text, wanted) for text in _plain(record[path[0]], path))


def _comparison(path: list[str], kind: str, sign: str, literal: Written, dates: DateFormat) -> Predicate:
    if kind in ("date", "datetime") and literal.value != "":
        if literal.kind != "date":
            # A public connector writes date-times in double quotes; Zoho's own samples use single quotes only.
            raise CriteriaError(f"{path[0]} is compared with a date in single quotes")
        return _ordered(path, sign, literal.value, dates.read)
    if literal.kind == "number":
        return _ordered(path, sign, literal.value, _number)
    wanted = str(literal.value)
    if sign == "!=":
        return lambda record: wanted not in (_plain(record[path[0]], path) or [""])
    if sign == "==":
        return lambda record: wanted in (_plain(record[path[0]], path) or [""])
    return lambda record: any(ORDER[sign](text, wanted) for text in _plain(record[path[0]], path) or [""])


def _ordered(path: list[str], sign: str, wanted: object, read: Callable[[str], object]) -> Predicate:
    compare = ORDER[sign]

    def holds(record: Record) -> bool:
        values = [value for text in _plain(record[path[0]], path) if (value := read(text)) is not None]
        if sign == "!=":
            return wanted not in values
        return any(compare(value, wanted) for value in values)

    return holds


def _number(text: str) -> float | int | None:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return None
