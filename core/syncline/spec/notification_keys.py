"""The keys of notifications in syncline.yaml, for the schema."""

from __future__ import annotations

from .keys import SECRET, Json, titled

EVENTS: Json = {
    "failed": "A run failed or is held: at the first time, and again when that lasts a day, two days, four and so on.",
    "inactive": "A sync became inactive, for good.",
    "recovered": "The first good run after one or more that failed.",
    "degraded": "A run ended well, but a share of its leads is over a limit (see `degraded`) that was kept before.",
}
"""Each event with its meaning."""
TLS = {"starttls": 587, "tls": 465, "none": 25}
"""How a mail server is spoken to, with the usual port of each way."""
PERCENT = r"^(100|[0-9]{1,2}(\.[0-9]+)?)%$"
_ADDRESS: Json = {
    "type": "string",
    "pattern": r"^[^@\s,;<>]+@[^@\s,;<>]+$",
    "errorMessage": "must be one address, like ops@example.com",
}
_TEXT: Json = {"type": "string", "minLength": 1}
_SECRET: Json = {"type": "string", "pattern": r"\$\{(env|file):[^}]+\}", "x-secret": True, "errorMessage": SECRET}

WEBHOOK: Json = {
    "title": "Webhook",
    "description": "An address that takes a JSON document by POST. Its key `text` is what chat programs show.",
    "type": "object",
    "properties": titled(
        url=_SECRET
        | {
            "description": "Whoever knows it may write there: a secret.",
            "examples": ["${env:SYNCLINE_WEBHOOK}"],
        },
        headers={
            "description": "Further headers, for example for authorisation.",
            "type": "object",
            "propertyNames": {
                "pattern": r"^[A-Za-z0-9-]+$",
                "errorMessage": "must be the name of a header: letters, digits and hyphens",
            },
            "additionalProperties": _SECRET,
            "default": {},
            "examples": [{"Authorization": "Bearer ${env:HOOK_TOKEN}"}],
        },
    ),
    "required": ["url"],
    "additionalProperties": False,
}

_SENDER: Json = {"title": "From", "description": "The sender.", "examples": ["syncline@example.com"]} | _ADDRESS
EMAIL: Json = {
    "title": "E-mail",
    "description": "A mail through an SMTP server.",
    "type": "object",
    "properties": {"from": _SENDER}
    | titled(
        to={
            "description": "Who gets it.",
            "type": "array",
            "items": _ADDRESS,
            "minItems": 1,
            "maxItems": 50,
            "examples": [["ops@example.com"]],
        },
        host=_TEXT | {"description": "The SMTP server.", "examples": ["smtp.example.com"]},
        port={
            "description": "Its port; default: 587 for starttls, 465 for tls, 25 for none.",
            "type": "integer",
            "minimum": 1,
            "maximum": 65535,
            "examples": [587],
        },
        tls={
            "description": "starttls begins in clear and changes over before anything is said; tls is encrypted from "
            "the start; none is for a relay on this machine.",
            "enum": list(TLS),
            "default": "starttls",
        },
        user=_TEXT | {"description": "The name to log in with.", "examples": ["syncline"]},
        password=_SECRET | {"description": "The password of `user`.", "examples": ["${file:/run/secrets/smtp}"]},
    ),
    "required": ["to", "from", "host"],
    "additionalProperties": False,
}

NOTIFICATION: Json = {
    "title": "Notification",
    "description": "One receiver: a `webhook` or an `email`, and what it is told.",
    "type": "object",
    "properties": {
        "webhook": {"$ref": "#/$defs/webhook"},
        "email": {"$ref": "#/$defs/email"},
        **titled(
            on={
                "description": "Of which events it is told.",
                "type": "array",
                "items": {"enum": list(EVENTS)},
                "minItems": 1,
                "uniqueItems": True,
                "default": list(EVENTS),
                "examples": [["failed", "inactive"]],
            },
            syncs={
                "description": "Of which syncs: names, with * for any letters; omitted: of all.",
                "type": "array",
                "items": _TEXT,
                "minItems": 1,
                "examples": [["webinar-*"]],
            },
        ),
    },
    "additionalProperties": False,
    "oneOf": [{"required": ["webhook"]}, {"required": ["email"]}],
    "errorMessage": "needs exactly one of webhook and email; start a new entry (- …) for another receiver",
}

_SHARE: Json = {
    "type": "string",
    "pattern": PERCENT,
    "errorMessage": "must be a share from 0% to 100%, like 50%",
}
DEGRADED: Json = {
    "title": "Degraded",
    "description": "From when on a run that ended well counts as degraded.",
    "type": "object",
    "properties": titled(
        ignored=_SHARE | {"description": "More ignored leads than this share.", "default": "50%"},
        rejected=_SHARE | {"description": "More rejected leads than this share.", "default": "5%"},
        leads={
            "description": "A run with fewer leads is not judged.",
            "type": "integer",
            "minimum": 1,
            "default": 20,
        },
    ),
    "additionalProperties": False,
}
