"""Everything that the package offers is explained where its users look: docstring, options, reason codes, README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import syncline_rules
from syncline import Rule
from syncline.decision import DEFAULT_REASONS
from syncline.plugin import Plugin

README = (Path(__file__).parents[2] / "plugins/rules/README.md").read_text(encoding="utf-8")
TRANSFORMS = list(syncline_rules.syncline_transforms())
RULES = list(syncline_rules.syncline_rules())
OFFERS: list[type[Plugin[Any]]] = [*TRANSFORMS, *RULES]


def test_the_package_offers_what_the_reference_lists() -> None:
    assert [each.name for each in TRANSFORMS] == (
        [
            "trim",
            "lowercase",
            "uppercase",
            "title_case",
            "replace",
            "map_values",
            "concat",
            "split",
            "parse_date",
            "format_phone",
            "hash",
        ]
    )
    assert [each.name for each in RULES] == [*DEFAULT_REASONS, "sql", "required", "domain", "disposable"]


@pytest.mark.parametrize("offer", OFFERS, ids=lambda each: each.name)
def test_each_offer_has_a_docstring_of_its_own_and_a_place_in_the_readme(offer: type[Plugin[Any]]) -> None:
    assert offer.__doc__
    assert offer.__doc__.split("\n")[0].endswith((".", ":")) or "\n" in offer.__doc__
    assert f"| `{offer.name}` |" in README


@pytest.mark.parametrize("offer", OFFERS, ids=lambda each: each.name)
def test_each_option_is_described_and_stands_in_the_readme(offer: type[Plugin[Any]]) -> None:
    schema = msgspec.json.schema(offer.Config)
    properties = schema["$defs"][offer.Config.__name__].get("properties", {})
    (row,) = re.findall(rf"^\| `{offer.name}` \|.*$", README, re.MULTILINE)
    for name, option in properties.items():
        text = option.get("description") or next((each.get("description") for each in option.get("anyOf", ())), None)
        assert text, f"{offer.name}.{name}"
        assert f"`{name}`" in row


@pytest.mark.parametrize("rule", RULES, ids=lambda each: each.name)
def test_each_reason_code_is_explained_in_the_readme(rule: type[Rule[Any]]) -> None:
    assert rule.codes
    for code, text in rule.codes.items():
        assert re.fullmatch("[a-z_]+", code)
        assert f"`{code}`" in README
        assert text == DEFAULT_REASONS.get(code, text)
