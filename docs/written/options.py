"""Tables of options, out of a JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .markdown import table, value, words

Json = Mapping[str, Any]


def options(part: Json, parts: Json, *, required: Sequence[str] | None = None) -> str:
    """A table of the keys of an object; groups of keys have dotted names."""
    return table(("key", "values", "default", "meaning", "examples"), list(_rows(part, parts, required)))


def _rows(part: Json, parts: Json, required: Sequence[str] | None = None, above: str = "") -> Iterator[tuple[str, ...]]:
    must = part.get("required", ()) if required is None else required
    for name, key in part.get("properties", {}).items():
        if name == "type" and "const" in key:
            continue
        inner = _object(key, parts)
        default = "required" if name in must else value(key["default"]) if _tells(key.get("default")) else ""
        meaning = key.get("description") or inner.get("description", "")
        examples = key.get("examples") or [
            each for choice in key.get("anyOf", ()) for each in choice.get("examples", ())
        ]
        shown = ", ".join(map(value, examples))
        yield f"`{above}{name}`", values(key, parts), default, words(meaning), shown if shown != default else ""
        if inner is not key and not above and "type" not in inner["properties"]:
            yield from _rows(inner, parts, above=f"{name}.")


def _tells(default: Any) -> bool:
    """Whether a default says anything; one of nothing but nulls does not."""
    return default is not None and not (isinstance(default, dict) and default and not any(default.values()))


def _object(key: Json, parts: Json) -> Json:
    for choice in (key, *key.get("anyOf", ())):
        found: Json = parts.get(choice.get("$ref", "").removeprefix("#/$defs/"), {})
        if "properties" in found:
            return found
    return key


def values(key: Json, parts: Json) -> str:
    """What may stand there, in words."""
    if key.get("x-secret"):
        return "a secret, as a reference"
    if "enum" in key:
        return ", ".join(map(value, key["enum"]))
    if "const" in key:
        return value(key["const"])
    if "anyOf" in key:
        found = [values(each, parts) for each in key["anyOf"] if each.get("$ref") != "#/$defs/reference"]
        return " or ".join(dict.fromkeys(each for each in found if each not in ("", "nothing")))
    if "$ref" in key:
        inner = parts.get(key["$ref"].removeprefix("#/$defs/"), {})
        return "keys" if "properties" in inner else values(inner, parts)
    kind = key.get("type", "anything")
    if kind == "array":
        return f"list of {values(key.get('items', {}), parts)}"
    return " or ".join(KIND_WORDS[each] for each in ([kind] if isinstance(kind, str) else kind))


KIND_WORDS = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "mapping",
    "null": "nothing", "anything": "anything",
}  # fmt: skip
