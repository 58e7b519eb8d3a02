"""Words for people, and foreign text made harmless."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from ..ledger import RunRecord, Waiting

_TROUBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters, invisible formatting and bidi overrides; the joiners that scripts and emoji need are left out."""
_TROUBLE_ON_A_TERMINAL = re.compile(_TROUBLE.pattern.replace("\x00-\x1f", ""))
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutral(text: str) -> str:
    """The text without anything that moves a cursor, turns the writing direction or hides: each such character is
    shown as a picture (`␛`) or as its name (`<U+202E>`)."""
    return _TROUBLE.sub(_shown, text) if not text.isascii() or not text.isprintable() else text


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def escaped(json: str) -> str:
    """A JSON text whose strings show nothing harmful on a terminal, and mean the same."""
    return json if json.isascii() and "\x7f" not in json else _TROUBLE_ON_A_TERMINAL.sub(_escape, json)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def cell(value: Any) -> str:
    """A value for a CSV file that a spreadsheet opens: one that it would take for a formula is made text by a leading
    apostrophe (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    return "'" + text if text.startswith(_FORMULA) else text


def moment(value: datetime | None) -> str:
    """A moment in the zone of this machine, to the minute."""
    return value.astimezone().strftime("%Y-%m-%d %H:%M") if value else ""


def failing(failures: int, retry_at: datetime | None) -> str:
    """`failed 3 times in a row, tries again at 2026-11-02 09:31`; nothing where nothing failed."""
    if not failures:
        return ""
    times = "once" if failures == 1 else f"{failures} times in a row"
    return f"failed {times}, tries again at {moment(retry_at)}" if retry_at else f"failed {times}"


def holding(run: RunRecord) -> str:
    """What a guard holds, in which run, and how to go on."""
    if run.hold_state == "approved":
        what = f"syncline undo {run.undoes}" if run.undoes else "the next run"
        return f"what run {run.id} holds is approved; {what} carries it out, once"
    return f"held by a guard in run {run.id}: {run.message}"


def letters(waiting: Waiting) -> str:
    """`3 rejected, 1 unknown; 2 return by themselves, from 2026-11-02 09:31; 1 stays, tried too often`."""
    parts = [(waiting.rejected, "rejected"), (waiting.unknown, "unknown")]
    told = [", ".join(f"{n:,} {word}" for n, word in parts if n)]
    if waiting.returning:
        verb = "returns by itself" if waiting.returning == 1 else "return by themselves"
        told.append(f"{waiting.returning:,} {verb}, from {moment(waiting.next_at)}")
    if waiting.exhausted:
        told.append(f"{waiting.exhausted:,} {'stays' if waiting.exhausted == 1 else 'stay'}, tried too often")
    return "; ".join(told)


def clock(epoch: float) -> str:
    """A moment of the near future: the time of day, with the date unless it is today."""
    then = datetime.fromtimestamp(epoch, UTC).astimezone()
    today = datetime.now(UTC).astimezone().date()
    return then.strftime("%H:%M" if then.date() == today else "%Y-%m-%d %H:%M")


def local(moment: datetime, zone: str) -> str:
    """A moment as people in a zone see it: `Sun 2027-03-28 03:00 CEST +02:00`; a zone without letters has no name."""
    there = moment.astimezone(ZoneInfo(zone))
    name = there.tzname() or ""
    offset = there.strftime("%z")
    return " ".join(
        [there.strftime("%a %Y-%m-%d %H:%M"), *([name] if name.isalpha() else []), f"{offset[:3]}:{offset[3:5]}"]
    )


def later(due: datetime, starts: datetime, zone: str) -> str:
    """The time of day, to the second, at which something starts that is due earlier; with the weekday where that is
    another."""
    first, then = due.astimezone(ZoneInfo(zone)), starts.astimezone(ZoneInfo(zone))
    return then.strftime("%H:%M:%S" if first.date() == then.date() else "%a %H:%M:%S")


def distance(span: timedelta) -> str:
    """How far a moment lies from now: `in 5 min`, `in 3 h 20 min`, `in 12 days`, `2 h ago`."""
    minutes = round(abs(span.total_seconds()) / 60)
    hours, days = minutes // 60, round(minutes / 1440)
    if minutes < 60:
        far = f"{minutes} min"
    elif hours < 48:
        far = f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    else:
        far = plural(days, "day")
    return f"in {far}" if span.total_seconds() >= 0 else f"{far} ago"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def number(n: int) -> str:
    """With separators; nothing for 0 would hide that it was counted, so 0 is shown."""
    return f"{n:,}"


def plural(n: int, word: str) -> str:
    """`1 spec`, `3 specs`."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def listing(counts: Mapping[str, int]) -> str:
    """`empty_email 3, bounced 1`; reasons without leads are left out."""
    return ", ".join(f"{name} {n:,}" for name, n in counts.items() if n)


def schedule(keys: Mapping[str, Any] | None) -> str:
    """A schedule in words."""
    if not keys:
        return "only by hand"
    time, zone = keys.get("time"), keys.get("timezone")
    where = f" ({zone})" if zone else " (in the zone of the source)"
    match keys["frequency"]:
        case "once":
            words = f"once, at {time}" if time else "once"
        case "daily":
            words = f"every day at {time}"
        case "weekly":
            words = f"every {_together(day.capitalize() for day in keys['on'])} at {time}"
        case "monthly":
            day = "the last day" if keys["day"] == "last" else f"day {keys['day']}"
            words = f"on {day} of each month at {time}"
        case _:
            words = f"cron {keys['cron']}"
    missed = "; a missed run is left out" if keys.get("catch_up") == "none" else ""
    late = f"; up to {keys['jitter']} later" if keys.get("jitter") else ""
    return f"{words}{where}{late}{missed}"


def _together(words: Any) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
