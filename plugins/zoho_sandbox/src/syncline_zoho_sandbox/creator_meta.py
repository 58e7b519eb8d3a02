"""Creator's meta API, version 2.1: applications, forms, reports, fields.

Source: the meta pages below https://www.zoho.com/creator/help/api/v2.1/ . There is no call for the fields of a report.
"""

from datetime import UTC, datetime

from syncline_zoho_sandbox import creator
from syncline_zoho_sandbox.applications import Application, applications
from syncline_zoho_sandbox.wire import Call, Endpoint, Reply, json_reply

LIST_REPORT = 1
FORM = 1


def all_applications(call: Call) -> Reply:
    """GET /meta/applications, or /meta/{owner}/applications: what the user of the token may see."""
    owner = call.parts.get("owner")
    owned = [each for each in applications(call.store) if owner in (None, each.owner)]
    if not owned:
        raise creator.refusal(404, "1040", f"No account owner named {owner} found.")
    return _answer("applications", [_described(each) for each in owned if each.shared])


def forms(call: Call) -> Reply:
    """GET /meta/{owner}/{app}/forms"""
    found = creator.application_of(call).forms.values()
    return _answer("forms", [{"display_name": f.name, "link_name": f.link_name, "type": FORM} for f in found])


def reports(call: Call) -> Reply:
    """GET /meta/{owner}/{app}/reports"""
    found = creator.application_of(call).reports.values()
    return _answer("reports", [{"display_name": r.name, "link_name": r.link_name, "type": LIST_REPORT} for r in found])


def fields(call: Call) -> Reply:
    """GET /meta/{owner}/{app}/form/{form}/fields: the form's own fields, without the system fields."""
    form = creator.application_of(call).forms.get(call.parts["form"])
    if form is None:
        raise creator.refusal(404, "2893", f"No form named {call.parts['form']} found. Please check and try again.")
    return _answer("fields", [each.described() for each in form.fields])


def _answer(key: str, items: list[dict[str, object]]) -> Reply:
    return json_reply({"code": 3000, key: items}, code="3000")


def _described(application: Application) -> dict[str, object]:
    created = datetime.fromtimestamp(application.created_at, UTC).astimezone(application.dates.zone)
    return {
        "application_name": application.name,
        "link_name": application.link_name,
        "date_format": application.date_format,
        "time_zone": application.time_zone,
        "creation_date": application.dates.date(created.date()),
        "category": 1,
        "created_by": application.owner,
        "workspace_name": application.owner,
    }


META, DATA = "/creator/v2.1/meta", "/creator/v2.1/data/{owner}/{app}/report/{report}"
STRUCTURE = "ZohoCreator.meta.application.READ"
ENDPOINTS = {
    f"{DATA}": Endpoint("creator.records", creator.records, "ZohoCreator.report.READ"),
    f"{DATA}/{{id}}": Endpoint("creator.record", creator.record, "ZohoCreator.report.READ"),
    f"{META}/applications": Endpoint("creator.applications", all_applications, "ZohoCreator.dashboard.READ"),
    f"{META}/{{owner}}/applications": Endpoint("creator.applications", all_applications, "ZohoCreator.dashboard.READ"),
    f"{META}/{{owner}}/{{app}}/forms": Endpoint("creator.forms", forms, STRUCTURE),
    f"{META}/{{owner}}/{{app}}/reports": Endpoint("creator.reports", reports, STRUCTURE),
    f"{META}/{{owner}}/{{app}}/form/{{form}}/fields": Endpoint("creator.fields", fields, "ZohoCreator.meta.form.READ"),
}
