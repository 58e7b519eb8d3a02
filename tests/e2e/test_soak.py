"""A sample of `make soak`: the same code, two rounds of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).parents[1] / "soak.py"


def test_runs_that_are_killed_come_out_as_those_that_nobody_killed() -> None:
    """One round on the sandbox with a public list, and one of two days on files."""
    command = [sys.executable, SOAK, "--seed", "810", "--round", "4", "--round", "5", "--small", "--jobs", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("2 survived of 2\n")
    assert "1 on the sandbox, 1 on a shelf" in done.stdout
    assert "kills 0;" not in done.stdout
