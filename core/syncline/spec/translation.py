"""Turns what the JSON Schema validator found into words: the place, whether it is the key, and a message for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from jsonschema.exceptions import ValidationError

from .. import schedule as times
from . import keys
from .document import Document, Path_
from .entries import LISTS

Told = tuple[Path_, bool, str]
"""Path, whether the fault is at its key, message."""
Unknown = Callable[[str, str], str]
"""(kind, name) → why no such plugin can be used; empty when one can."""

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping (key: value)",
    "array": "a list (- …)",
    "null": "nothing",
}
_BOOLEANS = frozenset({"yes", "no", "on", "off", "true", "false"})


@dataclass(frozen=True)
class Found:
    """One error of the validator, out of its loose types: the schema's `keyword` and its `argument` that the `value`
    at `path` does not meet, and for `anyOf` the errors of each branch."""

    keyword: str
    argument: Any
    value: Any
    schema: Mapping[str, Any]
    path: Path_
    branches: Mapping[int, Sequence[Found]]

    @classmethod
    def of(cls, error: ValidationError) -> Found:
        """Parse the validator's own error."""
        branches: dict[int, list[Found]] = {}
        for inner in error.context or ():
            branches.setdefault(int(inner.schema_path[0]), []).append(cls.of(inner))
        schema = error.schema if isinstance(error.schema, Mapping) else {}
        path = tuple(error.absolute_path)
        return cls(str(error.validator), error.validator_value, error.instance, schema, path, branches)

    @property
    def types(self) -> list[str]:
        """The types that a `type` error would take."""
        return [self.argument] if isinstance(self.argument, str) else list(self.argument)

    @property
    def choices(self) -> list[Any]:
        """The values that an `enum` or `const` error would take."""
        return list(self.argument) if self.keyword == "enum" else [self.argument]


class Translation:
    """The words for the errors of one document. `needed` tells the mandatory options of a transform or rule."""

    def __init__(self, document: Document, unknown: Unknown, needed: Callable[[str, str], Sequence[str]]) -> None:
        self._document = document
        self._unknown = unknown
        self._needed = needed
        self._words: Mapping[str, Callable[[Found], Iterable[Told]]] = {
            "additionalProperties": self._unknown_keys,
            "required": _missing,
            "anyOf": self._any_of,
            "type": self._type,
            "enum": _choice,
            "const": _choice,
        }

    def of(self, found: Found) -> Iterable[Told]:
        """What is wrong, where: one error may be several faults (each unknown key is one)."""
        if "x-secret" in found.schema:
            return [(found.path, False, keys.SECRET)]
        if found.keyword == "oneOf" and found.path[:1] == ("mapping",):
            return self._origins(found)
        if special := self._special(found):
            return [(found.path, False, special)]
        if found.keyword == "anyOf" and (own := self._own_message(found)):
            return [(found.path, False, own)]
        if found.keyword in self._words:
            return self._words[found.keyword](found)
        message = self._own_message(found) or _limit(found)
        if found.keyword == "pattern" and isinstance(self._document.at(found.path), dict):
            return [((*found.path, found.value), True, message)]  # the name of a key, by `propertyNames`
        return [(found.path, False, message)]

    def _own_message(self, found: Found) -> str:
        """The schema's own words for a value of the right type."""
        return "" if found.keyword == "type" else str(found.schema.get("errorMessage", ""))

    def _special(self, found: Found) -> str:
        """Places where the schema's own words would not help."""
        path, value = found.path, found.value
        if isinstance(value, str) and found.keyword in ("anyOf", "enum"):
            if path in (("source", "type"), ("sink", "type")):
                return self._unknown(str(path[0]), value)
            if len(path) == 3 and path[0] == "connections" and path[2] == "type":
                return self._unknown("connection", value)
            if len(path) == 2 and path[0] in LISTS:
                return self._use(LISTS[str(path[0])], value)
        if len(path) == 2 and path[0] in LISTS and found.keyword in ("minProperties", "maxProperties"):
            return "one entry holds one name; start a new entry (- …) for the next"
        if len(path) == 3 and path[0] in LISTS and value is None:
            return f"takes a mapping of options; without options write just `- {path[2]}`"
        if path[:1] == ("tests",) and path[-1] == "expect":
            return _EXPECT.get(found.keyword, "")
        return ""

    def _origins(self, found: Found) -> list[Told]:
        """An entry of the mapping with no origin, or with several; a misspelt one is told by its key alone."""
        if any(key not in found.schema["properties"] for key in found.value):
            return []
        return [(found.path, False, keys.ORIGIN)]

    def _use(self, kind: str, name: str) -> str:
        """A bare name that the list does not take: not installed, or in need of options."""
        if why := self._unknown(kind, name):
            return why
        needed = self._needed(kind, name)
        return f"{name!r} needs options ({', '.join(needed)}); write `- {name}: {{{needed[0]}: …}}`"

    def _unknown_keys(self, found: Found) -> Iterator[Told]:
        known = list(found.schema.get("properties", ()))
        for key in found.value:
            if key not in known:
                yield ((*found.path, key), True, self._unknown_key(found.path, key, known))

    def _unknown_key(self, path: Path_, key: str, known: list[str]) -> str:
        if len(path) == 2 and path[0] in LISTS:
            if key == "defaults" and path[0] == "ignore":
                return "`defaults` takes no options; name the rule whose options you want to change"
            return self._unknown(LISTS[str(path[0])], key)
        if path == ("schedule",) and (owners := times.owners(key)):
            return f"only for frequency {' or '.join(owners)}"
        if close := get_close_matches(key, known, 1):
            return f"unknown key; did you mean {close[0]!r}?"
        return f"unknown key; valid keys: {', '.join(known)}" if known else "unknown key; none is expected here"

    def _type(self, found: Found) -> Iterator[Told]:
        yield (found.path, False, self._mistyped(found.types, found))

    def _mistyped(self, allowed: list[str], found: Found) -> str:
        expected = " or ".join(dict.fromkeys(_KINDS[each] for each in allowed))
        written = self._document.written.get(found.path)
        if "string" in allowed and found.value is not None and written is not None:
            return f'must be {expected}; put it in quotes: "{written}"'
        if "boolean" in allowed and isinstance(found.value, str) and found.value.lower() in _BOOLEANS:
            return f"must be true or false, not {found.value!r}"
        return f"must be {expected}, not {_kind_of(found.value)}"

    def _any_of(self, found: Found) -> Iterable[Told]:
        """Only the branch that the author meant is of interest: the one whose type fits."""
        own = {n: errors for n, errors in found.branches.items() if found.argument[n] != keys.A_REFERENCE}
        if any("x-secret" in found.argument[n] for n in own):
            return [(found.path, False, keys.SECRET)]
        values, rest, types = _sorted_out(own, found.path)
        if rest:
            return [told for inner in min(rest, key=len) for told in self.of(inner)]
        if values and (isinstance(found.value, str | int | float) or not types):
            return [(found.path, False, _not_among(found.value, values))]
        return [(found.path, False, self._mistyped([*types, "string"] if values else types, found))]


