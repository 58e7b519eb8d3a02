"""The contract of sources: a right source passes, and for each check there is a wrong one that it finds."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest
from kit_office import Counter
from kit_register import Register, RegisterContract
from syncline import Answer, Check, End, Ending, Fatal, Field, Page, Pages, Partition, Patience, Retriable, Window
from syncline.errors import SynclineError
from syncline.testing import BrokenPromise, SourceContract

CHECKS = sorted(name for name in dir(SourceContract) if name.startswith("test_"))
MUTANTS: dict[str, list[tuple[type[RegisterContract], str]]] = {}


class TestARightSource(RegisterContract):
    """It passes every check."""


def kills(*checks: str, says: str, **more: Any) -> Callable[[type[Any]], type[Any]]:
    """This wrong source (or counter) is found by these checks, each of which says these words."""

    def note(wrong: type[Any]) -> type[Any]:
        kind = "counter" if issubclass(wrong, Counter) else "plugin"
        contract = type(wrong.__name__, (RegisterContract,), {kind: wrong} | more)
        for check in checks:
            MUTANTS.setdefault(check, []).append((contract, says))
        return wrong

    return note


@kills("test_it_is_declared", says="its name is ''")
class Nameless(Register):
    """Has no name."""

    name: ClassVar[str] = ""


@kills("test_it_is_declared", says="not texts by labels")
class Unlabelled(Register):
    """Shows what is no text."""

    def describe(self) -> dict[str, str]:
        return {"records": 7}  # type: ignore[dict-item]  # a broken promise


@kills("test_its_check_tells_what_is_well_and_what_is_not", says="`check` yields")
class Monosyllabic(Register):
    """Says yes."""

    def check(self, needed: Sequence[str]) -> Iterator[Check]:
        yield True  # type: ignore[misc]  # a broken promise


@kills("test_a_read_yields_pages_and_says_how_it_ended", says="the read returned None")
class Silent(Register):
    """Does not say how it ended."""

    def end(self, some: object, newest: str | None) -> End:
        return None  # type: ignore[return-value]  # a broken promise


@kills("test_a_read_yields_pages_and_says_how_it_ended", says="columns of the engine's: ['#id']")
class Intruder(Register):
    """Writes into the engine's columns."""

    def shown(self, rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        return [{**row, "#id": row["id"]} for row in rows]


@kills("test_a_read_yields_pages_and_says_how_it_ended", says="was called empty, and pages held records")
class Denier(Register):
    """Says that nothing is there."""

    def end(self, some: object, newest: str | None) -> End:
        return End(Ending.CONFIRMED_EMPTY)


@kills("test_two_reads_are_alike", says="1 records came in one of two reads only")
class Moody(Register):
    """Leaves a record out now and then."""

    times = itertools.count()

    def read(self, partition: Partition, since: str | None) -> Pages:
        skip = next(self.times) % 2
        reading = super().read(partition, since)
        first = next(reading)
        yield Page(list(first.rows)[skip:], first.cursor)
        return (yield from reading)


@kills("test_a_read_goes_on_after_each_cursor_exactly_there", says="1 records are missing, 0 came again")
class Skipping(Register):
    """Goes on too late."""

    def read(self, partition: Partition, since: str | None) -> Pages:
        return (yield from super().read(partition, str(int(since) + 1) if since else None))


@kills("test_a_read_goes_on_after_each_cursor_exactly_there", says="came again")
class Beginner(Register):
    """Always begins at the beginning."""

    def read(self, partition: Partition, since: str | None) -> Pages:
        return (yield from super().read(partition, None))


@kills("test_partitions_are_plain_data_with_ids_of_their_own", says="the ids of partitions are")
class Twins(Register):
    """Gives two parts one name."""

    def partitions(self, window: Window) -> Sequence[Partition]:
        return [Partition("all", window)] * 2


@kills("test_partitions_are_plain_data_with_ids_of_their_own", says="is no plain data")
class Clinging(Register):
    """Puts itself into a partition."""

    def partitions(self, window: Window) -> Sequence[Partition]:
        return [Partition("all", window, {"source": self})]


@kills("test_the_fields_are_those_that_pages_hold", says="pages hold ['name'], which `fields` does not name")
class Secretive(Register):
    """Does not name all."""

    def fields(self) -> Sequence[Field]:
        return [each for each in super().fields() if each.name != "name"]


@kills("test_the_fields_that_a_mapping_needs_are_there", says="a page lacks ['email']")
class Sparing(Register):
    """Gives the ID alone."""

    def shown(self, rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        return [{name: row[name] for name in row if not fields or name != "email"} for row in rows]


@kills("test_every_record_has_an_id_of_its_own", says="1 of 7 records share their 'id'")
class Doubling(Register):
    """Gives two records one ID."""

    def shown(self, rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        return [{**row, "id": row["id"].replace("2", "1")} for row in rows]


@kills("test_every_call_is_counted", says="4 call(s) arrived, 0 were counted")
class Uncounted(Register):
    """Does not count."""

    calls = 0  # type: ignore[assignment]  # a broken promise


@kills("test_one_record_can_be_fetched_by_its_id", says="for the ID '0', which nobody has: a record with")
class Obliging(Register):
    """Finds something in any case."""

    def fetch_one(self, id: str) -> Mapping[str, Any] | None:
        return super().fetch_one(id) or {"id": id}


@kills("test_one_record_can_be_fetched_by_its_id", says="was fetched as None")
class Blind(Register):
    """Finds nothing."""

    def fetch_one(self, id: str) -> Mapping[str, Any] | None:
        return None


@kills("test_the_watermark_passes_nothing_that_was_not_read", says="the next read has it not")
class Fast(Register):
    """Its watermark is ahead of what it read."""

    def end(self, some: object, newest: str | None) -> End:
        return End(Ending.COMPLETE, str(int(newest or 0) + 1))


@kills("test_an_empty_product_gives_an_empty_read", says="nothing is there, and 1 records came")
class Inventive(Register):
    """Always has something."""

    def page(self, cursor: str | None, newer: str | None) -> tuple[list[dict[str, Any]], str | None]:
        rows, following = super().page(cursor, newer)
        return rows or [{"id": "0", "email": "", "name": "", "n": 0}], following


@kills("test_its_zone_is_one_of_the_database", says="its zone is 'Lisbon time'")
class Timeless(Register):
    """Names its zone in words."""

    def zone(self) -> str | None:
        return "Lisbon time"


@kills("test_a_read_may_be_left_after_any_page", says="was left after its first page and raised RuntimeError")
class Jealous(Register):
    """Goes on when nobody listens."""

    def read(self, partition: Partition, since: str | None) -> Pages:
        try:
            return (yield from super().read(partition, since))
        except GeneratorExit:
            yield Page([])
            raise


# ------------------------------------------------------------------------------------------------------- faults


class Once(Counter):
    """Tries once."""

    patience = Patience(attempts=1)


@kills(
    "test_a_connection_that_breaks",
    "test_a_gateway_s_page",
    "test_html_in_place_of_a_page",
    "test_nothing_in_place_of_a_page",
    "test_an_error_with_http_200",
    "test_half_a_body",
    "test_too_many_calls_and_no_word_of_when",
    says="the read ended as complete and lacks",
    counter=Once,
)
class Lenient(Register):
    """Takes trouble for the end."""

    def read(self, partition: Partition, since: str | None) -> Pages:
        try:
            return (yield from super().read(partition, since))
        except SynclineError:
            return End(Ending.COMPLETE)


@kills("test_half_a_body", says="JSONDecodeError")
class Parsing(Register):
    """Reads the body by itself."""

    def judged(self, answer: Answer) -> tuple[list[dict[str, Any]], str | None]:
        return super().judged(answer) if json.loads(answer.text) else ([], None)


@kills("test_a_page_without_items", says="the read ended as confirmed_empty and lacks 7")
class Satisfied(Register):
    """Takes an empty page for the end."""

    def judged(self, answer: Answer) -> tuple[list[dict[str, Any]], str | None]:
        rows, following = super().judged(answer)
        return rows, following if rows else None


@kills("test_a_page_that_comes_twice", says="the read ended as complete and lacks")
class Bored(Register):
    """Ends where a page brings nothing new."""

    def judged(self, answer: Answer) -> tuple[list[dict[str, Any]], str | None]:
        rows, following = super().judged(answer)
        known, self.known = getattr(self, "known", None), rows
        return rows, None if rows == known else following


@kills("test_a_page_that_comes_again_and_again", says="the read went on without end")
class Endless(Register):
    """Follows every cursor."""

    def read(self, partition: Partition, since: str | None) -> Pages:
        cursor = since
        while True:
            rows, cursor = self.page(cursor, None)
            yield Page(rows, cursor)
            if cursor is None:
                return End(Ending.COMPLETE)


@kills("test_a_page_that_comes_again_and_again", says="the read called the product without end")
class Waiting(Register):
    """Waits for a page that brings something new."""

    def judged(self, answer: Answer) -> tuple[list[dict[str, Any]], str | None]:
        rows, following = super().judged(answer)
        known, self.known = getattr(self, "known", None), rows
        while rows == known:
            rows, following = super().judged(self.connection.client.send("GET", "/records"))
        return rows, following


@kills("test_a_page_in_another_order", says="the read ended as complete and lacks")
class Orderly(Register):
    """Takes the last record of a page for the newest."""

    def judged(self, answer: Answer) -> tuple[list[dict[str, Any]], str | None]:
        rows, following = super().judged(answer)
        return rows, rows[-1]["id"] if following is not None and rows[-1]["id"] >= following else following and "6"


class Impatient(Counter):
    """Hears half of the answer, once."""

    patience = Patience(exchange=0.1, attempts=1)


@kills("test_an_answer_in_drops", says="the read ended as complete and lacks", counter=Impatient)
class Hanging(Lenient):
    """Takes a slow page for the end."""


@kills("test_too_many_calls_come_again_in_seven_seconds", says="the next call came after 0 of 7 seconds")
class Pushing(Register):
    """Does not listen to when."""

    def page(self, cursor: str | None, newer: str | None) -> tuple[list[dict[str, Any]], str | None]:
        send = self.connection.client.send
        params = {"after": cursor} if cursor else {}
        answer = send("GET", "/records", params=params, repeatable=False)
        return self.judged(send("GET", "/records", params=params) if answer.status == 429 else answer)


@kills("test_a_token_that_is_refused_once", says="the read ended with Fatal")
class Forgetful(Counter):
    """Does not renew its token."""

    renews = False


@kills("test_a_stop_in_the_middle", says="the read ended as complete and lacks")
class Quick(Register):
    """Ends well when it is stopped."""

    def read(self, partition: Partition, since: str | None) -> Pages:
        reading = super().read(partition, since)
        while not self.connection.runtime.stop.is_set():
            try:
                yield next(reading)
            except StopIteration as finished:
                return finished.value  # type: ignore[no-any-return]  # an End, if the source keeps its word
        return End(Ending.COMPLETE)


@kills("test_a_gateway_s_page", says="a message holds a lead's", counter=Once)
class Gossip(Register):
    """Tells where it was when trouble came."""

    def read(self, partition: Partition, since: str | None) -> Pages:
        last = ""
        try:
            for page in super().read(partition, since):
                last = str(list(page.rows)[-1])
                yield page
        except Retriable:
            raise Fatal(f"trouble after {last}") from None
        return End(Ending.COMPLETE)


def test_every_check_has_a_wrong_source_that_it_finds() -> None:
    assert sorted(MUTANTS) == CHECKS


@pytest.mark.parametrize(
    ("check", "contract", "says"),
    [
        pytest.param(check, *each, id=f"{check}-{each[0].__name__}")
        for check in CHECKS
        for each in MUTANTS.get(check, ())
    ],
)
def test_a_wrong_source_is_found(check: str, contract: type[RegisterContract], says: str) -> None:
    found = contract()
    found.setup_method()
    try:
        with pytest.raises(BrokenPromise) as broken:
            getattr(found, check)()
    finally:
        found.teardown_method()
    assert says in str(broken.value)
