"""The calls about fields and tags.

Source: get-all-leads-fields, create-custom-field, create-lead-tags, assign-lead-tags below
https://www.zoho.com/marketingautomation/help/developers/ .
"""

import re

from syncline_zoho_sandbox import leads
from syncline_zoho_sandbox.addresses import key
from syncline_zoho_sandbox.leads import LeadField
from syncline_zoho_sandbox.marketinghub import coded, refusal, success
from syncline_zoho_sandbox.wire import Call, Endpoint, Reply, json_reply

KINDS = frozenset(
    {
        "Text", "Integer", "Phone", "Date", "Picklist", "Email", "Checkbox", "LongInteger", "URL", "textarea",
        "RadioOption", "Multiselect", "DateTime", "Decimal", "Percent",
    }
)  # fmt: skip
MOST_FIELDS = 200


def allfields(call: Call) -> Reply:
    """Every field of a lead, in the documented shape or in the one that public clients read."""
    if call.parameters.get("type") != "json":
        raise refusal(call, "903")
    fields = leads.lead_fields(call.store)[: 1 if call.settings.single_field else None]
    if call.settings.fields_shape == "documented":
        items: list[dict[str, str]] = [_documented(each) for each in fields]
        return json_reply({"response": {"message": "success", "code": "0", "fieldname": _one_or_many(items)}}, code="0")
    items = [_observed(each) for each in fields]
    answer = {"uri": call.path, "version": "1", "code": coded(call.settings, "0")}
    return json_reply({"response": {**answer, "fieldnames": {"fieldname": _one_or_many(items)}}}, code="0")


def custom_add(call: Call) -> Reply:
    """Make a custom field."""
    given = call.parameters
    name, kind, length = given.get("fieldname", ""), given.get("fieldtype", ""), given.get("fieldlength", "20")
    if given.get("type") != "json" or not name or not kind:
        raise refusal(call, "903")
    if kind not in KINDS or not length.isdigit() or not re.fullmatch(r"[^\W_]+(?: [^\W_]+)*", name):
        raise refusal(call, "2007")
    known = leads.lead_fields(call.store)
    if any(name.casefold() in (each.label.casefold(), each.name) for each in known):
        raise refusal(call, "916")
    if len(known) >= MOST_FIELDS:
        raise refusal(call, "914")
    add_field(call, name, kind, int(length))
    body = {"message": "Success", "fieldtype": kind, "mandatory_check": "success", "scope": "CampaignsAPI"}
    rest = {"code": coded(call.settings, "200"), "type": "json", "uri": call.path, "fieldname": name}
    return json_reply({"response": {**body, **rest, "fieldlength": length}}, code="200")


def add_field(call: Call, label: str, kind: str, length: int) -> None:
    """Store a custom field under its label."""
    name = re.sub(r"\W+", "_", label).lower()
    number = call.store.value("SELECT max(number) + 1 FROM lead_fields")
    call.store.execute("INSERT INTO lead_fields VALUES (?, ?, ?, ?, 1, ?)", (number, name, label, kind, length))
    call.store.touch()


def tag_add(call: Call) -> Reply:
    """Make a tag."""
    name, colour = call.parameters.get("tagName", ""), call.parameters.get("color", "")
    if not name:
        raise refusal(call, "903")
    if colour and not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise refusal(call, "6616")
    number = 1 + (call.store.value("SELECT max(number) FROM tags") or 0)
    if not call.store.execute("INSERT OR IGNORE INTO tags VALUES (?, ?)", (name, number)).rowcount:
        raise refusal(call, "6614")
    return success(call, {"message": "Tag created.", "TagInfoId": f"9{number:08d}"})


def tag_associate(call: Call) -> Reply:
    """Give a tag to a lead that is active somewhere."""
    name, email = call.parameters.get("tagName", ""), call.parameters.get("lead_email", "")
    if not name or not email:
        raise refusal(call, "903")
    if call.store.value("SELECT 1 FROM tags WHERE name = ?", name) is None:
        raise refusal(call, "6613")
    if call.store.value("SELECT 1 FROM members WHERE lead = ? AND status = 'active'", key(email)) is None:
        raise refusal(call, "993")
    call.store.execute("INSERT OR IGNORE INTO tagged VALUES (?, ?)", (name, key(email)))
    return success(call, {"message": "Tag associated."})


def _documented(field: LeadField) -> dict[str, str]:
    number = str(field.number)
    return {"DISPLAY_NAME": field.label, "FIELD_NAME": field.name, "no": number, "FIELD_ID": f"70000{field.number:04d}"}


def _observed(field: LeadField) -> dict[str, str]:
    kind = "custom" if field.custom else "standard"
    return {
        "FIELD_NAME": field.name, "DISPLAY_NAME": field.label, "UITYPE": field.kind.partition("|")[0], "TYPE": kind,
        "values": ",".join(field.choices),
    }  # fmt: skip


def _one_or_many(items: list[dict[str, str]]) -> object:
    """One element is sent bare, without its array: seen in public clients."""
    return items[0] if len(items) == 1 else items


ENDPOINTS = {
    "lead/allfields": Endpoint("marketinghub.allfields", allfields, "ZohoMarketingAutomation.lead.READ"),
    "custom/add": Endpoint("marketinghub.custom_add", custom_add, "ZohoMarketingAutomation.lead.CREATE", ("POST",)),
    "tag/add": Endpoint("marketinghub.tag_add", tag_add, "ZohoMarketingAutomation.lead.CREATE", ("POST",)),
    "tag/associate": Endpoint(
        "marketinghub.tag_associate", tag_associate, "ZohoMarketingAutomation.lead.UPDATE", ("POST",)
    ),
}
