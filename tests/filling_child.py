"""A process of its own that fills one public shelf, which syncs of several names share.

filling_child.py FOLDER LEDGER_URL NAME [STEP]: says `waits`, `delivers` and how it ended, a line each. With a STEP the
first delivery stops `before` or `after` the shelf has stored it, until a line comes in on standard input.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shelf import Shelf
from syncline import hookimpl
from syncline.assembly import Assembly
from syncline.ledger import Ledger
from workshop import Workshop


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Teller:
    """Says whenever the run begins to wait."""

    def __init__(self) -> None:
        self.waited: str | None = None

    @hookimpl
    def syncline_batch_committed(self, receipt: Mapping[str, Any]) -> None:
        if receipt["waiting"] not in (None, self.waited):
            assert receipt["run"], "a wait names the run that waits"
            say(f"waits for {receipt['waiting']}")
        self.waited = receipt["waiting"]


def main(folder: str, url: str, name: str, stop: str = "") -> None:
    first = threading.Lock()

    def held(step: str, call: int) -> None:
        if step == stop and first.acquire(blocking=False):
            say("delivers")
            sys.stdin.readline()

    Shelf.kill_at = staticmethod(held)
    Assembly.account = property(lambda assembly: "one account")  # type: ignore[assignment,method-assign]  # shelves have no connection
    with Ledger.open(url) as ledger:
        shop = Workshop(Path(folder), ledger)
        shop.registry.add_observer("teller", Teller())
        own = Path(folder) / f"{name}.json"
        bound = shop.bound(name=name, source={"file": str(own)}, sink={"public": True, "side_by_side": 1})
        say(f"ended {shop.executor.run(bound).status}")


if __name__ == "__main__":
    main(*sys.argv[1:])
