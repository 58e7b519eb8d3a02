"""Whether a text is an address as email-validator sees it, for many at once.

A strict pattern accepts the plain majority; it never accepts what email-validator refuses. The rest goes to
email-validator, distinct values once. The two parts of an address are judged apart and each distinct domain once,
wherever that provably gives the library's own answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
_LOCAL = rf"{_ATOM}(?:\.{_ATOM})*"
PLAIN = rf"^{_LOCAL}@(?:[A-Za-z0-9](?:-?[A-Za-z0-9])*\.)+[A-Za-z]+$"
"""ASCII dot-atom, `@`, labels without two hyphens in a row (no `xn--`), an ending of letters."""
PLAIN_BYTES = 65
"""So short, no limit of length (local part 64, label 63, address 254) can be passed."""
RESERVED = rf"(?i)[.@](?:{'|'.join(map(re.escape, SPECIAL_USE_DOMAIN_NAMES))})$"
"""Endings that the library refuses (`.test`, `.invalid`, …): never plain."""
MOST_KEPT = 200_000
"""Verdicts kept for later batches; beyond it the memory starts anew, so that it is bounded."""

_local = re.compile(_LOCAL).fullmatch


def plain(text: pl.Expr) -> pl.Expr:
    """True where the address is surely valid; false: ask email-validator. Null stays null."""
    return text.str.contains(PLAIN) & (text.str.len_bytes() <= PLAIN_BYTES) & ~text.str.contains(RESERVED)


class Verdicts:
    """Remembers, for the length of a run, what email-validator said."""

    def __init__(self) -> None:
        self._whole: dict[str, str | None] = {}
        self._locals: dict[str, str | None] = {}
        self._domains: dict[str, tuple[str | None, int]] = {}

    def of(self, addresses: pl.Series) -> Mapping[str, str | None]:
        """Text → None when it is valid, else why not, in a few words; holds at least the `addresses`."""
        for memory in (self._whole, self._locals, self._domains):
            if len(memory) > MOST_KEPT:
                memory.clear()
        for text in addresses.unique():
            if text is not None and text not in self._whole:
                self._whole[text] = self._judge(text)
        return self._whole

    def _judge(self, text: str) -> str | None:
        """The library's answer. With one `@`, and neither quotes nor `<`, it judges local part, then domain, then
        length, and none of these looks at another: so each distinct domain is judged once."""
        local, at, domain = text.partition("@")
        if not at or len(text) > 150 or any(sign in text for sign in '"<') or "@" in domain:
            return _asked(text)[0]
        if _local(local) is None and (why := self._local(local)) is not None:
            return why
        if domain not in self._domains:
            self._domains[domain] = _asked(f"a@{domain}")
        why, length = self._domains[domain]
        if why is None and length + 4 * len(text) > 254:
            return _asked(text)[0]
        return why

    def _local(self, local: str) -> str | None:
        if local not in self._locals:
            self._locals[local] = _asked(f"{local}@a.co")[0]
        return self._locals[local]


def _asked(text: str) -> tuple[str | None, int]:
    """Why the library refuses the text, or None; and how many bytes the longest form of its domain has."""
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        return _short(str(error)), 0
    except (ValueError, IndexError) as error:  # the library stumbles over some texts, e.g. lone surrogates
        return f"cannot be read as an address ({type(error).__name__})", 0
    return None, max(len(found.ascii_domain), len(found.domain.encode()))


def _short(message: str) -> str:
    """The library's sentence as a clause: never the address itself, at most the characters that are wrong."""
    text = message.rstrip(".")
    return text[:1].lower() + text[1:]
