"""Breaks the program on purpose, once for each mutant, and demands that the tests named for it notice.

run.py [NAME…]: all mutants of mutants.yaml, or only these. Each is applied to a copy of the tree, never to the tree.
Exit 1: a mutant survived, no longer applies, or its tests fail on the sound program.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
MUTANTS = Path(__file__).with_name("mutants.yaml")
COPIED = ("core", "plugins", "tests", "configs", "pyproject.toml")
FAILED = 1
"""Pytest's exit code for tests that failed; any other one says nothing about the mutant."""


@dataclass(frozen=True)
class Mutant:
    """One broken build: in `file`, `old` becomes `new`, and one of `tests` must fail. `bug` is what it replays."""

    name: str
    fault: int
    bug: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def found(self, root: Path) -> int:
        """How often the old text stands in the file; it applies when that is once."""
        return (root / self.file).read_text().count(self.old)


def mutants() -> list[Mutant]:
    """All of them, as they stand in the file."""
    return [Mutant(**entry | {"tests": tuple(entry["tests"])}) for entry in yaml.safe_load(MUTANTS.read_text())]


def copy_of(root: Path, into: Path) -> Path:
    """The tree without what is not needed to run its tests."""
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, into / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(root / name, into / name)
    return into


def tested(tree: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Exit code of pytest over these tests with the code of this tree, and its last lines: what failed, how many."""
    paths = [tree / "core", *sorted(tree.glob("plugins/*/src"))]
    own = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "--tb=no", *(f"tests/{test}" for test in tests)]
    done = subprocess.run(command, cwd=tree, env=os.environ | own, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or [""]
    return done.returncode, " ".join(line for line in lines if line.startswith("FAILED") or line == lines[-1])


def verdict(mutant: Mutant, tree: Path) -> str:
    """`killed`, or what is wrong with the mutant or its tests."""
    if (found := mutant.found(tree)) != 1:
        return f"DOES NOT APPLY: its old text stands {found} times in {mutant.file}"
    path = tree / mutant.file
    sound = path.read_text()
    path.write_text(sound.replace(mutant.old, mutant.new))
    try:
        code, last = tested(tree, mutant.tests)
    finally:
        path.write_text(sound)
    return "killed" if code == FAILED else "SURVIVED" if code == 0 else f"NO VERDICT: pytest ended with {code}: {last}"


def tell(line: str) -> None:
    """Show a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run them and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mutants")
    names = parser.parse_args().names
    chosen = [mutant for mutant in mutants() if not names or mutant.name in names]
    if unknown := set(names) - {mutant.name for mutant in chosen}:
        parser.error(f"there is no mutant {', '.join(sorted(unknown))}")
    alive = []
    with tempfile.TemporaryDirectory(prefix="syncline-mutants-") as folder:
        tree = copy_of(ROOT, Path(folder))
        code, last = tested(tree, sorted({test for mutant in chosen for test in mutant.tests}))
        if code:
            tell(f"the tests do not pass on the sound program: {last}")
            return 1
        for mutant in chosen:
            began = time.monotonic()
            found = verdict(mutant, tree)
            alive += [mutant.name] if found != "killed" else []
            tell(f"{mutant.fault:>2}  {mutant.name:<46} {time.monotonic() - began:5.1f} s  {found}")
    tell(f"{len(chosen) - len(alive)} of {len(chosen)} mutants killed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
