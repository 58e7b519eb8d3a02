"""The JSON Schema of specs, connections.yaml and syncline.yaml, composed from what the installed plugins declare.

One document serves the editor, `validate`, `run` and CI. `if`/`then` by `type` lets an editor complete the keys of the
chosen plugin; `errorMessage` is understood by editors and by `syncline.spec.translation` alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..decision import DEFAULT_REASONS
from ..errors import PluginError
from ..registry import Offer, Registry
from . import guards, keys, notification_keys, schedule_keys

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = r"\$\{(env|file):[^}]+\}"
Json = dict[str, Any]


@dataclass(frozen=True)
class Composed:
    """The `schema`, and for plugins whose own schema cannot be made, why: only specs that use them fail."""

    schema: Json
    unusable: Mapping[tuple[str, str], str]


def schema(registry: Registry) -> Json:
    """The schema of a spec; `$defs` also holds `connections_file` and `settings_file`. Deterministic."""
    return compose(registry).schema


def compose(registry: Registry) -> Composed:
    """See `schema`."""
    parts = _Parts(registry)
    defs = {
        "reference": {
            "title": "Reference",
            "description": "Taken from the environment (`${env:NAME}`) or a file (`${file:PATH}`) when it is used.",
            "type": "string",
            "pattern": REFERENCE,
        },
        "source": parts.chosen("source", "Where records come from: `type` names the plugin."),
        "sink": parts.chosen("sink", "Where leads go: `type` names the plugin."),
        "connection": parts.chosen("connection", "One remote account: `type` names the plugin."),
        "transform": parts.used("transform", "A change of mapped fields: a name, or `name: {options}`."),
        "rule": parts.used("rule", "Keeps leads out: a name, `name: {options}`, or `defaults`.", DEFAULTS),
        "guards": guards.guards(),
        "schedule": schedule_keys.schedule(),
        "mapped": keys.MAPPED,
        "test": keys.TEST,
        "connections_file": keys.CONNECTIONS_FILE,
        "settings_file": keys.SETTINGS_FILE,
        "notification": notification_keys.NOTIFICATION,
        "webhook": notification_keys.WEBHOOK,
        "email": notification_keys.EMAIL,
        "degraded": notification_keys.DEGRADED,
    }
    whole = {
        "$schema": DIALECT,
        "title": "Syncline sync",
        "description": "One sync: where records come from, how they become leads, and where the leads go.",
        "type": "object",
        "properties": keys.TOP,
        "required": ["name", "source", "retrieve", "mapping", "sink"],
        "additionalProperties": False,
        "$defs": defs | dict(sorted(parts.defs.items())),
    }
    return Composed(whole, parts.unusable)


DEFAULTS = {
    "const": "defaults",
    "title": "defaults",
    "description": "The six default rules, in their order: " + ", ".join(DEFAULT_REASONS) + ".",
}


@dataclass
class _Parts:
    """Collects the definitions of all plugins while the sections that name them are made."""

    registry: Registry
    defs: dict[str, Json] = field(default_factory=dict)
    unusable: dict[tuple[str, str], str] = field(default_factory=dict)

    def chosen(self, kind: str, description: str) -> Json:
        """A section whose `type` chooses the plugin, and with it the other keys."""
        offers = self.registry.offers(kind)
        branches = []
        for offer in offers:
            name = f"{kind}.{offer.name}"
            self.defs[name] = self._section(offer)
            chosen = {"properties": {"type": {"const": offer.name}}, "required": ["type"]}
            branches.append({"if": chosen, "then": {"$ref": f"#/$defs/{name}"}})
        properties = {"type": {"title": "Type", "description": f"Which {kind} plugin."} | _one_of(offers)}
        if kind != "connection":
            properties["connection"] = keys.CONNECTION
        return {
            "title": kind.capitalize(),
            "description": description,
            "type": "object",
            "properties": properties,
            "required": ["type"],
        } | ({"allOf": branches} if branches else {})

    def used(self, kind: str, description: str, *own: Json) -> Json:
        """An entry of a list: the name of a plugin that can do without options, or a name with options."""
        offers = self.registry.offers(kind)
        named, properties = list(own), {}
        for offer in offers:
            name = f"{kind}.{offer.name}"
            self.defs[name] = self._options(offer)
            if not self.defs[name].get("required"):
                named.append(_named(offer))
            properties[offer.name] = {"$ref": f"#/$defs/{name}"}
        options = {
            "title": f"{kind.capitalize()} with options",
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
        return {
            "title": kind.capitalize(),
            "description": description,
            "anyOf": [{"type": "string", **({"anyOf": named} if named else {"enum": []})}, options],
        }

    def _section(self, offer: Offer) -> Json:
        options = self._options(offer)
        own: Json = {"type": _named(offer)}
        required = ["type"]
        accepted = getattr(offer.plugin, "connections", ())
        if accepted:
            names = " or ".join(accepted)
            own["connection"] = keys.CONNECTION | {
                "description": f"A name in connections.yaml; that connection's type is {names}."
            }
            required.append("connection")
        properties = own | options.get("properties", {})
        return options | {"properties": properties, "required": required + options.get("required", [])}

    def _options(self, offer: Offer) -> Json:
        try:
            options = self._composed(offer)
        except Exception as error:  # noqa: BLE001 - a stranger's types may raise anything
            why = f"{type(error).__name__}: {error}"
            text = f"{offer.kind} {offer.name!r} of {offer.package} is broken: its Config has no JSON Schema ({why})"
            self.unusable[offer.kind, offer.name] = str(PluginError(text))
            options = {"type": "object"}
        return options | {"title": f"{offer.kind} {offer.name}", "description": offer.summary}

    def _composed(self, offer: Offer) -> Json:
        prefix = f"{offer.kind}.{offer.name}"
        (own,), parts = msgspec.json.schema_components(
            (offer.plugin.Config,), ref_template=f"#/$defs/{prefix}.{{name}}"
        )
        main = own["$ref"].removeprefix(f"#/$defs/{prefix}.")
        described = {f"#/$defs/{prefix}.{name}": part.get("description") for name, part in parts.items()}
        finished = {name: _described(_finished(part, name), described) for name, part in parts.items()}
        options = finished.pop(main)
        self.defs.update({f"{prefix}.{name}": part for name, part in finished.items()})
        return options


def _one_of(offers: list[Offer]) -> Json:
    return {"anyOf": [_named(offer) for offer in offers]} if offers else {"enum": []}


def _named(offer: Offer) -> Json:
    return {"const": offer.name, "title": offer.name, "description": offer.summary}


def _finished(node: Json, key: str = "") -> Json:
    """A plugin's schema with a title for every key, secrets held to references, and references allowed for texts."""
    result = {name: each if name in _DATA else _inner(each) for name, each in node.items()}
    if "properties" in node:
        result["properties"] = {name: _finished(each, name) for name, each in node["properties"].items()}
        if not result.get("required"):
            result.pop("required", None)
    if key:
        result.setdefault("title", keys.title(key))
    if node.get("x-secret"):
        result.setdefault("description", "A secret, given as a reference: ${env:NAME} or ${file:PATH}.")
        return result | {"pattern": REFERENCE, "errorMessage": keys.SECRET}
    return _or_reference(result)


