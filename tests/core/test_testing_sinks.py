"""The contract of sinks: a right sink passes, and for each check there is a wrong one that it finds."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar
from unittest import SkipTest

import polars as pl
import pytest
from kit_office import LIMIT, NEVER, Counter, Office, Post, PostContract
from syncline import (
    ACCEPTED,
    Answer,
    AudiencePart,
    Check,
    Fatal,
    Held,
    Lost,
    Patience,
    Result,
    ResultKind,
    Retriable,
    Status,
)
from syncline.testing import BrokenPromise, Fault, SinkContract

CHECKS = sorted(name for name in dir(SinkContract) if name.startswith("test_"))
Mutant = tuple[type[PostContract], str]
MUTANTS: dict[str, list[Mutant]] = {}


class TestARightSink(PostContract):
    """It passes every check."""


def kills(*checks: str, says: str, **more: Any) -> Callable[[type[Any]], type[Any]]:
    """This wrong sink (or counter) is found by these checks, each of which says these words."""

    def note(wrong: type[Any]) -> type[Any]:
        kind = "counter" if issubclass(wrong, Counter) else "plugin"
        contract = type(wrong.__name__, (PostContract,), {kind: wrong} | more)
        for check in checks:
            MUTANTS.setdefault(check, []).append((contract, says))
        return wrong

    return note


@kills("test_it_is_declared", says="no docstring of its own")
class Undocumented(Post):
    __doc__ = None


@kills("test_it_is_declared", says="`identity` names ['list']")
class Misnamed(Post):
    """It is another sync when an option changes that there is not."""

    identity: ClassVar[tuple[str, ...]] = ("list",)


@kills("test_its_check_tells_what_is_well_and_what_is_not", says="`check` ended with KeyError")
class Unguarded(Post):
    """Believes every page."""

    def page(self, status: str, start: int) -> dict[str, Any]:
        answer = self.connection.client.send("GET", "/guests", params={"status": status, "from": str(start)})
        return {"total": {}["total"]} if answer.json is None else dict(answer.json)


@kills("test_its_check_tells_what_is_well_and_what_is_not", says="the product is in order, but")
class Pessimist(Post):
    """Always finds a fault."""

    def check(self, mapped: Sequence[str]) -> Iterator[Check]:
        yield Check("guests", False, "surely something is wrong")


@kills("test_nothing_is_sent_before_it_is_time", says="1 call(s) were made before")
class Hasty(Post):
    """Looks at the office at once."""

    def prepare(self, mapped: Sequence[str]) -> None:
        self.page("active", 0)


@kills("test_what_is_sent_is_text_row_by_row", says="were encoded as")
class Untyped(Post):
    """Sends what comes."""

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        return frame


@kills("test_every_lead_has_a_true_result_in_order", says="a lead was called accepted, and is not there")
class Disordered(Post):
    """Answers for the refused last."""

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        return sorted(super().judged(answer, leads), key=lambda each: each.kind)


@kills("test_every_lead_has_a_true_result_in_order", says="for 3 lead(s) there came 2 result(s)")
class Short(Post):
    """Forgets one."""

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        return super().judged(answer, leads)[1:]


@kills("test_odd_texts_arrive_as_they_are", says="arrived as")
class Provincial(Post):
    """Knows one script."""

    def sent(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        return super().sent([{n: v and v.encode("ascii", "replace").decode() for n, v in row.items()} for row in rows])


@kills("test_a_delivery_costs_what_was_said", says="3 were said, 1 were made")
class Dear(Post):
    """Says that each lead costs a call."""

    def cost(self, leads: int) -> int:
        return leads


@kills("test_a_delivery_costs_what_was_said", says="1 call(s) arrived, 0 were counted")
class Uncounted(Post):
    """Does not count."""

    calls = 0  # type: ignore[assignment]  # a broken promise


@kills("test_what_is_spent_was_asked_of_the_budget", says="`reserve` asked for nothing")
class Late(Post):
    """Waits when the intent is recorded already."""

    def reserve(self, leads: int) -> None: ...

    def sent(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        super().reserve(len(rows))
        return super().sent(rows)


@kills("test_what_is_spent_was_asked_of_the_budget", says="1 call(s) went out, 3 were asked")
class Hoarder(Post):
    """Asks for too much."""

    def reserve(self, leads: int) -> None:
        self.connection.runtime.budgets.acquire("office", LIMIT, leads)


@kills("test_waiting_for_the_budget_ends_when_the_run_is_stopped", says="`reserve` still waited", longest_wait=0.1)
class Stubborn(Post):
    """Waits for ever."""

    def reserve(self, leads: int) -> None:
        NEVER.wait()


@kills("test_waiting_for_the_budget_ends_when_the_run_is_stopped", says="`reserve` returned as if it were")
class Brazen(Post):
    """Asks, and does not wait for the answer."""

    def reserve(self, leads: int) -> None:
        with suppress(Fatal):
            super().reserve(leads)


@kills("test_deliveries_at_once_do_not_disturb_each_other", says="2 at once; 3 lead(s) are not there")
class Alone(Post):
    """Keeps the leads of one delivery in the instance, where the next finds them."""

    def sent(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        self.rows = rows
        BOTH.wait()
        self.rows, mine = [], self.rows
        BOTH.wait()
        return super().sent(mine)


BOTH = threading.Barrier(2, timeout=20)


@kills("test_what_is_repeatable_may_be_sent_again", says="the second time sent messages to people")
class Newsletter(Post):
    """Tells people each time."""

    def extra(self) -> dict[str, str]:
        return {"mail": "yes"}


@kills("test_reading_back_tells_the_truth", says="a lead that is not there was found")
class Believer(Post):
    """Finds everybody."""

    def confirm(self, leads: pl.DataFrame) -> Sequence[Result]:
        return [ACCEPTED] * leads.height


@kills("test_reading_back_tells_the_truth", says="reading back changed the target")
class Sender(Post):
    """Sends whom it should look for."""

    def confirm(self, leads: pl.DataFrame) -> Sequence[Result]:
        return self.deliver(leads)


@kills("test_reading_back_tells_the_truth", says="a lead that is there was called absent")
class Doubter(Post):
    """Finds nobody, and must not send twice."""

    repeatable = False

    def confirm(self, leads: pl.DataFrame) -> Sequence[Result]:
        return [Result(ResultKind.RETRYABLE)] * leads.height


@kills("test_whoever_is_taken_out_is_out", says="whoever was accepted for removal is still there")
class Keeper(Post):
    """Takes nobody out."""

    def remove(self, leads: pl.DataFrame) -> Sequence[Result]:
        return [ACCEPTED] * leads.height


@kills("test_an_audience_that_says_it_is_whole_is_whole", says="lacks 1 of 3")
class FirstPage(Post):
    """Reads one page."""

    def listed(self, status: str) -> list[str]:
        return [each["email"] for each in self.page(status, 0)["guests"]]


@kills("test_an_audience_that_says_it_is_whole_is_whole", says="a part has the columns")
class Columnless(Post):
    """Names its column otherwise."""

    def audience(self, held: Mapping[tuple[str, Status], Held], sending: bool) -> Iterator[AudiencePart]:
        for part in super().audience(held, sending):
            yield AudiencePart(part.list, part.status, part.people.rename({"address": "email"}))


@kills("test_a_broken_listing_is_never_whole", says="an audience that says it is whole lacks")
class Trusting(Post):
    """Takes what it cannot read for the end."""

    def page(self, status: str, start: int) -> dict[str, Any]:
        try:
            return super().page(status, start)
        except Retriable:
            return {"total": start, "guests": []}


@kills("test_an_opt_out_is_seen_before_anything_is_sent", says="the audience calls that person")
class Deaf(Post):
    """Looks at the active only."""

    def audience(self, held: Mapping[tuple[str, Status], Held], sending: bool) -> Iterator[AudiencePart]:
        yield next(super().audience(held, sending))


@kills("test_no_personal_data_stands_in_addresses_messages_or_logs", says="the address of POST /guests holds")
class Indiscreet(Post):
    """Names people in the address of a call."""

    def sent(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        form, first = {"rows": json.dumps(rows)}, str(rows[0]["Email"])
        return self.connection.client.send("POST", "/guests", form=form, params={"first": first})


@kills("test_no_personal_data_stands_in_addresses_messages_or_logs", says="a message holds a lead's")
class Gossip(Post):
    """Names people in messages."""

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        return [Result(ResultKind.ACCEPTED, message=f"{each} is in") for each in leads["#address"]]


# ------------------------------------------------------------------------------------------------------- faults

LOST = ("test_an_answer_lost_after_the_commit", "test_a_gateway_that_gives_up_after_the_commit")


@kills(*LOST, "test_half_a_body", says="Retriable was raised, but 3 lead(s) were taken")
class Repeating(Post):
    """Takes an answer that was lost for a call that was not carried out."""

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        try:
            return super().deliver(leads)
        except Lost:
            raise Retriable("no answer") from None


@kills(*LOST, says="and sending again is not harmless")
class Careless(Post):
    """Sends again by itself, to people who are told each time."""

    repeatable = False

    def sent(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        try:
            return super().sent(rows)
        except Lost:
            return super().sent(rows)


@kills("test_a_call_lost_before_the_commit", says="a lead was called accepted, and is not there")
class Optimist(Post):
    """Hopes for the best."""

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        try:
            return super().deliver(leads)
        except Lost:
            return [ACCEPTED] * leads.height


@kills("test_a_gateway_that_gives_up_before_the_commit", says="a lead ended as refused, which nobody did")
class Blaming(Post):
    """Takes trouble for a refusal."""

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        try:
            return super().deliver(leads)
        except Lost:
            return [Result(ResultKind.REFUSED, "503")] * leads.height


@kills(
    "test_html_in_place_of_an_answer",
    "test_nothing_in_place_of_an_answer",
    "test_an_error_with_http_200",
    says="a lead was called accepted, and is not there",
)
class ByStatus(Post):
    """Decides by the status."""

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        return [ACCEPTED] * leads.height if answer.status < 300 else super().judged(answer, leads)


@kills("test_an_error_with_http_200", says="a message holds a lead's 'kit-mishap'")
class Echo(Post):
    """Repeats what the product says."""

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        if isinstance(answer.json, dict) and "message" in answer.json:
            raise Retriable(answer.json["message"])
        return super().judged(answer, leads)


@kills("test_half_a_body", says="JSONDecodeError")
class Parsing(Post):
    """Reads the body by itself."""

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        return super().judged(answer, leads) if json.loads(answer.text) else []


@kills("test_half_a_body", says="pickling it ended with")
class Unpicklable(Post):
    """Raises what only this process understands."""

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        try:
            return super().judged(answer, leads)
        except Lost:
            error = Lost("no answer")
            error.answer = (each for each in ())  # type: ignore[attr-defined]  # an error of the sink's own
            raise error from None


class Impatient(Counter):
    """Hears half of the answer."""

    patience = Patience(exchange=0.1)


@kills("test_an_answer_in_drops", says="Retriable was raised, but", counter=Impatient)
class Hanging(Repeating):
    """Gives up, and thinks that nothing was done."""


@kills("test_too_many_calls_come_again_in_seven_seconds", says="the next call came after 0 of 7 seconds")
@kills("test_a_lock_of_half_an_hour", says="the next call came after 0 of 1800 seconds")
class Pushing(Post):
    """Does not listen to when."""

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        if answer.status == 429:
            raise Retriable("too many letters", after=0)
        return super().judged(answer, leads)


@kills("test_too_many_calls_and_no_word_of_when", says="the lead ended as retryable, and is not there")
class Giving(Post):
    """Gives up at once."""

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        if answer.status == 429:
            raise Fatal("too many letters")
        return super().judged(answer, leads)


@kills("test_a_token_that_is_refused_once", says="is not there")
class Forgetful(Counter):
    """Does not renew its token."""

    renews = False


@kills("test_a_stop_in_the_middle", says="Fatal was raised, but 3 lead(s) were taken")
class Nervous(Post):
    """Ends without a look at the answer."""

    def judged(self, answer: Answer, leads: pl.DataFrame) -> Sequence[Result]:
        if self.connection.runtime.stop.is_set():
            raise Fatal("stopped")
        return super().judged(answer, leads)


def test_every_check_has_a_wrong_sink_that_it_finds() -> None:
    assert sorted(MUTANTS) == CHECKS


@pytest.mark.parametrize(
    ("check", "contract", "says"),
    [
        pytest.param(check, *each, id=f"{check}-{each[0].__name__}")
        for check in CHECKS
        for each in MUTANTS.get(check, ())
    ],
)
def test_a_wrong_sink_is_found(check: str, contract: type[PostContract], says: str) -> None:
    found = contract()
    found.setup_method()
    try:
        with pytest.raises(BrokenPromise) as broken:
            getattr(found, check)()
    finally:
        found.teardown_method()
    assert says in str(broken.value)


def test_a_fake_that_breaks_is_told_as_such() -> None:
    class Broken(PostContract):
        def product(self) -> Any:
            office = self.office = Office()
            return lambda call: {}["no such key"] if call.writes and call.path == "/guests" else office(call)

    found = Broken()
    found.setup_method()
    with pytest.raises(BrokenPromise, match="the delivery was answered by Lost"):
        found.test_a_delivery_costs_what_was_said()
    with pytest.raises(KeyError, match="no such key"):
        found.teardown_method()


def test_a_fault_is_excused_with_its_reason_and_only_then() -> None:
    class Excused(PostContract):
        plugin = ByStatus
        excused: ClassVar[Mapping[Fault, str]] = {Fault.MISHAP: "the office tells by its status alone"}

    found = Excused()
    found.setup_method()
    with pytest.raises(SkipTest, match="the office tells by its status alone"):
        found.test_an_error_with_http_200()
    with pytest.raises(BrokenPromise):
        found.test_html_in_place_of_an_answer()
    found.teardown_method()
