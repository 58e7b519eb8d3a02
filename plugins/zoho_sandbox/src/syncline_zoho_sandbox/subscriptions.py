"""The calls that change who is in a list.

Source: lead-subscribe, add-contacts-existing-list, add-new-leads-list, lead-unsubscribe, move-to-do-not-mail,
delete-list below https://www.zoho.com/marketingautomation/help/developers/ .
"""

from syncline_zoho_sandbox import addresses, leads
from syncline_zoho_sandbox.leads import MailingList
from syncline_zoho_sandbox.marketinghub import leadinfo_of, listkey_of, refusal, success
from syncline_zoho_sandbox.wire import Call, Endpoint, Reply

EMAIL = "Lead Email"
BULK = 10


def listsubscribe(call: Call) -> Reply:
    """Add or update one lead. The answer never says which of the two it was."""
    target = listkey_of(call, "2501")
    info = leadinfo_of(call)
    email = info.pop(EMAIL, "").strip()
    if not email:
        raise refusal(call, "903")
    _screen(call, email)
    known = leads.labels(call.store)
    given = {label: value for label, value in info.items() if label in known}
    if not all(known[label].takes(value) for label, value in given.items()):
        raise refusal(call, "2007")  # that a value must fit its field is documented, the code is assumed
    _subscribe(call, target, email, given)
    message = "A confirmation email is sent to the user." if target.public else "User successfully subscribed."
    return success(call, {"message": message})


def addleadsinbulk(call: Call) -> Reply:
    """Add up to ten bare addresses. One result for the whole batch: unusable addresses are passed over in silence."""
    target = listkey_of(call, "2501", gone="2206")
    _add_all(call, target, _emails(call))
    return success(call, {"listkey": target.listkey, "listname": target.name}, echo="url")


def addlistandleads(call: Call) -> Reply:
    """Make a list and add up to ten addresses."""
    given = call.parameters
    name, form = given.get("listname", "").strip(), given.get("signupform", "")
    if not name or not form or not given.get("mode"):
        raise refusal(call, "903")
    if form not in ("public", "private") or given["mode"] != "newlist":
        raise refusal(call, "2007")
    if leads.list_by_name(call.store, name) is not None:
        raise refusal(call, "2205")
    emails = _emails(call)
    target = leads.add_list(call.store, name, form == "public", call.now)
    _add_all(call, target, emails)
    return success(call, {"listkey": target.listkey, "listname": name})


def listunsubscribe(call: Call) -> Reply:
    """Unsubscribe one lead from one list; the person is told by mail."""
    target = listkey_of(call, "2501")
    email = leadinfo_of(call).get(EMAIL, "").strip()
    if not email:
        raise refusal(call, "903")
    lead = addresses.key(email)
    status = leads.status_in(call.store, target.listkey, lead)
    if status is None:
        raise refusal(call, "2103")
    if status != "unsub":
        leads.put_member(call.store, target.listkey, lead, "unsub", call.now)
        leads.post(call.store, "goodbye", email, target.listkey)
    return success(call, {"message": "User successfully unsubscribed."})


def leaddonotmail(call: Call) -> Reply:
    """Put one address into the registry of the whole account. Code 0 also if it was there already."""
    email = leadinfo_of(call).get(EMAIL, "").strip()
    if not email:
        raise refusal(call, "903")
    if not addresses.valid(email):
        raise refusal(call, "2004")
    lead = addresses.key(email)
    moved = leads.suppress(call.store, lead)
    call.store.execute("DELETE FROM members WHERE lead = ?", (lead,))
    message = "Lead moved to Do-Not-Mail." if moved else "The lead is in Do-Not-Mail already."
    return success(call, {"message": message})


def updatelistdetails(call: Call) -> Reply:
    """Rename a list, or change whether it has a public sign-up form."""
    target = listkey_of(call, "2102", gone="2206")
    name, form = call.parameters.get("newlistname", "").strip(), call.parameters.get("signupform", "")
    if not name or form not in ("public", "private"):
        raise refusal(call, "903")
    call.store.execute(
        "UPDATE lists SET name = ?, public = ? WHERE listkey = ?", (name, form == "public", target.listkey)
    )
    call.store.touch()
    return success(call, {"message": "List details updated."})


