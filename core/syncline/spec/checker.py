"""Holds documents against the schema composed from one registry."""

from __future__ import annotations

from difflib import get_close_matches

from jsonschema import Draft202012Validator

from ..errors import Fault, PluginError
from ..registry import Registry
from .document import Document
from .schema import compose
from .translation import Found, Told, Translation


class Checker:
    """Validates documents against the schema of one registry; compile it once."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        composed = compose(registry)
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

    def needed(self, kind: str, name: str) -> list[str]:
        """The options that a transform or rule cannot do without."""
        return list(self.schema["$defs"][f"{kind}.{name}"].get("required", ()))

    def _part(self, name: str) -> Draft202012Validator:
        return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": self.schema["$defs"]})

    def _faults(self, validator: Draft202012Validator, document: Document) -> list[Fault]:
        if document.value is None:
            return [document.fault((), "the file is empty")]
        translation = Translation(document, self.unknown, self.needed)
        told: dict[Told, None] = {}
        for error in validator.iter_errors(document.value):
            told.update(dict.fromkeys(translation.of(Found.of(error))))
        return sorted(document.fault(path, message, at_key=at_key) for path, at_key, message in told)
