"""The common ground of MarketingHub's calls: who may call, how often, and how an answer is worded.

Business errors come with HTTP 200; only a bad token is a 401. Source: the pages below
https://www.zoho.com/marketingautomation/help/developers/ ; the wording of errors is seen in public clients.
"""

import json

from syncline_zoho_sandbox import limits
from syncline_zoho_sandbox.accounts import grant_of
from syncline_zoho_sandbox.leads import MailingList, list_by_key
from syncline_zoho_sandbox.settings import Settings
from syncline_zoho_sandbox.wire import Call, Endpoint, Refusal, Reply, html_reply, json_reply

BASE = "/api/v1"
FIELD_CALLS = frozenset({"marketinghub.allfields", "marketinghub.custom_add", "marketinghub.tag_add"})
MESSAGES = {
    "901": "The URL is invalid.",
    "903": "A mandatory value is missing.",
    "910": "There are no fields.",
    "914": "You have reached the maximum limit.",
    "916": "The field name already exists.",
    "980": "You have reached the lead limit of your plan.",
    "993": "Lead not found.",
    "1004": "The requested resource is unknown.",
    "2001": "The JSON is malformed.",
    "2004": "The email address is invalid.",
    "2005": "This is a group email address.",
    "2006": "The lead is in the Do-Not-Mail registry.",
    "2007": "The value of a parameter is invalid.",
    "2008": "You have exceeded the number of permitted API calls.",
    "2102": "The list key is invalid.",
    "2103": "The lead is not in this list.",
    "2202": "The list key is empty or invalid.",
    "2205": "The list name already exists.",
    "2206": "The list has been deleted.",
    "2302": "The maximum number of leads has been reached.",
    "2401": "There are no mailing lists yet.",
    "2501": "The list key is empty or invalid.",
    "2502": "There are no contacts in this list.",
    "6613": "Tag not found.",
    "6614": "The tag name already exists.",
    "6616": "The colour is invalid.",
}


def coded(settings: Settings, code: str) -> str | int:
    """*code* as text or as number, as the setting wants it: clients must take both."""
    return int(code) if settings.code_type == "number" and code.isdigit() else code


def refusal(call: Call, code: str) -> Refusal:
    """A business error: HTTP 200, the truth in the body."""
    return Refusal(failure(call, code))


def failure(call: Call, code: str) -> Reply:
    """The body of a business error."""
    # Tag calls are the ones for which "failure" is documented.
    word = "failure" if "/tag/" in call.path else call.settings.failure_word
    message = MESSAGES.get(code, "The request could not be completed.")
    return json_reply(
        {"message": message, "status": word, "code": coded(call.settings, code), "uri": call.path, "version": "1"},
        code=code,
    )


def success(call: Call, content: dict[str, object], echo: str = "uri") -> Reply:
    """The body of a success; some calls name their path `url` in place of `uri`."""
    rest = {"status": "success", "code": coded(call.settings, "0"), echo: call.path, "version": "1"}
    return json_reply({**content, **rest}, code="0")


def admit(call: Call, endpoint: Endpoint) -> None:
    """Raise the refusal, if token, scope or limits demand one."""
    grant = grant_of(call.store, call.bearer(), call.now)
    if grant is None:
        raise Refusal(json_reply({"code": "INVALID_OAUTHTOKEN", "message": "Invalid token"}, 401, "INVALID_OAUTHTOKEN"))
    if endpoint.scope and endpoint.scope not in grant.scopes:
        # This one is spelled with a capital letter: seen in a public plugin.
        raise Refusal(
            json_reply(
                {"Code": "INVALID_OAUTHSCOPE", "message": "Invalid scope", "status": "error"}, 200, "INVALID_OAUTHSCOPE"
            )
        )
    if call.method not in endpoint.methods:
        raise refusal(call, "901")
    settings, store = call.settings, call.store
    limit = settings.field_calls if endpoint.name in FIELD_CALLS else settings.lead_calls
    if limits.locked(store, endpoint.name):
        raise Refusal(_locked(call))
    if not limits.admit(store, endpoint.name, limit, settings.call_window):
        limits.lock(store, endpoint.name, settings.lock_seconds)
        raise Refusal(_locked(call))


def listkey_of(call: Call, code: str, gone: str | None = None) -> MailingList:
    """The list that `listkey` names; *code* says how this call refuses a bad one, *gone* how a deleted one."""
    found = list_by_key(call.store, call.parameters.get("listkey", ""))
    if found is None:
        raise refusal(call, code)
    if found.deleted:
        raise refusal(call, gone or code)
    return found


def leadinfo_of(call: Call) -> dict[str, str]:
    """The lead in `leadinfo`: labels to texts; 903 if it is missing, 2001 if it is not a JSON object."""
    text = call.parameters.get("leadinfo", "")
    if not text:
        raise refusal(call, "903")
    try:
        info = json.loads(text)
    except ValueError:
        raise refusal(call, "2001") from None
    if not isinstance(info, dict):
        raise refusal(call, "2001")
    return {label: value if isinstance(value, str) else json.dumps(value) for label, value in info.items()}


def span_of(call: Call, default: int) -> tuple[int, int]:
    """`fromindex` (from 1) and `range`; a range beyond the maximum is cut without a word (assumed)."""
    given = call.parameters
    try:
        start, size = int(given.get("fromindex", "1")), int(given.get("range", str(default)))
    except ValueError:
        raise refusal(call, "2007") from None
    if start < 1 or size < 1:
        raise refusal(call, "2007")
    return start, min(size, call.settings.max_range)


def _locked(call: Call) -> Reply:
    """What a locked endpoint says is not documented; these are the candidates."""
    look = call.settings.locked_answer
    if look == "html":
        reply = html_reply(400)
    else:
        reply = failure(call, "2008")
        reply.status = 429 if look == "429" else 200
    if call.settings.retry_after is not None:
        reply.headers["retry-after"] = str(call.settings.retry_after)
    reply.code = "locked"
    return reply
