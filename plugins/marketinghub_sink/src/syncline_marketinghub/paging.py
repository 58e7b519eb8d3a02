"""Reading page by page by index: how a listing ends, and how one that never ends is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from syncline import Fatal

from .api import Api
from .codes import EMPTY

Item = Mapping[str, Any]
DIGITS = 18
"""Of a number that MarketingHub tells; a longer one is none (Python refuses to read those without end)."""


def pages(
    api: Api,
    endpoint: str,
    params: Mapping[str, str],
    *,
    size: int,
    identity: Callable[[Item], str],
    expected: int | None = None,
) -> Iterator[list[Item]]:
    """Yield the pages of a listing, none of them empty.

    It ends with an empty page, with a code that says so, or with a short page; but a short page with something new does
    not count as the end as long as fewer than `expected` items came or, if that number is not known, when the server
    may have cut the range. Raises `Fatal` when pages repeat.
    """
    seen: set[str] = set()
    start = 1
    while True:
        asked = dict(params) | {"resfmt": "JSON", "fromindex": str(start), "range": str(size)}
        reply = api.read(endpoint, asked, EMPTY)
        items = _items(reply.body)
        if reply.code in EMPTY or not items:
            return
        fresh = {identity(item) for item in items} - seen
        served = _served(reply.body, size)
        if not fresh and len(items) >= served:
            raise Fatal(
                "pages repeat: the listing would never end",
                where=f"marketinghub {endpoint}",
                why=f"page from {start}",
                mend="run again; if it stays so, set a smaller page_size",
            )
        if not fresh:
            return  # a short page of what came before: asking on would give it again, for ever
        seen |= fresh
        start += len(items)
        yield items
        doubtful = _looks_cut(len(items)) if expected is None else len(seen) < expected
        if len(items) < served and not doubtful:
            return


def _items(body: Mapping[str, Any]) -> list[Item]:
    """The listing; one item may come without its array."""
    found = body.get("list_of_details")
    if isinstance(found, Mapping):
        return [found]
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _served(body: Mapping[str, Any], size: int) -> int:
    """The range that the server says it used, when that is smaller than the one asked for."""
    details = body.get("requestdetails")
    told = str(details.get("range", "")) if isinstance(details, Mapping) else ""
    plain = told.isascii() and told.isdigit() and len(told) <= DIGITS
    return min(size, int(told) or size) if plain else size


def _looks_cut(items: int) -> bool:
    """A server that cuts the range without a word cuts it to a round number: such a page proves nothing."""
    return items >= 10 and items % 10 == 0
