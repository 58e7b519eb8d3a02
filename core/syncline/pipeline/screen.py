"""Screen: the ignore rules, in order; a lead counts under the first that applies.

The stream of batches is cut before every rule that must see the whole fetch first: there the batches are set aside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from ..batch import ADDRESS, ID, KEY, ROW
from ..errors import Fatal, PluginError
from ..plugin import Rule
from .aside import Aside

_PARTS = ("alive", "ignored", "verdicts")
VERDICT = pl.Schema({ROW: pl.UInt64, "reason": pl.String, "detail": pl.String, "rule": pl.String})


@dataclass(frozen=True)
class Screened:
    """A shaped batch: its leads that no rule has kept out so far, those kept out, and the verdicts on the latter."""

    alive: pl.DataFrame
    ignored: pl.DataFrame
    verdicts: pl.DataFrame
    cursor: str | None = None

    @classmethod
    def fresh(cls, frame: pl.DataFrame, cursor: str | None = None) -> Screened:
        """A batch that no rule has seen."""
        return cls(frame, frame.clear(), pl.DataFrame(schema=VERDICT), cursor)

    def judged(self, rule: Rule[Any]) -> Screened:
        """The batch after one more rule."""
        if not self.alive.height:
            return self
        reasons = _reasons(rule, self.alive)
        if reasons.null_count() == reasons.len():
            return self
        out = reasons.is_not_null()
        ignored = self.alive.filter(out)
        return self.keep_out(out, ignored, reasons.filter(out), rule.details(ignored), rule.name)

    def keep_out(
        self, out: pl.Series, ignored: pl.DataFrame, reasons: pl.Series, details: Sequence[str | None], rule: str
    ) -> Screened:
        """Move the rows marked in `out` from `alive` to `ignored`, with their reasons and details."""
        verdicts = pl.DataFrame(
            {ROW: ignored[ROW], "reason": reasons, "detail": pl.Series(details, dtype=pl.String), "rule": rule},
            schema=VERDICT,
        )
        return replace(
            self,
            alive=self.alive.filter(~out),
            ignored=self.ignored.vstack(ignored),
            verdicts=self.verdicts.vstack(verdicts),
        )


def screen(
    batches: Iterable[Screened], rules: Sequence[Rule[Any]], refresh: Callable[[Screened], Screened]
) -> Iterator[Screened]:
    """The batches after all rules. `refresh` brings `#status` up to date before the first rule that judges it."""
    stream = iter(batches)
    start = 0
    refreshed = False
    for stop in [n for n, rule in enumerate(rules) if n and rule.whole_fetch] + [len(rules)]:
        part = rules[start:stop]
        stream = _judged(stream, part, None if refreshed else refresh)
        refreshed = refreshed or any(rule.judges_status for rule in part)
        start = stop
    return stream if refreshed else (refresh(batch) for batch in stream)


def _judged(
    stream: Iterator[Screened], rules: Sequence[Rule[Any]], refresh: Callable[[Screened], Screened] | None
) -> Iterator[Screened]:
    if rules and rules[0].whole_fetch:
        stream = _waited(stream, rules[0])
    first = next((n for n, rule in enumerate(rules) if rule.judges_status), None)
    for batch in stream:
        for n, rule in enumerate(rules):
            if n == first and refresh is not None:
                batch = refresh(batch)  # noqa: PLW2901 - the same batch, one stage on
            batch = batch.judged(rule)  # noqa: PLW2901 - the same batch, one stage on
        yield batch


def _waited(stream: Iterator[Screened], rule: Rule[Any]) -> Iterator[Screened]:
    """Let the rule observe every batch, then pass the batches on."""
    with Aside() as aside:
        waiting = []
        for batch in stream:
            rule.observe(batch.alive)
            waiting.append((batch.cursor, [aside.put(getattr(batch, part)) for part in _PARTS]))
        for cursor, spans in waiting:
            alive, ignored, verdicts = map(aside.got, spans)
            yield Screened(alive, ignored, verdicts, cursor)


def _reasons(rule: Rule[Any], frame: pl.DataFrame) -> pl.Series:
    try:
        reasons = rule.reasons(frame)
        series = frame.select(reasons.alias("reason")).to_series() if isinstance(reasons, pl.Expr) else reasons
    except pl.exceptions.PolarsError as error:
        raise Fatal(f"rule {rule.name!r} failed", why=str(error).splitlines()[0][:200]) from None
    if series.len() != frame.height:
        raise PluginError(f"rule {rule.name!r} gave {series.len()} verdicts for {frame.height} leads")
    strange = set(series.drop_nulls().unique()) - set(rule.declared())
    if strange:
        raise PluginError(
            f"rule {rule.name!r} gave reasons it has not declared: {', '.join(map(str, sorted(strange)))}"
        )
    return series.cast(pl.String)


def recall(rules: Sequence[Rule[Any]], recorded: Iterable[pl.DataFrame]) -> None:
    """When a run is taken up again: tell each rule of the leads that had reached it, as they were recorded.

    `recorded` has the columns `#id`, `#row`, `#address`, `#key`, `outcome` and `reason`.
    """
    for frame in recorded:
        earlier: list[str] = []
        for rule in rules:
            kept_out = (pl.col("outcome") == "ignored") & pl.col("reason").is_in(earlier)
            reached = frame.filter(pl.col(KEY).is_not_null() & ~kept_out)
            if not rule.whole_fetch:
                rule.observe(reached.select(ID, ROW, ADDRESS, KEY))
            earlier += rule.declared()
