"""The rules that stand on what is already known of a person: opted out, bounced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncline import STATUS, Config, Rule, Status

if TYPE_CHECKING:
    import polars as pl


class DoNotMail(Rule[Config]):
    """Ignores people who unsubscribed from any list read, or who stand in the do-not-mail registry or in our own."""

    name = "do_not_mail"
    codes = {"do_not_mail": "the person opted out"}  # noqa: RUF012 - the face declares it a ClassVar
    judges_status = True

    def reasons(self, frame: pl.DataFrame) -> pl.Expr:
        """`do_not_mail` for each person whose status is an opt-out."""
        import polars as pl

        out = [str(Status.UNSUBSCRIBED), str(Status.DO_NOT_MAIL)]
        return pl.when(pl.col(STATUS).is_in(out)).then(pl.lit(self.name))


class Bounced(Rule[Config]):
    """Ignores addresses to which mail of the target bounced for good."""

    name = "bounced"
    codes = {"bounced": "mail to this address bounced for good"}  # noqa: RUF012 - the face declares it a ClassVar
    judges_status = True

    def reasons(self, frame: pl.DataFrame) -> pl.Expr:
        """`bounced` for each hard-bounced address."""
        import polars as pl

        return pl.when(pl.col(STATUS) == str(Status.BOUNCED)).then(pl.lit(self.name))
