"""Fault 17: names that break things, texts that look like something else, formulas in CSV."""

from __future__ import annotations

import csv
import io
import json

from fault_place import LIST, Place, signup

NAMES = [
    "O'Neill", 'Ann "the" Lee', "Zeile\neins", "tab\there", "مريم", "שָׁרָה", "\u202eevil\u202c", "𝔄𝔫𝔫 👩🏽‍💻",
    "a&b=c+d%20", "back\\slash",
    "007", "true", "null", "1e5", "NaN", "-1", "0x1F", "2026-11-26", "[]", "{}", "None", "é", "e\u0301", "';--",
    "<b>x</b>",
]  # fmt: skip
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")']


def test_every_text_arrives_to_the_letter(place: Place) -> None:
    place.box.insert_records(*(signup(f"p{n}", Company=name) for n, name in enumerate(NAMES)))
    assert place.run()["counts"]["new"] == len(NAMES)
    fields = {lead.email: lead.fields for lead in place.box.leads(LIST)}
    assert [fields[f"p{n}@example.com"]["Company"] for n in range(len(NAMES))] == NAMES
    again = place.run()
    assert again["duplicate"] == {"updated": 0, "unchanged": len(NAMES)}


def test_a_text_that_looks_like_a_number_is_sent_as_the_text_that_it_is(place: Place) -> None:
    place.write(mapping={"Lead Email": "Email", "Company": {"value": "007"}, "Channel": {"field": "Company"}})
    place.box.insert_records(signup("ann", Company="1e5"))
    place.run()
    lead = place.box.lead(LIST, "ann@example.com")
    assert lead is not None
    assert (lead.fields["Company"], lead.fields["Channel"]) == ("007", "1e5")


def test_addresses_of_any_script_and_length_end_in_an_outcome(place: Place) -> None:
    odd = [
        "о'neill@example.com", "用户@example.com", "a" * 300 + "@example.com", "ann@bücher.example.com", "'; DROP--@x",
        '"q q"@example.com', "ann@example.com\n", "\u202emoc.elpmaxe@nna", "=cmd@example.com", "😀@example.com",
    ]  # fmt: skip
    place.box.insert_records(*(signup(f"p{n}", Email=address) for n, address in enumerate(odd)))
    assert place.run(code=None)["counts"]["total"] == len(odd)


def test_no_formula_and_no_steering_character_reaches_a_spreadsheet_or_a_terminal(place: Place) -> None:
    place.box.insert_records(*(signup(f"p{n}", Email=f"{text}\u001b[31m") for n, text in enumerate(FORMULAS)))
    assert place.run()["ignored"]["invalid_pattern"] == len(FORMULAS)
    written = place.syncline("leads", "last", "--csv", "-").out
    rows = list(csv.DictReader(io.StringIO(written)))
    assert len(rows) == len(FORMULAS)
    assert all(not row["email"].startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows)
    for words in (("leads", "last"), ("leads", "last", "--json")):
        shown = place.syncline(*words).out
        assert "\u001b" not in shown
    told = [json.loads(line)["email"] for line in shown.splitlines()]
    assert "=1+1\u001b[31m" in told
