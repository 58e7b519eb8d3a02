"""The calls under /_sandbox/: for tests and demonstrations, not a part of any Zoho product."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from syncline_zoho_sandbox import accounts, addresses, faults, leads, limits, records, seed
from syncline_zoho_sandbox.applications import Application, Form, applications
from syncline_zoho_sandbox.leads import MailingList
from syncline_zoho_sandbox.wire import Call, Reply, json_reply

BASE = "/_sandbox"


class Mistake(ValueError):
    """The control call cannot be carried out; answered with HTTP 400."""


def answer(call: Call) -> Reply:
    """The answer to a control call: JSON in, JSON out."""
    handle = HANDLERS.get(f"{call.method} {call.parts['path']}")
    if handle is None:
        return json_reply({"error": "no such call", "calls": sorted(HANDLERS)}, 404)
    call.settings, call.now = call.store.settings, call.store.now()
    try:
        given = {**call.parameters, **(json.loads(call.body) if call.body else {})}
        return json_reply(handle(call, given))
    except (ValueError, KeyError, TypeError) as error:
        return json_reply({"error": f"{type(error).__name__}: {error}"}, 400)


Given = Mapping[str, Any]


def _about(call: Call, given: Given) -> object:
    names = ("client_id", "client_secret", "refresh_token", "seed", "leads", "seeded_at", "clock_offset")
    query = "SELECT client_id, client_secret, refresh_token, seed, leads, seeded_at, clock_offset FROM state"
    row = call.store.execute(query).fetchone()
    return {**dict(zip(names, row, strict=True)), "now": call.now, "settings": call.settings.plain()}


def _settings(call: Call, given: Given) -> object:
    changed = call.settings.changed(given)
    call.store.execute("UPDATE state SET settings = ?", (json.dumps(changed.plain()),))
    call.store.touch()
    return changed.plain()


def _add_faults(call: Call, given: Given) -> object:
    scripts = given.get("faults", [given])
    return {"ids": [faults.add(call.store, fault) for fault in [faults.Fault.read(each) for each in scripts]]}


def _clear_faults(call: Call, given: Given) -> object:
    faults.clear(call.store)
    return {}


def _calls(call: Call, given: Given) -> object:
    """The request log: counts per endpoint, and each call; nothing of a person is in it."""
    counts = dict(call.store.execute("SELECT endpoint, count(*) FROM calls GROUP BY endpoint").fetchall())
    names = ("at", "endpoint", "method", "status", "code", "fault")
    last = int(given.get("last", 1000))
    query = "SELECT at, endpoint, method, status, code, fault FROM calls ORDER BY id DESC LIMIT ?"
    rows = call.store.execute(query, (last,)).fetchall()
    return {"counts": counts, "calls": [dict(zip(names, row, strict=True)) for row in reversed(rows)]}


def _reset_calls(call: Call, given: Given) -> object:
    call.store.execute("DELETE FROM calls")
    return {}


def _reset_limits(call: Call, given: Given) -> object:
    limits.unlock(call.store)
    return {}


def _leads(call: Call, given: Given) -> object:
    """Every lead of a list with its fields and its status there."""
    rows = call.store.execute(
        "SELECT l.email, l.fields, m.status, m.added_at, m.changed_at FROM members m JOIN leads l ON l.key = m.lead"
        " WHERE m.listkey = ? ORDER BY m.added_at, l.number",
        (_list(call, given).listkey,),
    ).fetchall()
    return {
        "leads": [
            {"email": email, "status": status, "fields": json.loads(fields), "added_at": added, "changed_at": changed}
            for email, fields, status, added, changed in rows
        ]
    }


def _change_lead(call: Call, given: Given) -> object:
    """Do to a lead what a person or the product would do: see ACTIONS."""
    lead, action = addresses.key(given["email"]), given["action"]
    if action == "delete":
        return {"changed": leads.forget_lead(call.store, lead)}
    if action == "donotmail":
        return {"changed": leads.suppress(call.store, lead)}
    if action == "mail_again":
        return {"changed": call.store.execute("DELETE FROM refusals WHERE lead = ?", (lead,)).rowcount > 0}
    if action == "refuse":
        row = (lead, str(given["code"]))
        call.store.execute("INSERT OR REPLACE INTO refusals VALUES (?, ?)", row)
        return {"changed": True}
    status = {"unsubscribe": "unsub", "bounce": "bounce", "confirm": "active", "activate": "active"}[action]
    target = _list(call, given)
    if action == "confirm" and leads.status_in(call.store, target.listkey, lead) != "pending":
        return {"changed": False}
    if call.store.value("SELECT 1 FROM leads WHERE key = ?", lead) is None:
        leads.save_lead(call.store, given["email"], given.get("fields", {}))
    leads.put_member(call.store, target.listkey, lead, status, call.now)
    return {"changed": True}


def _rename(call: Call, given: Given) -> object:
    """Edit a link name, as a developer does in Creator; every URL with the old one breaks."""
    application = _application(call, given)
    store, new = call.store, given["to"]
    if "report" in given:
        query = "UPDATE reports SET link_name = ? WHERE application = ? AND link_name = ?"
        done = store.execute(query, (new, application.id, given["report"])).rowcount
    else:
        done = store.execute("UPDATE applications SET link_name = ? WHERE id = ?", (new, application.id)).rowcount
    if not done:
        raise Mistake(f"no report {given['report']!r}")
    store.touch()
    return {"link_name": new}


def _change_field(call: Call, given: Given) -> object:
    """Edit a field of the destination, as an administrator does: its label, its length, what may be picked."""
    label = given["label"]
    if label not in leads.labels(call.store):
        raise Mistake(f"no field {label!r}")
    field = leads.labels(call.store)[label]
    picked = given.get("choices")
    kind = field.kind if picked is None else "|".join(("Picklist", *picked))
    row = (given.get("to", label), kind, int(given.get("length", field.length)), field.number)
    call.store.execute("UPDATE lead_fields SET label = ?, kind = ?, length = ? WHERE number = ?", row)
    call.store.touch()
    return {"label": row[0]}


def _records(call: Call, given: Given) -> object:
    """Insert, update and delete records of a form; times are the clock's unless given."""
    application = _application(call, given)
    form = application.forms[given.get("form", "signup")]
    next_id = 1 + (call.store.value("SELECT max(id) FROM records") or records.FIRST_ID)
    changed: list[dict[str, object]] = []
    for n, record in enumerate(given.get("insert", [])):
        changed.append({"ID": str(next_id + n), "Added_Time": call.now, "Modified_Time": call.now, **record})
    changed += [
        {**_present(call, form, record["ID"]), "Modified_Time": call.now, **record}
        for record in given.get("update", [])
    ]
    for each in changed:
        _check(form, each)
    records.store_records(call.store, application, form, changed)
    for id_ in given.get("delete", []):
        _present(call, form, id_)
        call.store.execute("DELETE FROM records WHERE form = ? AND id = ?", (form.id, int(id_)))
    return {"ids": [each["ID"] for each in changed]}


