"""The accounts server: refresh tokens and grant codes in, access tokens out.

Source: https://www.zoho.com/accounts/protocol/oauth/ and its token-limits page; that errors come with HTTP 200 is seen
in public client code (github.com/Weble/ZohoBooksApi issue 84).
"""

import secrets
from typing import NamedTuple

from syncline_zoho_sandbox import limits
from syncline_zoho_sandbox.store import Store
from syncline_zoho_sandbox.wire import Call, Endpoint, Refusal, Reply, json_reply

ALL_SCOPES = (
    "ZohoCreator.report.READ,ZohoCreator.dashboard.READ,ZohoCreator.meta.application.READ,ZohoCreator.meta.form.READ,"
    "ZohoMarketingAutomation.lead.READ,ZohoMarketingAutomation.lead.CREATE,ZohoMarketingAutomation.lead.UPDATE,"
    "ZohoMarketingAutomation.lead.DELETE"
)
COMPOSITES = {
    "ALL": {"READ", "CREATE", "UPDATE", "DELETE"},
    "WRITE": {"CREATE", "UPDATE", "DELETE"},
    "CREATE-UPDATE": {"CREATE", "UPDATE"},
}
LOCATIONS = {
    "us": "https://accounts.zoho.com",
    "eu": "https://accounts.zoho.eu",
    "in": "https://accounts.zoho.in",
    "au": "https://accounts.zoho.com.au",
    "jp": "https://accounts.zoho.jp",
}


class Grant(NamedTuple):
    """What one access token allows, and until when."""

    scopes: frozenset[str]
    expires_at: float


def expand(scopes: str) -> frozenset[str]:
    """The single scopes that a comma-separated list of scopes stands for, composites taken apart."""
    single: set[str] = set()
    for scope in filter(None, (part.strip() for part in scopes.split(","))):
        area, _, action = scope.rpartition(".")
        single.update(f"{area}.{each}" for each in COMPOSITES.get(action, {action}))
    return frozenset(single)


def grant_of(store: Store, token: str, now: float) -> Grant | None:
    """The grant of a living access token, or None if it is unknown, expired, dropped or its refresh token revoked."""
    grants: dict[str, Grant | None] = store.kept("grants", dict)
    if token not in grants:
        row = store.execute(
            "SELECT r.scopes, a.expires_at FROM access_tokens a JOIN refresh_tokens r ON r.token = a.refresh_token"
            " WHERE a.token = ? AND a.dropped = 0 AND r.revoked = 0",
            (token,),
        ).fetchone()
        if row is None:
            return None
        grants[token] = Grant(expand(row[0]), row[1])
    grant = grants[token]
    return grant if grant is not None and grant.expires_at > now else None


def token(call: Call) -> Reply:
    """POST /oauth/v2/token, for the grant types refresh_token and authorization_code."""
    given = call.parameters
    store = call.store
    client_id, secret = store.execute("SELECT client_id, client_secret FROM state").fetchone()
    if given.get("client_id") != client_id:
        return _error("invalid_client")
    if given.get("client_secret") != secret:
        return _error("invalid_client_secret")
    kind = given.get("grant_type")
    if kind == "refresh_token":
        return _refreshed(call, given.get("refresh_token", ""))
    if kind == "authorization_code":
        return _exchanged(call, given.get("code", ""))
    return _error("unsupported_grant_type")


def revoke(call: Call) -> Reply:
    """POST /oauth/v2/token/revoke: the refresh token and every access token made from it end."""
    token = call.parameters.get("token", "")
    if call.store.execute("UPDATE refresh_tokens SET revoked = 1 WHERE token = ? AND revoked = 0", (token,)).rowcount:
        call.store.touch()
        return json_reply({"status": "success"})
    return json_reply({"error": "invalid_code"}, 400, "invalid_code")


def serverinfo(call: Call) -> Reply:
    """GET /oauth/serverinfo: which accounts host serves which data centre."""
    return json_reply({"result": "success", "locations": LOCATIONS})


def add_refresh_token(store: Store, scopes: str) -> str:
    """A new refresh token with these scopes."""
    made = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
    store.execute("INSERT INTO refresh_tokens VALUES (?, ?, 0)", (made, scopes))
    return made


def add_code(store: Store, scopes: str, expires_at: float) -> str:
    """A grant code as a self client shows it in the console; it works once."""
    made = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
    store.execute("INSERT INTO grant_codes VALUES (?, ?, ?, 0)", (made, scopes, expires_at))
    return made


def expire_all(store: Store) -> None:
    """End every access token now, as after a change of password."""
    store.execute("UPDATE access_tokens SET dropped = 1")
    store.touch()


def revoke_all(store: Store) -> None:
    """End every refresh token now."""
    store.execute("UPDATE refresh_tokens SET revoked = 1")
    store.touch()


def _refreshed(call: Call, refresh_token: str) -> Reply:
    store = call.store
    if store.value("SELECT revoked FROM refresh_tokens WHERE token = ?", refresh_token) != 0:
        return _error("invalid_code")
    return json_reply(_issued(call, refresh_token))


def _exchanged(call: Call, code: str) -> Reply:
    store = call.store
    row = store.execute("SELECT scopes, expires_at, used FROM grant_codes WHERE code = ?", (code,)).fetchone()
    if row is None or row[2] or row[1] <= call.now:
        return _error("invalid_code")
    store.execute("UPDATE grant_codes SET used = 1 WHERE code = ?", (code,))
    refresh_token = add_refresh_token(store, row[0])
    answer = _issued(call, refresh_token)
    return json_reply({"access_token": answer.pop("access_token"), "refresh_token": refresh_token, **answer})


def _issued(call: Call, refresh_token: str) -> dict[str, object]:
    store, settings = call.store, call.settings
    if not limits.admit(store, f"token {refresh_token}", settings.token_limit, settings.token_window):
        raise Refusal(
            json_reply(
                {
                    "error_description": "You have made too many requests. Please try again after some time.",
                    "error": "Access Denied",
                    "status": "failure",
                },
                settings.throttle_status,
                "Access Denied",
            )
        )
    access = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
    store.execute(
        "INSERT INTO access_tokens (token, refresh_token, issued_at, expires_at) VALUES (?, ?, ?, ?)",
        (access, refresh_token, call.now, call.now + settings.token_lifetime),
    )
    # Only so many are valid at a time: the oldest is dropped, and nobody is told.
    store.execute(
        "UPDATE access_tokens SET dropped = 1 WHERE refresh_token = ? AND dropped = 0 AND number NOT IN"
        " (SELECT number FROM access_tokens WHERE refresh_token = ? ORDER BY number DESC LIMIT ?)",
        (refresh_token, refresh_token, settings.valid_tokens),
    )
    store.touch()
    return {
        "access_token": access,
        "api_domain": "http://" + call.headers.get("host", "127.0.0.1"),
        "token_type": "Bearer",
        "expires_in": settings.token_lifetime,
    }


def _error(name: str) -> Reply:
    return json_reply({"error": name}, 200, name)


ENDPOINTS = {
    "/oauth/v2/token": Endpoint("accounts.token", token, methods=("POST",)),
    "/oauth/v2/token/revoke": Endpoint("accounts.revoke", revoke, methods=("POST",)),
    "/oauth/serverinfo": Endpoint("accounts.serverinfo", serverinfo),
}