_EXPECT = {
    "minProperties": "needs `ignored` (a reason) or `lead` (fields)",
    "maxProperties": "holds either `ignored` or `lead`: a lead that is ignored is not sent",
}


def _missing(found: Found) -> Iterator[Told]:
    known = list(found.schema.get("properties", ()))
    strangers = [key for key in found.value if key not in known]
    meant = [close for key in strangers for close in get_close_matches(key, known, 1)]
    for key in found.argument:
        if key not in found.value and key not in meant:
            yield (found.path, True, f"{key} is missing")


def _choice(found: Found) -> Iterator[Told]:
    yield (found.path, False, _not_among(found.value, found.choices))


def _sorted_out(
    branches: Mapping[int, Sequence[Found]], path: Path_
) -> tuple[list[Any], list[Sequence[Found]], list[str]]:
    """The values that would do, the errors of the branches whose type fits, and the types of the others."""
    values: list[Any] = []
    rest: list[Sequence[Found]] = []
    types: list[str] = []
    for errors in branches.values():
        here = [each for each in errors if each.path == path]
        mistyped = [each for each in here if each.keyword == "type"]
        chosen = [each for each in here if each.keyword in ("enum", "const")]
        if mistyped:
            types += mistyped[0].types
        elif chosen and not isinstance(chosen[0].value, dict | list):
            values += chosen[0].choices
        elif chosen:
            types.append("string")
        else:
            rest.append(errors)
    return values, rest, types


def _not_among(value: Any, values: list[Any]) -> str:
    texts = [_shown(each) for each in dict.fromkeys(values)]
    one_of = "one of " if len(texts) > 1 else ""
    if isinstance(value, dict | list) or value is None:
        return f"must be {one_of}{', '.join(texts)}, not {_kind_of(value)}"
    if _shown(value) in texts:
        return f"must be {_shown(value)} {'without' if isinstance(value, str) else 'in'} quotes"
    close = get_close_matches(_shown(value).lower(), texts, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{_shown(value)!r} is not valid; must be {one_of}{', '.join(texts)}{hint}"


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _kind_of(value: Any) -> str:
    for kinds, name in (
        (type(None), "nothing"),
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "a text"),
        (dict, "a mapping"),
        (list, "a list"),
    ):
        if isinstance(value, kinds):
            return name
    return type(value).__name__


def _form(schema: Mapping[str, Any]) -> str:
    examples = " or ".join(str(each) for each in schema.get("examples", ()))
    return f"does not have the expected form, like {examples}" if examples else ""


def _limit(found: Found) -> str:
    bound = found.argument
    if found.keyword in ("minLength", "minItems", "minProperties") and bound == 1:
        return "must not be empty"
    return {
        "minimum": f"must be at least {bound}",
        "exclusiveMinimum": f"must be more than {bound}",
        "maximum": f"must be at most {bound}",
        "exclusiveMaximum": f"must be less than {bound}",
        "multipleOf": f"must be a multiple of {bound}",
        "minLength": f"must have at least {bound} characters",
        "maxLength": f"must have at most {bound} characters",
        "minItems": f"must have at least {bound} entries",
        "maxItems": f"must have at most {bound} entries",
        "minProperties": f"must have at least {bound} keys",
        "maxProperties": f"must have at most {bound} keys",
        "uniqueItems": "holds an entry twice",
        "pattern": _form(found.schema) or f"does not have the form {bound}",
        "format": f"is not a valid {bound}",
    }.get(found.keyword, "is not valid here")
