"""What a sink writes in a run, from its opening to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import LeaseLost, QuotaSpent
from ..ledger import RunRecord
from ..plugin import End, Ending, Sink
from .guarding import Held


@contextmanager
def opened(sink: Sink[Any], run: RunRecord, end: Callable[[], End]) -> Iterator[None]:
    """Around all that a run sends: the sink hears of its beginning and of its end, and whether it is whole then. It is
    when the read came to its end, also where a guard holds a part of what follows from it.

    Of a run that another process has taken over it hears nothing more: what it wrote is that process's now. Nor of one
    that rests, which goes on with it another day.
    """
    sink.begin(run.id, resumed=run.resumed, retry=run.trigger == "retry")
    try:
        yield
    except (LeaseLost, QuotaSpent):
        raise
    except Held:
        sink.end(whole=True)
        raise
    except BaseException:
        sink.end(whole=False)
        raise
    sink.end(whole=end().ending is not Ending.STOPPED_EARLY)
