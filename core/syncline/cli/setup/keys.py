"""The keys of a plugin's config as questions: what each is for, what it may be, and how its answer becomes a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...plugin import Choice
from ...spec import value_of

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Key:
    """One key of a config, as its schema says it."""

    name: str
    schema: Json
    required: bool

    @property
    def title(self) -> str:
        """What to call it in a question."""
        return str(self.schema.get("title") or self.name)

    @property
    def description(self) -> str:
        """What it is for."""
        return " ".join(str(self.schema.get("description", "")).split())

    @property
    def question(self) -> str:
        """Its title, and what it is for."""
        return f"{self.title} ({self.description.rstrip('.')})" if self.description else self.title

    @property
    def secret(self) -> bool:
        """Whether its value must be a reference."""
        return bool(self.schema.get("x-secret"))

    @property
    def default(self) -> str | None:
        """Its default, where that is a text."""
        found = self.schema.get("default")
        return found if isinstance(found, str) else None

    @property
    def choices(self) -> list[Choice]:
        """The values that the schema lists, if it lists them."""
        return [
            Choice(each, proposed=each == self.default)
            for part in _parts(self.schema)
            for each in (*part.get("enum", ()), *([part["const"]] if "const" in part else ()))
            if isinstance(each, str)
        ]

    def value(self, answer: str) -> Any:
        """What an answer means: text where text may stand, else a number, true or false, a list or a mapping. An
        answer that is none of these stays text, and is told as a fault."""
        kinds = {kind for part in _parts(self.schema) for kind in _kinds(part)}
        if "string" in kinds or not kinds:
            return answer
        try:
            return value_of(answer)
        except ValueError:
            return answer


def keys_of(schema: Json, kind: str, type: str) -> list[Key]:
    """The keys of one plugin in the order of its config; `type` and `connection` are not among them."""
    part = schema["$defs"][f"{kind}.{type}"]
    required = part.get("required", ())
    return [
        Key(name, each, name in required)
        for name, each in part.get("properties", {}).items()
        if name not in ("type", "connection") or (name == "connection" and kind == "connection")
    ]


def _parts(schema: Json) -> Iterator[Json]:
    yield schema
    for each in schema.get("anyOf", ()):
        yield from _parts(each)


def _kinds(part: Json) -> list[str]:
    if "enum" in part or "const" in part:
        return ["string"] if all(isinstance(each, str) for each in part.get("enum", [part.get("const")])) else ["any"]
    kind = part.get("type", [])
    if "$ref" in part and not part["$ref"].endswith("/reference"):
        return ["object"]
    return list(kind) if isinstance(kind, list) else [kind]