def _described(part: Json, described: Mapping[str, str | None]) -> Json:
    """A key without words of its own takes those of its type: `Budget | None` is described by Budget."""
    for node in part.get("properties", {}).values():
        for each in (node, *node.get("anyOf", ())):
            words = each.get("description") or described.get(each.get("$ref", ""))
            if words and "description" not in node:
                node["description"] = words
    return part


def _inner(node: Any) -> Any:
    """What stands inside a schema: a schema, several, or plain data."""
    if isinstance(node, list):
        return [_inner(each) for each in node]
    return _finished(node) if isinstance(node, dict) else node


_DATA = frozenset({"default", "examples", "enum", "const", "required", "properties"})
_LIMITS = frozenset({"enum", "const", "pattern", "format", "minLength", "maxLength"})


def _or_reference(node: Json) -> Json:
    """A text that is held to a pattern or a choice may be a reference as well."""
    limits = {name: each for name, each in node.items() if name in _LIMITS}
    texts = all(isinstance(each, str) for each in (*node.get("enum", ()), node.get("const", "")))
    if not limits or not texts or node.get("type", "string") != "string":
        return node
    inner: Json = {"type": "string"} | limits
    if examples := node.get("examples") or ([node["default"]] if isinstance(node.get("default"), str) else []):
        inner["examples"] = examples
    outer = {name: each for name, each in node.items() if name not in _LIMITS and name != "type"}
    return outer | {"anyOf": [inner, keys.A_REFERENCE]}
