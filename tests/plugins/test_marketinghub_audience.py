"""Reading who is in the account: as little as possible, but never a stale opt-out and never a listing cut short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marketinghub_account import LIST, PUBLIC, Account, held_of, people
from syncline import AudiencePart, Fatal, Held, Retriable, Status
from syncline_marketinghub.api import Reply
from syncline_marketinghub.audience import Audience, address_of
from syncline_marketinghub.lists import MailingList, count, read_lists, resolve
from syncline_marketinghub.paging import pages
from syncline_marketinghub.sink import MarketingHub
from syncline_zoho_sandbox import Sandbox

pytest_plugins = ("marketinghub_account",)

Make = Callable[..., MarketingHub]
Snapshot = dict[tuple[str, Status], Held]
ANN = "ann@example.com"


def read(sink: MarketingHub, held: Snapshot, *, sending: bool) -> list[AudiencePart]:
    return list(sink.audience(held, sending))


def snapshot(account: Account, ago: timedelta = timedelta(hours=1)) -> Snapshot:
    """What a ledger holds after one reading, some time ago."""
    parts = read(account.sink(), {}, sending=True)
    account.calls()
    return held_of(parts, datetime.now(UTC) - ago)


def wholes(parts: list[AudiencePart]) -> set[tuple[str, Status]]:
    return {(part.list, part.status) for part in parts if part.whole}


def test_the_first_look_reads_everybody_of_every_list(account: Account, box: Sandbox) -> None:
    parts = read(account.sink(), {}, sending=True)
    for name, key in box.lists().items():
        for status in (Status.ACTIVE, Status.UNSUBSCRIBED, Status.BOUNCED):
            assert people(parts, key, status) == {lead.email for lead in box.leads(name) if lead.status == status.value}
            assert (key, status) in wholes(parts)
    assert parts[0].list == box.lists()[LIST]


def test_the_fields_that_a_listing_shows_come_along_by_their_labels(account: Account, box: Sandbox) -> None:
    fields = {"First Name": "Ann", "Last Name": "Lee", "Phone": "+15705550113", "Company": "Zylker"}
    box.change_lead("activate", ANN, fields=fields)
    parts = read(account.sink(known_in="list"), {}, sending=False)
    rows = [row for part in parts for row in part.people.iter_rows(named=True) if row["address"] == ANN]
    assert rows == [{"address": ANN} | fields]


def test_a_run_in_which_nothing_changed_costs_one_call(account: Account) -> None:
    held = snapshot(account)
    assert read(account.sink(), held, sending=False) == []
    assert account.calls() == {"getmailinglists": 1}


def test_a_run_with_nothing_to_send_costs_no_call_when_the_spec_says_so(account: Account) -> None:
    assert read(account.sink(audience_check="when_sending"), {}, sending=False) == []
    assert account.calls() == {}


def test_before_something_is_sent_opt_outs_are_read_anew_and_active_leads_only_as_far_as_recent(
    account: Account, box: Sandbox
) -> None:
    held = snapshot(account)
    parts = read(account.sink(), held, sending=True)
    assert wholes(parts) == {
        (key, status) for key in box.lists().values() for status in (Status.UNSUBSCRIBED, Status.BOUNCED)
    }
    assert account.calls() == {"getmailinglists": 1, "getleads": 9}


def test_an_opt_out_is_seen_although_the_numbers_are_as_before(account: Account, box: Sandbox) -> None:
    box.change_lead("unsubscribe", "old@example.com")
    box.change_lead("activate", ANN)
    held = snapshot(account)
    box.change_lead("unsubscribe", ANN)
    box.change_lead("activate", "old@example.com")
    parts = read(account.sink(), held, sending=True)
    assert ANN in people(parts, box.lists()[LIST], Status.UNSUBSCRIBED)


def test_known_in_list_reads_only_the_target(account: Account, box: Sandbox) -> None:
    parts = read(account.sink(known_in="list"), {}, sending=True)
    assert {part.list for part in parts} == {box.lists()[LIST]}
    assert account.calls() == {"getmailinglists": 1, "getleads": 3}


@pytest.mark.parametrize("sending", [True, False])
def test_a_number_that_disagrees_makes_the_list_be_read_as_a_whole_once(
    account: Account, box: Sandbox, sending: bool
) -> None:
    held = snapshot(account)
    gone = next(lead.email for lead in box.leads(LIST) if lead.status == "active")
    box.change_lead("delete", gone)
    sink = account.sink()
    parts = read(sink, held, sending=sending)
    target = box.lists()[LIST]
    assert (target, Status.ACTIVE) in wholes(parts)
    assert gone not in people(parts, target)
    again = read(sink, held, sending=False)
    assert [part for part in again if part.list == target] == []


def test_people_who_only_opted_out_do_not_make_the_whole_list_be_read(account: Account, box: Sandbox) -> None:
    held = snapshot(account)
    moved = next(lead.email for lead in box.leads(LIST) if lead.status == "active")
    box.change_lead("unsubscribe", moved)
    parts = read(account.sink(), held, sending=False)
    target = box.lists()[LIST]
    assert wholes(parts) == {(target, Status.UNSUBSCRIBED)}
    assert moved in people(parts, target, Status.UNSUBSCRIBED)


@pytest.mark.parametrize(("ago", "due"), [(timedelta(hours=11), False), (timedelta(hours=13), True)])
def test_active_leads_are_read_as_a_whole_again_after_the_refresh_time(
    account: Account, box: Sandbox, ago: timedelta, due: bool
) -> None:
    held = snapshot(account, ago)
    parts = read(account.sink(audience_refresh="12h"), held, sending=False)
    assert ((box.lists()[LIST], Status.ACTIVE) in wholes(parts)) == due


def test_a_look_before_sending_does_not_read_again_what_this_run_has_read(account: Account, box: Sandbox) -> None:
    sink = account.sink(known_in="list")
    read(sink, {}, sending=False)
    account.calls()
    read(sink, {}, sending=True)
    assert account.calls() == {"getleads": 3}  # recent, unsubscribed, bounced


def test_opt_outs_are_read_after_the_active_leads_of_their_list(account: Account, box: Sandbox) -> None:
    target = box.lists()[LIST]
    order = [part.status for part in read(account.sink(), {}, sending=True) if part.list == target]
    assert order == [Status.ACTIVE, Status.UNSUBSCRIBED, Status.BOUNCED]


def test_counts_are_asked_for_when_the_overview_has_none(account: Account, box: Sandbox) -> None:
    sink = account.sink()
    each = MailingList(box.lists()[LIST], LIST, public=False, counts={})
    parts = list(Audience(sink._api(), sink.config).parts([each], {}, sending=True))
    assert (each.key, Status.ACTIVE) in wholes(parts)
    assert account.calls() == {"leadscount": 3, "getleads": 3}


# ------------------------------------------------------------------------------------------------------ paging


@pytest.mark.parametrize("last_page", ["short", "2502"])
@pytest.mark.parametrize(("page_size", "max_range"), [(100, 100), (100, 7), (3, 100), (1, 1), (45, 100), (1000, 10)])
def test_everybody_is_read_however_the_server_pages(
    account: Account, box: Sandbox, last_page: str, page_size: int, max_range: int
) -> None:
    active = {lead.email for lead in box.leads(LIST) if lead.status == "active"}
    for n in range(20 - len(active) % 10):  # a number that pages of ten divide
        box.change_lead("activate", f"more{n}@example.com")
        active.add(f"more{n}@example.com")
    box.settings(last_page=last_page, max_range=max_range)
    parts = read(account.sink(known_in="list", page_size=page_size), {}, sending=False)
    assert people(parts, box.lists()[LIST]) == active
    assert (box.lists()[LIST], Status.ACTIVE) in wholes(parts)


def test_an_overview_cut_by_the_server_still_names_every_list(account: Account, box: Sandbox) -> None:
    connection = account.connection()
    for n in range(9):
        form = {"listname": f"More {n}", "signupform": "private", "mode": "newlist", "emailids": ANN, "resfmt": "JSON"}
        connection.client("marketinghub").send("POST", "/api/v1/addlistandleads", form=form)
    box.settings(max_range=5)
    assert account.sink(list="More 8").target == box.lists()["More 8"]


@pytest.mark.parametrize(("kind", "size"), [("repeat_page", 3), ("endless_cursor", 4)])
def test_pages_that_repeat_end_the_run(account: Account, box: Sandbox, kind: str, size: int) -> None:
    box.faults.add(kind, "marketinghub.getleads", nth=None if kind == "endless_cursor" else 2)
    with pytest.raises(Fatal, match="pages repeat"):
        read(account.sink(known_in="list", page_size=size), {}, sending=False)


@pytest.mark.parametrize("kind", ["empty_page", "half_page", "drop_page"])
def test_a_listing_that_ends_early_or_has_a_hole_is_never_called_whole(
    account: Account, box: Sandbox, kind: str
) -> None:
    box.faults.add(kind, "marketinghub.getleads")
    parts = read(account.sink(known_in="list", page_size=4), {}, sending=False)
    assert (box.lists()[LIST], Status.ACTIVE) not in wholes(parts)


def test_a_listing_that_ended_early_once_is_read_again(account: Account, box: Sandbox) -> None:
    box.faults.add("empty_page", "marketinghub.getleads", nth=2)
    parts = read(account.sink(known_in="list", page_size=4), {}, sending=False)
    assert (box.lists()[LIST], Status.ACTIVE) in wholes(parts)


def test_nothing_is_sent_while_the_listing_of_opt_outs_is_cut_short(account: Account, box: Sandbox) -> None:
    box.change_lead("unsubscribe", ANN)
    box.faults.add("empty_page", "marketinghub.getleads", containing="unsub")
    with pytest.raises(Fatal, match="opt-outs cannot be read"):
        read(account.sink(known_in="list"), {}, sending=True)


def test_nobody_is_taken_for_gone_because_others_left_while_the_list_was_read(account: Account, box: Sandbox) -> None:
    active = [lead.email for lead in box.leads(LIST) if lead.status == "active"]
    connection = account.connection()
    client = connection.client("marketinghub")
    send = client.send

    def leaving(method: str, path: str, **rest: Any) -> Any:
        answer = send(method, path, **rest)
        if path.endswith("/getleads"):
            box.change_lead("delete", answer.json["list_of_details"][0]["lead_email"])
            client.send = send  # type: ignore[method-assign]  # back as it was
        return answer

    client.send = leaving  # type: ignore[method-assign]  # one call leaves in between
    parts = read(account.sink(known_in="list", page_size=4, connection=connection), {}, sending=False)
    left = {lead.email for lead in box.leads(LIST) if lead.status == "active"}
    assert len(left) == len(active) - 1
    assert people(parts, box.lists()[LIST]) >= left
    assert (box.lists()[LIST], Status.ACTIVE) in wholes(parts)


class Shelf:
    """As much of `Api` as reading pages needs; it may cut the range, and may say so or not."""

    def __init__(self, items: int, most: int, *, tells: bool, code_at_end: bool) -> None:
        self._items = [{"lead_email": f"{n}@example.com"} for n in range(items)]
        self._most = most
        self._tells = tells
        self._code_at_end = code_at_end

    def read(self, endpoint: str, params: dict[str, str], known: frozenset[str]) -> Reply:
        start, size = int(params["fromindex"]) - 1, min(int(params["range"]), self._most)
        found = self._items[start : start + size]
        if not found and self._code_at_end:
            return Reply("2502", {"message": "no contacts"})
        details = {"requestdetails": {"range": size}} if self._tells else {}
        return Reply("0", details | {"list_of_details": found[0] if len(found) == 1 else found})


@given(
    items=st.integers(0, 60),
    most=st.integers(1, 60),
    size=st.integers(1, 60),
    tells=st.booleans(),
    code_at_end=st.booleans(),
)
def test_every_item_is_read_once_whatever_the_server_makes_of_the_range(
    items: int, most: int, size: int, tells: bool, code_at_end: bool
) -> None:
    shelf: Any = Shelf(items, most, tells=tells, code_at_end=code_at_end)
    read = pages(shelf, "getleads", {}, size=size, identity=address_of, expected=items)
    assert [address_of(item) for page in read for item in page] == [f"{n}@example.com" for n in range(items)]


@pytest.mark.parametrize("most", [10, 20, 50])
def test_a_round_cut_is_noticed_even_if_the_number_is_not_known(most: int) -> None:
    shelf: Any = Shelf(57, most, tells=False, code_at_end=False)
    assert sum(map(len, pages(shelf, "getmailinglists", {}, size=100, identity=address_of))) == 57


def test_a_server_that_gives_the_same_short_page_for_ever_is_not_asked_for_ever() -> None:
    class Stuck(Shelf):
        def read(self, endpoint: str, params: dict[str, str], known: frozenset[str]) -> Reply:
            return super().read(endpoint, params | {"fromindex": "1"}, known)

    shelf: Any = Stuck(5, 20, tells=False, code_at_end=False)
    assert [len(page) for page in pages(shelf, "getleads", {}, size=20, identity=address_of, expected=100)] == [5]


@pytest.mark.parametrize("told", ["9" * 5000, "²", "-1", ""])
def test_a_number_that_is_none_is_not_read(told: str) -> None:
    class Telling(Shelf):
        def read(self, endpoint: str, params: dict[str, str], known: frozenset[str]) -> Reply:
            found = super().read(endpoint, {"fromindex": "1", "range": "20"} | params, known)
            return Reply(found.code, {**found.body, "requestdetails": {"range": told}, "no_of_leads": told})

    shelf: Any = Telling(5, 20, tells=False, code_at_end=False)
    assert [len(page) for page in pages(shelf, "getleads", {}, size=20, identity=address_of, expected=5)] == [5]
    with pytest.raises(Fatal, match="holds no count"):
        count(shelf, "list", Status.ACTIVE)


def test_an_item_without_an_address_ends_the_run_and_names_its_keys() -> None:
    with pytest.raises(Fatal, match="its keys are mail, name"):
        address_of({"mail": "x", "name": "y"})


@pytest.mark.parametrize("kind", ["html", "no_content", "truncated_json"])
def test_a_page_that_is_no_answer_is_asked_for_again(account: Account, box: Sandbox, kind: str) -> None:
    box.faults.add(kind, "marketinghub.getleads", nth=2)
    parts = read(account.sink(known_in="list", page_size=4), {}, sending=False)
    assert (box.lists()[LIST], Status.ACTIVE) in wholes(parts)


def test_a_page_that_never_answers_can_be_asked_for_later(account: Account, box: Sandbox) -> None:
    box.faults.add("code", "marketinghub.getleads", code="2402")
    with pytest.raises(Retriable, match="asked later"):
        read(account.sink(), {}, sending=False)
    assert account.calls()["getleads"] == 3


def test_a_locked_listing_is_parked(account: Account, box: Sandbox) -> None:
    box.faults.add("lock", "marketinghub.getleads", count=1)
    with pytest.raises(Retriable) as caught:
        read(account.sink(), {}, sending=False)
    assert caught.value.after == 1800


# ------------------------------------------------------------------------------------------------------- lists


def test_a_list_is_found_by_name_and_by_key(sink: Make, box: Sandbox) -> None:
    key = box.lists()[PUBLIC]
    assert {sink(list=PUBLIC).target, sink(list=key).target} == {key}


def test_a_list_that_does_not_exist_is_answered_with_those_that_do(sink: Make) -> None:
    with pytest.raises(Fatal) as caught:
        _ = sink(list="webinar lead").target
    assert "'Newsletter', 'Partners', 'Webinar leads'" in str(caught.value)
    assert "did you mean 'Webinar leads'?" in str(caught.value)


@pytest.mark.parametrize(
    ("told", "public"), [("true", True), ("false", False), (False, False), (None, True), ("perhaps", True)]
)
def test_a_list_is_taken_for_public_unless_it_is_known_to_be_private(told: object, public: bool) -> None:
    class Overview:
        def read(self, endpoint: str, params: object, known: object) -> Reply:
            return Reply("0", {"list_of_details": [{"listkey": "k", "listname": "L", "is_public": told}]})

    stub: Any = Overview()
    assert [each.public for each in read_lists(stub)] == [public]


def test_an_ambiguous_name_is_answered_with_the_keys() -> None:
    twins = [MailingList(key, "Twin", public=False, counts={}) for key in ("k1", "k2")]
    with pytest.raises(Fatal, match="their keys are k1, k2"):
        resolve(twins, "Twin")
    assert resolve(twins, "k2") is twins[1]


def delete_list(account: Account, name: str) -> None:
    token = account.box.grant(
        "ZohoMarketingAutomation.lead.READ,ZohoMarketingAutomation.lead.UPDATE,ZohoMarketingAutomation.lead.DELETE"
    ).refresh_token
    client = account.connection(refresh_token=token).client("marketinghub")
    answer = client.send("POST", "/api/v1/deletemailinglist", form={"listkey": account.box.lists()[name]})
    assert answer.json["code"] == "0"


def test_an_account_without_lists_says_so(account: Account, box: Sandbox) -> None:
    for name in box.lists():
        delete_list(account, name)
    with pytest.raises(Fatal, match="the account has none"):
        _ = account.sink().target


def test_nobody_is_active_in_a_deleted_list_but_opt_outs_from_it_stay(account: Account, box: Sandbox) -> None:
    held = snapshot(account)
    key = box.lists()[PUBLIC]
    delete_list(account, PUBLIC)
    account.calls()
    parts = read(account.sink(), held, sending=False)
    assert [(part.list, part.status, part.people.height, part.whole) for part in parts] == [
        (key, Status.ACTIVE, 0, True)
    ]


def test_a_list_that_the_overview_merely_forgot_is_not_taken_for_deleted(account: Account, box: Sandbox) -> None:
    held = snapshot(account)
    held[box.lists()[LIST], Status.ACTIVE] = replace(held[box.lists()[LIST], Status.ACTIVE])
    box.faults.add("half_page", "marketinghub.getmailinglists")
    parts = read(account.sink(), held, sending=False)
    assert {part.list for part in parts if part.whole and part.people.is_empty()} == set()


def test_a_number_that_is_reached_only_by_a_pending_lead_does_not_count(account: Account, box: Sandbox) -> None:
    held = snapshot(account)
    sink = account.sink(["Lead Email", "First Name"], list=PUBLIC)
    sink.reserve(1)
    assert sink._delivery().subscribe({"Lead Email": ANN}, paid=True, awaiting=True).awaiting
    assert read(account.sink(), held, sending=False) == []
