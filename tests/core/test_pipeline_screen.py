"""Screen: a lead counts under the first rule that applies, and a rule is held to what it declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncline.batch import ADDRESS, ID, KEY, ROW
from syncline.errors import Fatal, PluginError
from syncline.pipeline.screen import Screened, recall, screen
from syncline.plugin import Config, Rule


class Scripted(Rule[Config]):
    """Keeps out whom it was told to; remembers what it was shown."""

    name = "scripted"
    codes: ClassVar[Mapping[str, str]] = {"no": "kept out"}

    def __init__(self, *out: str, whole: bool = False, code: str = "no", declared: str | None = None) -> None:
        super().__init__(Config())
        self.out, self.whole_fetch, self.code, self.shown = out, whole, code, list[str]()
        self.said = {declared or code: "kept out"} if declared != "" else {}

    def declared(self) -> Mapping[str, str]:
        return self.said

    def observe(self, frame: pl.DataFrame) -> None:
        self.shown += frame[KEY].to_list()

    def reasons(self, frame: pl.DataFrame) -> pl.Series | pl.Expr:
        return pl.when(pl.col(KEY).is_in(self.out)).then(pl.lit(self.code))


def batch(start: int, names: Sequence[str]) -> Screened:
    rows = {ROW: range(start, start + len(names)), ID: None, ADDRESS: names, KEY: names}
    return Screened.fresh(
        pl.DataFrame(rows, schema={ROW: pl.UInt64, ID: pl.String, ADDRESS: pl.String, KEY: pl.String}), str(start)
    )


@given(st.lists(st.text("abc", min_size=1, max_size=1), max_size=9), st.sets(st.sampled_from("abc")), st.booleans())
def test_every_lead_is_kept_out_once_by_the_first_rule_or_passes(names: list[str], out: set[str], whole: bool) -> None:
    first, second = Scripted("a", code="first"), Scripted(*out, whole=whole, code="second")
    batches = [batch(start, names[start : start + 3]) for start in range(0, len(names), 3)]
    found = list(screen(batches, [first, second], lambda each: each))
    assert [each.cursor for each in found] == [each.cursor for each in batches]
    verdicts = {row: reason for each in found for row, reason in each.verdicts.select(ROW, "reason").iter_rows()}
    for row, name in enumerate(names):
        assert verdicts.get(row) == ("first" if name == "a" else "second" if name in out else None)
    assert sorted([*verdicts, *(row for each in found for row in each.alive[ROW])]) == list(range(len(names)))
    assert second.shown == ([name for name in names if name != "a"] if whole else [])


def test_a_rule_may_give_only_the_reasons_it_declared() -> None:
    with pytest.raises(PluginError, match="not declared: strange"):
        list(screen([batch(0, ["a"])], [Scripted("a", code="strange", declared="no")], lambda each: each))


def test_a_rule_gives_a_verdict_for_each_lead_and_a_broken_expression_ends_the_run() -> None:
    class Short(Scripted):
        def reasons(self, frame: pl.DataFrame) -> pl.Series:
            return pl.Series([None], dtype=pl.String)

    class Broken(Scripted):
        def reasons(self, frame: pl.DataFrame) -> pl.Expr:
            return pl.col("no such column")

    with pytest.raises(PluginError, match="1 verdicts for 2 leads"):
        list(screen([batch(0, ["a", "b"])], [Short()], lambda each: each))
    with pytest.raises(Fatal, match="'scripted' failed"):
        list(screen([batch(0, ["a"])], [Broken()], lambda each: each))


def test_what_waits_for_the_whole_fetch_has_no_name_that_a_killed_process_would_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stream = screen([batch(0, ["a"]), batch(1, ["b"])], [Scripted(whole=True)], lambda each: each)
    first = next(stream)
    assert not list(tmp_path.iterdir())
    second = next(stream)
    assert [each.alive.height for each in (first, second)] == [1, 1]


def test_a_rule_recalls_only_leads_that_had_reached_it() -> None:
    first, second = Scripted(code="first"), Scripted(code="second")
    frame = batch(0, ["a", "b"]).alive.with_columns(
        outcome=pl.Series(["ignored", "new"]), reason=pl.Series(["first", "added"])
    )
    recall([first, second], [frame])
    assert (first.shown, second.shown) == (["a", "b"], ["b"])
