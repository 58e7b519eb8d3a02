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


@pytest.fixture
def odd(place: Place) -> Place:
    """A place whose secrets are hard to hide."""
    (place.folder / "secret.txt").write_text(SECRET)
    (place.folder / "longer.txt").write_text(LONGER)
    place.box.change_credentials(client_secret=SECRET, refresh_token=LONGER)
    place.connect(client_secret="${file:secret.txt}", refresh_token="${file:longer.txt}")
    place.sign_up("ann")
    return place


def told(place: Place, words: str) -> str:
    """All that is shown and kept of a run that Creator refuses with these words of its own."""
    place.box.faults.clear()
    place.box.faults.add("code", "creator.records", code="9999", body=words)
    said = place.syncline("run", place.spec.name, "--json", "--debug", code=1)
    assert "code 9999: No: " in json.loads(said.out)["message"]
    files = "".join(file.read_bytes().decode("latin-1") for file in place.ledger.parent.iterdir())
    return said.out + said.err + json.dumps(place.runs(), ensure_ascii=False) + files


@pytest.mark.parametrize("shape", list(shapes("")))
def test_secrets_that_come_back_in_an_answer_are_masked_wherever_it_is_told(odd: Place, shape: str) -> None:
    for secret in (SECRET, LONGER):
        shown = told(odd, f"No: {shapes(secret)[shape]}")
        for hidden in (*leaks(secret), REST):
            assert hidden not in shown


def test_no_part_of_a_secret_is_left_where_a_long_answer_is_cut(odd: Place) -> None:
    shown = [told(odd, f"No: {'x' * length} {LONGER}") for length in (175, 185)]
    assert not any(SECRET[:4] in text for text in shown)


def leaks(secret: str) -> list[str]:
    """What gives a secret away: itself, as it stands in URLs and JSON, and most of what base64 makes of it."""
    encoded = [base64.b64encode(f"{before}{secret}".encode()).decode()[4:-4] for before in ("", "x", "xy")]
    return [secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *encoded]
