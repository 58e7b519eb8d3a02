"""Whether domains take mail, asked of the DNS through email-validator."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import dns.resolver
import polars as pl
from email_validator import EmailNotValidError, EmailUndeliverableError, caching_resolver, validate_email

AT_ONCE = 16
"""Questions asked side by side."""
_ANSWERS = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)


class MailDomains:
    """Asks about each domain once in a run. Only a clear answer (no such domain, no mail taken) makes a domain dead.

    A time-out, servers that fail and a machine without network prove nothing: such a domain passes.
    """

    def __init__(self, timeout: float) -> None:
        self._resolver = caching_resolver(dns_resolver=dns.resolver.Resolver())
        self._resolver.lifetime = timeout
        self._why: dict[str, str | None] = {}

    def dead(self, domains: pl.Series) -> Mapping[str, str]:
        """Domain → why no mail can be sent there; the others are not in it."""
        distinct = [domain for domain in domains.drop_nulls().unique() if isinstance(domain, str)]
        new = [domain for domain in distinct if domain not in self._why]
        if new:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                self._why.update(zip(new, pool.map(self._ask, new), strict=True))
        return {domain: why for domain in distinct if (why := self._why[domain])}

    def _ask(self, domain: str) -> str | None:
        try:
            validate_email(f"a@{domain}", check_deliverability=True, dns_resolver=self._resolver)
        except EmailUndeliverableError as error:
            clear = error.__cause__ is None or isinstance(error.__cause__, _ANSWERS)
            return "the domain takes no mail, says the DNS" if clear else None
        except EmailNotValidError:
            return None  # not an address at all: its reason was given before the DNS was asked
        return None
