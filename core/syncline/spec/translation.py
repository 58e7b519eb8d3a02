"""Turns what the JSON Schema validator found into faults: the right place, the dotted path, and a message for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from .. import schedule as times
from ..errors import Fault, PluginError
from ..registry import Registry
from . import keys
from .document import Document, Path_, dotted
from .schema import REFERENCE, Composed, compose

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping (key: value)",
    "array": "a list (- …)",
    "null": "nothing",
}
_LISTS = {"transforms": "transform", "ignore": "rule"}
Told = tuple[Path_, bool, str]
"""Path, whether the fault is at its key, message."""


class Checker:
    """Validates documents against the schema of one registry; compile it once."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        composed: Composed = compose(registry)
        self.schema = composed.schema
        self.unusable = composed.unusable
        self._spec = Draft202012Validator(composed.schema)
        self._connections = self._part("connections_file")
        self._settings = self._part("settings_file")

    def spec(self, document: Document) -> list[Fault]:
        """The faults of a spec (defaults.yaml merged in) against the schema."""
        return self._faults(self._spec, document)

    def connections(self, document: Document) -> list[Fault]:
        """The faults of a connections.yaml."""
        return self._faults(self._connections, document)

    def settings(self, document: Document) -> list[Fault]:
        """The faults of a syncline.yaml."""
        return self._faults(self._settings, document)

    def unknown(self, kind: str, name: str) -> str:
        """Why no plugin of this name can be used; empty when one can."""
        if why := self.unusable.get((kind, name)):
            return why
        try:
            self.registry.offer(kind, name)
        except PluginError as error:
            if kind == "rule" and get_close_matches(name, [*self.registry.names(kind), "defaults"], 1) == ["defaults"]:
                return f"{name!r} is not an installed rule; did you mean 'defaults'?"
            return str(error)
        return ""

    def _part(self, name: str) -> Draft202012Validator:
        return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": self.schema["$defs"]})

    def _faults(self, validator: Draft202012Validator, document: Document) -> list[Fault]:
        if document.value is None:
            return [document.fault((), "the file is empty")]
        translation = _Translation(self, document)
        told: dict[Told, None] = {}
        for error in validator.iter_errors(document.value):
            told.update(dict.fromkeys(translation.of(error)))
        return sorted(document.fault(path, message, at_key=at_key) for path, at_key, message in told)


