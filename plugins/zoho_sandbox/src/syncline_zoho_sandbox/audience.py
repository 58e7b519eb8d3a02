"""The calls that read lists and leads.

Source: get-mailing-lists, get-list-leads, view-total-leads below
https://www.zoho.com/marketingautomation/help/developers/v1/ ; item keys of the lists are those of the Campaigns sample.
"""

import json

from syncline_zoho_sandbox import leads
from syncline_zoho_sandbox.marketinghub import coded, failure, listkey_of, refusal, span_of, success
from syncline_zoho_sandbox.wire import Call, Endpoint, Reply, json_reply

DAY = 86_400
# The documented words; the page says "most recent" in its text and does not define either. Assumed: `recent` is the
# last days (7, a setting), `mostrecent` the last one; newest first.
RECENT = ("recent", "mostrecent", "most recent")
STATUS = {"active": "active", "unsub": "unsub", "bounce": "bounce", **dict.fromkeys(RECENT, "active")}
BASIC = {"phone": "Phone", "lastname": "Last Name", "firstname": "First Name", "companyname": "Company"}


PAGE = """
SELECT l.number, l.email, l.fields
FROM (
    SELECT lead, serial FROM members WHERE listkey = ? AND status = ? AND added_at >= ?
    ORDER BY serial ASC LIMIT ? OFFSET ?
) m JOIN leads l ON l.key = m.lead
ORDER BY m.serial ASC
"""


def getmailinglists(call: Call) -> Reply:
    """The living lists of the account, in the order of their making or the reverse."""
    start, size = span_of(call, 20)
    living = [each for each in leads.mailing_lists(call.store) if not each.deleted]
    if not living:
        raise refusal(call, "2401")
    if call.parameters.get("sort") == "desc":
        living.reverse()
    details = [_described(call, each) for each in living[start - 1 : start - 1 + size]]
    request = {"sort": call.parameters.get("sort", "asc"), "range": size, "fromindex": start}
    return success(call, {"requestdetails": request, "list_of_details": details})


def getleads(call: Call) -> Reply:
    """One page of the leads of a list that have a status; only the basic fields come back."""
    target = listkey_of(call, "2501", gone="2203")
    word = call.parameters.get("status", "active")
    if word not in STATUS:
        raise refusal(call, "2007")
    start, size = span_of(call, 20)
    newest = word in RECENT
    since = 0.0
    if newest:
        since = call.now - DAY * (call.settings.recent_days if word == "recent" else 1)
    descending = newest or call.parameters.get("sort") == "desc"
    query = PAGE.replace("ASC", "DESC") if descending else PAGE
    rows = call.store.execute(query, (target.listkey, STATUS[word], since, size, start - 1)).fetchall()
    if not rows and call.settings.last_page == "2502":
        return failure(call, "2502")
    order = "Descending Order" if descending else "Ascending Order"
    body = {
        "requestdetails": {"sort": order, "range": size, "status": word, "fromindex": start},
        "status": "success",
        "list_of_details": [_basic(*row) for row in rows],
        "code": coded(call.settings, "0"),
        "uri": call.path,
        "version": "1",
    }
    return json_reply(body, code="0")


def leadscount(call: Call) -> Reply:
    """How many leads of a list have one of the statuses, joined by `|`."""
    target = listkey_of(call, "2202")
    words = call.parameters.get("status", "active").split("|")
    if not set(words) <= {"active", "unsub", "bounce", "spam"}:
        raise refusal(call, "2007")
    return success(call, {"no_of_leads": leads.count(call.store, target.listkey, words)})


def _basic(number: int, email: str, fields: str) -> dict[str, str]:
    known = json.loads(fields)
    return {"zuid": str(number), "lead_email": email, **{name: known.get(label, "") for name, label in BASIC.items()}}


def _described(call: Call, each: leads.MailingList) -> dict[str, object]:
    tally = {status: str(leads.count(call.store, each.listkey, [status])) for status in ("active", "unsub", "bounce")}
    return {
        "listkey": each.listkey,
        "listname": each.name,
        "listunino": f"12{each.number:04d}",
        "noofcontacts": tally["active"],
        "noofunsubcnt": tally["unsub"],
        "noofbouncecnt": tally["bounce"],
        "created_date": str(int(each.created_at * 1000)),
        "is_public": "true" if each.public else "false",
        "lockstatus": "active",
        "segments": [],
        "zuid": "700001",
        "owner": "zylker",
    }


READ = "ZohoMarketingAutomation.lead.READ"
ENDPOINTS = {
    "getmailinglists": Endpoint("marketinghub.getmailinglists", getmailinglists, READ, ("GET", "POST")),
    "getleads": Endpoint("marketinghub.getleads", getleads, READ, ("GET", "POST")),
    "leadscount": Endpoint("marketinghub.leadscount", leadscount, READ, ("GET",)),
}
