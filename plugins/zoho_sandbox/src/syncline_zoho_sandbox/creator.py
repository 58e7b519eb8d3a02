"""Creator's data API, version 2.1: pages of a report, and one record.

Source: https://www.zoho.com/creator/help/api/v2.1/get-records.html and its status-codes page; the exact `accept` header
(9210), the three page sizes (9250) and the code 9280 are seen in public connectors, not documented.
"""

import csv
import io
import json
from collections.abc import Sequence
from itertools import islice
from typing import Literal, NamedTuple

from syncline_zoho_sandbox import limits
from syncline_zoho_sandbox.accounts import grant_of
from syncline_zoho_sandbox.applications import Application, Report, applications
from syncline_zoho_sandbox.criteria import Criteria, CriteriaError, UnknownField, compile_criteria
from syncline_zoho_sandbox.records import Columns, Row, found
from syncline_zoho_sandbox.wire import Call, Endpoint, Refusal, Reply, json_reply

SPELLINGS: tuple[Literal["empty", "3100", "9280"], ...] = ("empty", "3100", "9280")
PAGE_SIZES = ("200", "500", "1000")
ACCEPTED = ("application/json", "text/csv")


class Position(NamedTuple):
    """Where a page starts: after which record, and where the page before it started."""

    after: int = 0
    before: int = 0

    def cursor(self) -> str:
        """The alphanumeric text for the `record_cursor` header."""
        return f"{self.after:x}z{self.before:x}"

    @classmethod
    def read(cls, cursor: str) -> "Position":
        """The position in *cursor*; an empty one means the first page."""
        if not cursor:
            return cls()
        try:
            after, before = (int(part, 16) for part in cursor.split("z"))
        except ValueError:
            raise refusal(400, "9220", "The record_cursor is invalid.") from None  # this code is assumed
        return cls(after, before)


def refusal(status: int, code: str, message: str) -> Refusal:
    """An error as Creator words it: the number, and the HTTP status that belongs to it."""
    return Refusal(json_reply({"code": int(code), "message": message}, status, code))


def admit(call: Call, endpoint: Endpoint) -> None:
    """Raise the refusal, if token, scope or limits demand one."""
    if call.method not in endpoint.methods:
        raise refusal(405, "1020", "The HTTP method is not allowed.")
    grant = grant_of(call.store, call.bearer(), call.now)
    if grant is None:
        raise refusal(401, "1030", "Authorization Failure. The access token is either invalid or has expired.")
    if endpoint.scope not in grant.scopes:
        raise refusal(401, "2945", "INVALID_OAUTHSCOPE")
    settings = call.settings
    crowded = call.store.open_calls["creator"] > settings.creator_concurrent_calls
    shut = crowded or limits.locked(call.store, endpoint.name)
    if shut or not limits.admit(call.store, "creator", settings.creator_minute_calls, 60):
        refused = refusal(429, "2955", "You have reached your API call limit for a minute. Please try again later.")
        if settings.retry_after is not None:
            refused.reply.headers["retry-after"] = str(settings.retry_after)
        raise refused
    # The day is that of the Super Admin, who sits where the account's first application does.
    zone = applications(call.store)[0].time_zone
    if not limits.spend_day(call.store, settings.creator_daily_calls, zone):
        raise refusal(200, "4000", "You have reached your Developer API call limit for the day.")


def records(call: Call) -> Reply:
    """GET …/data/{owner}/{app}/report/{report}: one page, and the cursor header while more records remain."""
    form_of_answer = _accepted(call)
    application = application_of(call)
    report = report_of(call, application)
    size = call.parameters.get("max_records", "200")
    if size not in PAGE_SIZES:
        raise refusal(400, "9250", "The value of max_records should be 200, 500 or 1000.")
    columns = Columns(report.form, _columns(call, report))
    criteria = _criteria(call, application, report)
    position = Position.read(call.headers.get("record_cursor", ""))
    rows = list(islice(found(call.store, report.form, position.after, criteria), int(size) + 1))
    if not rows:
        return _no_records(call)
    page = rows[: int(size)]
    if call.settings.never_edited == "empty":
        _blank_unedited(report, page)
    reply = _csv(columns, page) if form_of_answer == "text/csv" else _json(columns, page)
    if len(rows) > len(page):
        reply.headers["record_cursor"] = Position(page[-1][0], position.after).cursor()
    return reply


