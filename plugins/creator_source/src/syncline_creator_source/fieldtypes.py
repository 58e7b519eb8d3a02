"""The types of a form's fields, by the numbers of Creator's meta API.

Source: https://zoho.com/creator/help/api/v2.1/get-fields.html . Numbers that are not in that page are text to us.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncline import Field

KINDS: Mapping[int, str] = {
    1: "text", 2: "text", 3: "email", 4: "text", 5: "number", 6: "decimal", 7: "decimal", 8: "decimal", 9: "text",
    10: "date", 11: "datetime", 12: "text", 13: "text", 14: "list", 15: "list", 16: "boolean", 17: "url", 18: "text",
    29: "name",
}  # fmt: skip
PARTS = frozenset(
    {
        "zc_display_value", "display_value", "value", "url", "title", "ID",
        "prefix", "first_name", "last_name", "suffix",
        "address_line_1", "address_line_2", "district_city", "state_province", "postal_code", "country",
        "latitude", "longitude",
    }
)  # fmt: skip
"""The documented parts of composites; a lookup may have others."""
ID = "ID"
ADDED, MODIFIED = "Added_Time", "Modified_Time"
TIMES = (ADDED, MODIFIED)
SYSTEM: Mapping[str, str] = {
    ID: "text",
    ADDED: "datetime",
    MODIFIED: "datetime",
    "Added_User": "text",
    "Modified_User": "text",
}


def form_fields(items: list[Any]) -> dict[str, Field]:
    """Link name → field, from the `fields` of the meta call; what is not understood there is text."""
    found: dict[str, Field] = {}
    for item in items:
        if not isinstance(item, dict) or not isinstance(name := item.get("link_name"), str):
            continue
        number, most = item.get("type"), item.get("max_char")
        kind = KINDS.get(number, "text") if isinstance(number, int) else "text"
        choices = [each.get("value") for each in item.get("choices") or [] if isinstance(each, dict)]
        found[name] = Field(
            name=name,
            label=str(item.get("display_name") or ""),
            type=kind,
            required=item.get("mandatory") is True,
            choices=tuple(each for each in choices if isinstance(each, str)),
            max_length=most if isinstance(most, int) else None,
        )
    return found
