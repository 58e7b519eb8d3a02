"""What a report shows, and what to do about what it does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from .api import SMALLEST_PAGE, Api
from .codes import Coded
from .config import CreatorConfig
from .fieldtypes import PARTS, SYSTEM, form_fields
from .frames import Row


def sample(api: Api) -> list[Row]:
    """Some records with every field that the report shows."""
    return api.page({"max_records": SMALLEST_PAGE, "field_config": "all"}).rows


def missing_fields(api: Api, config: CreatorConfig, needed: Iterable[str]) -> dict[str, str]:
    """Needed base field → the mend, if the report does not show it; empty when nothing proves that one is missing."""
    rows = sample(api)
    return missing_in(rows, _form_names(api, config), config, needed) if rows else {}


def missing_in(
    rows: Sequence[Row], form: frozenset[str], config: CreatorConfig, needed: Iterable[str]
) -> dict[str, str]:
    """See `missing_fields`; `form` holds the link names of the form, if it is known."""
    shown = frozenset(name for row in rows for name in row)
    missing: dict[str, str] = {}
    for name in dict.fromkeys(each.partition(".")[0] for each in needed):
        if name in shown:
            continue
        close = get_close_matches(name, shown, 1)
        if name in form or name in SYSTEM:
            missing[name] = f"add {name} as a column, or to the detail view, of the report {config.report} in Creator"
        elif close:
            missing[name] = f"{name}: did you mean {close[0]}?"
        else:
            missing[name] = (
                f"{name}: use one of the fields that are shown ({', '.join(sorted(shown))}), or add it to the report"
            )
    return missing


def time_columns_help(report: str, absent: Sequence[str]) -> str:
    """How to make a report show its time columns."""
    return (
        f"add {' and '.join(absent)} as columns of the report {report} in Creator; only `retrieve: all` with "
        "`lookback: unlimited` does without them"
    )


def names_text(names: Iterable[str], wanted: str) -> str:
    """The names that exist, the nearest to `wanted` first."""
    listed = sorted(names)
    close = get_close_matches(wanted, listed, 1, 0.5)
    text = ", ".join([*close, *(name for name in listed if name not in close)]) or "none"
    return f"{text}; did you mean {close[0]}?" if close else text


def _form_names(api: Api, config: CreatorConfig) -> frozenset[str]:
    if not config.form:
        return frozenset()
    try:
        return frozenset(form_fields(api.fields(config.form)))
    except Coded:  # only to word a mend better; what is wrong with the form is told where the form is needed
        return frozenset()


def unknown_parts(rows: Sequence[Row], needed: Iterable[str]) -> dict[str, str]:
    """Needed dotted field → the nearest part, where the field is a composite and no record has this part."""
    unknown: dict[str, str] = {}
    for name in needed:
        base, _, part = name.partition(".")
        values = [row[base] for row in rows if isinstance(row.get(base), dict)]
        parts = {each for value in values for each in value}
        if part and values and part not in parts and part not in PARTS:
            close = get_close_matches(part, parts, 1)
            unknown[name] = f"did you mean {base}.{close[0]}?" if close else f"parts: {', '.join(sorted(parts))}"
    return unknown
