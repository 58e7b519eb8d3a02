"""Questions to a ledger that is read as it lies: asked again when it was written meanwhile.

A reader of an SQLite ledger that nobody has open leaves no files beside it, and so no sign for a writer that comes
meanwhile. What it read may then be half of before and half of after: it is thrown away, and the question asked anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from ..errors import Fatal

P = ParamSpec("P")
T = TypeVar("T")
AGAIN = 25
"""Times a question is asked anew. One writer costs one: while it is there, the ledger is read with its locks."""


class Overtaken(Fatal):
    """The ledger was written while it was read as it lies; nothing that was read counts."""


def asked_again(question: Callable[P, T]) -> Callable[P, T]:
    """A function that only reads, whose answer is of one moment whoever writes meanwhile."""

    @wraps(question)
    def asked(*arguments: P.args, **options: P.kwargs) -> T:
        for _ in range(AGAIN):
            try:
                return question(*arguments, **options)
            except Overtaken:
                continue
        return question(*arguments, **options)

    return asked
