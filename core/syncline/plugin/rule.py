"""Rules: leads are kept out, with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from .config import C
from .connection import Plugin

if TYPE_CHECKING:
    import polars as pl


class Rule(Plugin[C]):
    """Keeps leads out, with a reason. It sees the mapped fields after the transforms, and the engine's columns
    `#id`, `#row`, `#address`, `#key` and `#status` (see `syncline.batch`)."""

    codes: ClassVar[Mapping[str, str]] = {}
    """The reasons it can give: code → text."""
    whole_fetch: bool = False
    """True: every batch of the fetch is shown to `observe` before the first call of `reasons`."""
    judges_status: ClassVar[bool] = False
    """True: the verdict depends on `#status`, which is brought up to date before the rule is asked."""

    def declared(self) -> Mapping[str, str]:
        """The reasons this instance can give; differs from `codes` where the config names a reason."""
        return self.codes

    def needs(self) -> Sequence[str]:
        """The mapped fields this rule names, so that a misspelt one is a fault."""
        return ()

    def observe(self, frame: pl.DataFrame) -> None:
        """Told of leads before they are judged: all batches when `whole_fetch`, and, when a run is taken up again,
        what that run has already recorded (then only the columns `#id`, `#row`, `#address` and `#key`)."""

    def reasons(self, frame: pl.DataFrame) -> pl.Series | pl.Expr:
        """The reason code, or null, for each row. Batches come in the order read, each once."""
        raise NotImplementedError(type(self).__name__)

    def details(self, ignored: pl.DataFrame) -> Sequence[str | None]:
        """A helpful word for each of the rows that this rule alone kept out; called right after `reasons`."""
        return [None] * ignored.height


class RowRule(Rule[C]):
    """The row-wise twin: judge one lead."""

    def reason(self, lead: Mapping[str, Any]) -> str | None:
        """The reason code, or None to let the lead pass."""
        raise NotImplementedError(type(self).__name__)

    def reasons(self, frame: pl.DataFrame) -> pl.Series:
        """Judge each row."""
        import polars as pl

        return pl.Series("reason", [self.reason(lead) for lead in frame.to_dicts()], dtype=pl.String)
