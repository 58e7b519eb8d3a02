"""Extract: pages become numbered batches, and a read that goes on counts every record once and loses none."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline.batch import ID, ROW
from syncline.errors import PluginError
from syncline.pipeline.extract import Extraction
from syncline.plugin import Config, End, Ending, Page, Pages, Partition, Source, Window

NOW = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(created=NOW, now=NOW)


class Scripted(Source[Config]):
    """Reads what it was given: for each partition its records, its pages of two, its end."""

    name = "scripted"

    def __init__(self, parts: Mapping[str, Sequence[Mapping[str, Any]]], ends: Mapping[str, Any], ids: bool) -> None:
        super().__init__(Config())
        self.parts, self.ends = parts, ends
        self.id_field = "ID" if ids else None  # type: ignore[misc]  # each test has its own

    def partitions(self, window: Window) -> Sequence[Partition]:
        return [Partition(name, window) for name in self.parts]

    def read(self, partition: Partition, since: str | None) -> Pages:
        rows = self.parts[partition.id]
        for start in range(int(since or 0), len(rows), 2):
            yield Page(rows[start : start + 2], cursor=str(start + 2))
        end: End = self.ends.get(partition.id, End(Ending.COMPLETE, "w"))
        return end


def extraction(parts: Any, ends: Any = None, *, ids: bool = True, **words: Any) -> Extraction:
    source = Scripted(parts, ends or {}, ids)
    return Extraction(source, source.partitions(WINDOW), **words)


def rows(*numbers: int) -> list[dict[str, int]]:
    return [{"ID": number} for number in numbers]


def recorded(ids: Sequence[Any]) -> pl.DataFrame:
    return pl.DataFrame(
        {ID: [str(each) for each in ids], ROW: list(range(len(ids)))}, schema={ID: pl.String, ROW: pl.UInt64}
    )


def test_records_are_counted_from_nought_and_have_their_id_as_text() -> None:
    batches = list(extraction({"all": rows(7, 8, 9)}))
    frame = pl.concat([batch.frame for batch in batches])
    assert (frame[ROW].to_list(), frame[ID].to_list()) == ([0, 1, 2], ["7", "8", "9"])
    assert json.loads(batches[0].cursor or "") == {"partition": "all", "cursor": "2"}


@given(st.lists(st.integers(0, 6), max_size=4), st.data(), st.booleans())
def test_a_read_that_goes_on_gives_exactly_what_was_not_recorded(
    sizes: list[int], data: st.DataObject, ids: bool
) -> None:
    numbers = iter(range(100))
    parts = {f"p{n}": rows(*(next(numbers) for _ in range(size))) for n, size in enumerate(sizes)}
    whole = list(extraction(parts, ids=ids))
    known = data.draw(st.integers(0, len(whole)), label="batches recorded")
    closed = data.draw(st.integers(0, known), label="of them closed")
    before = [each for batch in whole[:known] for each in batch.frame["ID"].to_list()]
    behind = len(before) - sum(batch.frame.height for batch in whole[:closed])
    rest = extraction(
        parts, ids=ids, since=whole[closed - 1].cursor if closed else None, recorded=recorded(before),
        behind_cursor=behind,
    )  # fmt: skip
    found = [batch.frame for batch in rest]
    assert before + [each for frame in found for each in frame["ID"].to_list()] == list(range(sum(sizes)))
    assert [row for frame in found for row in frame[ROW].to_list()] == list(range(len(before), sum(sizes)))


def test_the_oldest_watermark_of_all_partitions_counts() -> None:
    read = extraction({"a": rows(1), "b": rows(2)}, {"a": End(Ending.COMPLETE, "1"), "b": End(Ending.COMPLETE, "2")})
    list(read)
    assert read.end == End(Ending.COMPLETE, "1")


def test_a_read_that_passes_over_a_partition_knows_no_watermark() -> None:
    parts = {"a": rows(1, 2), "b": rows(3, 4, 5)}
    since = json.dumps({"partition": "b", "cursor": "2"})
    read = extraction(parts, since=since, recorded=recorded([1, 2, 3, 4]))
    assert [batch.frame["ID"].to_list() for batch in read] == [[5]]
    assert read.end == End(Ending.COMPLETE, None)


def test_a_cursor_of_a_partition_that_is_no_more_begins_anew() -> None:
    since = json.dumps({"partition": "gone", "cursor": "2"})
    read = extraction({"a": rows(1, 2), "b": rows(3)}, since=since, recorded=recorded([1]))
    assert [batch.frame["ID"].to_list() for batch in read] == [[2], [3]]
    assert read.end.ending is Ending.COMPLETE


@pytest.mark.parametrize(
    ("ends", "whole"),
    [
        ((Ending.CONFIRMED_EMPTY, Ending.CONFIRMED_EMPTY), Ending.CONFIRMED_EMPTY),
        ((Ending.CONFIRMED_EMPTY, Ending.COMPLETE), Ending.COMPLETE),
        ((Ending.COMPLETE, Ending.STOPPED_EARLY), Ending.STOPPED_EARLY),
    ],
)
def test_a_whole_read_ended_as_its_parts_did(ends: tuple[Ending, Ending], whole: Ending) -> None:
    read = extraction({"a": [], "b": []}, {"a": End(ends[0]), "b": End(ends[1])})
    list(read)
    assert read.end.ending is whole


def test_a_read_that_was_left_or_stopped_ended_early() -> None:
    left = extraction({"all": rows(*range(50))})
    next(iter(left))
    stop = threading.Event()
    stopped = extraction({"all": rows(*range(50))}, stop=stop)
    for _ in stopped:
        stop.set()
    assert {left.end.ending, stopped.end.ending} == {Ending.STOPPED_EARLY}


def test_a_source_that_does_not_say_how_it_ended_is_at_fault() -> None:
    with pytest.raises(PluginError, match="how its read ended"):
        list(extraction({"all": rows(1)}, {"all": None}))


def test_columns_of_the_engine_are_refused() -> None:
    with pytest.raises(PluginError, match="#row"):
        list(extraction({"all": [{"ID": 1, "#row": 5}]}))
