"""The keys of a schedule, for the schema: `frequency` decides which of them there are."""

from __future__ import annotations

from .. import schedule as times
from .keys import Json, titled

_TIME = {
    "description": "Wall-clock time, HH:MM; a time that a clock change skips runs at the next valid moment.",
    "type": "string",
    "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
    "errorMessage": 'must be a time of day, like "09:30"',
    "examples": ["09:30"],
}
_SCHEDULE: Json = titled(
    time=_TIME,
    on={
        "description": "The days of the week.",
        "type": "array",
        "items": {"enum": list(times.WEEKDAYS)},
        "minItems": 1,
        "uniqueItems": True,
        "examples": [["monday", "thursday"]],
    },
    day={
        "description": "The day of the month; one that a month lacks means its last day.",
        "errorMessage": "must be a day from 1 to 31, or last",
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": 31}, {"const": "last"}],
        "examples": [1, "last"],
    },
    cron={
        "description": "Five fields: minute, hour, day of month, month, day of week.",
        "type": "string",
        "examples": ["*/15 8-18 * * mon-fri"],
    },
    timezone={
        "description": "An IANA zone; omitted: the zone of the source.",
        "type": "string",
        "examples": ["Asia/Kolkata", "Europe/Berlin"],
    },
    catch_up={
        "description": "What becomes of firings missed while nothing ran: one run, or none.",
        "enum": ["one", "none"],
        "default": "one",
    },
    jitter={
        "description": "Each run starts up to so much later, spread evenly; shorter than the time between two runs.",
        "type": "string",
        "pattern": "^[1-9][0-9]{0,5}[smh]$",
        "errorMessage": "must be a duration like 90s, 5m or 2h",
        "examples": ["90s", "5m"],
    },
)
_FREQUENCIES = {
    "once": "One run, at the next `time` or at once; then the sync is completed.",
    "daily": "Every day at `time`.",
    "weekly": "At `time` on the days of `on`.",
    "monthly": "At `time` on the `day` of each month.",
    "cron": "Whenever the five fields of `cron` match.",
}


def schedule() -> Json:
    """The schedule: `frequency` decides which keys there are."""
    branches = []
    for name, must in times.NEEDS.items():
        allowed = (*must, *times.MAY.get(name, ()), *(key for key in times.ALWAYS if key != "frequency"))
        then = {
            "properties": {"frequency": {"const": name}} | {key: _SCHEDULE[key] for key in allowed},
            "required": ["frequency", *must],
            "additionalProperties": False,
        }
        chosen = {"properties": {"frequency": {"const": name}}, "required": ["frequency"]}
        branches.append({"if": chosen, "then": then})
    frequency = {
        "title": "Frequency",
        "description": "How often the sync runs.",
        "anyOf": [{"const": name, "description": text} for name, text in _FREQUENCIES.items()],
        "examples": ["daily"],
    }
    return {
        "title": "Schedule",
        "description": "When `syncline serve` runs this sync; omitted: only by hand.",
        "type": "object",
        "properties": {"frequency": frequency},
        "required": ["frequency"],
        "allOf": branches,
        "examples": [{"frequency": "daily", "time": "09:30", "timezone": "Asia/Kolkata"}],
    }
