"""Fault 18: a secret in an exception chain, in a URL, JSON-escaped, in a Basic header; one that contains another."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from fault_place import Place

SECRET = 'pa"ss/wörd\\+1 &x'
REST = "-and-more"
LONGER = SECRET + REST


def shapes(secret: str) -> dict[str, str]:
    """How a secret may stand in a text."""
    return {
        "as it is": secret,
        "in a URL": f"https://accounts.example.com/token?client_secret={quote(secret, safe='')}&x=1",
        "JSON-escaped": json.dumps({"client_secret": secret}),
        "JSON in JSON": json.dumps(json.dumps({"client_secret": secret})),
        "base64": base64.b64encode(secret.encode()).decode(),
        **{
            f"in a Basic header of {user}": f"Authorization: Basic {basic(user, secret)}" for user in ("a", "ab", "abc")
        },
    }


def basic(user: str, secret: str) -> str:
    """The credentials of a Basic header (RFC 7617)."""
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


@pytest.mark.parametrize("secret", [SECRET, LONGER])
@pytest.mark.parametrize("shape", list(shapes("")))
def test_a_secret_that_comes_back_in_an_answer_is_masked_wherever_it_is_told(
    place: Place, secret: str, shape: str
) -> None:
    """Creator's own words are told, for they say what is wrong with a spec; here they repeat a secret."""
    (place.folder / "secret.txt").write_text(SECRET)
    (place.folder / "longer.txt").write_text(LONGER)
    place.box.change_credentials(client_secret=SECRET, refresh_token=LONGER)
    place.connect(client_secret="${file:secret.txt}", refresh_token="${file:longer.txt}")
    place.sign_up("ann")
    place.box.faults.add("code", "creator.records", code="9999", body=f"No: {shapes(secret)[shape]}")
    said = place.syncline("run", place.spec.name, "--json", "--debug", code=1)
    assert "code 9999: No: " in json.loads(said.out)["message"]
    files = "".join(file.read_bytes().decode("latin-1") for file in place.ledger.parent.iterdir())
    shown = said.out + said.err + json.dumps(place.runs(), ensure_ascii=False) + files
    for hidden in (*leaks(secret), REST):
        assert hidden not in shown


def leaks(secret: str) -> list[str]:
    """What gives a secret away: itself, as it stands in URLs and JSON, and most of what base64 makes of it."""
    encoded = [base64.b64encode(f"{before}{secret}".encode()).decode()[4:-4] for before in ("", "x", "xy")]
    return [secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *encoded]
