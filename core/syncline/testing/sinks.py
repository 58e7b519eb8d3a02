"""The contract of sinks: what is checked of each, under good conditions and under every fault."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar
from unittest import SkipTest

from ..batch import ADDRESS, KEY, key_of
from ..plugin import ResultKind, Sink
from . import promises
from .audience import Audience
from .delivering import each_of
from .faults import Fault

if TYPE_CHECKING:
    import polars as pl

ODD = (
    "O'Neill \"the\" Ünal", "two\nlines", "مرحبا", "𝒜𝓃𝓃 😀", "007", "true", "null", "1e5", "=1+1", "a,b;c&d=e%20+f",
    "<b>",
)  # fmt: skip
"""Texts that somebody's program once took for something else."""


class SinkContract(Audience):
    """The contract of a sink. Say `plugin`, `config`, `mapped`, and `people`; see `Contract` for the rest.

    class TestAcme(SinkContract):
        plugin = Acme
        config = {"list": "guests"}
        mapped = ("Email", "Name")

        def product(self):
            self.fake = AcmeFake()
            return self.fake

        def connection(self, runtime):
            return AcmeConnection(AcmeConnection.Config(url=self.url), runtime)

        def people(self):
            return self.fake.guests
    """

    longest_wait: ClassVar[float] = 20.0
    """Seconds in which a wait must end after a stop."""

    def mails(self) -> int:
        """How many messages the product has sent to people."""
        return 0

    def refuse(self, address: str) -> None:
        """Make the product refuse this person from now on. Optional: without it no refusal is checked."""
        raise SkipTest("`refuse` is not there to make the product refuse somebody")

    # -------------------------------------------------------------------------------------------- before a delivery

    def test_nothing_is_sent_before_it_is_time(self) -> None:
        """`prepare`, `encode`, `traits` and `cost` use no network and write nothing."""
        before = self.people()
        sink = self.made()
        sink.prepare(self.fields())
        self.leads(sink)
        sink.traits()
        sink.cost(1)
        made = self.calls() if self.remote else sink.calls
        self.promised(promises.QUIET_BEFORE, made == 0, f"{made} call(s) were made before the first delivery")
        self.promised(promises.QUIET_BEFORE, self.people() == before, "the target was changed before any delivery")

    def test_what_is_sent_is_text_row_by_row(self) -> None:
        """Values of every kind become text or null; rows keep their number and order."""
        from datetime import date

        import polars as pl

        sink, names = self.fresh(), self.fields()
        rows = 3
        kinds: list[list[Any]] = [
            ["x", None, ""], [1, None, 2], [True, None, False], [date(2026, 3, 29), None, None], [["a", "b"], None, []],
        ]  # fmt: skip
        for values in kinds:
            columns = {name: pl.Series(name, values) for name in names}
            columns[self.key_field()] = pl.Series(self.key_field(), [f"kit.row{n}@example.com" for n in range(rows)])
            found = sink.encode(pl.DataFrame(list(columns.values())), names)
            seen = f"{values} were encoded as {found!r}"
            right = set(names) <= set(found.columns) and found.height == rows
            right = right and all(found[name].dtype == pl.String for name in names)
            right = right and found[self.key_field()].to_list() == columns[self.key_field()].to_list()
            self.promised(promises.ENCODED, right, seen)

    # ---------------------------------------------------------------------------------------------- one delivery

    def test_every_lead_has_a_true_result_in_order(self) -> None:
        """Three leads, then three of whom the product refuses the middle one."""
        sink = self.fresh()
        self.accepted(sink, self.leads(sink))
        leads = self.leads(sink)
        middle = leads.height // 2
        self.refuse(leads[ADDRESS][middle])
        told = self.deliver(sink, leads, "the product refused one lead")
        kinds = [str(kind) for kind in told.kinds]
        wanted = ["accepted"] * leads.height
        wanted[middle] = "refused"
        self.promised(promises.ONE_RESULT, kinds == wanted, f"lead {middle + 1} was refused, the results are {kinds}")

    def test_odd_texts_arrive_as_they_are(self) -> None:
        """Quotes, line ends, other scripts, and texts that look like numbers."""
        sink = self.fresh()
        names = [name for name in self.fields() if name != self.key_field()]
        if not names:
            raise SkipTest("the address alone is mapped")
        for n, text in enumerate(ODD):
            address = f"kit.odd{n}@example.com"
            leads = self.encoded(sink, [dict.fromkeys(names, text) | {self.key_field(): address}])
            self.accepted(sink, leads, f"the text {text!r} was sent")
            held = {key_of(each): fields for each, fields in self.people().items()}[key_of(address)]
            for name in names:
                same = held.get(name) == leads[name][0]
                self.promised(promises.ENCODED, same, f"{leads[name][0]!r} arrived as {held.get(name)!r}")

    def test_a_delivery_costs_what_was_said(self) -> None:
        """`cost` is right for one lead and for several, and `calls` counts what arrives."""
        for size in (1, None):
            sink = self.fresh()
            leads = self.leads(sink, size)
            counted, arrived = sink.calls, self.calls() if self.remote else 0
            self.accepted(sink, leads)
            made = sink.calls - counted
            if self.remote:
                arrived = self.calls() - arrived
                self.promised(promises.COUNTED, made == arrived, f"{arrived} call(s) arrived, {made} were counted")
            said = sink.cost(leads.height)
            self.promised(promises.COST, said == made, f"{leads.height} lead(s): {said} were said, {made} were made")

    def test_what_is_spent_was_asked_of_the_budget(self) -> None:
        """`reserve` and `deliver` together ask the budgets for as many calls as go out, and `reserve` for most."""
        sink = self.fresh()
        leads = self.leads(sink)
        asked, counted = self.till.asked, sink.calls
        sink.reserve(leads.height)
        reserved = self.till.asked - asked
        sink.deliver(leads)
        spent, made = self.till.asked - asked, sink.calls - counted
        if not spent:
            raise SkipTest("it spends no budget")
        self.promised(promises.RESERVED, spent == made, f"{made} call(s) went out, {spent} were asked of the budget")
        self.promised(promises.RESERVED, reserved, "`reserve` asked for nothing, `deliver` asked by itself")

    def test_waiting_for_the_budget_ends_when_the_run_is_stopped(self) -> None:
        """The account is locked for an hour; somebody stops the run."""
        sink = self.fresh()
        before = self.till.asked
        self.till.shut()
        ended: list[Exception | None] = []
        waiting = threading.Thread(target=lambda: ended.append(_raised(sink)), daemon=True)
        waiting.start()
        self.stop.set()
        waiting.join(self.longest_wait)
        self.promised(promises.STOPPABLE, ended, f"`reserve` still waited {self.longest_wait:g} s after the stop")
        if ended[0] is not None:
            self.sound(ended[0], "the run was stopped while `reserve` waited")
        went_on = "nothing was granted, and `reserve` returned as if it were"
        asked = self.till.asked > before
        self.promised(promises.RESERVED, not asked or ended[0] is not None, went_on)

    def test_deliveries_at_once_do_not_disturb_each_other(self) -> None:
        """As many as `concurrency` says."""
        sink = self.fresh()
        parts = [self.leads(sink) for _ in range(min(sink.concurrency, 8) * 2)]
        with ThreadPoolExecutor(sink.concurrency) as pool:
            answers = list(pool.map(lambda part: _answered(sink, part), parts))
        for part, answer in zip(parts, answers, strict=True):
            seen = f"{sink.concurrency} at once; one was answered by {answer!r}"
            well = isinstance(answer, list) and all(each.kind is ResultKind.ACCEPTED for each in answer)
            self.promised(promises.SIDE_BY_SIDE, well, seen)
            gone = self.present(part).count(False)
            self.promised(promises.SIDE_BY_SIDE, not gone, f"{sink.concurrency} at once; {gone} lead(s) are not there")

    def test_what_is_repeatable_may_be_sent_again(self) -> None:
        """The same leads twice: the target is as it was, and nobody got a message for it."""
        sink = self.fresh()
        if not sink.repeatable:
            raise SkipTest("it does not say that sending again is harmless")
        leads = self.leads(sink)
        self.accepted(sink, leads)
        people, mails = self.people(), self.mails()
        told = self.deliver(sink, leads, "the same leads were sent again")
        kinds = [str(kind) for kind in told.kinds]
        well = set(kinds) == {"accepted"}
        self.promised(promises.REPEATABLE, well, f"the second time the leads were {kinds}: {told.texts}")
        self.promised(promises.REPEATABLE, self.people() == people, "the second time changed the target")
        self.promised(promises.REPEATABLE, self.mails() == mails, "the second time sent messages to people")

    def test_reading_back_tells_the_truth(self) -> None:
        """Of leads that are there, of leads that are not, and of both at once, in order."""
        sink = self.fresh()
        there, absent = self.leads(sink), self.leads(sink)
        self.accepted(sink, there)
        self.confirmed(sink, there, "all was well")
        self.confirmed(sink, absent, "nothing was sent")
        self.confirmed(sink, _mixed(absent, there), "half of them were sent")

    def test_whoever_is_taken_out_is_out(self) -> None:
        """One who is there, and one who is not there any more."""
        sink = self.fresh()
        if sink.removal() is None:
            raise SkipTest("as it is configured, it removes nobody")
        there, absent = self.leads(sink, 1), self.leads(sink, 1)
        self.accepted(sink, there)
        both = _mixed(there, absent).select(KEY, ADDRESS)
        try:
            results = list(sink.remove(both))
        except Exception as error:
            self.sound(error, "one was taken out who is there, and one who is not")
            raise
        right = len(results) == both.height
        self.promised(promises.REMOVED, right, f"for {both.height} people there came {results!r}")
        kinds = [str(each.kind) for each in results]
        well = kinds == ["accepted"] * both.height
        self.promised(promises.REMOVED, well, f"one was there, one was not; both shall be out, the results are {kinds}")
        self.promised(promises.REMOVED, not any(self.present(both)), "whoever was accepted for removal is still there")

    # ---------------------------------------------------------------------------------------------------- faults

    def test_no_personal_data_stands_in_addresses_messages_or_logs(self) -> None:
        """After a delivery, a reading back and a removal."""
        sink = self.fresh()
        leads = self.leads(sink)
        told = self.deliver(sink, leads)
        texts = [part for each in sink.confirm(leads) for part in (each.code, each.message)]
        if sink.removal() is not None:
            texts += [part for each in sink.remove(leads) for part in (each.code, each.message)]
        self.discreet([*told.texts, *texts], self.private(leads))

    def test_an_answer_lost_after_the_commit(self) -> None:
        self.suffer(Fault.ANSWER_LOST)

    def test_a_call_lost_before_the_commit(self) -> None:
        self.suffer(Fault.CALL_LOST)

    def test_a_gateway_that_gives_up_after_the_commit(self) -> None:
        self.suffer(Fault.GATEWAY_AFTER)

    def test_a_gateway_that_gives_up_before_the_commit(self) -> None:
        self.suffer(Fault.GATEWAY_BEFORE)

    def test_html_in_place_of_an_answer(self) -> None:
        self.suffer(Fault.HTML)

    def test_nothing_in_place_of_an_answer(self) -> None:
        self.suffer(Fault.NO_CONTENT)

    def test_an_error_with_http_200(self) -> None:
        self.suffer(Fault.MISHAP)

    def test_half_a_body(self) -> None:
        self.suffer(Fault.HALF_BODY)

    def test_an_answer_in_drops(self) -> None:
        self.suffer(Fault.DRIP)

    def test_too_many_calls_come_again_in_seven_seconds(self) -> None:
        self.suffer(Fault.THROTTLED)

    def test_too_many_calls_and_no_word_of_when(self) -> None:
        self.suffer(Fault.THROTTLED_MUTE)

    def test_a_lock_of_half_an_hour(self) -> None:
        self.suffer(Fault.LOCKED)

    def test_a_token_that_is_refused_once(self) -> None:
        self.suffer(Fault.TOKEN_REFUSED)

    def test_a_stop_in_the_middle(self) -> None:
        self.suffer(Fault.STOPPED)


def _raised(sink: Sink[Any]) -> Exception | None:
    try:
        sink.reserve(1)
    except Exception as error:  # noqa: BLE001 - the check looks at it
        return error
    return None


def _answered(sink: Sink[Any], leads: pl.DataFrame) -> Any:
    try:
        sink.reserve(leads.height)
        return each_of(sink.deliver(leads), leads.height)
    except Exception as error:  # noqa: BLE001 - the check looks at it
        return error


def _mixed(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """The rows of both, in turns."""
    import polars as pl

    most = max(one.height, other.height)
    return pl.concat(frame.slice(n, 1) for n in range(most) for frame in (one, other))
