"""Role names, status, domains, conditions and required fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest
from syncline import Config, Rule, SpecError, Status
from syncline.batch import ADDRESS, ID, KEY, ROW, STATUS, keys
from syncline_rules.condition import Required, RequiredConfig, SqlConfig, SqlRule
from syncline_rules.domain import Disposable, Domain, DomainConfig
from syncline_rules.group import ROLES, ROLES_AS_OF, GroupEmail, GroupEmailConfig
from syncline_rules.status import Bounced, DoNotMail


def frame_of(
    addresses: Sequence[str | None], status: Sequence[str | None] | None = None, **fields: Any
) -> pl.DataFrame:
    address = pl.Series(ADDRESS, addresses, dtype=pl.String)
    nothing = [None] * len(addresses)
    own = {
        ID: pl.Series(nothing, dtype=pl.String),
        ROW: pl.Series(range(len(addresses)), dtype=pl.UInt64),
        ADDRESS: address,
        KEY: keys(address),
        STATUS: pl.Series(status or nothing, dtype=pl.String),
    }
    return pl.DataFrame(own | fields)


def judged(rule: Rule[Any], frame: pl.DataFrame) -> list[tuple[str, str | None] | None]:
    """Reason and detail of each row, as the engine asks for them."""
    found = rule.reasons(frame)
    reasons = frame.select(found.alias("reason")).to_series() if isinstance(found, pl.Expr) else found
    assert set(reasons.drop_nulls()) <= set(rule.declared())
    details = iter(rule.details(frame.filter(reasons.is_not_null())))
    return [(reason, next(details)) if reason is not None else None for reason in reasons]


@pytest.mark.parametrize("part", ["info", "administrator", "admin", "careers", "service", "support", "hr"])
def test_role_names_of_the_product_pages_are_in_the_list(part: str) -> None:
    assert part in ROLES
    rule = GroupEmail(GroupEmailConfig())
    assert judged(rule, frame_of([f"{part}@example.com"])) == [("group_email", f"{part}@ is a role, not a person")]


def test_letter_case_blanks_and_a_tag_do_not_hide_a_role() -> None:
    rule = GroupEmail(GroupEmailConfig())
    assert [bool(each) for each in judged(rule, frame_of([" INFO@example.com", "info+fair@example.com"]))] == [True] * 2


def test_people_whose_address_only_begins_like_a_role_pass() -> None:
    addresses = [
        "information.desk.anna@example.com",
        "salesman@example.com",
        "anna+info@example.com",
        "anna@info.example",
        None,
    ]
    assert judged(GroupEmail(GroupEmailConfig()), frame_of(addresses)) == [None] * 5


def test_the_list_of_roles_can_be_extended_and_thinned_by_the_spec() -> None:
    rule = GroupEmail(GroupEmailConfig(add=("Rezeption", "a.b+c"), remove=("hello",)))
    found = judged(rule, frame_of(["rezeption@example.com", "hello@example.com", "axb@example.com", "a.b@example.com"]))
    assert [bool(each) for each in found] == [True, False, False, False]
    assert ROLES_AS_OF


def test_a_list_without_any_role_lets_everybody_pass() -> None:
    assert judged(GroupEmail(GroupEmailConfig(remove=tuple(ROLES))), frame_of(["info@example.com"])) == [None]


def test_opted_out_people_and_bounced_addresses_are_told_apart() -> None:
    held = [*map(str, Status), None]
    frame = frame_of([f"{n}@example.com" for n in range(len(held))], held)
    opted_out = [status for status, found in zip(held, judged(DoNotMail(Config()), frame), strict=True) if found]
    bounced = [status for status, found in zip(held, judged(Bounced(Config()), frame), strict=True) if found]
    assert opted_out == ["unsub", "do_not_mail"]
    assert bounced == ["bounce"]


def test_rules_on_the_status_ask_for_a_fresh_one() -> None:
    assert DoNotMail.judges_status
    assert Bounced.judges_status


def test_a_condition_ignores_where_it_is_true_and_lets_null_pass() -> None:
    rule = SqlRule(SqlConfig(when="_country IN ('Atlantis') AND \"Zip Code\" <> ''", reason="embargo"))
    frame = frame_of([None] * 3, _country=["Atlantis", "Norway", "Atlantis"], **{"Zip Code": ["1", "2", None]})
    assert [each and each[0] for each in judged(rule, frame)] == ["embargo", None, None]
    assert rule.needs() == ["Zip Code", "_country"]
    assert list(rule.declared()) == ["embargo"]


@pytest.mark.parametrize("when", ["", "a = ", "count(*) > 1", "a = (SELECT 1)", "a = 1; DROP TABLE b"])
def test_a_condition_that_is_none_is_a_fault_of_the_spec(when: str) -> None:
    with pytest.raises(SpecError, match=r"sql\.when"):
        SqlRule(SqlConfig(when=when))


def test_the_first_field_that_is_missing_is_named() -> None:
    rule = Required(RequiredConfig(fields=("Company", "Tags")))
    companies = ["Zylker", "\u200b ", None, "Zylker", "Zylker"]
    tags: list[list[str | None] | None] = [["x"], ["x"], ["x"], [], [None]]
    assert judged(rule, frame_of([None] * 5, Company=companies, Tags=tags)) == [
        None,
        *[("required_field", "Company is missing or blank")] * 2,
        *[("required_field", "Tags is missing or blank")] * 2,
    ]
    assert rule.needs() == ("Company", "Tags")


DOMAINS: Mapping[str, tuple[str, ...]] = {"given": ("Example.com", "*.example.org", ".bücher.example")}


def test_allowed_domains_pass_and_all_others_do_not() -> None:
    rule = Domain(DomainConfig(allow=DOMAINS["given"]))
    addresses = [
        "a@EXAMPLE.com",
        "a@x.example.com",
        "a@example.org",
        "a@x.y.example.org",
        "a@x.xn--bcher-kva.example",
        "n/a",
    ]
    no = "domain_not_allowed"
    assert judged(rule, frame_of(addresses)) == [
        None,
        (no, "x.example.com"),
        (no, "example.org"),
        None,
        None,
        (no, None),
    ]


def test_denied_domains_do_not_pass_and_all_others_do() -> None:
    rule = Domain(DomainConfig(deny=DOMAINS["given"]))
    addresses = ["a@EXAMPLE.com", "a@x.example.com", "a@badexample.org", "a@x.example.org", None]
    denied = "domain_denied"
    assert judged(rule, frame_of(addresses)) == [(denied, "example.com"), None, None, (denied, "x.example.org"), None]


@pytest.mark.parametrize("config", [DomainConfig(), DomainConfig(allow=("a.example",), deny=("b.example",))])
def test_a_domain_rule_takes_either_allow_or_deny(config: DomainConfig) -> None:
    with pytest.raises(SpecError, match="exactly one of allow and deny"):
        Domain(config)


def test_throw_away_mailboxes_are_ignored_below_a_listed_domain_too() -> None:
    addresses = ["a@mailinator.com", "a@x.y.mailinator.com", "a@mailinator.com.example", "a@example.com", None, "none"]
    code = "disposable_address"
    expected = [(code, "mailinator.com"), (code, "x.y.mailinator.com"), None, None, None, None]
    assert judged(Disposable(Config()), frame_of(addresses)) == expected
