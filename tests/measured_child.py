"""The command line of `cli_child.py`; at its end it writes the most memory it ever held, in MiB, to a file.

measured_child.py FILE CLOCK WORDS…
"""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    file = Path(sys.argv.pop(1))
    try:
        runpy.run_path(str(Path(__file__).with_name("cli_child.py")), run_name="__main__")
    finally:
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        assert peak is not None
        file.write_text(str(int(peak[1]) // 1024))