class _Translation:
    """The words for one document's errors."""

    def __init__(self, checker: Checker, document: Document) -> None:
        self._checker = checker
        self._document = document
        self._words: Mapping[str, Callable[[ValidationError, Path_], Iterable[Told]]] = {
            "additionalProperties": self._unknown_keys,
            "required": self._missing,
            "anyOf": self._any_of,
            "type": self._type,
            "enum": self._choice,
            "const": self._choice,
        }

    def of(self, error: ValidationError) -> Iterable[Told]:
        """What is wrong, where: one error may be several faults (each unknown key is one)."""
        path: Path_ = tuple(error.absolute_path)
        if "x-secret" in error.schema:
            return [(path, False, keys.SECRET)]
        special = self._special(error, path)
        if special:
            return [(path, False, special)]
        if error.validator in self._words:
            return self._words[error.validator](error, path)
        text = error.schema.get("errorMessage")
        return [(path, error.validator == "propertyNames", text or _limit(error))]

    def _special(self, error: ValidationError, path: Path_) -> str:
        """Places where the schema's own words would not help."""
        value = error.instance
        if isinstance(value, str) and error.validator in ("anyOf", "enum"):
            if path in (("source", "type"), ("sink", "type")):
                return self._checker.unknown(str(path[0]), value)
            if len(path) == 3 and path[0] == "connections" and path[2] == "type":
                return self._checker.unknown("connection", value)
            if len(path) == 2 and path[0] in _LISTS:
                return self._use(_LISTS[str(path[0])], value)
        if len(path) == 2 and path[0] in _LISTS and error.validator in ("minProperties", "maxProperties"):
            return "one entry holds one name; start a new entry (- …) for the next"
        if len(path) == 3 and path[0] in _LISTS and value is None:
            return f"takes a mapping of options; without options write just `- {path[2]}`"
        if len(path) == 2 and path[0] == "mapping" and error.validator == "oneOf":
            return "needs exactly one of field, sql, value and template"
        if len(path) == 2 and path[0] == "mapping" and error.validator == "not":
            return "a default makes no sense beside a value, which is never empty"
        return ""

    def _use(self, kind: str, name: str) -> str:
        """A bare name that the list does not take: not installed, or in need of options."""
        if why := self._checker.unknown(kind, name):
            return why
        needed = self._checker.schema["$defs"][f"{kind}.{name}"].get("required", [])
        return f"{name!r} needs options ({', '.join(needed)}); write `- {name}: {{{needed[0]}: …}}`"

    def _unknown_keys(self, error: ValidationError, path: Path_) -> Iterator[Told]:
        known = list(error.schema.get("properties", ()))
        for key in error.instance:
            if key in known:
                continue
            yield ((*path, key), True, self._unknown_key(path, key, known))

    def _unknown_key(self, path: Path_, key: str, known: list[str]) -> str:
        if len(path) == 2 and path[0] in _LISTS:
            if key == "defaults" and path[0] == "ignore":
                return "`defaults` takes no options; name the rule whose options you want to change"
            return self._checker.unknown(_LISTS[str(path[0])], key)
        if path == ("schedule",):
            if owners := times.owners(key):
                return f"only for frequency {' or '.join(owners)}"
        return unknown_key(key, known)

    def _missing(self, error: ValidationError, path: Path_) -> Iterator[Told]:
        for key in error.validator_value:
            if key not in error.instance:
                yield (path, True, f"{key} is missing")

    def _type(self, error: ValidationError, path: Path_) -> Iterator[Told]:
        allowed = error.validator_value
        yield (path, False, self._mistyped([allowed] if isinstance(allowed, str) else allowed, error.instance, path))

    def _mistyped(self, allowed: list[str], value: Any, path: Path_) -> str:
        expected = " or ".join(dict.fromkeys(_KINDS[each] for each in allowed))
        written = self._document.written.get(path)
        if "string" in allowed and value is not None and written is not None:
            return f'must be {expected}; put it in quotes: "{written}"'
        if isinstance(value, str) and value.lower() in _BOOLEANS and "boolean" in allowed:
            return f"must be true or false, not {value!r}"
        return f"must be {expected}, not {_kind_of(value)}"

    def _choice(self, error: ValidationError, path: Path_) -> Iterator[Told]:
        values = error.validator_value if error.validator == "enum" else [error.validator_value]
        yield (path, False, _not_among(error.instance, values))

    def _any_of(self, error: ValidationError, path: Path_) -> Iterable[Told]:
        """Only the branch that the author meant is of interest: the one whose type fits."""
        branches: dict[int, list[ValidationError]] = {}
        for inner in error.context or ():
            branches.setdefault(inner.schema_path[0], []).append(inner)
        schemas = error.validator_value
        own = {n: errors for n, errors in branches.items() if schemas[n] != {"$ref": "#/$defs/reference"}}
        if any("x-secret" in schemas[n] for n in own):
            return [(path, False, keys.SECRET)]
        values, rest, types = _sorted_out(own, schemas, path)
        if rest:
            best = min(rest, key=len)
            return [told for inner in best for told in self.of(inner)]
        if values and (isinstance(error.instance, str | int | float) or not types):
            return [(path, False, _not_among(error.instance, values))]
        if values:
            types = [*types, "string"]
        return [(path, False, self._mistyped(types or ["string"], error.instance, path))]


def _sorted_out(
    branches: Mapping[int, list[ValidationError]], schemas: list[Any], path: Path_
) -> tuple[list[Any], list[list[ValidationError]], list[str]]:
    """The values that would do, the errors of the branches whose type fits, and the types of the others."""
    values: list[Any] = []
    rest: list[list[ValidationError]] = []
    types: list[str] = []
    for errors in branches.values():
        here = [each for each in errors if tuple(each.absolute_path) == path]
        mistyped = [each for each in here if each.validator == "type"]
        chosen = [each for each in here if each.validator in ("enum", "const")]
        if mistyped:
            allowed = mistyped[0].validator_value
            types += [allowed] if isinstance(allowed, str) else allowed
        elif chosen and not isinstance(chosen[0].instance, dict | list):
            values += chosen[0].validator_value if chosen[0].validator == "enum" else [chosen[0].validator_value]
        elif chosen:
            types.append("string")
        else:
            rest.append(errors)
    return values, rest, types


_BOOLEANS = frozenset({"yes", "no", "on", "off", "true", "false"})


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The message for a key that is none of the `known` ones."""
    names = list(known)
    if close := get_close_matches(key, names, 1):
        return f"unknown key; did you mean {close[0]!r}?"
    return f"unknown key; valid keys: {', '.join(names)}" if names else "unknown key; none is expected here"


def _not_among(value: Any, values: list[Any]) -> str:
    texts = [_shown(each) for each in dict.fromkeys(values)]
    if isinstance(value, dict | list):
        return f"must be one of {', '.join(texts)}, not {_kind_of(value)}"
    close = get_close_matches(str(value), texts, 1) or get_close_matches(str(value).lower(), texts, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    one_of = "one of " if len(texts) > 1 else ""
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


def _limit(error: ValidationError) -> str:
    bound = error.validator_value
    if error.validator in ("minLength", "minItems", "minProperties") and bound == 1:
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
        "pattern": f"does not have the form {bound}",
        "format": f"is not a valid {bound}",
        "propertyNames": "is not a valid name",
    }.get(str(error.validator), "is not valid here")


__all__ = ["REFERENCE", "Checker", "dotted", "unknown_key"]