def _outbox(call: Call, given: Given) -> object:
    """The mails that the product would have sent."""
    names = ("at", "kind", "email", "list")
    query = "SELECT o.at, o.kind, o.email, l.name FROM outbox o JOIN lists l USING (listkey) ORDER BY o.id"
    return {"mails": [dict(zip(names, row, strict=True)) for row in call.store.execute(query).fetchall()]}


def _clock(call: Call, given: Given) -> object:
    offset = float(call.store.value("SELECT clock_offset FROM state"))
    offset += float(given["set"]) - call.now if "set" in given else float(given["advance"])
    call.store.execute("UPDATE state SET clock_offset = ?", (offset,))
    call.store.touch()
    return {"now": call.store.now()}


def _grant(call: Call, given: Given) -> object:
    """A further refresh token and a self-client code, with other scopes or as many as one likes."""
    scopes = given.get("scopes", accounts.ALL_SCOPES)
    token = accounts.add_refresh_token(call.store, scopes)
    code = accounts.add_code(call.store, scopes, call.now + float(given.get("code_seconds", 600)))
    return {"refresh_token": token, "code": code}


def _credentials(call: Call, given: Given) -> object:
    """Another client secret, or another text of the seeded refresh token."""
    if "client_secret" in given:
        call.store.execute("UPDATE state SET client_secret = ?", (given["client_secret"],))
    if "refresh_token" in given:
        seeded = call.store.value("SELECT refresh_token FROM state")
        call.store.execute("UPDATE refresh_tokens SET token = ? WHERE token = ?", (given["refresh_token"], seeded))
        call.store.execute("UPDATE state SET refresh_token = ?", (given["refresh_token"],))
    call.store.touch()
    return {}


