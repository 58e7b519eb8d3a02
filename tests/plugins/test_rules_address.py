"""Empty, invalid and misspelt addresses: `invalid_pattern` must agree with email-validator on every text."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st
from syncline import Config
from syncline.batch import ADDRESS, BLANKS, ID, KEY, ROW, STATUS, keys
from syncline_rules.address import EmptyEmail, InvalidPattern, InvalidPatternConfig
from syncline_rules.typos import TYPOS_AS_OF, table
from syncline_rules.verdict import PLAIN_BYTES, plain

LABEL63 = "d" * 63
CORPUS = [
    "anna@example.com",
    "Anna.Smith@Web.de",
    "o'brien@example.org",
    "a+tag@example.net",
    "a@b.c",
    "!#$%&'*+-/=?^_`{|}~@a.co",
    "a_b@sub.example.co.uk",
    "1@2.com",
    "a@1.2.3.4",
    "a@example.c0m",
    "a@example.123",
    "a@example.c-m",
    "a@-example.com",
    "a@example-.com",
    "a@ex--ample.com",
    "a@ab--cd.com",
    "a@xn--bcher-kva.de",
    "a@xn--a.de",
    "a@xn--.com",
    "a@x.xn--p1ai",
    "a@bücher.de",
    "jürgen@example.com",
    "иван@пример.рф",
    "用户@例子.cn",
    "a@example..com",
    "a..b@example.com",
    ".a@example.com",
    "a.@example.com",
    "a@example.com.",
    "a@.example.com",
    "@example.com",
    "a@",
    "a",
    "",
    "@",
    "a@@example.com",
    "a@b@example.com",
    '"a b"@example.com',
    '"a"@example.com',
    '"a@b"@example.com',
    '"@example.com',
    "Anna <anna@example.com>",
    "<anna@example.com>",
    "a@[127.0.0.1]",
    "a@[IPv6:::1]",
    "a b@example.com",
    "a@exam ple.com",
    "a@exa_mple.com",
    "a@example,com",
    "a@example.com,b@example.com",
    "a(x)@example.com",
    "a\\b@example.com",
    "mailto:a@example.com",
    "a@example.com\n",
    "a\n@example.com",
    "a\x00@example.com",
    "a＠example.com",
    "a﹫example.com",
    "a@ｅｘａｍｐｌｅ.com",
    "a@exa\u00admple.com",
    "a@exam\u200bple.com",
    "a\u200b@example.com",
    "a@K.com",
    "\u212a@example.com",
    "a@ſ.com",
    "a@example。com",
    "a@\u0301example.com",
    "a\u0301@example.com",
    "e\u0301a@example.com",
    "a@\u0338example.com",
    "a<\u0338@example.com",
    '"\u0338a@example.com',
    "a@א.com",
    "a@אa.com",
    "a@1א.com",
    "😀@example.com",
    "a@😀.com",
    "a@☃.net",
    "a@ß.de",
    "a@faß.de",
    "a@ς.gr",
    "a@example.museum",
    "a@example.technology",
    "a@localhost",
    "a@example",
    "a" * 64 + "@example.com",
    "a" * 65 + "@example.com",
    "a" * 200 + "@example.com",
    "a" * 242 + "@example.com",
    "a" * 243 + "@example.com",
    f"a@{LABEL63}.com",
    f"a@{LABEL63}d.com",
    f"a@{'.'.join([LABEL63] * 3)}.{'d' * 57}.com",
    f"a@{'.'.join([LABEL63] * 3)}.{'d' * 58}.com",
    f"a@{'ü' * 50}.de",
    f"a@{'ü' * 60}.de",
    "ü" * 100 + "@example.com",
    "a@" + "ü." * 60 + "de",
    "jürgen@" + "ü" * 40 + "." + "ö" * 40 + ".de",
    "a@\ud800.com",
    "\ud800@example.com",
    *(f"a@{name}" for name in SPECIAL_USE_DOMAIN_NAMES),
    *(f"a@x.{name.upper()}" for name in SPECIAL_USE_DOMAIN_NAMES),
    *(f"a@x{name}" for name in SPECIAL_USE_DOMAIN_NAMES),
    *(f"a@x.{name}.com" for name in SPECIAL_USE_DOMAIN_NAMES),
]
"""Texts at the borders of what an address is."""
ENCODABLE = [text for text in CORPUS if text.isprintable() or "\ud800" not in text]


def frame_of(addresses: Sequence[str | None]) -> pl.DataFrame:
    address = pl.Series(ADDRESS, addresses, dtype=pl.String)
    return pl.DataFrame(
        {
            ID: pl.Series([f"ID{n}" for n in range(len(addresses))], dtype=pl.String),
            ROW: pl.Series(range(len(addresses)), dtype=pl.UInt64),
            ADDRESS: address,
            KEY: keys(address),
            STATUS: pl.Series([None] * len(addresses), dtype=pl.String),
        }
    )


def valid_by_library(text: str) -> bool:
    try:
        validate_email(text, check_deliverability=False)
    except (EmailNotValidError, ValueError, IndexError):
        return False
    return True


def judged_valid(texts: Sequence[str], **options: object) -> list[bool]:
    rule = InvalidPattern(InvalidPatternConfig(**options))  # type: ignore[arg-type]  # options of the test
    return [reason is None for reason in rule.reasons(frame_of(texts))]


def accepted_as_plain(texts: Sequence[str]) -> list[bool]:
    return pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}).select(plain(pl.col("text"))).to_series().to_list()


NO_TYPOS = tuple(table({}, frozenset()))
LOCALS = st.text(st.sampled_from("abzAZ059._+-'!\"@<> \\üß用\u0301\u200b\u212a"), max_size=12)
LABELS = st.text(st.sampled_from("abzAZ019-_xnüß。\u0301\u00adｅK"), max_size=8)
ENDINGS = st.sampled_from(
    ["com", "de", "co.uk", "test", "arpa", "x1", "1x", "xn--p1ai", "рф", "c", "", "Local", "онлайн"]
)
DOMAINS = st.builds(lambda labels, end: ".".join([*labels, end]), st.lists(LABELS, max_size=4), ENDINGS)
ADDRESSES = st.one_of(
    st.builds(
        lambda local, at, domain: local + at + domain, LOCALS, st.sampled_from(["@", "@", "@", "", "@@", "＠"]), DOMAINS
    ),
    st.emails(),
    st.text(max_size=20),
    st.sampled_from(ENCODABLE),
    st.builds(lambda a, n: a * n + "@" + "d" * n + ".com", st.sampled_from("aü"), st.integers(55, 70)),
    st.builds(
        lambda n, m: "a" * n + "@" + ".".join(["dü"[m % 2] * 40] * m) + ".de", st.integers(1, 130), st.integers(1, 5)
    ),
)


@pytest.mark.parametrize("text", ENCODABLE)
def test_each_text_of_the_corpus_is_judged_as_email_validator_judges_it(text: str) -> None:
    trimmed = text.strip(BLANKS)
    assert judged_valid([text], allow_domains=NO_TYPOS) == [valid_by_library(trimmed)]


@settings(max_examples=300, deadline=None)
@given(st.lists(ADDRESSES, min_size=1, max_size=60))
def test_rule_and_email_validator_agree_on_any_text(texts: list[str]) -> None:
    assert judged_valid(texts, allow_domains=NO_TYPOS) == [valid_by_library(text.strip(BLANKS)) for text in texts]


@settings(max_examples=300, deadline=None)
@given(st.lists(ADDRESSES, min_size=1, max_size=60))
def test_the_fast_pattern_never_accepts_what_email_validator_refuses(texts: list[str]) -> None:
    for text, accepted in zip(texts, accepted_as_plain(texts), strict=True):
        assert not accepted or valid_by_library(text), text


def test_the_fast_pattern_takes_the_plain_majority_in_any_letter_case() -> None:
    assert accepted_as_plain(["Anna.Smith@Web.de", "o'brien+x@sub.Example.co.uk", "A_B-C@EXAMPLE.COM"]) == [True] * 3


def test_the_fast_pattern_leaves_lengths_reserved_names_and_punycode_to_the_library() -> None:
    texts = [
        "a" * PLAIN_BYTES + "@example.com",
        "a@b.test",
        "a@b.TEST",
        "a@test",
        "a@xn--bcher-kva.de",
        "a@ab--c.de",
        "a@b.c\n",
    ]
    assert accepted_as_plain(texts) == [False] * len(texts)


def test_blanks_around_an_address_do_not_make_it_invalid() -> None:
    assert judged_valid([" anna@example.com\t", "\u200banna@example.com\u3000", "\xa0Anna@Example.com "]) == [True] * 3


def test_reserved_example_domains_pass_as_email_validator_lets_them_pass() -> None:
    assert judged_valid(["a@example.com", "a@mail.example.org", "a@b.test", "a@b.invalid"]) == [
        True,
        True,
        False,
        False,
    ]


def test_a_domain_without_a_dot_is_invalid() -> None:
    assert judged_valid(["jane@aol", "ted@zylkercom"]) == [False, False]


def details_of(texts: Sequence[str | None], **options: object) -> list[str | None]:
    rule = InvalidPattern(InvalidPatternConfig(**options))  # type: ignore[arg-type]  # options of the test
    frame = frame_of(texts)
    reasons = rule.reasons(frame)
    return list(rule.details(frame.filter(reasons.is_not_null())))


def test_a_misspelt_domain_is_ignored_with_the_address_that_was_meant() -> None:
    assert details_of(["john@gnail.com", "ok@gmail.com", " Mary@GMIAL.com "]) == [
        "did you mean john@gmail.com?",
        "did you mean Mary@gmail.com?",
    ]


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("gmal.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("yaho.com", "yahoo.com"),
        ("outlok.com", "outlook.com"),
        ("iclod.com", "icloud.com"),
        ("gmail.com.com", "gmail.com"),
        ("gmailcom.com", "gmail.com"),
    ],
)
def test_well_known_slips_are_in_the_table(bad: str, good: str) -> None:
    assert table({}, frozenset())[bad] == good


@pytest.mark.parametrize(
    "name", ["ymail.com", "mail.com", "gmx.com", "gmx.net", "live.co.uk", "yahoo.co.in", "email.com"]
)
def test_real_providers_are_not_in_the_table(name: str) -> None:
    assert name not in table({}, frozenset())


def test_no_right_domain_is_called_a_slip() -> None:
    slips = table({}, frozenset())
    assert not set(slips) & set(slips.values())
    assert TYPOS_AS_OF


def test_the_table_can_be_extended_and_thinned_by_the_spec() -> None:
    texts = ["a@exampel.com", "a@gmal.com"]
    assert details_of(texts, typo_domains={"Exampel.com": "example.com"}, allow_domains=("gmal.com",)) == [
        "did you mean a@example.com?"
    ]


def test_the_detail_says_what_is_wrong_without_quoting_the_address() -> None:
    details = details_of(["n/a", "a..secret@example.com", None, "a@example"])
    assert details[0] == "an email address must have an @-sign"
    assert details[1] == "an email address cannot have two periods in a row"
    assert all(each and "secret" not in each for each in details)


def test_equal_texts_in_later_batches_are_judged_alike() -> None:
    rule = InvalidPattern(InvalidPatternConfig())
    for _ in range(3):
        assert rule.reasons(frame_of(["x@gnail.com", "x@bücher.de", "none"])).to_list() == [
            "invalid_pattern",
            None,
            "invalid_pattern",
        ]


def test_an_empty_batch_is_judged() -> None:
    assert InvalidPattern(InvalidPatternConfig()).reasons(frame_of([])).len() == 0
    assert EmptyEmail(Config()).reasons(frame_of([])).len() == 0


@settings(deadline=None)
@given(st.text(st.sampled_from(BLANKS), max_size=8))
def test_blanks_of_any_kind_are_no_address(blanks: str) -> None:
    assert EmptyEmail(Config()).reasons(frame_of([blanks, None])).to_list() == ["empty_email"] * 2


@settings(deadline=None)
@given(st.text(st.sampled_from(BLANKS), max_size=3), st.sampled_from(["a", "ü", "@", "0", "用"]))
def test_anything_that_can_be_seen_is_not_empty(blanks: str, seen: str) -> None:
    assert EmptyEmail(Config()).reasons(frame_of([blanks + seen + blanks])).to_list() == [None]
