"""How the sandbox behaves where Zoho's pages leave a choice, or where a documented limit would slow a demonstration.

The defaults are generous limits and the documented shapes. A test turns on what it wants to see.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import NoneType
from typing import Any, Literal, get_args, get_type_hints


@dataclass(frozen=True, slots=True)
class Settings:
    """Every choice, with the value it has until somebody changes it."""

    # Accounts: https://www.zoho.com/accounts/protocol/oauth/token-limits.html
    token_lifetime: int = 3600
    token_limit: int = 10
    token_window: int = 600
    valid_tokens: int = 10
    throttle_status: Literal[400, 200] = 400

    # Creator: https://www.zoho.com/creator/help/api/v2.1/api-limits.html (50 per minute, 6 at a time)
    creator_minute_calls: int = 100_000
    creator_concurrent_calls: int = 1_000
    creator_daily_calls: int = 1_000_000
    no_records: Literal["rotate", "empty", "3100", "9280"] = "rotate"
    missing_report: Literal["2894", "1090"] = "2894"
    never_edited: Literal["same", "empty"] = "same"

    # MarketingHub: 500 calls (100 for field calls) in 5 minutes, then a lock of 30 minutes for that endpoint
    lead_calls: int = 100_000
    field_calls: int = 100_000
    call_window: int = 300
    lock_seconds: int = 1800
    locked_answer: Literal["2008", "429", "html"] = "2008"
    retry_after: int | None = None
    code_type: Literal["text", "number"] = "text"
    failure_word: Literal["error", "failure"] = "error"
    last_page: Literal["short", "2502"] = "short"
    max_range: int = 100
    fields_shape: Literal["documented", "observed"] = "documented"
    single_field: bool = False  # only the first field exists, and comes without its array
    recent_days: int = 7
    lead_limit: int | None = None
    limit_code: Literal["980", "914", "2302"] = "980"
    resubscribe: Literal["active", "keep"] = "active"

    def changed(self, changes: Mapping[str, object]) -> "Settings":
        """These settings with *changes* applied; raises ValueError that names every unknown or ill-typed one."""
        hints = get_type_hints(Settings)
        faults = [f"no setting {name!r}" for name in changes if name not in hints]
        faults += [
            f"{name} must be {_described(hints[name])}, not {value!r}"
            for name, value in changes.items()
            if name in hints and not _fits(value, hints[name])
        ]
        if faults:
            raise ValueError("; ".join(faults))
        known: dict[str, Any] = dict(changes)
        return replace(self, **known)

    def plain(self) -> dict[str, object]:
        """The settings as JSON-ready values."""
        return asdict(self)


def _fits(value: object, hint: Any) -> bool:
    choices = get_args(hint)
    if hint is bool:
        return isinstance(value, bool)
    if hint is int:
        return type(value) is int and value >= 0
    if NoneType in choices:
        return value is None or (type(value) is int and value >= 0)
    return value in choices and not isinstance(value, bool)


def _described(hint: Any) -> str:
    if hint in (int, bool):
        return "a whole number" if hint is int else "true or false"
    choices = get_args(hint)
    return "a whole number or null" if NoneType in choices else "one of " + ", ".join(map(str, choices))
