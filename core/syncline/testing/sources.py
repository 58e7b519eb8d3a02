"""The contract of sources: what is checked of each, under good conditions and under every fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest import SkipTest
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import SynclineError
from ..plugin import Ending, Field, Source
from . import promises
from .faults import Fault
from .promises import BrokenPromise
from .reading import ENDED_WELL, Reading, framed, plain, records_of


class SourceContract(Reading):
    """The contract of a source. Say `plugin` and `config`; see `Contract` for the rest.

        class TestAcme(SourceContract):
            plugin = Acme
            config = {"leads": 30}

    The product must hold some records; several pages of them show more than one.
    """

    def add(self) -> str:
        """Add a record to the product, and give what its `id_field` holds. Optional: without it no watermark is
        checked."""
        raise SkipTest("`add` is not there to add a record")

    def empty(self) -> None:
        """Take all records from the product. Optional: without it no empty read is checked."""
        raise SkipTest("`empty` is not there to take all records away")

    # ------------------------------------------------------------------------------------------------- all is well

    def test_a_read_yields_pages_and_says_how_it_ended(self) -> None:
        """Pages of rows, text as cursors, and an `End`; the product holds records, so some come."""
        done, _ = self.whole()
        some = any(frame.height for frame in done.frames)
        self.promised(promises.COMPLETE, some, "the read ended well without a record; the check needs a few")

    def test_two_reads_are_alike(self) -> None:
        """The same window holds the same records."""
        first, second = self.whole()[0].records(self.key()), self.whole()[0].records(self.key())
        differing = f"{len(set(first) ^ set(second))} records came in one of two reads only"
        self.promised(promises.COMPLETE, sorted(first) == sorted(second), differing)

    def test_a_read_goes_on_after_each_cursor_exactly_there(self) -> None:
        """From every cursor, by a new instance, as after a crash."""
        source = self.fresh()
        cursors = 0
        for partition in source.partitions(self.window()):
            done = self.go_on(source, partition, None)
            for n, page in enumerate(done.pages):
                if page.cursor is None:
                    continue
                cursors += 1
                rest = self.go_on(self.fresh(), partition, page.cursor, f"page {n + 1} was read before")
                wanted = records_of(map(framed, done.pages[n + 1 :]), self.key())
                got = rest.records(self.key())
                well = rest.end is not None and rest.end.ending in ENDED_WELL
                place = f"from the cursor of page {n + 1} of {len(done.pages)} on"
                self.promised(promises.RESUMED, well, f"{place} the read ended with {rest.error or rest.end!r}")
                lost, again = len(set(wanted) - set(got)), len(set(got) - set(wanted))
                seen = f"{place} {lost} records are missing, {again} came again"
                self.promised(promises.RESUMED, got == wanted, seen)
        if not cursors:
            raise SkipTest("it gives no cursor: every read starts from the beginning")

    def test_partitions_are_plain_data_with_ids_of_their_own(self) -> None:
        """What crossed the border of a process reads the same records."""
        source = self.fresh()
        parts = list(source.partitions(self.window()))
        ids = [part.id for part in parts]
        self.promised(promises.PARTITIONS, ids and len(set(ids)) == len(ids), f"the ids of partitions are {ids}")
        for part in parts:
            try:
                again = plain(part)
            except TypeError as error:
                seen = f"the partition {part.id!r} is no plain data: {error}"
                raise BrokenPromise(promises.PARTITIONS, seen) from None
            here, there = self.go_on(source, part, None), self.go_on(self.fresh(), again, None)
            same = sorted(here.records(self.key())) == sorted(there.records(self.key()))
            seen = f"the partition {part.id!r} reads other records in another process"
            self.promised(promises.PARTITIONS, same, seen)

    def test_the_fields_are_those_that_pages_hold(self) -> None:
        """Every column of a page is one of `fields()` and of `known_fields()`, where these are known."""
        source = self.fresh()
        columns = {name for frame in self.whole()[0].frames for name in frame.columns}
        fields = source.fields()
        if fields is not None:
            right = all(isinstance(each, Field) for each in fields)
            self.promised(promises.FIELDS, right, f"`fields` gives {fields!r}")
            missing = sorted(columns - {each.name for each in fields})
            self.promised(promises.FIELDS, not missing, f"pages hold {missing}, which `fields` does not name")
        known = self.plugin.known_fields(self.options())
        if known is not None:
            missing = sorted(columns - set(known))
            self.promised(promises.FIELDS, not missing, f"pages hold {missing}, which `known_fields` does not name")
        if fields is None and known is None:
            raise SkipTest("its fields are unknown until data is read")

    def test_the_fields_that_a_mapping_needs_are_there(self) -> None:
        """A window that asks for some fields gets them, whatever else comes."""
        columns = next((frame.columns for frame in self.whole()[0].frames if frame.height), [])
        asked = list(self.asks) or columns[:3]
        for frame in self.read(self.fresh(), self.window(asked)).frames:
            missing = sorted(set(asked) - set(frame.columns))
            self.promised(promises.ASKED, not missing, f"of {asked} a page lacks {missing}")

    def test_every_record_has_an_id_of_its_own(self) -> None:
        """`id_field` is a column, and no two records share its value."""
        key = self.key()
        if key is None:
            raise SkipTest("it has no `id_field`")
        ids: list[Any] = []
        for frame in self.whole()[0].frames:
            self.promised(promises.IDENTIFIED, key in frame.columns, f"a page has no column {key!r}")
            ids += frame[key].to_list()
        self.promised(promises.IDENTIFIED, None not in ids, f"{ids.count(None)} of {len(ids)} records have no {key!r}")
        doubled = len(ids) - len(set(ids))
        self.promised(promises.IDENTIFIED, not doubled, f"{doubled} of {len(ids)} records share their {key!r}")

    def test_every_call_is_counted(self) -> None:
        """`calls` is what arrives at the product, token requests apart."""
        self.network()
        source = self.fresh()
        before = self.calls()
        self.read(source)
        made, arrived = source.calls, self.calls() - before
        self.promised(promises.COUNTED, made == arrived, f"{arrived} call(s) arrived, {made} were counted")

    def test_one_record_can_be_fetched_by_its_id(self) -> None:
        """As it stands in a page; None for an ID that nobody has."""
        key = self.key()
        if key is None or self.plugin.fetch_one is Source.fetch_one:
            raise SkipTest("it fetches no single record")
        done = self.whole()[0]
        row = next(frame for frame in done.frames if frame.height).to_dicts()[0]
        source = self.fresh()
        found = source.fetch_one(str(row[key]))
        same = isinstance(found, Mapping) and str(found.get(key)) == str(row[key])
        self.promised(promises.FETCHED, same, f"a record of the first page was fetched as {_shape(found)}")
        known = set(done.records(key))
        for strange in [each for each in ("0", "no-such/../id?x=1") if each not in known]:
            try:
                found = source.fetch_one(strange)
            except SynclineError as error:
                self.sound(error, "a record that is not there was fetched")
                raise BrokenPromise(promises.FETCHED, f"for the ID {strange!r}, which nobody has: {error}") from None
            self.promised(promises.FETCHED, found is None, f"for the ID {strange!r}, which nobody has: {_shape(found)}")

    def test_the_watermark_passes_nothing_that_was_not_read(self) -> None:
        """What is added after a read comes in the next one."""
        done, _ = self.whole()
        mark = done.end.watermark if done.end else None
        if mark is None:
            raise SkipTest("it gives no watermark")
        added = self.add()
        self.hours.advance(1)
        found = self.read(self.fresh(), self.window(watermark=mark)).records(self.key())
        self.promised(promises.WATERMARK, added in found, "a record was added after the read; the next read has it not")

    def test_an_empty_product_gives_an_empty_read(self) -> None:
        """No rows, and an end that is told."""
        self.empty()
        done = self.read(self.fresh())
        seen = f"nothing is there; the read ended with {done.error or done.end!r}"
        well = done.end is not None and done.end.ending in (*ENDED_WELL, Ending.STOPPED_EARLY)
        self.promised(promises.ENDED, well, seen)
        rows = sum(frame.height for frame in done.frames)
        self.promised(promises.COMPLETE, not rows, f"nothing is there, and {rows} records came")

    def test_its_zone_is_one_of_the_database(self) -> None:
        """As in `schedule.timezone`."""
        name = self.fresh().zone()
        if name is None:
            raise SkipTest("it has no zone")
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise BrokenPromise(promises.ZONE, f"its zone is {name!r}") from None

    def test_a_read_may_be_left_after_any_page(self) -> None:
        """The engine closes it: nothing is raised."""
        source = self.fresh()
        partition = source.partitions(self.window())[0]
        pages = source.read(partition, None)
        try:
            next(pages, None)
            pages.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
            seen = f"the read was left after its first page and raised {error!r}"
            raise BrokenPromise(promises.ENDED, seen) from None

    # ---------------------------------------------------------------------------------------------------- faults

    def test_a_connection_that_breaks(self) -> None:
        self.suffer(Fault.CALL_LOST)

    def test_a_gateway_s_page(self) -> None:
        self.suffer(Fault.GATEWAY_BEFORE)

    def test_html_in_place_of_a_page(self) -> None:
        self.suffer(Fault.HTML)

    def test_nothing_in_place_of_a_page(self) -> None:
        self.suffer(Fault.NO_CONTENT)

    def test_an_error_with_http_200(self) -> None:
        self.suffer(Fault.MISHAP)

    def test_half_a_body(self) -> None:
        self.suffer(Fault.HALF_BODY)

    def test_a_page_without_items(self) -> None:
        self.suffer(Fault.EMPTY_PAGE)

    def test_a_page_that_comes_twice(self) -> None:
        self.suffer(Fault.REPEATED)

    def test_a_page_that_comes_again_and_again(self) -> None:
        self.suffer(Fault.STUCK)

    def test_a_page_in_another_order(self) -> None:
        self.suffer(Fault.REVERSED)

    def test_an_answer_in_drops(self) -> None:
        self.suffer(Fault.DRIP)

    def test_too_many_calls_come_again_in_seven_seconds(self) -> None:
        self.suffer(Fault.THROTTLED)

    def test_too_many_calls_and_no_word_of_when(self) -> None:
        self.suffer(Fault.THROTTLED_MUTE)

    def test_a_token_that_is_refused_once(self) -> None:
        self.suffer(Fault.TOKEN_REFUSED)

    def test_a_stop_in_the_middle(self) -> None:
        self.suffer(Fault.STOPPED)


def _shape(found: object) -> str:
    """What it is, without what it holds."""
    return f"a record with {', '.join(map(str, found))}" if isinstance(found, Mapping) else repr(found)
