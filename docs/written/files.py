"""spec.md and connections.md: the YAML files."""

from __future__ import annotations

from syncline.decision import DEFAULT_REASONS
from syncline.registry import Registry
from syncline.spec.notification_keys import EVENTS

from .markdown import listed, table
from .offers import described
from .options import Json, options


def spec(schema: Json) -> str:
    """spec.md: every key of a spec that is not a plugin's."""
    parts = schema["$defs"]
    schedule = parts["schedule"]
    times: dict[str, Json] = {"frequency": schedule["properties"]["frequency"]}
    for branch in schedule["allOf"]:
        times |= {key: each for key, each in branch["then"]["properties"].items() if key != "frequency"}
    needs = {branch["then"]["properties"]["frequency"]["const"]: branch["then"] for branch in schedule["allOf"]}
    needed = [
        (f"`{name}`", listed(then["required"][1:]) or "nothing", listed(set(then["properties"]) - {"frequency"}))
        for name, then in needs.items()
    ]
    origin = parts["mapped"]["anyOf"][1]
    sections = [
        "# The spec",
        "One YAML file describes one sync. The examples are values, in YAML's flow style.",
        options(schema, parts),
        "## source",
        f"{parts['source']['description']} The other keys are that plugin's: see [plugins](plugins.md).",
        options(parts["source"], parts, required=("type",)),
        "## sink",
        f"{parts['sink']['description']} The other keys are that plugin's: see [plugins](plugins.md).",
        options(parts["sink"], parts, required=("type",)),
        "## mapping",
        f"{parts['mapped']['description']} A plain text is a source field. Otherwise exactly one of `field`, `sql`, "
        "`value` and `template`, and `default` beside it where there is no `value`:",
        options(origin, parts),
        "## transforms and ignore",
        f"`transforms`: {parts['transform']['description']} `ignore`: {parts['rule']['description']} "
        f"`defaults` stands for the six default rules: {listed(DEFAULT_REASONS)}.",
        "## schedule",
        schedule["description"],
        options({"properties": times, "required": schedule["required"]}, parts),
        table(("frequency", "needs", "all its keys"), needed),
        "## tests",
        parts["test"]["description"],
        options(parts["test"], parts),
        "### expect",
        parts["test"]["properties"]["expect"]["description"],
        options(parts["test"]["properties"]["expect"], parts),
        "## SQL",
        "`sql` in a mapping sees the fields of the source, `when` of the rule `sql` sees the mapped fields. It is one "
        "expression, evaluated by Polars for one record at a time: operators, `CASE`, `COALESCE` and functions such as "
        "`lower`, `concat_ws`, `starts_with` or `regexp_like`. A name with dots or spaces stands in double quotes, a "
        "text in single ones, and a quote inside is doubled. Queries, aggregates, windows and `AS` are faults.",
        "## References",
        f"Where a text is expected, a reference may stand. {parts['reference']['description']}",
    ]
    return "\n\n".join(sections)


def connections(schema: Json, registry: Registry) -> str:
    """connections.md: the files beside the specs."""
    parts = schema["$defs"]
    sections = [
        "# connections.yaml, defaults.yaml, syncline.yaml",
        "These three files stand beside the specs.",
        "## connections.yaml",
        parts["connections_file"]["description"],
        options(parts["connections_file"], parts),
    ]
    for offer in registry.offers("connection"):
        name = f"connection.{offer.name}"
        sections += [f"### type: {offer.name}", described(offer), options(parts[name], parts)]
    sections += [
        "## defaults.yaml",
        "Holds keys of a spec that are merged under every spec of the folder; what a spec says itself wins.",
        "## syncline.yaml",
        parts["settings_file"]["description"],
        options(parts["settings_file"], parts),
        "### notifications",
        f"{parts['notification']['description']} See [Be notified](../how-to/be-notified.md).",
        options(parts["notification"], parts),
        table(("event", "when it is told"), [(f"`{name}`", text) for name, text in EVENTS.items()]),
    ]
    return "\n\n".join(sections)
