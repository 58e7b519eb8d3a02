"""Shape: every kind of mapping and its default, and transforms that may not touch the rows."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from syncline.batch import ADDRESS, ID, KEY, ROW, frame_of
from syncline.errors import Fatal, PluginError
from syncline.pipeline.shape import Shape
from syncline.plugin import Config, Transform
from syncline.spec.model import Mapped


class Dropping(Transform[Config]):
    """Drops a row, or turns the order round."""

    name = "dropping"

    def __init__(self, turn: bool) -> None:
        super().__init__(Config())
        self.turn = turn

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.reverse() if self.turn else frame.head(1)


def shaped(rows: list[dict[str, Any]], *mapping: Mapped, transforms: Any = (), shape: Shape | None = None) -> Any:
    shape = shape or Shape([Mapped("Email", field="Email"), *mapping], transforms, "Email")
    frame = frame_of(rows).with_columns(pl.lit(None, pl.String).alias(ID), pl.int_range(len(rows)).alias(ROW))
    return shape.apply(frame)


@pytest.mark.parametrize("value", [None, "", " \u200b"])
def test_a_default_stands_in_for_whatever_is_empty(value: str | None) -> None:
    found = shaped([{"Email": "a@example.com", "City": value}], Mapped("City", field="City", default="Pune"))
    assert found["City"].to_list() == ["Pune"]


def test_a_template_leaves_nothing_for_a_missing_part_and_a_value_is_for_all() -> None:
    rows = [{"Email": "a@example.com", "First": "Ann", "Last": None}]
    found = shaped(rows, Mapped("Name", template="{First} {Last}"), Mapped("Channel", value="Web"))
    assert found.select("Name", "Channel").rows() == [("Ann ", "Web")]


def test_the_person_is_known_by_the_address_whatever_its_letters() -> None:
    found = shaped([{"Email": " ANN@Example.com "}, {"Email": None}])
    assert found.select(ADDRESS, KEY).rows() == [(" ANN@Example.com ", "ann@example.com"), (None, None)]


@pytest.mark.parametrize("turn", [True, False])
def test_a_transform_that_drops_or_moves_rows_is_at_fault(turn: bool) -> None:
    rows = [{"Email": "a@example.com"}, {"Email": "b@example.com"}]
    with pytest.raises(PluginError, match="dropping"):
        shaped(rows, transforms=[Dropping(turn)])


def test_a_field_the_source_never_gave_ends_the_run_but_a_page_may_lack_one() -> None:
    city = Mapped("City", field="City")
    with pytest.raises(Fatal, match="no field 'City'"):
        shaped([{"Email": "a@example.com"}], city)
    shape = Shape([Mapped("Email", field="Email"), city], (), "Email")
    shaped([{"Email": "a@example.com", "City": "Pune"}], shape=shape)
    assert shaped([{"Email": "a@example.com"}], shape=shape)["City"].to_list() == [None]
