"""The keys that belong to Syncline itself, not to a plugin: their schemas, with titles, descriptions and examples."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
SECRET = "is a secret: write a reference, ${env:NAME} or ${file:PATH}, never the value"  # noqa: S105 - a message

ORIGIN = "needs exactly one of field, sql, value and template; a value takes no default"
A_REFERENCE: Json = {"$ref": "#/$defs/reference"}


def title(key: str) -> str:
    """The title of a key: `on_duplicate` → On duplicate."""
    return key.replace("_", " ").strip().capitalize()


def titled(**properties: Json) -> Json:
    """The keys, each with a title."""
    return {name: {"title": title(name)} | each for name, each in properties.items()}


CONNECTION: Json = {
    "title": "Connection",
    "description": "A name in connections.yaml.",
    "type": "string",
    "minLength": 1,
    "examples": ["zoho"],
}

_SOURCE_FIELD: Json = {
    "title": "Source field",
    "description": "A field of the source, dotted for parts of a field.",
    "type": "string",
    "minLength": 1,
    "examples": ["Email", "Name.first_name"],
}
_CONSTANT: Json = {"type": ["string", "number", "boolean"]}

MAPPED: Json = {
    "title": "Origin",
    "description": "Where this sink field comes from: a source field, or one of field, sql, value and template.",
    "anyOf": [
        _SOURCE_FIELD,
        {
            "type": "object",
            "properties": {
                "field": _SOURCE_FIELD,
                **titled(
                    sql={
                        "description": "An SQL expression over the fields of one source record; "
                        "names with dots or spaces stand in double quotes.",
                        "type": "string",
                        "minLength": 1,
                        "examples": ['concat_ws(\' \', "Name.first_name", "Name.last_name")'],
                    },
                    value=_CONSTANT | {"description": "The same text for every lead.", "examples": ["Webinar"]},
                    template={
                        "description": "Text with source fields in braces; a brace itself is doubled.",
                        "type": "string",
                        "minLength": 1,
                        "examples": ["{Name.first_name} {Name.last_name}"],
                    },
                    default=_CONSTANT
                    | {"description": "Taken where the value is missing, null or empty.", "examples": ["Unknown"]},
                ),
            },
            "additionalProperties": False,
            "oneOf": [{"required": [each]} for each in ("field", "sql", "value", "template")],
            "not": {"required": ["value", "default"]},
            "errorMessage": ORIGIN,
        },
    ],
}

TEST: Json = {
    "title": "Test",
    "description": "A source record and what must become of it; `syncline validate` runs it without network.",
    "type": "object",
    "properties": titled(
        name={
            "description": "What the test shows, as a sentence.",
            "type": "string",
            "minLength": 1,
            "examples": ["a typo domain is ignored"],
        },
        given={
            "description": "A source record, as the source would give it; a part of a field is nested or dotted.",
            "type": "object",
            "examples": [{"Email": "john@gnail.com", "Name": {"first_name": "John"}}],
        },
        expect={
            "description": "Either the reason for which it is ignored, or the lead as it would be sent.",
            "type": "object",
            "properties": titled(
                ignored={
                    "description": "The code of the ignore reason.",
                    "type": "string",
                    "examples": ["invalid_pattern"],
                },
                lead={
                    "description": "Fields as they would be sent; fields not named here are not compared.",
                    "type": "object",
                    "minProperties": 1,
                    "examples": [{"Lead Email": "ann@example.com"}],
                },
            ),
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
            "examples": [{"ignored": "invalid_pattern"}, {"lead": {"Lead Email": "ann@example.com"}}],
        },
    ),
    "required": ["name", "given", "expect"],
    "additionalProperties": False,
}

TOP: Json = titled(
    version={"description": "The version of this format.", "enum": [1], "default": 1},
    name={
        "description": "The identity of the sync: unique in the folder, kept for ever.",
        "type": "string",
        "pattern": NAME,
        "maxLength": 100,
        "errorMessage": "must be small letters, digits and single hyphens, like webinar-signups",
        "examples": ["webinar-signups"],
    },
    description={
        "description": "What this sync is for, in a sentence.",
        "type": "string",
        "default": "",
        "examples": ["Webinar sign-ups for the EMEA newsletter"],
    },
    source={"$ref": "#/$defs/source"},
    retrieve={
        "description": "Which records a run reads: all of them, those since the last complete fetch, or those after "
        "a moment (at most 30 days before the sync was created).",
        "anyOf": [
            {"const": "all", "description": "Every record the source looks back on."},
            {"const": "since_last_fetch", "description": "What was added or changed since the last complete fetch."},
            {
                "type": "object",
                "properties": titled(
                    after={
                        "description": "ISO 8601; without an offset it is meant in the zone of the source.",
                        "type": "string",
                        "examples": ["2026-11-01T00:00:00"],
                    }
                ),
                "required": ["after"],
                "additionalProperties": False,
            },
        ],
        "examples": ["since_last_fetch", {"after": "2026-11-01T00:00:00"}],
    },
    mapping={
        "description": "For each sink field, where it comes from. A leading underscore keeps a field for transforms "
        "and rules only.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": r"^[^#\s]", "errorMessage": "a field name must not start with '#' or a space"},
        "additionalProperties": {"$ref": "#/$defs/mapped"},
        "examples": [{"Lead Email": "Email", "Company": {"field": "Company", "default": "Unknown"}}],
    },
    transforms={
        "description": "Changes of the mapped fields, in this order.",
        "type": "array",
        "items": {"$ref": "#/$defs/transform"},
        "default": [],
        "examples": [["trim", {"lowercase": {"fields": ["Lead Email"]}}]],
    },
    ignore={
        "description": "The rules that keep leads out, in this order; a lead counts under the first that applies. "
        "A later entry of the same rule changes its options.",
        "type": "array",
        "items": {"$ref": "#/$defs/rule"},
        "default": ["defaults"],
        "examples": [["defaults", {"file_duplicate": {"keep": "last"}}]],
    },
    sink={"$ref": "#/$defs/sink"},
    guards={"$ref": "#/$defs/guards"},
    schedule={"$ref": "#/$defs/schedule"},
    replaces={
        "description": "The name of an earlier sync whose cursor and delivered leads this one inherits.",
        "type": "string",
        "pattern": NAME,
        "errorMessage": "must be the name of a sync: small letters, digits and single hyphens",
        "examples": ["old-name"],
    },
    enabled={"description": "false pauses the sync.", "type": "boolean", "default": True},
    protect={
        "description": "true: `apply` never ends this sync, even when its file is gone.",
        "type": "boolean",
        "default": False,
    },
    tests={
        "description": "The spec's own tests.",
        "type": "array",
        "items": {"$ref": "#/$defs/test"},
        "default": [],
        "examples": [
            [
                {
                    "name": "a typo domain is ignored",
                    "given": {"Email": "john@gnail.com"},
                    "expect": {"ignored": "invalid_pattern"},
                }
            ]
        ],
    },
)

CONNECTIONS_FILE: Json = {
    "title": "Syncline connections",
    "description": "connections.yaml: the remote accounts that specs name.",
    "type": "object",
    "properties": titled(
        connections={
            "description": "For each name that specs use, one account.",
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/connection"},
        }
    ),
    "required": ["connections"],
    "additionalProperties": False,
}

SETTINGS_FILE: Json = {
    "title": "Syncline settings",
    "description": "syncline.yaml: settings of this installation.",
    "type": "object",
    "properties": titled(
        ledger={
            "description": "Where runs and their leads are recorded: an SQLite or PostgreSQL URL.",
            "type": "string",
            "minLength": 1,
            "default": "sqlite:///.syncline/ledger.db",
            "examples": ["${env:SYNCLINE_LEDGER_URL}"],
        },
        retention={
            "description": "How many days the detail of each lead is kept; 0: until its run ends, which is a little "
            "faster. Counts are kept for ever.",
            "type": "integer",
            "minimum": 0,
            "default": 90,
        },
        deployment={
            "description": "The name of this folder of specs in its ledger: `apply --prune` ends only syncs that were "
            "taken in under the same name. Omitted: this machine and the path of the folder.",
            "type": "string",
            "pattern": NAME,
            "maxLength": 100,
            "errorMessage": "must be small letters, digits and single hyphens, like crm-syncs",
            "examples": ["crm-syncs"],
        },
        notifications={
            "description": "Who is told when something goes wrong, and when it goes well again.",
            "type": "array",
            "items": {"$ref": "#/$defs/notification"},
            "default": [],
            "examples": [[{"webhook": {"url": "${env:SYNCLINE_WEBHOOK}"}, "on": ["failed", "inactive"]}]],
        },
        degraded={"$ref": "#/$defs/degraded"},
    ),
    "additionalProperties": False,
}
