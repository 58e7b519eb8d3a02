"""Which records, and when: the questions of retrieval and of the schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from ... import schedule as times
from ...plugin import Choice
from ...spec.retrieval import REACH
from .answers import Answers
from .asking import Asker

BY_HAND = "by_hand"
FREQUENCIES = (*times.NEEDS, BY_HAND)
TIME = "09:30"
WORDS: Mapping[str, str] = {
    "once": "one run, then the sync is completed",
    "daily": "every day at a time",
    "weekly": "on some days of the week",
    "monthly": "on one day of the month",
    "cron": "five fields, for everything else",
    BY_HAND: "no schedule: `syncline run` only",
}
RETRIEVALS: Mapping[str, str] = {
    "all": "every record the source looks back on; only so it is seen who left",
    "since_last_fetch": "what was added or changed since the last complete fetch",
    "after": "what came after a moment",
}
QUESTIONS: Mapping[str, str] = {
    "time": "Time of day (HH:MM)",
    "on": "Days of the week (monday, thursday, …)",
    "day": "Day of the month (1 to 31, or last)",
    "cron": "Minute, hour, day of month, month, day of week",
    "timezone": "Time zone",
}
PROPOSED: Mapping[str, str] = {"time": TIME, "on": "monday", "day": "1"}


def scheduled(asker: Asker, answers: Answers, zone: str | None) -> dict[str, Any] | None:
    """The schedule, without `timezone` where it is that of the source; None: only by hand."""
    frequency = answers.frequency
    given = dict(answers.schedule)
    if frequency is None:
        if given:
            raise click.UsageError(f"--{next(iter(given))} needs --frequency")
        choices = [Choice(name, detail=WORDS[name], proposed=name == "daily") for name in FREQUENCIES]
        chosen = asker.choose("How often?", choices, flag="--frequency")
        frequency = chosen.value if chosen else BY_HAND
    if frequency == BY_HAND:
        if given:
            raise click.UsageError(f"--{next(iter(given))} is for a schedule, and --frequency is {BY_HAND}")
        return None
    made: dict[str, Any] = {"frequency": frequency}
    for key in times.NEEDS[frequency]:
        made[key] = given.pop(key) if key in given else _asked(asker, made, key)
    for key in times.MAY.get(frequency, ()):
        if key in given:
            made[key] = given.pop(key)
    own = given.pop("timezone", None)
    _sound(made | given | ({} if own is None else {"timezone": own}))
    return made | _zone(asker, own, zone)


def _asked(asker: Asker, made: Mapping[str, Any], key: str) -> Any:
    def fault(answer: str) -> str:
        return next((why for name, why in times.problems({**made, key: value(key, answer)}) if name == key), "")

    return value(key, asker.text(QUESTIONS[key], flag=f"--{key}", proposed=PROPOSED.get(key), check=fault))


def value(key: str, answer: str) -> Any:
    """An answer as it stands in a schedule."""
    if key == "on":
        return [each.strip().lower() for each in answer.split(",") if each.strip()]
    return int(answer) if key == "day" and answer.isascii() and answer.isdigit() else answer


def _sound(schedule: Mapping[str, Any]) -> None:
    """A flag that does not fit is a usage error that names it."""
    for key, why in times.problems(schedule):
        raise click.UsageError(f"--{key or 'frequency'}: {why}")


def _zone(asker: Asker, own: str | None, zone: str | None) -> dict[str, str]:
    """The zone of the schedule; the source's own goes without saying."""
    if own is None:
        asker.note(f"The zone of the source is {zone}." if zone else "The source has no time zone of its own.")
        own = asker.text(
            QUESTIONS["timezone"], flag="--timezone", proposed=zone or "UTC", optional=bool(zone), check=known
        )
    return {} if own in ("", zone) else {"timezone": own}


def known(zone: str) -> str:
    """Why a zone will not do."""
    schedule = {"frequency": "once", "timezone": zone}
    return next((why for key, why in times.problems(schedule) if key == "timezone"), "")


# ------------------------------------------------------------------------------------------------------ retrieval


def retrieval(
    asker: Asker, answers: Answers, *, recurring: bool, zone: str | None, now: datetime
) -> str | dict[str, str]:
    """`retrieve` as it stands in the spec."""
    earliest = (now - REACH).astimezone(ZoneInfo(zone) if zone else UTC) + timedelta(seconds=1)
    given = answers.retrieve
    if given is None:
        best = "since_last_fetch" if recurring else "all"
        choices = [Choice(name, detail=words, proposed=name == best) for name, words in RETRIEVALS.items()]
        chosen = asker.choose("Which records?", choices, flag="--retrieve")
        given = chosen.value if chosen else best
    mode, _, moment = given.partition("=")
    if mode not in RETRIEVALS or (mode != "after" and moment):
        raise click.UsageError("--retrieve is all, since_last_fetch, or after=MOMENT")
    if mode != "after":
        return mode
    return {"after": _moment(asker, moment, earliest)}


def _moment(asker: Asker, given: str, earliest: datetime) -> str:
    check = not_before(earliest)
    if not given:
        asker.note(
            f"It may lie at most {REACH.days} days before the first run creates the sync: "
            f"{earliest:%Y-%m-%dT%H:%M:%S} ({earliest.tzname()}) or later, if that is now."
        )
        given = asker.text(
            "After which moment? (like 2026-11-01T00:00:00)", flag="--retrieve after=MOMENT", check=check
        )
    if why := check(given):
        raise click.UsageError(f"--retrieve after: {why}")
    return given


def not_before(earliest: datetime) -> Callable[[str], str]:
    """The check of a moment: ISO 8601, in the zone of the source unless it says an offset, and not too early."""

    def fault(answer: str) -> str:
        try:
            moment = datetime.fromisoformat(answer)
        except ValueError:
            return f"{answer!r} is no moment like 2026-11-01T00:00:00 (ISO 8601)"
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=earliest.tzinfo)
        if moment < earliest:
            return (
                f"{answer} lies more than {REACH.days} days back; the earliest valid moment is "
                f"{earliest.isoformat(timespec='seconds')}"
            )
        return ""

    return fault