def record(call: Call) -> Reply:
    """GET …/report/{report}/{id}: one record, all the fields that the report shows."""
    _accepted(call)
    application = application_of(call)
    report = report_of(call, application)
    columns = Columns(report.form, (*report.quick, *report.detail))
    id_ = call.parts["id"]
    row = next(found(call.store, report.form, int(id_) - 1, None), None) if id_.isdigit() else None
    if row is None or str(row[0]) != id_:
        raise refusal(404, "3100", "No Data Available")
    return Reply(b'{"code":3000,"data":' + columns.json(row[1]) + b"}", code="3000")


def application_of(call: Call) -> Application:
    """The application that the path names; the owner is looked at first, then the application, then the access."""
    owned = [each for each in applications(call.store) if each.owner == call.parts["owner"]]
    if not owned:
        raise refusal(404, "1040", f"No account owner named {call.parts['owner']} found.")
    for application in owned:
        if application.link_name == call.parts["app"]:
            if not application.shared:
                raise refusal(403, "1060", "You do not have access to this application.")
            return application
    raise refusal(404, "2892", f"No application named {call.parts['app']} found. Please check and try again.")


def report_of(call: Call, application: Application) -> Report:
    """The report that the path names."""
    name = call.parts["report"]
    if name in application.reports:
        return application.reports[name]
    if call.settings.missing_report == "1090":
        raise refusal(404, "1090", f"No component named {name} found.")
    raise refusal(404, "2894", f"No report named {name} found. Please check and try again.")


def _accepted(call: Call) -> str:
    accept = call.headers.get("accept", ACCEPTED[0])
    if accept not in ACCEPTED:
        raise refusal(400, "9210", "The value of the accept header is not supported.")
    return accept


def _columns(call: Call, report: Report) -> Sequence[str]:
    config = call.parameters.get("field_config", "quick_view")
    shown = (*report.quick, *report.detail)
    if config == "quick_view":
        return report.quick
    if config == "detail_view":
        return report.detail
    if config == "all":
        return shown
    names = [name.strip() for name in call.parameters.get("fields", "").split(",") if name.strip()]
    if config != "custom" or not names:
        raise refusal(401, "1000", "A mandatory parameter is missing: fields or field_config.")
    for name in names:
        if name not in report.form.kinds:
            raise refusal(400, "3710", f"No field named {name} found. Please check and try again.")
    # A field of the form that this report does not show is left out without a word.
    return [name for name in names if name in shown]


def _criteria(call: Call, application: Application, report: Report) -> Criteria | None:
    text = call.parameters.get("criteria", "")
    if not text.strip():
        return None
    try:
        return compile_criteria(text, report.form.kinds, application.dates)
    except UnknownField as error:
        raise refusal(400, "3710", f"No field named {error} found. Please check and try again.") from None
    except CriteriaError as error:
        raise refusal(400, "9230", f"The criteria are invalid: {error}.") from None  # this code is assumed


def _no_records(call: Call) -> Reply:
    spelling = call.settings.no_records
    if spelling == "rotate":
        turn = call.store.value("UPDATE state SET turn = turn + 1 RETURNING turn")
        spelling = SPELLINGS[turn % 3]
    if spelling == "empty":
        return Reply(b'{"code":3000,"data":[]}', code="3000")
    status = 404 if spelling == "3100" else 400
    return json_reply({"code": int(spelling), "message": "No records found for the given criteria."}, status, spelling)


def _json(columns: Columns, page: list[Row]) -> Reply:
    body = b'{"code":3000,"data":[' + b",".join([columns.json(texts) for _, texts in page]) + b"]}"
    return Reply(body, code="3000")


def _csv(columns: Columns, page: list[Row]) -> Reply:
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(columns.chosen)  # link names: which heading Zoho writes is not documented
    for _, texts in page:
        writer.writerow([_flat(value) for value in json.loads(columns.json(texts)).values()])
    return Reply(lines.getvalue().encode(), media="text/csv;charset=UTF-8", code="3000")


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return str(value.get("zc_display_value", value.get("value", "")))
    return ",".join(map(_flat, value)) if isinstance(value, list) else str(value)


def _blank_unedited(report: Report, page: list[Row]) -> None:
    names = list(report.form.kinds)
    added, modified = names.index("Added_Time"), names.index("Modified_Time")
    for _, texts in page:
        if texts[added] == texts[modified]:
            texts[modified] = b'""'
