"""The lines that `syncline check` prints of a Creator report: each with what to do if it is not well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from syncline import Check, SynclineError

from .api import SMALLEST_PAGE, Api
from .config import UNLIMITED, CreatorConfig
from .dates import Dates
from .fieldtypes import ID, TIMES, form_fields
from .inspection import missing_in, names_text, sample, time_columns_help, unknown_parts


def checks(api_of: Callable[[], Api], config: CreatorConfig, needed: Sequence[str]) -> Iterator[Check]:
    """Stop at the first thing without which the rest cannot be tested."""
    try:
        api = api_of()
        application = _application(api, config)
    except SynclineError as error:
        yield _failed("application", error)
        return
    yield application
    if not application.ok:
        return
    report = _tried("report", lambda: _report(api, config))
    yield report
    if not report.ok:
        return
    form: frozenset[str] = frozenset()
    if config.form:
        try:
            form = frozenset(form_fields(api.fields(config.form)))
            yield Check("form", True, f"{config.form}: {len(form)} fields")
        except SynclineError as error:
            yield _failed("form", error)
    if config.criteria:
        yield _tried("criteria", lambda: _criteria(api, config.criteria or ""))
    yield from _fields(api, config, form, needed)


def _application(api: Api, config: CreatorConfig) -> Check:
    listed = {str(each.get("link_name")): each for each in api.applications()}
    found = listed.get(config.application)
    if found is None:
        names = names_text(listed, config.application)
        return Check(
            "application",
            False,
            f"{config.application} is not among {config.owner}'s: {names}",
            "correct `application`",
        )
    dates = Dates(str(found.get("date_format") or ""), str(found.get("time_zone") or ""))
    zone, _ = dates.zone, dates.chrono  # both raise what is wrong with them
    return Check("application", True, f"{config.application}: dates as {dates.pattern}, time zone {zone.key}")


def _report(api: Api, config: CreatorConfig) -> Check:
    names = [str(each.get("link_name")) for each in api.reports()]
    if config.report in names:
        return Check("report", True, config.report)
    found = f"{config.report} is not among {config.application}'s: {names_text(names, config.report)}"
    return Check("report", False, found, "correct `report`")


def _criteria(api: Api, criteria: str) -> Check:
    page = api.page({"max_records": SMALLEST_PAGE, "field_config": "custom", "fields": ID, "criteria": criteria})
    many = f"{len(page.rows)}{' or more' if page.following else ''}"
    return Check("criteria", True, f"accepted; {many} records of any age match")


def _fields(api: Api, config: CreatorConfig, form: frozenset[str], needed: Sequence[str]) -> Iterator[Check]:
    try:
        rows = sample(api)
    except SynclineError as error:
        yield _failed("fields", error)
        return
    if not rows:
        yield Check("fields", True, "cannot be tested: the report shows no record yet")
        return
    missing = missing_in(rows, form, config, needed) | unknown_parts(rows, needed)
    for name, mend in missing.items():
        yield Check("fields", False, f"{name} is not shown by the report {config.report}", mend)
    if not missing:
        yield Check("fields", True, f"all {len(needed)} that are needed are shown")
    absent = [name for name in TIMES if not any(name in row for row in rows)]
    if not absent:
        yield Check("time columns", True, f"{' and '.join(TIMES)} are shown")
    else:
        unneeded = config.lookback == UNLIMITED
        found = f"{' and '.join(absent)} not shown" + ("; new and changed records cannot be told" if unneeded else "")
        yield Check("time columns", unneeded, found, time_columns_help(config.report, absent))


def _tried(subject: str, test: Callable[[], Check]) -> Check:
    try:
        return test()
    except SynclineError as error:
        return _failed(subject, error)


def _failed(subject: str, error: SynclineError) -> Check:
    why = f" ({error.why})" if error.why else ""
    return Check(subject, False, f"{error.what}{why}", error.mend)