def deletemailinglist(call: Call) -> Reply:
    """Delete a list; with `deleteleads=on` its leads leave the account too."""
    target = listkey_of(call, "2501", gone="2206")
    query = "SELECT lead FROM members WHERE listkey = ?"
    members = [row[0] for row in call.store.execute(query, (target.listkey,)).fetchall()]
    if call.parameters.get("deleteleads") == "on":
        for lead in members:
            leads.forget_lead(call.store, lead)
    call.store.execute("DELETE FROM members WHERE listkey = ?", (target.listkey,))
    call.store.execute("UPDATE lists SET deleted = 1 WHERE listkey = ?", (target.listkey,))
    call.store.touch()
    return success(call, {"message": "List deleted."})


def _emails(call: Call) -> list[str]:
    emails = [part.strip() for part in call.parameters.get("emailids", "").split(",") if part.strip()]
    if not emails:
        raise refusal(call, "903")
    if len(emails) > BULK:
        raise refusal(call, "2007")  # the limit of ten is documented, the code is assumed
    return emails


def _add_all(call: Call, target: MailingList, emails: list[str]) -> None:
    for email in emails:
        if _fault(call, email) is None:
            _subscribe(call, target, email, {})


def _screen(call: Call, email: str) -> None:
    fault = _fault(call, email)
    if fault is not None:
        raise refusal(call, fault)


def _fault(call: Call, email: str) -> str | None:
    """The code with which the destination refuses an address, or None."""
    if not addresses.valid(email):
        return "2004"
    if addresses.group(email):
        return "2005"
    lead = addresses.key(email)
    refused = leads.refusal_of(call.store, lead)
    if refused is not None:
        return refused
    limit = call.settings.lead_limit
    if limit is None or call.store.value("SELECT 1 FROM leads WHERE key = ?", lead) is not None:
        return None
    return call.settings.limit_code if call.store.value("SELECT count(*) FROM leads") >= limit else None


def _subscribe(call: Call, target: MailingList, email: str, fields: dict[str, str]) -> None:
    store, lead = call.store, addresses.key(email)
    status = leads.status_in(store, target.listkey, lead)
    if target.public:
        _invite(call, target, email, fields, status)
        return
    leads.save_lead(store, email, fields)
    if status == "unsub":
        if call.settings.resubscribe == "keep":
            return
        # Zoho does not say what happens here. The worst is assumed and noted, so that a client's mistake is found.
        leads.post(store, "resubscribed", email, target.listkey)
    if status in (None, "unsub", "pending"):
        leads.put_member(store, target.listkey, lead, "active", call.now)


def _invite(call: Call, target: MailingList, email: str, fields: dict[str, str], status: str | None) -> None:
    """A public list: nobody gets in without confirming, and the fields of an existing lead are not updated."""
    store, lead = call.store, addresses.key(email)
    if status in ("active", "bounce"):
        return
    if store.value("SELECT 1 FROM leads WHERE key = ?", lead) is None:
        leads.save_lead(store, email, fields)
    if status is None:
        leads.put_member(store, target.listkey, lead, "pending", call.now)
    leads.post(store, "confirmation", email, target.listkey)


CREATE, UPDATE, DELETE = (f"ZohoMarketingAutomation.lead.{action}" for action in ("CREATE", "UPDATE", "DELETE"))
POST, BOTH = ("POST",), ("GET", "POST")
ENDPOINTS = {
    "json/listsubscribe": Endpoint("marketinghub.listsubscribe", listsubscribe, CREATE, POST),
    "addleadsinbulk": Endpoint("marketinghub.addleadsinbulk", addleadsinbulk, CREATE, POST),
    "addlistandleads": Endpoint("marketinghub.addlistandleads", addlistandleads, CREATE, POST),
    "json/listunsubscribe": Endpoint("marketinghub.listunsubscribe", listunsubscribe, UPDATE, POST),
    "json/leaddonotmail": Endpoint("marketinghub.leaddonotmail", leaddonotmail, UPDATE, POST),
    "updatelistdetails": Endpoint("marketinghub.updatelistdetails", updatelistdetails, UPDATE, POST),
    "deletemailinglist": Endpoint("marketinghub.deletemailinglist", deletemailinglist, DELETE, BOTH),
}
