"""The property tests of what comes from outside, led for a while by the branches that an input reaches (HypoFuzz).

An input that breaks something is kept in .hypothesis: afterwards the tests are run as usual, and the first of them that
meets it again shows the smallest one.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGETS = (
    "tests/security/test_fuzz.py",
    "tests/plugins/test_rules_address.py",
    "tests/core/test_spec_reading.py",
    "tests/core/test_sql.py",
    "tests/core/test_console_text.py",
)
FUZZ = """
from hypothesis.extra.cli import main
from hypothesis.internal.conjecture.data import ConjectureResult
ConjectureResult.slice_comments = {}  # HypoFuzz asks for it when it has found something; Hypothesis has it no more
main()
"""
GRACE = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code is that of the tests, after the fuzzing."""
    parser = argparse.ArgumentParser(description="Fuzz what comes from outside.")
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args(arguments).seconds
    fuzzer = subprocess.Popen(
        [sys.executable, "-c", FUZZ, "fuzz", "-n", "1", "--no-dashboard", "--", *TARGETS, "-p", "no:cacheprovider"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that its workers end with it
    )
    try:
        words, _ = fuzzer.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:  # as it should be: it does not end by itself
        os.killpg(fuzzer.pid, signal.SIGINT)
        try:
            fuzzer.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(fuzzer.pid, signal.SIGKILL)
            fuzzer.communicate()
    else:
        print(f"fuzz: the fuzzer ended by itself\n{words}")
        if fuzzer.returncode:
            return fuzzer.returncode
    print(f"fuzz: {seconds:g} s are over; the tests meet again what was found")
    return subprocess.run([sys.executable, "-m", "pytest", "-n", "0", *TARGETS], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
