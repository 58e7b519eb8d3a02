"""A process of its own that runs the sync of a workshop and is killed at a given step of a given call.

run_child.py FOLDER LEDGER_URL STEP CALL [SINK_JSON]: STEP is `before` (the shelf has not stored the lead yet),
`after` (stored, not answered), `intent` (a batch is on record, nothing sent) or `answer` (answered, not recorded).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from shelf import Shelf
from syncline.ledger import Journal, Ledger
from workshop import Workshop


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, url: str, step: str, call: str, sink: str = "{}") -> None:
    at = int(call)
    counted = {"intent": 0, "answer": 0}
    Shelf.kill_at = staticmethod(lambda name, n: die() if (name, n) == (step, at) else None)
    for name, method in (("intent", "sending"), ("answer", "answered")):
        plain = getattr(Journal, method)

        def wrapped(*args, _name=name, _plain=plain, **keys):  # type: ignore[no-untyped-def]  # it wraps any method
            counted[_name] += 1
            if (_name, counted[_name]) == (step, at):
                die()
            return _plain(*args, **keys)

        setattr(Journal, method, wrapped)
    with Ledger.open(url) as ledger:
        shop = Workshop(Path(folder), ledger)
        shop.executor.run(shop.bound(sink=json.loads(sink)))


main(*sys.argv[1:])
