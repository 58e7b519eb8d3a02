"""The rules that look at the address alone: it must be there, and it must be one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import msgspec
from syncline import ADDRESS, KEY, Config, Rule, trimmed

from .domain import domains
from .typos import table

if TYPE_CHECKING:
    import polars as pl

    from .deliverability import MailDomains
    from .verdict import Verdicts


class EmptyEmail(Rule[Config]):
    """Ignores leads without an address: missing, or nothing but spaces and invisible characters."""

    name = "empty_email"
    codes = {"empty_email": "the address is missing or blank"}  # noqa: RUF012 - the face declares it a ClassVar

    def reasons(self, frame: pl.DataFrame) -> pl.Series:
        """`empty_email` for each row without an address."""
        import polars as pl

        address = pl.col(ADDRESS)
        seen = address.str.contains("^[!-~]")  # the plain majority, without trimming
        blank = pl.when(seen).then(False).otherwise((trimmed(address) == "").fill_null(True))
        return frame.select(pl.when(blank).then(pl.lit(self.name)).alias("reason")).to_series()


class InvalidPatternConfig(Config, frozen=True, kw_only=True):
    """What else counts as misspelt, and whether domains are looked up."""

    typo_domains: Annotated[
        dict[str, str], msgspec.Meta(description="Further misspelt domains: `exampel.com: example.com`.")
    ] = msgspec.field(default_factory=dict)
    allow_domains: Annotated[
        tuple[str, ...], msgspec.Meta(description="Domains that are right although the list calls them misspelt.")
    ] = ()
    dns: Annotated[
        bool,
        msgspec.Meta(description="Also ask the DNS whether the domain takes mail. A time-out never ignores a lead."),
    ] = False
    dns_timeout: Annotated[float, msgspec.Meta(gt=0, le=60, description="Seconds to wait for the DNS, per domain.")] = (
        5.0
    )


class InvalidPattern(Rule[InvalidPatternConfig]):
    """Ignores what is not an address by email-validator, and misspelt well-known domains (`gnail.com`).

    The address is judged without the blanks around it. The detail says what is wrong or what was probably meant.
    """

    name = "invalid_pattern"
    Config = InvalidPatternConfig
    codes = {"invalid_pattern": "not a valid address, or a misspelt well-known domain"}  # noqa: RUF012 - a ClassVar

    def __init__(self, config: InvalidPatternConfig) -> None:
        super().__init__(config)
        self._meant = table(config.typo_domains, frozenset(name.lower() for name in config.allow_domains))
        self._typo = f"@(?:{'|'.join(map(re.escape, self._meant))})$"
        self._why: dict[str, str] = {}

    @cached_property
    def _verdicts(self) -> Verdicts:
        from .verdict import Verdicts

        return Verdicts()

    @cached_property
    def _mail_domains(self) -> MailDomains:
        from .deliverability import MailDomains

        return MailDomains(self.config.dns_timeout)

    def reasons(self, frame: pl.DataFrame) -> pl.Series:
        """`invalid_pattern` for each row whose address is none, or whose domain is misspelt."""
        import polars as pl

        from .verdict import plain

        asked = frame.select(
            misspelt=pl.col(KEY).str.contains(self._typo).fill_null(False),
            plain=plain(pl.col(ADDRESS)).fill_null(False),
        )
        places = (asked["misspelt"] | ~asked["plain"]).arg_true()
        odd = frame.select(trimmed(pl.col(ADDRESS)).fill_null("").alias("text"), pl.col(KEY).alias("key"))[places]
        odd = odd.with_columns(asked["misspelt"][places], plain(pl.col("text")).alias("plain"))
        self._why = self._judge(odd.filter(pl.col("misspelt") | ~pl.col("plain")).unique("text"))
        bad = pl.repeat(False, frame.height, eager=True)
        if self._why:
            wrong = odd["text"].is_in(list(self._why))
            bad = bad.scatter(places.filter(wrong), True)
        if self.config.dns:
            held = frame.select(domains()).to_series()
            bad |= held.is_in(list(self._mail_domains.dead(held))).fill_null(False)
        return pl.select(pl.when(bad).then(pl.lit(self.name)).alias("reason")).to_series()

    def details(self, ignored: pl.DataFrame) -> Sequence[str | None]:
        """What is wrong with the address, or which address was probably meant."""
        import polars as pl

        texts = ignored.select(trimmed(pl.col(ADDRESS)).fill_null("").alias("text"), domains().alias("domain"))
        dead = self._mail_domains.dead(texts["domain"]) if self.config.dns else {}
        return [self._why.get(text) or dead.get(domain) for text, domain in texts.iter_rows()]

    def _judge(self, odd: pl.DataFrame) -> dict[str, str]:
        """Text → why it is ignored, of the distinct doubtful ones; those that pass are not in it."""
        verdicts = self._verdicts.of(odd["text"])
        found: dict[str, str] = {}
        for text, key, misspelt in odd.select("text", "key", "misspelt").iter_rows():
            if why := verdicts[text]:
                found[text] = why
            elif misspelt:
                local = text.rpartition("@")[0]
                found[text] = f"did you mean {local}@{self._meant[key.rpartition('@')[2]]}?"
        return found
