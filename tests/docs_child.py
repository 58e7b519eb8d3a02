"""The command line as it is, by another clock: docs_child.py CLOCK WORDS…, where CLOCK is that of `moved_clock`."""

from __future__ import annotations

import sys

from moved_clock import MovedClock
from syncline.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], clock=MovedClock.parsed(sys.argv[1])))
