"""Delivering leads to a real (sandbox) MarketingHub: one result for each lead, whatever the answer looks like."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marketinghub_account import LIST, PUBLIC, Account, leads
from syncline import Fatal, Lost, Result, ResultKind, Retriable
from syncline.budget import Limit
from syncline.ledger import Ledger
from syncline_marketinghub.config import MarketingHubConfig
from syncline_marketinghub.sink import MarketingHub
from syncline_zoho import Budget
from syncline_zoho_sandbox import Sandbox

pytest_plugins = ("marketinghub_account",)

ANN = "ann@example.com"
Make = Callable[..., MarketingHub]


def send(sink: MarketingHub, frame: pl.DataFrame) -> list[Result]:
    sink.reserve(frame.height)
    return list(sink.deliver(frame))


def kinds(results: list[Result]) -> list[str]:
    return [each.kind.value for each in results]


def test_a_lead_arrives_with_all_its_fields(sink: Make, box: Sandbox) -> None:
    value = 'Änn & "Ço" = 1+1?\n中文 😀'
    assert send(sink(), leads(ANN, **{"First Name": value, "Company": None})) == [Result(ResultKind.ACCEPTED, "0")]
    lead = box.lead(LIST, ANN)
    assert lead is not None
    assert (lead.status, lead.fields) == ("active", {"First Name": value})


def test_an_empty_value_keeps_what_the_target_has_unless_it_shall_clear_it(sink: Make, box: Sandbox) -> None:
    keep, clear = sink(), sink(empty_values="clear")
    send(keep, leads(ANN, **{"First Name": "Ann"}))
    frame = leads(ANN, **{"First Name": " "})
    send(keep, keep.encode(frame, ["Lead Email", "First Name"]))
    kept = box.lead(LIST, ANN)
    send(clear, clear.encode(frame, ["Lead Email", "First Name"]))
    cleared = box.lead(LIST, ANN)
    assert kept is not None
    assert cleared is not None
    assert (kept.fields["First Name"], cleared.fields["First Name"]) == ("Ann", "")


@given(st.lists(st.one_of(st.none(), st.text(), st.sampled_from(["", " ", "\u200b"])), min_size=1, max_size=5))
def test_encoding_keeps_every_text_and_knows_no_blank_one(values: list[str | None]) -> None:
    frame = pl.DataFrame({"Lead Email": [ANN] * len(values), "Note": pl.Series(values, dtype=pl.String)})
    mapped = ["Lead Email", "Note"]
    keep = MarketingHub(MarketingHubConfig(list="x")).encode(frame, mapped)["Note"].to_list()
    clear = MarketingHub(MarketingHubConfig(list="x", empty_values="clear")).encode(frame, mapped)["Note"].to_list()
    assert [new in (None, old) for old, new in zip(values, keep, strict=True)] == [True] * len(values)
    assert clear == [value or "" for value in keep]
    assert (
        MarketingHub(MarketingHubConfig(list="x"))
        .encode(frame, mapped)
        .equals(
            MarketingHub(MarketingHubConfig(list="x")).encode(
                MarketingHub(MarketingHubConfig(list="x")).encode(frame, mapped), mapped
            )
        )
    )


def test_values_of_all_kinds_become_text(sink: Make) -> None:
    frame = pl.DataFrame(
        {
            "Lead Email": [f" {ANN}\u200b"],
            "Day": pl.Series(["2026-03-29"]).str.to_date(),
            "Choices": [["a", "b"]],
            "Yes": [True],
            "Number": [7],
        }
    )
    mapped = frame.columns
    row = sink().encode(frame, mapped).row(0, named=True)
    assert row == {"Lead Email": ANN, "Day": "2026-03-29", "Choices": "a, b", "Yes": "true", "Number": "7"}


@pytest.mark.parametrize("code_type", ["text", "number"])
@pytest.mark.parametrize(
    ("code", "ignored"),
    [("2004", "invalid_pattern"), ("2005", "group_email"), ("2006", "do_not_mail"), ("2001", None), ("7777", None)],
)
def test_a_refusal_is_the_lead_s_own(sink: Make, box: Sandbox, code: str, ignored: str | None, code_type: str) -> None:
    box.settings(code_type=code_type)
    box.change_lead("refuse", ANN, code=code)
    first, second = sink(), sink()
    (result,) = send(first, leads(ANN))
    assert (result.kind, result.code, result.ignored) == (ResultKind.REFUSED, code, ignored)
    assert kinds(send(second, leads("bob@example.com"))) == ["accepted"]


@pytest.mark.parametrize("code", ["2101", "2104", "2402", "2603", "6615", "919", "500"])
def test_a_later_is_retryable(sink: Make, box: Sandbox, code: str) -> None:
    box.faults.add("code", "marketinghub.listsubscribe", code=code, count=1)
    made = sink()
    assert kinds(send(made, leads(ANN))) == ["retryable"]
    assert kinds(send(made, leads(ANN))) == ["accepted"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("980", "no more leads"),
        ("914", "upgrade the plan"),
        ("2302", "upgrade the plan"),
        ("2202", "does not exist any more"),
        ("2206", "does not exist any more"),
        ("2501", "does not exist any more"),
        ("2707", "does not exist any more"),
        ("2701", "may not use the mailing list"),
        ("2704", "may not use the mailing list"),
        ("2706", "may not use the mailing list"),
        ("401", "new refresh token"),
        ("902", "new refresh token"),
        ("1004", "host of marketinghub"),
    ],
)
def test_a_code_that_concerns_the_whole_run_ends_it_and_says_what_to_do(
    sink: Make, box: Sandbox, code: str, words: str
) -> None:
    box.faults.add("code", "marketinghub.listsubscribe", code=code)
    with pytest.raises(Fatal) as caught:
        send(sink(), leads(ANN))
    assert words in str(caught.value)
    assert f"code {code}" in str(caught.value)
    assert "ann" not in str(caught.value).lower().replace("channel", "")


def test_the_plan_s_own_lead_limit_ends_the_run(sink: Make, box: Sandbox) -> None:
    box.settings(lead_limit=1)
    with pytest.raises(Fatal, match="no more leads"):
        send(sink(), leads(ANN))


def test_a_missing_scope_is_named(account: Account, box: Sandbox) -> None:
    scopes = "ZohoMarketingAutomation.lead.READ"
    connection = account.connection(refresh_token=box.grant(scopes).refresh_token)
    with pytest.raises(Fatal, match=r"lacks the scope ZohoMarketingAutomation\.lead\.CREATE"):
        send(account.sink(connection=connection), leads(ANN))


def test_an_expired_token_is_renewed_and_the_lead_is_sent_once(sink: Make, box: Sandbox) -> None:
    made = sink()
    send(made, leads("bob@example.com"))
    box.faults.add("expire_tokens", "marketinghub.listsubscribe", count=1)
    assert kinds(send(made, leads(ANN))) == ["accepted"]


@pytest.mark.parametrize("look", ["2008", "429", "html"])
def test_a_locked_call_is_parked_for_everybody_and_sent_again_after_the_lock(
    account: Account, box: Sandbox, look: str
) -> None:
    box.settings(locked_answer=look)
    first, second = account.sink(), account.sink()
    send(first, leads("bob@example.com"))
    box.faults.add("lock", "marketinghub.listsubscribe", count=1)
    with pytest.raises(Retriable) as caught:
        send(first, leads(ANN))
    assert caught.value.after == 1800
    before = account.hours.now()
    assert kinds(send(second, leads(ANN))) == ["accepted"]
    assert account.hours.now() - before >= 1799
    assert box.calls().counts["marketinghub.listsubscribe"] == 3


def test_429_means_locked_whatever_the_body_says(sink: Make, box: Sandbox) -> None:
    box.faults.add("code", "marketinghub.listsubscribe", code="7777", status=429)
    with pytest.raises(Retriable):
        send(sink(), leads(ANN))


def test_a_page_with_404_is_not_taken_for_a_lock(sink: Make, box: Sandbox) -> None:
    box.faults.add("html", "marketinghub.listsubscribe", status=404)
    with pytest.raises(Fatal, match=r"check the data centre and the host"):
        send(sink(), leads(ANN))


def test_the_time_that_a_locked_call_names_is_believed(sink: Make, box: Sandbox) -> None:
    box.faults.add("throttle", "marketinghub.listsubscribe", retry_after=42)
    with pytest.raises(Retriable) as caught:
        send(sink(), leads(ANN))
    assert caught.value.after == 42


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("commit_then_drop", {}),
        ("cut", {}),
        ("html", {"commit": True}),
        ("html", {"status": 502}),
        ("status", {"status": 500, "body": '{"code": "1"}', "commit": True}),
        ("no_content", {"commit": True}),
        ("truncated_json", {}),
        ("refuse", {}),
        ("status", {"status": 200, "body": "[]"}),
        ("status", {"status": 200, "body": "{}"}),
    ],
)
def test_an_answer_that_says_nothing_leaves_the_lead_unknown_and_is_settled_by_reading_back(
    sink: Make, box: Sandbox, kind: str, options: dict[str, object]
) -> None:
    made = sink()
    made.reserve(1)
    box.faults.add(kind, "marketinghub.listsubscribe", **options)
    with pytest.raises(Lost) as caught:
        made.deliver(leads(ANN))
    assert "ann@" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    arrived = box.lead(LIST, ANN) is not None
    assert kinds(list(made.confirm(leads(ANN)))) == ["accepted" if arrived else "retryable"]
    assert box.calls().counts["marketinghub.listsubscribe"] == 1


def test_an_update_that_cannot_be_seen_in_the_list_is_sent_again(sink: Make, box: Sandbox) -> None:
    box.change_lead("activate", ANN, fields={"First Name": "Ann"})
    made = sink()
    before = pl.Series("#status", ["active"])
    seen = leads(ANN, **{"First Name": "Ann"}).with_columns(before)
    differs = leads(ANN, **{"First Name": "Anna"}).with_columns(before)
    hidden = leads(ANN, **{"Channel": "Webinar"}).with_columns(before)
    asked = [made.confirm(each)[0].kind.value for each in (seen, differs, hidden)]
    assert asked == ["accepted", "retryable", "retryable"]


@pytest.mark.parametrize(("action", "ignored"), [("unsubscribe", "do_not_mail"), ("bounce", "bounced")])
def test_whoever_opted_out_or_bounced_meanwhile_is_not_sent_again(
    sink: Make, box: Sandbox, action: str, ignored: str
) -> None:
    box.change_lead("activate", ANN)
    box.change_lead(action, ANN)
    (result,) = sink().confirm(leads(ANN))
    assert (result.kind, result.ignored) == (ResultKind.REFUSED, ignored)


def test_reading_back_finds_leads_that_are_not_recent(sink: Make, box: Sandbox) -> None:
    box.change_lead("activate", ANN)
    box.clock.advance(30 * 86400)
    assert kinds(list(sink().confirm(leads(ANN, "bob@example.com")))) == ["accepted", "retryable"]


def test_a_public_list_awaits_the_person_and_is_never_sent_to_twice(sink: Make, box: Sandbox) -> None:
    made = sink(list=PUBLIC)
    assert send(made, leads(ANN)) == [Result(ResultKind.ACCEPTED, "0", awaiting=True)]
    assert (made.repeatable, made.updates(), made.batch_size) == (False, False, 1)
    assert kinds(list(made.confirm(leads(ANN)))) == ["unknown"]
    box.change_lead("confirm", ANN, list=PUBLIC)
    assert kinds(list(made.confirm(leads(ANN)))) == ["accepted"]
    assert [mail.email for mail in box.outbox("confirmation")] == [ANN]


def test_a_private_list_may_be_sent_to_again(sink: Make) -> None:
    made = sink()
    assert made.repeatable is False  # nothing is known yet
    send(made, leads(ANN))
    assert (made.repeatable, made.updates()) == (True, True)


def test_topics_and_source_label_go_along(account: Account) -> None:
    made = account.sink(topics=["11", "12"], source="Webinar")
    send(made, leads(ANN))
    form = account.sent[-1][3]
    assert (form["topic_id"], form["sources"]) == ("11,12", "Webinar")


def test_personal_data_is_in_bodies_only(account: Account, box: Sandbox) -> None:
    made, bare = account.sink(on_delete="unsubscribe"), account.sink(["Lead Email"])
    send(made, leads(ANN, **{"First Name": "Ann"}))
    send(bare, leads(ANN, "bob@example.com", "cyd@example.com"))
    list(made.audience({}, True))
    made.confirm(leads(ANN))
    made.remove(leads(ANN))
    assert {method for method, _, _, form in account.sent if form} == {"POST"}
    for _, path, params, _ in account.sent:
        assert "example.com" not in f"{path} {params}"
    assert sum("example.com" in str(form) for *_, form in account.sent) == 3


# ---------------------------------------------------------------------------------------------- bare addresses

MANY = [f"lead{n:03}@example.com" for n in range(35)]


def test_bare_addresses_go_ten_by_ten(account: Account, box: Sandbox) -> None:
    made = account.sink(["Lead Email"])
    assert made.batch_size == 100
    assert set(kinds(send(made, leads(*MANY)))) == {"accepted"}
    assert account.calls() == {"getmailinglists": 1, "addleadsinbulk": 4, "getleads": 1}
    assert {lead.email for lead in box.leads(LIST) if lead.status == "active"} >= set(MANY)
    assert made.cost(35) == 5


def test_one_poisoned_address_does_not_spoil_the_others(account: Account, box: Sandbox) -> None:
    box.faults.add("code", "marketinghub.addleadsinbulk", code="2004", containing=MANY[7])
    box.change_lead("refuse", MANY[7], code="2004")
    results = send(account.sink(["Lead Email"]), leads(*MANY))
    assert [n for n, each in enumerate(results) if each.kind is not ResultKind.ACCEPTED] == [7]
    assert (results[7].kind, results[7].ignored) == (ResultKind.REFUSED, "invalid_pattern")
    assert account.calls()["listsubscribe"] == 10


def test_addresses_that_the_bulk_call_drops_without_a_word_get_their_own_answer(account: Account, box: Sandbox) -> None:
    box.change_lead("donotmail", MANY[3])
    box.change_lead("refuse", MANY[20], code="2005")
    results = send(account.sink(["Lead Email"]), leads(*MANY))
    ignored = {n: each.ignored for n, each in enumerate(results) if each.kind is ResultKind.REFUSED}
    assert ignored == {3: "do_not_mail", 20: "group_email"}
    assert account.calls()["listsubscribe"] == 2


def test_the_answer_stands_when_the_list_shows_its_changes_late(account: Account, box: Sandbox) -> None:
    box.faults.add("empty_page", "marketinghub.getleads")
    assert set(kinds(send(account.sink(["Lead Email"]), leads(*MANY)))) == {"accepted"}
    assert "listsubscribe" not in account.calls()


def test_a_lost_bulk_call_leaves_ten_unknown_and_the_rest_to_be_sent(account: Account, box: Sandbox) -> None:
    made = account.sink(["Lead Email"])
    box.faults.add("commit_then_drop", "marketinghub.addleadsinbulk", nth=2)
    results = kinds(send(made, leads(*MANY)))
    assert results == ["accepted"] * 10 + ["unknown"] * 10 + ["retryable"] * 15
    box.faults.add("commit_then_drop", "marketinghub.addleadsinbulk")
    with pytest.raises(Lost):
        send(made, leads(*MANY[20:30]))


def test_an_end_in_the_middle_keeps_what_was_done_and_comes_at_the_next_call(account: Account, box: Sandbox) -> None:
    made = account.sink(["Lead Email"])
    box.faults.add("code", "marketinghub.addleadsinbulk", code="980", nth=3)
    assert kinds(send(made, leads(*MANY))) == ["accepted"] * 20 + ["retryable"] * 15
    with pytest.raises(Fatal, match="no more leads"):
        send(made, leads(*MANY[20:]))
    box.faults.clear()
    box.faults.add("code", "marketinghub.addleadsinbulk", code="980")
    with pytest.raises(Fatal, match="no more leads"):
        send(account.sink(["Lead Email"]), leads(*MANY))


def test_a_lock_in_the_middle_keeps_what_was_done(account: Account, box: Sandbox) -> None:
    made = account.sink(["Lead Email"])
    box.faults.add("lock", "marketinghub.addleadsinbulk", nth=2)
    assert kinds(send(made, leads(*MANY))) == ["accepted"] * 10 + ["retryable"] * 25
    assert set(kinds(send(made, leads(*MANY[10:])))) == {"accepted"}


def test_a_public_list_takes_bare_addresses_one_by_one(account: Account, box: Sandbox) -> None:
    made = account.sink(["Lead Email"], list=PUBLIC)
    assert {each.awaiting for each in send(made, leads(*MANY[:4]))} == {True}
    assert account.calls() == {"getmailinglists": 1, "listsubscribe": 4}
    assert len(box.outbox("confirmation")) == 4


# ------------------------------------------------------------------------------------------------------ removal


@pytest.mark.parametrize(("on_delete", "reason"), [("unsubscribe", "unsubscribed"), ("do_not_mail", "do_not_mail")])
def test_people_are_taken_out_as_configured(sink: Make, box: Sandbox, on_delete: str, reason: str) -> None:
    made = sink(on_delete=on_delete)
    send(made, leads(ANN))
    frame = leads(ANN, "nobody@example.com").with_columns(pl.col("Lead Email").alias("#address"))
    assert kinds(list(made.remove(frame))) == ["accepted", "accepted"]
    assert made.removal() == reason
    if on_delete == "unsubscribe":
        lead = box.lead(LIST, ANN)
        assert lead is not None
        assert lead.status == "unsub"
    else:
        assert ANN in box.registry().do_not_mail


def test_people_are_kept_unless_the_spec_says_otherwise(sink: Make) -> None:
    assert sink().removal() is None


def test_a_lost_removal_is_unknown_and_the_rest_is_left_for_later(sink: Make, box: Sandbox) -> None:
    made = sink(on_delete="unsubscribe")
    box.faults.add("commit_then_drop", "marketinghub.listunsubscribe", nth=2)
    assert kinds(list(made.remove(leads(ANN, "b@example.com", "c@example.com")))) == [
        "accepted",
        "unknown",
        "retryable",
    ]


# ------------------------------------------------------------------------------------------------------ budgets


def test_two_processes_share_the_budget_and_never_trip_the_lock(account: Account, box: Sandbox) -> None:
    box.settings(lead_calls=10)
    budget = Budget(calls=10, window="5m")
    pair = [account.sink(connection=account.connection(budget=budget)) for _ in range(2)]
    start = account.hours.now()
    for n in range(24):
        assert kinds(send(pair[n % 2], leads(f"lead{n}@example.com"))) == ["accepted"]
    took = account.hours.now() - start
    assert 600 <= took < 640
    assert {each.code for each in box.calls().calls if each.endpoint == "marketinghub.listsubscribe"} == {"0"}
    assert pair[0].estimate(24) <= took


def test_processes_with_one_ledger_share_budget_and_lock(account: Account, box: Sandbox, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    budget = Budget(calls=4, window="5m")
    with Ledger.open(url) as one, Ledger.open(url) as two:
        stores = [each.budget_store() for each in (one, two)]
        pair = [account.sink(connection=account.connection(budget=budget, store=each)) for each in stores]
        start = account.hours.now()
        for n in range(8):
            send(pair[n % 2], leads(f"lead{n}@example.com"))
        assert 300 <= account.hours.now() - start < 330
        pair[0].reserve(1)
        box.faults.add("lock", "marketinghub.listsubscribe", count=1)
        with pytest.raises(Retriable):
            pair[0].deliver(leads(ANN))
        locked = account.hours.now()
        assert kinds(send(pair[1], leads(ANN))) == ["accepted"]
        assert account.hours.now() - locked >= 1799


def test_leads_sent_singly_after_a_refused_bulk_call_are_counted_too(account: Account, box: Sandbox) -> None:
    box.settings(lead_calls=5)
    box.faults.add("code", "marketinghub.addleadsinbulk", code="2004")
    made = account.sink(["Lead Email"], connection=account.connection(budget=Budget(calls=5, window="5m")))
    assert set(kinds(send(made, leads(*MANY[:10])))) == {"accepted"}
    assert {each.code for each in box.calls().calls if each.endpoint == "marketinghub.listsubscribe"} == {"0"}


def test_the_reserve_is_two_percent_and_field_calls_have_their_own_limit(account: Account) -> None:
    made = account.sink()
    api = made._api()
    assert api.limit("listsubscribe") == Limit(490, 300, lock=1800, slack=3)
    assert api.limit("allfields") == Limit(98, 300, lock=1800, slack=3)
    small = account.sink(connection=account.connection(budget=Budget(calls=500, window="5m")))._api()
    assert small.limit("custom_add").calls == 98
    assert [made.estimate(n) for n in (0, 1, 490, 491, 981)] == [0, 0, 0, 303, 606]


def test_a_small_budget_makes_small_batches(account: Account) -> None:
    connection = account.connection(budget=Budget(calls=3, window="5m"))
    made = account.sink(["Lead Email"], connection=connection)
    assert made.batch_size == 30
    assert set(kinds(send(made, leads(*MANY[:30])))) == {"accepted"}
