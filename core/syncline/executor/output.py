"""What a sink writes in a run, from its opening to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import LeaseLost
from ..ledger import RunRecord
from ..plugin import Sink


@contextmanager
def opened(sink: Sink[Any], run: RunRecord, whole: Callable[[], bool]) -> Iterator[None]:
    """Around all that a run sends: the sink hears of its beginning and of its end, and whether it is whole then.

    Of a run that another process has taken over it hears nothing more: what it wrote is that process's now.
    """
    sink.begin(run.id, resumed=run.resumed, retry=run.trigger == "retry")
    done = False
    try:
        yield
        done = whole()
    except LeaseLost:
        raise
    except BaseException:
        sink.end(whole=False)
        raise
    sink.end(whole=done)