def _truth(call: Call, given: Given) -> object:
    """What each seeded record is meant to be; see `seed.KINDS`."""
    rows = call.store.execute("SELECT id, kind, email, twin FROM truth ORDER BY id").fetchall()
    items = [
        {"ID": str(id_), "kind": kind, "email": email, "of": None if twin is None else str(twin)}
        for id_, kind, email, twin in rows
    ]
    return {"records": items, "lists": {each.name: each.listkey for each in leads.mailing_lists(call.store)}}


def _registry(call: Call, given: Given) -> object:
    """Who is in Do-Not-Mail, and whom the destination refuses for reasons of its own."""
    refused = dict(call.store.execute("SELECT lead, code FROM refusals ORDER BY lead").fetchall())
    suppressed = [lead for lead, code in refused.items() if code == leads.DO_NOT_MAIL]
    return {"do_not_mail": suppressed, "refusals": {lead: refused[lead] for lead in refused.keys() - suppressed}}


def _reset(call: Call, given: Given) -> object:
    """Back to the seeded state; credentials stay, settings and the clock go back to their defaults."""
    plan = seed.Plan(*call.store.execute("SELECT leads, seed FROM state").fetchone())
    call.store.erase()
    seed.sow(call.store, plan, {})
    call.store.touch()
    return {}


def _application(call: Call, given: Given) -> Application:
    wanted = given.get("application", "events")
    for application in applications(call.store):
        if application.link_name == wanted:
            return application
    raise Mistake(f"no application {wanted!r}")


def _list(call: Call, given: Given) -> MailingList:
    found = leads.list_by_name(call.store, given["list"])
    if found is None:
        raise Mistake(f"no list {given['list']!r}")
    return found


def _present(call: Call, form: Form, id_: object) -> dict[str, object]:
    found = records.record_of(call.store, form, int(str(id_)))
    if found is None:
        raise Mistake(f"no record {id_!r}")
    return found


def _check(form: Form, record: Mapping[str, object]) -> None:
    unknown = set(record) - set(form.kinds)
    if unknown:
        raise Mistake(f"the form {form.link_name!r} has no {', '.join(sorted(unknown))}")


HANDLERS: Mapping[str, Callable[[Call, Given], object]] = {
    "GET ": _about,
    "GET settings": lambda call, given: call.settings.plain(),
    "POST settings": _settings,
    "GET faults": lambda call, given: {"faults": faults.script(call.store)},
    "POST faults": _add_faults,
    "DELETE faults": _clear_faults,
    "GET calls": _calls,
    "POST calls/reset": _reset_calls,
    "POST limits/reset": _reset_limits,
    "GET leads": _leads,
    "POST leads": _change_lead,
    "POST rename": _rename,
    "POST fields": _change_field,
    "POST records": _records,
    "GET outbox": _outbox,
    "POST clock": _clock,
    "POST credentials": _credentials,
    "POST grants": _grant,
    "GET truth": _truth,
    "GET registry": _registry,
    "POST reset": _reset,
}
