"""The command line, with the table and the shelf among its plugins, and by another clock.

cli_child.py CLOCK WORDS…: CLOCK is that of `moved_clock`, or `-` for the machine's own.
"""

from __future__ import annotations

import sys

from moved_clock import MovedClock
from syncline import registry
from syncline.cli import main
from syncline.clock import SYSTEM
from workshop import Own

if __name__ == "__main__":
    own = Own()
    registry.installed = lambda: own  # type: ignore[assignment]  # the same question, another answer
    clock = SYSTEM if sys.argv[1] == "-" else MovedClock.parsed(sys.argv[1])
    sys.exit(main(sys.argv[2:], clock=clock))
