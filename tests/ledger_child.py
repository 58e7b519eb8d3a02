"""A process that works on a ledger and dies at a named moment, as by `kill -9`: `python ledger_child.py URL MOMENT`.

Moments between the steps of a run are plain; those that start with `in_` lie inside a transaction, before its commit.
`never` prints a line for each thing that was committed and goes on until somebody else kills it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ledger_leads import answers, batch, sent_rows, started
from syncline.ledger import Ledger, finish, open_batch, receipts

MOMENTS = (
    "after_start",
    "in_open_batch",
    "after_open_batch",
    "after_sending",
    "in_answer",
    "after_first_answer",
    "in_closing",
    "after_closing",
    "in_finish",
    "after_finish",
)
ROWS = range(8)


def die() -> None:
    """No farewell: nothing is flushed, closed or rolled back."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(module: Any, name: str) -> None:
    """The function does its work inside the transaction, and then the process dies before the commit."""
    function: Callable[..., Any] = getattr(module, name)

    def killed(*arguments: Any, **options: Any) -> None:
        function(*arguments, **options)
        die()

    setattr(module, name, killed)


def say(line: str) -> None:
    """Tell the parent at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(url: str, moment: str) -> None:
    """One run of two batches."""

    def reached(name: str) -> None:
        if name == moment:
            die()

    ledger = Ledger.open(url)
    run = started(ledger)
    reached("after_start")
    if moment == "in_open_batch":
        deadly(open_batch, "insert")
    journal = ledger.journal(run, account="account", target="list")
    journal.open_batch(0, *batch(ROWS), "c0")
    reached("after_open_batch")
    journal.sending(0, [0, 1])
    reached("after_sending")
    if moment == "in_answer":
        deadly(receipts, "_remember")
    journal.answered(0, answers([0]))
    reached("after_first_answer")
    if moment == "in_closing":
        deadly(open_batch, "close")
    journal.sending(0, sent_rows(ROWS)[2:])
    journal.answered(0, answers(sent_rows(ROWS)[1:]))
    reached("after_closing")
    journal.close()
    if moment == "in_finish":
        deadly(finish, "by_id")
    ledger.finish_run(run, status="succeeded", watermark="done")
    reached("after_finish")


def endless(url: str) -> None:
    """Deliver batch after batch with eight threads, and say what was committed."""
    ledger = Ledger.open(url)
    run = started(ledger)
    with ledger.journal(run, account="account", target="list") as journal, ThreadPoolExecutor(8) as pool:
        for seq in range(100_000):
            rows = range(8 * seq, 8 * seq + 8)
            journal.open_batch(seq, *batch(rows), f"c{seq}")
            say(f"opened {seq}")

            def deliver(row: int, seq: int = seq) -> None:
                journal.sending(seq, [row])
                say(f"sending {row}")
                journal.answered(seq, answers([row]))
                say(f"answered {row}")

            list(pool.map(deliver, sent_rows(rows)))


if __name__ == "__main__":
    if sys.argv[2] == "never":
        endless(sys.argv[1])
    else:
        main(sys.argv[1], sys.argv[2])
