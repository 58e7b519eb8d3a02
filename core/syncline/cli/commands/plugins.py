"""`syncline plugins`: what is installed, what is broken, and the options of one plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

BROKEN = 3


@command()
@click.argument("name", required=False, shell_complete=completing.plugins)
@click.option("--strict", is_flag=True, help="Exit 3 when a plugin is broken, or a name is offered twice.")
def plugins(invocation: Invocation, name: str | None, strict: bool) -> int:
    """List the installed plugins; with a NAME, show its options.

    A broken plugin is listed with the reason, and does no harm to specs that do not use it.

    \b
    Example:
      syncline plugins marketinghub
    """
    registry = invocation.registry
    if name is not None:
        _one(invocation, name)
    elif invocation.options.as_json:
        from .. import documents

        invocation.terminal.document(documents.plugins(registry))
    else:
        _all(invocation)
    return BROKEN if strict and (registry.broken or registry.doubled) else 0


def _all(invocation: Invocation) -> None:
    from ...console.tables import table

    terminal, registry = invocation.terminal, invocation.registry
    rows = [(each.kind, each.name, f"{each.package} {each.version}", each.summary) for each in registry.offers()]
    terminal.say(table(terminal, ("kind", "name", "package", "summary"), rows))
    for each in registry.broken:
        terminal.say(terminal.clean(f"✗ {each.package} {each.version} ({each.entry_point}): {each.why}"))
    for (kind, name), owners in sorted(registry.doubled.items()):
        text = f"✗ {kind} {name!r} is offered by {' and by '.join(owners)}: uninstall all but one of them"
        terminal.say(terminal.clean(text))


def _one(invocation: Invocation, name: str) -> None:
    from ...console.tables import table
    from ...errors import PluginError
    from ...spec import schema

    terminal, registry = invocation.terminal, invocation.registry
    offers = [each for each in registry.offers() if each.name == name]
    if not offers:
        for kind, doubled in registry.doubled:
            if doubled == name:
                registry.offer(kind, name)
        raise PluginError(f"no installed plugin is called {name!r}", mend="`syncline plugins` lists them")
    parts = schema(registry)["$defs"]
    if invocation.options.as_json:
        terminal.document(
            {"name": name, "plugins": [
                {"kind": each.kind, "package": each.package, "version": each.version, "summary": each.summary,
                 "schema": parts[f"{each.kind}.{each.name}"]} for each in offers
            ]}
        )  # fmt: skip
        return
    for each in offers:
        terminal.say(terminal.clean(f"{each.kind} {each.name}, of {each.package} {each.version}"))
        terminal.say(terminal.clean(each.summary))
        rows = _options(parts[f"{each.kind}.{each.name}"], parts)
        if rows:
            terminal.say(table(terminal, ("option", "values", "default", "meaning"), rows))
        else:
            terminal.say("It has no options.")


def _options(part: Mapping[str, Any], parts: Mapping[str, Any], above: str = "") -> list[tuple[str, str, str, str]]:
    """A row for each option, those of nested options with dotted names."""
    rows = []
    required = part.get("required", ())
    for name, option in part.get("properties", {}).items():
        if name == "type" and "const" in option:
            continue
        inner = _referenced(option, parts)
        default = "required" if name in required else _shown(option["default"]) if "default" in option else ""
        meaning = option.get("description") or inner.get("description", "")
        rows.append((f"{above}{name}", _values(option, parts), default, " ".join(meaning.split())))
        if inner is not option and not above:
            rows += _options(inner, parts, f"{name}.")
    return rows


def _referenced(option: Mapping[str, Any], parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The definition that an option points to, for options that are groups of options."""
    choices = [option, *option.get("anyOf", ())]
    for choice in choices:
        name = choice.get("$ref", "").removeprefix("#/$defs/")
        if name in parts and "properties" in parts[name]:
            found: Mapping[str, Any] = parts[name]
            return found
    return option


def _values(option: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    if option.get("x-secret"):
        return "a reference: ${env:NAME} or ${file:PATH}"
    if "enum" in option:
        return ", ".join(map(_shown, option["enum"]))
    if "const" in option:
        return _shown(option["const"])
    if "anyOf" in option:
        found = [_values(each, parts) for each in option["anyOf"] if each.get("$ref") != "#/$defs/reference"]
        return " or ".join(dict.fromkeys(filter(None, found)))
    if "$ref" in option:
        name = option["$ref"].removeprefix("#/$defs/")
        return "options" if "properties" in parts.get(name, {}) else _values(parts.get(name, {}), parts)
    kind = option.get("type", "anything")
    if kind == "array":
        return f"list of {_values(option.get('items', {}), parts)}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _shown(value: Any) -> str:
    import msgspec

    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
