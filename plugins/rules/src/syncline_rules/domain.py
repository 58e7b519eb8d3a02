"""The rules on the domain of the address: allowed, denied, disposable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from syncline import KEY, Config, Rule, SpecError, key_of

if TYPE_CHECKING:
    import polars as pl

Patterns = Annotated[tuple[Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+$")], ...], msgspec.Meta(min_length=1)]


class DomainConfig(Config, frozen=True, kw_only=True):
    """Either the domains that may pass, or those that may not."""

    allow: Annotated[
        Patterns | None,
        msgspec.Meta(description="Only these pass: `example.com`; sub-domains as `*.example.com` or `.example.com`."),
    ] = None
    deny: Annotated[
        Patterns | None,
        msgspec.Meta(description="These do not pass: `example.com`; sub-domains as `*.example.com` or `.example.com`."),
    ] = None


class Domain(Rule[DomainConfig]):
    """Ignores addresses by their domain: all but the allowed ones, or the denied ones.

    `example.com` is that domain alone, `*.example.com` (or `.example.com`) every domain below it. Letter case and the
    spelling of international names (`bücher.example`, `xn--bcher-kva.example`) do not matter.
    """

    name = "domain"
    Config = DomainConfig
    codes = {  # noqa: RUF012 - the face declares it a ClassVar
        "domain_not_allowed": "the domain of the address is not one of those allowed",
        "domain_denied": "the domain of the address is denied",
    }

    def __init__(self, config: DomainConfig) -> None:
        super().__init__(config)
        if (config.allow is None) == (config.deny is None):
            raise SpecError("domain needs exactly one of allow and deny", mend="write two rules if both are wanted")
        given = [name.lower() for name in config.allow or config.deny or ()]
        below = [name.removeprefix("*").removeprefix(".") for name in given if name.startswith(("*.", "."))]
        self._exact = [_ascii(name) for name in given if not name.startswith(("*.", "."))]
        self._below = [f".{_ascii(name)}" for name in below]

    def reasons(self, frame: pl.DataFrame) -> pl.Expr:
        """`domain_not_allowed` or `domain_denied`; a lead without an address has no domain and is not allowed."""
        import polars as pl

        domain = domains()
        listed = domain.is_in(self._exact)
        for ending in self._below:
            listed |= domain.str.ends_with(ending)
        listed = listed.fill_null(False)
        if self.config.allow is not None:
            return pl.when(~listed).then(pl.lit("domain_not_allowed"))
        return pl.when(listed).then(pl.lit("domain_denied"))

    def details(self, ignored: pl.DataFrame) -> Sequence[str | None]:
        """The domain."""
        return ignored.select(domains()).to_series().to_list()


class Disposable(Rule[Config]):
    """Ignores addresses of services for throw-away mailboxes, and of domains below them.

    The list is that of the package `disposable-email-domains`; updating the package updates it.
    """

    name = "disposable"
    codes = {"disposable_address": "a throw-away mailbox"}  # noqa: RUF012 - the face declares it a ClassVar

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._listed: pl.Series | None = None

    def reasons(self, frame: pl.DataFrame) -> pl.Series:
        """`disposable_address` for each address at a listed domain or below one."""
        import polars as pl

        if self._listed is None:
            from disposable_email_domains import blocklist

            self._listed = pl.Series(sorted(map(_ascii, blocklist)), dtype=pl.String)
        held = frame.select(domains().alias("domain"))
        above = held.unique().with_columns(name=pl.col("domain")).drop_nulls()
        found = above.clear()
        while above.height:
            found.vstack(above.filter(pl.col("name").is_in(self._listed.implode())), in_place=True)
            above = above.with_columns(pl.col("name").str.extract(r"^[^.]+\.(.+\..+)$")).drop_nulls()
        hit = held["domain"].is_in(found["domain"].implode()).fill_null(False)
        return pl.select(pl.when(hit).then(pl.lit("disposable_address")).alias("reason")).to_series()

    def details(self, ignored: pl.DataFrame) -> Sequence[str | None]:
        """The domain."""
        return ignored.select(domains()).to_series().to_list()


def domains() -> pl.Expr:
    """The domain of each person's address, in its ASCII form; null where there is no address."""
    import polars as pl

    return pl.col(KEY).str.extract("@([^@]+)$")


def _ascii(domain: str) -> str:
    return key_of(f"a@{domain}").removeprefix("a@")
